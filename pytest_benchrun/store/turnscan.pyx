# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""Turn lines read as text into columns of numbers, without the interpreter's lock: the compiled part of reading them.

It takes lines as the plugin writes them, the fields of every turn in their order and then the user's, and whatever is
out of the ordinary it leaves to who decodes lines one by one. So it need not know all of JSON, and the figures are the
same with and without it, whatever has happened to a file.
"""

import sys
from array import array

from cpython cimport array as arrays
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memcmp, memcpy

from pytest_benchrun.store.jsontext cimport (
    DEEPEST,
    MOST_COUNT,
    took,
    took_anything,
    took_count,
    took_count_or_null,
    took_text,
    took_text_or_null,
    took_time,
)

from pytest_benchrun.core.turn_stats import TurnNumbers
from pytest_benchrun.core.turns import SAMPLED_OUT, TURN_FIELDS


cdef extern from "<float.h>" nogil:
    int FLT_EVAL_METHOD


if sys.byteorder != "little" or FLT_EVAL_METHOD != 0:
    raise ImportError("texts are searched eight bytes at a time, and a division is rounded once: not on this machine")

_TIMES = ("llm_ms", "storage_ms", "total_ms")
cdef arrays.array _EMPTY = array("d")


cdef int take_adapters(Scan* scan, const char** at, const char* end, int* found) noexcept nogil:
    cdef Names* names = &scan.adapters
    cdef int* follower = &names.first
    cdef const char* text
    cdef Py_ssize_t length
    cdef Name* name
    if took(at, end, b"}"):
        return TAKEN
    while True:
        if not took(at, end, b'"') or not took_text(at, end, &text, &length) or not took(at, end, b":"):
            return LEFT
        name = name_of(names, follower, text, length)
        if name == NULL:
            return ask(scan, text, length, names, NEW_ADAPTER)
        if name.line == scan.line or not took_time(at, &name.values[name.count]):
            return LEFT
        name.line = scan.line
        follower = &name.follower
        scan.found[found[0]] = name
        found[0] += 1
        if took(at, end, b"}"):
            return TAKEN
        if not took(at, end, b","):
            return LEFT


cdef int take_fields(Scan* scan, const char** at, const char* end, int* found, bint* is_timed) noexcept nogil:
    """The user's fields, to the end of the line."""
    cdef Names* names = &scan.fields
    cdef int* follower = &names.first
    cdef const char* text
    cdef Py_ssize_t length
    cdef Name* name
    while not took(at, end, b"}\n"):
        if not took(at, end, b',"') or not took_text(at, end, &text, &length) or not took(at, end, b":"):
            return LEFT
        name = name_of(names, follower, text, length)
        if name == NULL:
            return ask(scan, text, length, names, NEW_FIELD)
        if name.line == scan.line or name.holds == FORBIDDEN:
            return LEFT
        name.line = scan.line
        follower = &name.follower
        if name.holds == ANYTHING:
            if not took_anything(at, end, DEEPEST):
                return LEFT
        elif at[0][0] != 0x6E:
            if not took_time(at, &name.values[name.count]):
                return LEFT
            scan.found[found[0]] = name
            found[0] += 1
            is_timed[0] = True
        elif not took(at, end, b"null"):
            return LEFT
    return TAKEN


cdef inline bint took_time_or_null(Scan* scan, const char** at, const char* end, int field, int* found) noexcept nogil:
    cdef Name* name = &scan.fields.items[field]
    if at[0][0] == 0x6E:
        return took(at, end, b"null")
    scan.found[found[0]] = name
    found[0] += 1
    return took_time(at, &name.values[name.count])


cdef inline bint took_unit(Scan* scan, const char** at, const char* end) noexcept nogil:
    """Whether the fields behind the timestamp stand here; they are mostly those of the line before."""
    cdef const char* first = at[0]
    cdef const char* text
    cdef Py_ssize_t length
    if took_again(&scan.middle, at, end):
        return True
    if not (
        took(at, end, b',"run_id":"') and took_text(at, end, &text, &length)
        and took(at, end, b',"session_id":') and took_text_or_null(at, end)
        and took(at, end, b',"unit_id":"') and took_text(at, end, &scan.unit_id, &scan.unit_length)
        and took(at, end, b',"turn_index":')
    ):
        scan.middle.text = NULL
        return False
    scan.middle.text, scan.middle.length = first, at[0] - first
    return True


