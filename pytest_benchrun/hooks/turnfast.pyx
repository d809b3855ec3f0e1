"""Turns compiled: what `turns.Turn` does, with lines written as text where all in them is plain.

Whatever is out of the ordinary, a field of the user's, an error, another timer, a label that is no text, goes the way
of the others: `UnitTurns.keep`. The bytes are the same.
"""

cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t
from libc.string cimport memcpy

import sys
from array import array

import orjson

from pytest_benchrun.core.jsonsafe import TEXT_LENGTH
from pytest_benchrun.hooks.beacons import KEPT_BEACONS
from pytest_benchrun.hooks.turnlines import MAX_TOKENS, RESERVED, check_adapter, refuse_reserved, to_count
from pytest_benchrun.hooks.turnplace import OPEN, refuse_again, refuse_inner, refuse_unopened, task_here

from pytest_benchrun.store.turnbuffer cimport TurnBuffer, monotonic_ns

cdef extern from "Python.h":
    int PyContextVar_Get(object variable, PyObject* default, PyObject** value) except -1
    object PyContextVar_Set(object variable, object value)
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1
    unsigned long PyThread_get_thread_ident()
    void Py_XDECREF(PyObject* found)

cdef object _OPEN = OPEN
cdef object _task_here = task_here
cdef object _dumps = orjson.dumps  # now: a unit may patch it
cdef dict _MODULES = sys.modules
cdef str _ASYNCIO = "asyncio"
cdef str _LLM = "llm_ms"
cdef str _STORAGE = "storage_ms"
cdef frozenset _RESERVED = RESERVED
cdef Py_ssize_t _TEXT_LENGTH = TEXT_LENGTH
cdef int64_t _SECOND_NS = 1_000_000_000
cdef object _MAX_TOKENS = MAX_TOKENS
cdef enum:
    NUMBER = 21  # bytes that 64 bits and a sign can take
    LINE = 16 * 1024  # bytes of the longest line that is written as text
    KEPT = 16  # ends of turns, a few more than anybody asks for


cdef char _line[LINE]  # of all: nothing else runs between its first byte and its last use


