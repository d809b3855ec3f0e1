# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""The arithmetic of figures in compiled code, without the interpreter's lock: the same bits as in Python."""

import math
import sys
from array import array

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from pytest_benchrun.core.stats import DROPPED_BITS, ONE_BY_ONE


cdef extern from "<float.h>" nogil:
    int FLT_EVAL_METHOD


if sys.byteorder not in ("little", "big") or FLT_EVAL_METHOD != 0:
    raise ImportError("a difference and a product are rounded once each: not on this machine")

cdef enum:
    DIGIT = 16  # bits that one count tells apart
    DIGITS = 1 << DIGIT
    LARGE = 1 << 14  # numbers from which on it is worth it
    FEW = 1 << 16  # numbers that are looked at apart from the others
    EXPONENTS = 2048
    NOT_FINITE = 2047
    MOST = 1 << 30  # numbers that can be added up in 64 bits, by the 32 bits that each has in a part of a sum

cdef extern from * nogil:
    """
    #define SIGN 0x8000000000000000ULL
    #define FRACTION 0x000FFFFFFFFFFFFFULL
    #define LOW_HALF 0x00000000FFFFFFFFULL
    """
    const uint64_t SIGN, FRACTION, LOW_HALF


cdef struct Sums:
    int64_t[EXPONENTS] high
    int64_t[EXPONENTS] low


cdef inline uint64_t place_of(uint64_t bits) noexcept nogil:
    """Ascends as the doubles do whose bits these are."""
    return ~bits if bits & SIGN else bits | SIGN


cdef inline double double_of(uint64_t place) noexcept nogil:
    cdef uint64_t bits = place & ~SIGN if place & SIGN else ~place
    cdef double number
    memcpy(&number, &bits, 8)
    return number