cdef inline bint took_end(Scan* scan, const char** at, const char* end) noexcept nogil:
    """The same of the fields from the status to the last one that every turn has."""
    cdef const char* first = at[0]
    cdef const char* text
    cdef const char* worker
    cdef Py_ssize_t length, worker_length
    if took_again(&scan.end, at, end):
        return True
    if not (
        took(at, end, b',"status":"') and took_text(at, end, &text, &length)
        and took(at, end, b',"error":') and took_text_or_null(at, end)
        and took(at, end, b',"attempt":') and took_count(at, MOST_ATTEMPT, &scan.attempt)
        and took(at, end, b',"worker":"') and took_text(at, end, &worker, &worker_length)
    ):
        scan.end.text = NULL
        return False
    scan.is_ok = length == 2 and memcmp(text, b"ok", 2) == 0
    scan.end.text, scan.end.length = first, at[0] - first
    return True


cdef int take_line(Scan* scan, const char** at, const char* end) noexcept nogil:
    """Take the numbers of the line that begins here; unless it is taken, nothing is changed by it."""
    cdef const char* text
    cdef Py_ssize_t length
    cdef int64_t number, tokens_in, tokens_out
    cdef int found = 0, timers, place, answer
    cdef bint is_timed
    scan.line += 1
    if not (
        took(at, end, b'{"timestamp":"') and took_text(at, end, &text, &length)
        and took_unit(scan, at, end) and took_count(at, MOST_COUNT, &number)
        and took(at, end, b',"turn_id":"') and took_text(at, end, &text, &length)
        and took(at, end, b',"role":') and took_text_or_null(at, end)
        and took(at, end, b',"llm_ms":') and took_time_or_null(scan, at, end, 0, &found)
        and took(at, end, b',"storage_ms":') and took_time_or_null(scan, at, end, 1, &found)
    ):
        return LEFT
    timers = found
    if not took(at, end, b',"storage_ms_by":{'):
        return LEFT
    answer = take_adapters(scan, at, end, &found)
    if answer != TAKEN:
        return answer
    if not (
        took(at, end, b',"total_ms":') and took_time_or_null(scan, at, end, 2, &found)
        and took(at, end, b',"tokens_in":') and took_count_or_null(at, end, &tokens_in)
        and took(at, end, b',"tokens_out":') and took_count_or_null(at, end, &tokens_out)
        and took_end(scan, at, end)
    ):
        return LEFT
    is_timed = timers > 0
    answer = take_fields(scan, at, end, &found, &is_timed)
    if answer != TAKEN:
        return answer
    if not knows_unit(scan):
        return NEW_UNIT
    if scan.unit.counts:
        scan.turns += 1
        scan.errors += not scan.is_ok
        scan.timed += is_timed
        scan.tokens_in += tokens_in
        scan.tokens_out += tokens_out
        for place in range(found):
            scan.found[place].count += 1
    return TAKEN