@cython.final
cdef class FastTurns:
    """Makes the turns of one attempt, and holds what their lines have in common.

    Args:
        turns: the attempt.

    Raises:
        UnicodeEncodeError, TypeError: a name in it is no text for JSON.
    """

    cdef object turns
    cdef object file
    cdef object clock
    cdef readonly int64_t last_ns
    cdef public int64_t done
    cdef public object note_news
    cdef int64_t ends[KEPT]
    cdef int64_t[::1] cells
    cdef TurnBuffer buffer
    cdef set timer_names
    cdef bint keeps_all
    cdef int64_t next_index
    cdef int64_t second_ns
    cdef bytes second
    cdef bytes after_timestamp
    cdef bytes after_session
    cdef bytes after_index
    cdef bytes last
    cdef dict labels
    cdef object session
    cdef bytes to_index  # what stands between the moment and the index: the session among it
    cdef object role
    cdef bytes to_times  # what stands between the index and the times: the role among it

    def __cinit__(self, turns):
        self.turns = turns
        self.file = turns.file
        self.clock = turns.clock
        try:
            self.cells = turns.beacons.cells
        except TypeError:  # a list: nobody else reads it
            self.detach()
        turns.beacons.count_by(self)
        self.timer_names = turns.timer_names
        self.keeps_all = turns.left_out is None and hasattr(turns.file, "buffer")
        self.second_ns = -_SECOND_NS
        self.after_timestamp = b'","run_id":' + _dumps(turns.run_id) + b',"session_id":'
        self.after_session = b',"unit_id":' + _dumps(turns.unit_id) + b',"turn_index":'
        self.after_index = b',"turn_id":"' + turns.id_prefix.encode("ascii")
        self.last = b',"status":"ok","error":null,"attempt":%d,"worker":%b}\n' % (turns.attempt, _dumps(turns.worker))
        self.labels = {}
        self.session_label(None)
        self.role_label(None)

    def turn(self, session_id=None, role=None, **fields):
        """As `BenchRun.turn`."""
        cdef FastTurn turn = FastTurn.__new__(FastTurn)
        turn.turns = self
        turn.turn_index = -1
        turn.session_id = session_id
        turn.role = role
        if fields:
            turn.set(**fields)
        return turn

    def detach(self):
        """The attempt is over: what is noted is no beacon of any other."""
        self.cells = array("q", [0])

    def recent_ns(self):
        """When the last turns ended, oldest first."""
        return sorted(self.ends[number] for number in range(KEPT) if self.ends[number])[-KEPT_BEACONS:]

    cdef int end_turn(self, int64_t now_ns) except -1:
        self.cells[0] = self.last_ns = self.ends[self.done % KEPT] = now_ns
        self.done += 1
        if self.note_news is not None:
            self.note_news()
        return 0

    cdef bytes label(self, value):
        """A text as JSON; None for what has to be looked at."""
        if type(value) is not str or len(<str> value) > _TEXT_LENGTH:
            return None
        try:
            return _dumps(value)
        except TypeError:  # a lone surrogate
            return None

    cdef bytes session_label(self, value):
        """Most turns have the same one as the turn before."""
        cdef bytes text = b"null" if value is None else self.label(value)
        before = self.session  # till the end: it may be the user's, whose end may run a turn
        self.session = value
        self.to_index = None if text is None else self.after_timestamp + text + self.after_session
        return self.to_index

    cdef bytes role_label(self, value):
        """As above."""
        cdef bytes text = b"null" if value is None else self.label(value)
        before = self.role
        self.role = value
        self.to_times = None if text is None else b'","role":' + text + b',"llm_ms":'
        return self.to_times

    cdef bint write(self, FastTurn turn, int64_t now_ns) except -1:
        """Write the line of a turn where all is plain; False where it is not."""
        cdef bytes tokens_in = b"null", tokens_out = b"null"
        cdef bytes by = b"", to_index, to_times, second  # held here: another thread may come in between
        cdef int64_t second_ns
        cdef char* at = _line
        cdef Py_ssize_t size
        to_index = self.to_index if turn.session_id is self.session else self.session_label(turn.session_id)
        to_times = self.to_times if turn.role is self.role else self.role_label(turn.role)
        if to_index is None or to_times is None:
            return False
        if turn.tokens_in is not None:
            tokens_in = self.count(turn.tokens_in)
        if turn.tokens_out is not None:
            tokens_out = self.count(turn.tokens_out)
        if tokens_in is None or tokens_out is None:
            return False
        second_ns, second = self.second_ns, self.second
        if not 0 <= turn.began_ns - second_ns < _SECOND_NS:
            second_ns, text = self.clock.second_of(turn.began_ns)
            second = b'{"timestamp":"' + text.encode("ascii")
            self.second_ns, self.second = second_ns, second
        if turn.by is not None:
            by = self.others(turn.by)
        size = (
            len(second) + len(to_index) + len(self.after_index) + len(to_times) + len(by) + len(tokens_in) + len(tokens_out) + len(self.last)
        )
        if turn.adapter_json is not None:
            size += len(turn.adapter_json)
        if size + 6 * NUMBER + 200 > LINE:
            return False
        at = put(at, second)
        at = put_ms_of_second(at, (turn.began_ns - second_ns) // 1_000_000)
        at = put(at, to_index)
        at = put_number(at, turn.turn_index)
        at = put(at, self.after_index)
        at = put_number(at, turn.turn_index)
        at = put(at, to_times)
        at = put_ms(at, turn.llm_ns) if turn.has_llm else put(at, b"null")
        at = put(at, b',"storage_ms":')
        at = put_ms(at, turn.storage_ns) if turn.has_storage else put(at, b"null")
        at = put(at, b',"storage_ms_by":{')
        if turn.adapter_json is not None:
            at = put(at, turn.adapter_json)
            at = put(at, b":")
            at = put_ms(at, turn.adapter_ns)
        at = put(at, by)
        at = put(at, b'},"total_ms":')
        at = put_ms(at, now_ns - turn.began_ns)
        at = put(at, b',"tokens_in":')
        at = put(at, tokens_in)
        at = put(at, b',"tokens_out":')
        at = put(at, tokens_out)
        at = put(at, self.last)
        size = at - _line
        if self.buffer is None and self.file.buffer is not None:
            self.buffer = self.file.buffer  # which has one in its life at most
        if self.buffer is not None and self.buffer.put(_line, size, now_ns):
            return True
        self.file.append(_line[:size])
        return True

    cdef bytes count(self, value):
        """Tokens as JSON; None for what has no place in 64 bits."""
        cdef int overflow = 0
        cdef char number[NUMBER]
        cdef int64_t count = PyLong_AsLongLongAndOverflow(value, &overflow)
        return None if overflow else number[:put_number(number, count) - number]

    cdef bytes others(self, dict by):
        """The times of all adapters but the first, as JSON with a comma before each."""
        cdef char number[NUMBER + 4]
        cdef list parts = []
        for adapter, ns in list(by.items()):
            parts.append(b",%b:%b" % (self.labels[adapter], number[:put_ms(number, ns) - number]))
        return b"".join(parts)


@cython.final
@cython.freelist(8)
@cython.no_gc
cdef class FastTurn:
    """As `turns.Turn`."""

    cdef FastTurns turns
    cdef object outer
    cdef void* task  # not held, to be compared: it may hold this turn, and no collector sees that
    cdef unsigned long thread
    cdef bint is_open
    cdef readonly object session_id
    cdef readonly object role
    cdef readonly object tokens_in
    cdef readonly object tokens_out
    cdef readonly dict fields
    cdef readonly int64_t turn_index
    cdef int64_t began_ns
    cdef bint has_llm
    cdef bint has_storage
    cdef int64_t llm_ns
    cdef int64_t storage_ns
    cdef object adapter
    cdef bytes adapter_json
    cdef int64_t adapter_ns
    cdef dict by
    cdef dict other_ns

    def __init__(self):
        raise TypeError("a turn is made by benchrun.turn()")

    def __enter__(self):
        cdef PyObject* found = NULL
        cdef FastTurns turns = self.turns
        task = _task_here() if _ASYNCIO in _MODULES else None
        cdef unsigned long thread = PyThread_get_thread_ident()
        if self.turn_index >= 0:
            refuse_again(turns.turns.unit_id, self.turn_index)
        PyContextVar_Get(_OPEN, NULL, &found)
        outer = <object> found
        Py_XDECREF(found)  # it was given as our own
        if type(outer) is FastTurn and (<FastTurn> outer).is_open_at(turns, task, thread):
            refuse_inner(turns.turns.unit_id, outer.turn_index)
        self.outer = outer
        self.task = <void*> task
        self.thread = thread
        self.is_open = True
        self.turn_index = turns.next_index
        turns.next_index += 1
        PyContextVar_Set(_OPEN, self)
        self.began_ns = monotonic_ns()
        return self

    def __exit__(self, kind, error, traceback):
        cdef int64_t now_ns = monotonic_ns()
        cdef FastTurns turns = self.turns
        if self.turn_index < 0:
            refuse_unopened(turns.turns.unit_id)
        self.is_open = False
        outer, self.outer = self.outer, None  # else turns that end in another context than they began in make a chain
        PyContextVar_Set(_OPEN, outer)
        turns.end_turn(now_ns)
        if error is None and self.fields is None and self.other_ns is None and turns.keeps_all:
            if turns.write(self, now_ns):
                return
        turns.turns.keep(self, now_ns, error)

    def times(self):
        """As `Turn.times`."""
        by = {} if self.adapter is None else {self.adapter: self.adapter_ns}
        if self.by is not None:
            by.update(self.by)
        return (
            to_ms(self.llm_ns) if self.has_llm else None,
            to_ms(self.storage_ns) if self.has_storage else None,
            {adapter: to_ms(ns) for adapter, ns in by.items()},
            None if self.other_ns is None else {name: to_ms(ns) for name, ns in self.other_ns.items()},
        )

    @property
    def started_ns(self):
        """Its beginning."""
        return self.began_ns

    @property
    def turn_id(self):
        """As `Turn.turn_id`."""
        return f"{self.turns.turns.id_prefix}{self.turn_index}"

    cdef bint is_open_at(self, FastTurns turns, task, unsigned long thread) noexcept:
        if not self.is_open or self.turns is not turns:
            return False
        return self.task == <void*> task and (task is not None or self.thread == thread)

    def is_open_in(self, turns):
        """As `Turn.is_open_in`."""
        return self.is_open and self.turns.turns is turns

    def time(self, name, adapter=None):
        """As `Turn.time`."""
        cdef FastTimer timer
        cdef FastTurns turns = self.turns
        if name is not _LLM and name is not _STORAGE and name not in turns.timer_names:
            turns.turns.check_timer(name)
        if adapter is not None and (name != _STORAGE or type(adapter) is not str or adapter not in turns.labels):
            adapter = check_adapter(name, adapter)
            turns.labels[adapter] = _dumps(adapter)
        timer = FastTimer.__new__(FastTimer)
        timer.turn = self
        timer.name = name
        timer.adapter = adapter
        return timer

    def add_ns(self, name, adapter, int64_t ns):
        """As `Turn.add_ns`."""
        if adapter is not None and adapter not in self.turns.labels:
            self.turns.labels[adapter] = _dumps(adapter)
        self.add(name, adapter, ns)

    cdef int add(self, name, adapter, int64_t ns) except -1:
        if name is _LLM or name == _LLM:
            self.has_llm = True
            self.llm_ns += ns
        elif name is _STORAGE or name == _STORAGE:
            self.has_storage = True
            self.storage_ns += ns
            if adapter is None:
                return 0
            if self.adapter is None:
                self.adapter_json = self.turns.labels[adapter]
                self.adapter = adapter
            if adapter is self.adapter or adapter == self.adapter:
                self.adapter_ns += ns
            else:
                if self.by is None:
                    self.by = {}
                self.by[adapter] = self.by.get(adapter, 0) + ns
        else:
            if self.other_ns is None:
                self.other_ns = {}
            self.other_ns[name] = self.other_ns.get(name, 0) + ns
        return 0

    def tokens(self, input=None, output=None):
        """As `Turn.tokens`."""
        if input is not None:
            if type(input) is not int or not 0 <= input < _MAX_TOKENS:
                input = to_count(self.turns.turns.unit_id, self.turn_index, "input", input)
            self.tokens_in = input if self.tokens_in is None else input + self.tokens_in
        if output is not None:
            if type(output) is not int or not 0 <= output < _MAX_TOKENS:
                output = to_count(self.turns.turns.unit_id, self.turn_index, "output", output)
            self.tokens_out = output if self.tokens_out is None else output + self.tokens_out

    def set(self, **fields):
        """As `Turn.set`."""
        if not _RESERVED.isdisjoint(fields):
            refuse_reserved(fields, f"a turn of unit {self.turns.turns.unit_id!r}")
        kept = self.turns.turns.to_fields(fields, 0 if self.fields is None else len(self.fields))
        self.fields = kept if self.fields is None else self.fields | kept


@cython.final
@cython.freelist(8)
@cython.no_gc
cdef class FastTimer:
    """Adds one time to the others of its turn; in one step, for threads of a turn may time in it together."""

    cdef FastTurn turn
    cdef object name
    cdef object adapter
    cdef int64_t started_ns

    def __init__(self):
        raise TypeError("a timer is made by turn.time()")

    def __enter__(self):
        self.started_ns = monotonic_ns()

    def __exit__(self, kind, error, traceback):
        self.turn.add(self.name, self.adapter, monotonic_ns() - self.started_ns)


cdef double to_ms(int64_t ns) noexcept:
    return (ns // 1000) / 1000.0


cdef inline char* put(char* at, bytes text) noexcept:
    memcpy(at, <const char*> text, len(text))
    return at + len(text)


cdef char* put_number(char* at, int64_t number) noexcept:
    """A number from 0 up."""
    cdef char digits[NUMBER]
    cdef int count = 0
    while True:
        digits[count] = 48 + number % 10
        count += 1
        number //= 10
        if not number:
            break
    while count:
        count -= 1
        at[0] = digits[count]
        at += 1
    return at


cdef char* put_ms(char* at, int64_t ns) noexcept:
    """Milliseconds of whole microseconds, in the fewest digits, as orjson writes the double next to it.

    Up to 15 digits that is the same: a decimal of so many comes back from its double (IEEE 754, section 5.12.2).
    """
    cdef int64_t us = ns // 1000
    cdef int rest = us % 1000
    at = put_number(at, us // 1000)
    at[0] = b"."
    at[1] = 48 + rest // 100
    at += 2
    if rest % 100:
        at[0] = 48 + rest // 10 % 10
        at += 1
        if rest % 10:
            at[0] = 48 + rest % 10
            at += 1
    return at


cdef char* put_ms_of_second(char* at, int ms) noexcept:
    at[0] = 48 + ms // 100
    at[1] = 48 + ms // 10 % 10
    at[2] = 48 + ms % 10
    at[3] = b"Z"
    return at + 4
