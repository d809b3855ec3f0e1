# cython: language_level=3
"""What is remembered of lines of turns from one to the next: names of fields and adapters, and attempts of units."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy

# What became of a line: its numbers are taken, it is left, or something has to be learned before it is read again.
cdef enum:
    TAKEN, LEFT, NEW_UNIT, NEW_FIELD, NEW_ADAPTER

# What a field of the user's with this name holds; of others it is known that no user may have them.
cdef enum:
    ANYTHING, TIME, FORBIDDEN

cdef enum:
    MOST = 256  # names, of fields and of adapters: more are names that change from turn to turn
    UNITS = 1024  # attempts of which is remembered whether they count; must be a power of 2
    LEAST_LINE = 160  # bytes: no line that is taken is as short, its names alone are longer
    MOST_ATTEMPT = 9


cdef struct Name:
    const char* text
    Py_ssize_t length
    int holds
    int follower  # the place of the name that came next the last time
    int64_t line  # the last one that had it: none may have it twice
    double* values
    Py_ssize_t count


cdef struct Names:
    Name items[MOST]
    int size
    int first  # as `follower`, of the beginning


cdef struct Unit:
    const char* text
    Py_ssize_t length
    int64_t attempt
    bint counts


cdef struct Piece:
    const char* text
    Py_ssize_t length


cdef struct Scan:
    Names fields
    Names adapters
    Name* found[2 * MOST]  # those that the line has a number of
    Unit units[UNITS]
    Unit* unit
    int64_t line
    # what is the same in many lines, one after the other: as it stands in the last one that was read, and what it says
    Piece middle
    const char* unit_id
    Py_ssize_t unit_length
    Piece end
    int64_t attempt
    bint is_ok
    # a name that is asked for
    const char* text
    Py_ssize_t length
    # sums
    Py_ssize_t turns
    Py_ssize_t errors
    Py_ssize_t timed
    int64_t tokens_in
    int64_t tokens_out


cdef inline Name* name_of(Names* names, int* follower, const char* text, Py_ssize_t length) noexcept nogil:
    """The one that is known by this text; NULL where none is."""
    cdef Name* name = &names.items[follower[0]]
    cdef int place
    if follower[0] < names.size and name.length == length and memcmp(name.text, text, length) == 0:
        return name
    for place in range(names.size):
        name = &names.items[place]
        if name.length == length and memcmp(name.text, text, length) == 0:
            follower[0] = place
            return name
    return NULL


cdef inline int ask(Scan* scan, const char* text, Py_ssize_t length, Names* names, int question) noexcept nogil:
    """What to do about a name that is not known: there is no room for ever more of them."""
    scan.text, scan.length = text, length
    return question if names.size < MOST else LEFT


cdef inline uint64_t place_of(const char* text, Py_ssize_t length, int64_t attempt) noexcept nogil:
    """A number below `UNITS` that an attempt of a unit has."""
    cdef uint64_t mixed = (<uint64_t>length << 32) ^ <uint64_t>attempt, word
    cdef Py_ssize_t first = 0
    while first < length:
        word = 0
        memcpy(&word, text + first, 8 if length - first >= 8 else length - first)
        mixed = (mixed ^ word) * 0x9E3779B97F4A7C15ULL
        mixed ^= mixed >> 32
        first += 8
    return mixed & (UNITS - 1)


cdef inline bint took_again(Piece* piece, const char** at, const char* end) noexcept nogil:
    """Whether the same bytes stand here as before; goes behind them."""
    if piece.text == NULL or end - at[0] < piece.length or memcmp(at[0], piece.text, piece.length) != 0:
        return False
    at[0] += piece.length
    return True


cdef inline bint knows_unit(Scan* scan) noexcept nogil:
    """Whether it is known if the attempt of the line counts; mostly it is that of the line before."""
    cdef const char* text = scan.unit_id
    cdef Py_ssize_t length = scan.unit_length
    cdef int64_t attempt = scan.attempt
    cdef Unit* unit = scan.unit
    if unit.attempt == attempt and unit.length == length and memcmp(unit.text, text, length) == 0:
        return True
    unit = &scan.units[place_of(text, length, attempt)]
    if unit.text == NULL or unit.attempt != attempt or unit.length != length or memcmp(unit.text, text, length) != 0:
        return False
    scan.unit = unit
    return True