cdef class TurnScanner:
    """Takes the numbers of lines as the plugin writes them; of one thread.

    Args:
        counts: whether the turns of this attempt of this unit count; asked again only after many others.
    """

    cdef Scan* _scan
    cdef object _counts
    cdef list _names
    cdef list _unit_ids
    cdef Py_ssize_t _room

    def __cinit__(self, counts):
        self._scan = <Scan*>calloc(1, sizeof(Scan))
        if self._scan == NULL:
            raise MemoryError
        self._scan.unit = &self._scan.units[0]
        self._scan.units[0].length = -1
        self._counts = counts
        self._names = []
        self._unit_ids = [None] * UNITS
        for name in (*_TIMES, *(field for field in TURN_FIELDS if field not in _TIMES), "event", SAMPLED_OUT):
            self._learn(&self._scan.fields, name.encode(), FORBIDDEN)

    def __dealloc__(self):
        cdef int place
        if self._scan != NULL:
            for place in range(MOST):
                free(self._scan.fields.items[place].values)
                free(self._scan.adapters.items[place].values)
            free(self._scan)

    cdef int _learn(self, Names* names, bytes text, int holds) except -1:
        cdef Name* name = &names.items[names.size]
        name.text, name.length, name.holds = PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), holds
        name.follower, name.line, name.count = 0, 0, 0
        self._names.append(text)  # holds the text where it is
        self._make_room(name, self._room)
        names.size += 1
        return 0

    cdef int _make_room(self, Name* name, Py_ssize_t lines) except -1:
        """Room for a number of each line, and of one that is not taken in the end."""
        cdef double* values = <double*>realloc(name.values, (lines + 1) * sizeof(double))
        if values == NULL:
            raise MemoryError
        name.values = values
        return 0

    cdef int _begin(self, Py_ssize_t size) except -1:
        """Forget the numbers of the block before."""
        cdef Scan* scan = self._scan
        cdef Py_ssize_t lines = size // LEAST_LINE
        self._empty(&scan.fields, lines)
        self._empty(&scan.adapters, lines)
        self._room = max(self._room, lines)
        scan.middle.text = scan.end.text = NULL  # they are in that block
        scan.turns = scan.errors = scan.timed = 0
        scan.tokens_in = scan.tokens_out = 0
        return 0

    cdef int _empty(self, Names* names, Py_ssize_t lines) except -1:
        cdef int place
        for place in range(names.size):
            names.items[place].count = 0
            if lines > self._room:
                self._make_room(&names.items[place], lines)
        return 0

    cdef int _ask_unit(self) except -1:
        """Ask whether an attempt counts; another one that has its place is forgotten."""
        cdef Scan* scan = self._scan
        cdef bytes unit_id = PyBytes_FromStringAndSize(scan.unit_id, scan.unit_length)
        cdef bint counts = bool(self._counts(unit_id.decode(), scan.attempt))
        cdef uint64_t place = place_of(scan.unit_id, scan.unit_length, scan.attempt)
        cdef Unit* unit = &scan.units[place]
        self._unit_ids[place] = unit_id  # holds the text where it is
        unit.text, unit.length = PyBytes_AS_STRING(unit_id), scan.unit_length
        unit.attempt, unit.counts = scan.attempt, counts
        scan.unit = unit
        return 0

    cdef int _answer(self, int question) except -1:
        cdef Scan* scan = self._scan
        cdef bytes text
        if question == NEW_UNIT:
            return self._ask_unit()
        text = PyBytes_FromStringAndSize(scan.text, scan.length)
        if question == NEW_ADAPTER:
            return self._learn(&scan.adapters, text, TIME)
        return self._learn(&scan.fields, text, TIME if text.endswith(b"_ms") else ANYTHING)

    def take_numbers(self, block):
        """The numbers of the turns of a block of lines that count, and the lines that were not read.

        Args:
            block: bytes: whole lines, each with its newline.

        Returns:
            The numbers, and the other lines as they stand.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(block, &view, PyBUF_SIMPLE)
        try:
            return self._take(<const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef tuple _take(self, const char* line, Py_ssize_t size):
        cdef const char* end = line + size
        cdef const char* at = line
        cdef const char* left = NULL  # where lines that are left begin, one after the other
        cdef int answer = LEFT
        cdef list others = []
        while end > line and (end - 1)[0] != 0x0A:
            end -= 1
        self._begin(end - line)
        while line < end:
            with nogil:
                while line < end:
                    at = line
                    answer = take_line(self._scan, &at, end)
                    if answer == LEFT:
                        if left == NULL:
                            left = line
                        line = <const char*>memchr(line, 0x0A, end - line) + 1
                    elif answer == TAKEN and left == NULL:
                        line = at
                    else:
                        break
            if left != NULL and answer != LEFT:
                others.append(PyBytes_FromStringAndSize(left, line - left))
                left = NULL
            if answer == TAKEN:
                line = at
            elif answer != LEFT:
                self._answer(answer)
        if left != NULL:
            others.append(PyBytes_FromStringAndSize(left, end - left))
        return self._numbers(), b"".join(others)

    cdef object _numbers(self):
        cdef Scan* scan = self._scan
        return TurnNumbers(
            turns=scan.turns,
            times=columns_of(&scan.fields),
            by_adapter=columns_of(&scan.adapters),
            tokens_in=scan.tokens_in,
            tokens_out=scan.tokens_out,
            errors=scan.errors,
            timed=scan.timed,
        )


cdef dict columns_of(Names* names):
    """The numbers by their names; those of which there are none are left out."""
    cdef dict columns = {}
    cdef arrays.array column
    cdef Name* name
    cdef int place
    for place in range(names.size):
        name = &names.items[place]
        if name.count:
            column = arrays.clone(_EMPTY, name.count, zero=False)
            memcpy(column.data.as_doubles, name.values, name.count * sizeof(double))
            columns[name.text[:name.length].decode()] = column
    return columns