cdef uint64_t select(uint64_t* numbers, Py_ssize_t count, Py_ssize_t rank) noexcept nogil:
    """The one at this rank; changes their order (Hoare (1961), "Algorithm 65: Find")."""
    cdef Py_ssize_t low = 0, high = count - 1, up, down
    cdef uint64_t middle
    while low < high:
        middle = numbers[low + (high - low) // 2]
        up, down = low, high
        while up <= down:
            while numbers[up] < middle:
                up += 1
            while numbers[down] > middle:
                down -= 1
            if up <= down:
                numbers[up], numbers[down] = numbers[down], numbers[up]
                up += 1
                down -= 1
        if rank <= down:
            high = down
        elif rank >= up:
            low = up
        else:
            break
    return numbers[rank]


cdef inline void add(Sums* sums, double number) noexcept nogil:
    """Add the number's bits to those of others of its power of 2."""
    cdef uint64_t bits, fraction
    cdef int exponent
    cdef int64_t high, low
    memcpy(&bits, &number, 8)
    exponent = (bits >> 52) & (EXPONENTS - 1)
    fraction = bits & FRACTION
    if exponent:
        fraction |= FRACTION + 1
    high, low = <int64_t>(fraction >> 32), <int64_t>(fraction & LOW_HALF)
    if bits & SIGN and exponent != NOT_FINITE:  # of which there is no sum, whatever their signs
        high, low = -high, -low
    sums.high[exponent] += high
    sums.low[exponent] += low


cdef object rounded(Sums* sums):
    """The exact sum, rounded once; None where it has none.

    Raises:
        OverflowError: it is beyond what a double can hold.
    """
    cdef int exponent
    if sums.high[NOT_FINITE] or sums.low[NOT_FINITE]:
        return None
    total = 0
    for exponent in range(NOT_FINITE):
        if sums.high[exponent] or sums.low[exponent]:
            total += ((<object>sums.high[exponent] << 32) + sums.low[exponent]) << max(exponent - 1, 0)
    return total / (1 << 1074)  # of the least double: Python rounds the quotient of integers once


cdef class Numbers:
    """The doubles of an array, which cannot grow or shrink meanwhile."""

    cdef Py_buffer _view
    cdef const double* first
    cdef Py_ssize_t count

    def __cinit__(self, values):
        PyObject_GetBuffer(values, &self._view, PyBUF_SIMPLE)
        self.first = <const double*>self._view.buf
        self.count = self._view.len // sizeof(double)

    def __dealloc__(self):
        PyBuffer_Release(&self._view)


cdef class Ordered:
    """As the list of the values in ascending order, without making it: by counting, and in little memory.

    Args:
        values: finite numbers, at least one.
    """

    cdef Numbers _numbers
    cdef Py_ssize_t* _counts  # of all, by their first digit
    cdef Py_ssize_t* _some  # of those that have the same digits before
    cdef uint64_t* _few  # that have the same digits, the last ones that were asked for
    cdef Py_ssize_t _first, _end  # their ranks

    def __cinit__(self, values):
        self._numbers = Numbers(values)
        self._counts = <Py_ssize_t*>calloc(DIGITS, sizeof(Py_ssize_t))
        self._some = <Py_ssize_t*>malloc(DIGITS * sizeof(Py_ssize_t))
        self._few = <uint64_t*>malloc(FEW * sizeof(uint64_t))
        if self._counts == NULL or self._some == NULL or self._few == NULL:
            raise MemoryError
        with nogil:
            count_digits(self._numbers.first, self._numbers.count, self._counts, 0, 0)

    def __dealloc__(self):
        free(self._counts)
        free(self._some)
        free(self._few)

    def __len__(self):
        return self._numbers.count

    def __getitem__(self, rank):
        cdef Py_ssize_t place = range(self._numbers.count)[rank]
        cdef double number
        with nogil:
            number = self._at(place)
        return number

    cdef double _at(self, Py_ssize_t rank) noexcept nogil:
        """The one at this rank: digit by digit, until there are few that have the same ones."""
        cdef Py_ssize_t* counts = self._counts
        cdef Py_ssize_t first = 0
        cdef uint64_t before = 0
        cdef int known = 0
        if not self._first <= rank < self._end:
            while True:
                before = before << DIGIT
                while rank >= first + counts[before & (DIGITS - 1)]:
                    first += counts[before & (DIGITS - 1)]
                    before += 1
                known += DIGIT
                if known == 64:
                    return double_of(before)
                if counts[before & (DIGITS - 1)] <= FEW:
                    break
                counts = self._some
                memset(counts, 0, DIGITS * sizeof(Py_ssize_t))
                count_digits(self._numbers.first, self._numbers.count, counts, before, known)
            self._first = first
            self._end = first + gather(self._numbers.first, self._numbers.count, self._few, before, known)
        return double_of(select(self._few, self._end - self._first, rank - self._first))


cdef void count_digits(
    const double* numbers, Py_ssize_t count, Py_ssize_t* counts, uint64_t before, int known
) noexcept nogil:
    """Count the next digit of those numbers whose first `known` bits are `before`."""
    cdef uint64_t bits, place
    cdef Py_ssize_t number
    for number in range(count):
        memcpy(&bits, &numbers[number], 8)
        place = place_of(bits)
        if known == 0:
            counts[place >> (64 - DIGIT)] += 1
        elif place >> (64 - known) == before:
            counts[(place >> (64 - DIGIT - known)) & (DIGITS - 1)] += 1


cdef Py_ssize_t gather(
    const double* numbers, Py_ssize_t count, uint64_t* found, uint64_t before, int known
) noexcept nogil:
    """Put those numbers together whose first `known` bits are `before`; how many there are."""
    cdef uint64_t bits, place
    cdef Py_ssize_t number, many = 0
    for number in range(count):
        memcpy(&bits, &numbers[number], 8)
        place = place_of(bits)
        if place >> (64 - known) == before:
            found[many] = place
            many += 1
    return many


cdef class ColumnMath:
    """Computes what is an array; other values one by one."""

    def ordered(self, values):
        """As in `Arithmetic`; leaves the values as they are."""
        return Ordered(values) if is_large(values) else ONE_BY_ONE.ordered(values)

    def total(self, values):
        """As in `Arithmetic`."""
        total = sum_of(values, 0.0, False) if is_large(values) else None
        return ONE_BY_ONE.total(values) if total is None else total

    def squares(self, values, double mean):
        """As in `Arithmetic`."""
        total = sum_of(values, mean, True) if is_large(values) else None
        return ONE_BY_ONE.squares(values, mean) if total is None else total

    def buckets(self, values):
        """As in `Arithmetic`."""
        if not is_large(values):
            return ONE_BY_ONE.buckets(values)
        cdef Numbers numbers = Numbers(values)
        cdef Py_ssize_t number, keys = <Py_ssize_t>1 << (64 - <int>DROPPED_BITS)
        cdef int dropped = DROPPED_BITS
        cdef uint64_t bits
        cdef Py_ssize_t* counts = <Py_ssize_t*>calloc(keys, sizeof(Py_ssize_t))
        cdef dict found = {}
        if counts == NULL:
            raise MemoryError
        with nogil:
            for number in range(numbers.count):
                memcpy(&bits, &numbers.first[number], 8)
                counts[bits >> dropped] += 1
        for number in range(keys):
            if counts[number]:
                found[number if number < keys // 2 else number - keys] = counts[number]
        free(counts)
        return found


cdef bint is_large(values):
    """Whether they are doubles, and as many as are worth it."""
    return isinstance(values, array) and values.typecode == "d" and LARGE <= len(values) < MOST


cdef object sum_of(values, double mean, bint is_squared):
    """The exact sum, rounded once, of the values or of the squares of their distances from `mean`."""
    cdef Numbers numbers = Numbers(values)
    cdef Sums* sums = <Sums*>calloc(1, sizeof(Sums))
    cdef Py_ssize_t number
    cdef double distance
    if sums == NULL:
        raise MemoryError
    try:
        with nogil:
            if is_squared:
                for number in range(numbers.count):
                    distance = numbers.first[number] - mean
                    add(sums, distance * distance)
            else:
                for number in range(numbers.count):
                    add(sums, numbers.first[number])
        return rounded(sums)
    finally:
        free(sums)
