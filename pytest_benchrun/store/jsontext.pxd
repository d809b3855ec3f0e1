# cython: language_level=3
"""Pieces of JSON, told apart as bytes: inlined where lines are read, no module of its own.

Each `took_...` says whether such a piece stands at `at[0]` and goes behind it; where it says no, `at[0]` is anywhere in
the line. What is read ends with a newline, which is part of no piece: so each one stops there at the latest.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.math cimport ldexp
from libc.string cimport memcmp, memcpy, strchr, strlen

cdef extern from * nogil:
    """
    static const double POWERS_OF_TEN[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
                                           1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    /* digits / 10**power, rounded once: the quotient of integers has 64 bits at least, and says if anything is left. */
    static int divided(unsigned long long digits, int power, double *number) {
    #ifdef __SIZEOF_INT128__
        unsigned __int128 quotient, rest, half, whole, divisor = 1;
        int place, drop, shift = __builtin_clzll(digits);
        unsigned long long top;
        for (place = 0; place < power; place++) divisor *= 5;
        whole = (unsigned __int128)(digits << shift) << 64;
        quotient = whole / divisor;
        top = (unsigned long long)(quotient >> 64);
        drop = 75 - (top ? __builtin_clzll(top) : 64 + __builtin_clzll((unsigned long long)quotient));
        top = (unsigned long long)(quotient >> drop);
        half = (unsigned __int128)1 << (drop - 1);
        rest = quotient & (2 * half - 1);
        top += rest > half || (rest == half && (quotient * divisor != whole || (top & 1)));
        *number = ldexp((double)top, drop - 64 - shift - power);
        return 1;
    #else
        return 0;
    #endif
    }
    """
    const double* POWERS_OF_TEN
    bint divided(unsigned long long digits, int power, double* number)
    int __builtin_ctzll(unsigned long long)

cdef enum:
    MOST_DIGITS = 15  # of a number that a double holds exactly, whatever they are
    MOST_POWER = 22  # of ten: the largest that a double holds exactly
    MOST_COUNT = 12  # digits of a count: millions of them can be added up in 64 bits
    MOST_WHOLE = 19  # digits of an integer of 64 bits
    MOST_FIVES = 27  # the largest power of five that 64 bits hold
    DEEPEST = 32  # lists and objects in each other
    LONG = 40  # digits of a number before its point or behind it


cdef inline bint took(const char** at, const char* end, const char* text) noexcept nogil:
    """Whether `text` stands here; goes behind it."""
    cdef size_t length = strlen(text)
    if <size_t>(end - at[0]) < length or memcmp(at[0], text, length) != 0:
        return False
    at[0] += length
    return True


cdef inline const char* behind_sequence(const char* at) noexcept nogil:
    """Behind a character of several bytes of UTF-8; NULL where there is none (The Unicode Standard, table 3-7)."""
    cdef const unsigned char* byte = <const unsigned char*>at
    cdef unsigned char low = 0x80, high = 0xBF
    cdef int more
    if 0xC2 <= byte[0] <= 0xDF:
        more = 1
    elif 0xE0 <= byte[0] <= 0xEF:
        more = 2
        low, high = 0xA0 if byte[0] == 0xE0 else 0x80, 0x9F if byte[0] == 0xED else 0xBF
    elif 0xF0 <= byte[0] <= 0xF4:
        more = 3
        low, high = 0x90 if byte[0] == 0xF0 else 0x80, 0x8F if byte[0] == 0xF4 else 0xBF
    else:
        return NULL
    while more:  # a line's end is no byte of any: it stops there at the latest
        byte += 1
        if byte[0] < low or byte[0] > high:
            return NULL
        low, high = 0x80, 0xBF
        more -= 1
    return <const char*>byte + 1


cdef inline const char* behind_escape(const char* at) noexcept nogil:
    """Behind a backslash and what it stands before; NULL where that is no escape, or half of a character."""
    cdef int place
    cdef unsigned char digit
    at += 1
    if at[0] != 0x75:
        return at + 1 if at[0] != 0 and strchr(b'"\\/bfnrt', at[0]) != NULL else NULL
    for place in range(1, 5):  # it stops at a line's end, as that is no digit
        digit = at[place] | 0x20
        if not (0x30 <= at[place] <= 0x39 or 0x61 <= digit <= 0x66):
            return NULL
    return at + 5 if at[1] | 0x20 != 0x64 or 0x30 <= at[2] <= 0x37 else NULL


cdef inline const char* behind_text(const char* at, const char* end, bint is_plain) noexcept nogil:
    """Behind the quote that ends a text; NULL where it holds what no text may hold, or an escape and should be plain."""
    cdef uint64_t word, quote, slash, odd
    while True:
        odd = 0
        while end - at >= 8:  # "Bit Twiddling Hacks", S. E. Anderson: bytes that are less than n, and equal to n
            memcpy(&word, at, 8)
            quote = word ^ 0x2222222222222222ULL
            slash = word ^ 0x5C5C5C5C5C5C5C5CULL
            odd = (quote - 0x0101010101010101ULL) & ~quote
            odd |= (slash - 0x0101010101010101ULL) & ~slash
            odd |= ((word - 0x2020202020202020ULL) & ~word) | word
            odd &= 0x8080808080808080ULL
            if odd:
                at += __builtin_ctzll(odd) >> 3
                break
            at += 8
        if not odd:
            while 0x20 <= <unsigned char>at[0] < 0x80 and at[0] != 0x22 and at[0] != 0x5C:
                at += 1
        if at[0] == 0x22:
            return at + 1
        if <unsigned char>at[0] & 0x80:
            at = behind_sequence(at)
        elif at[0] == 0x5C and not is_plain:
            at = behind_escape(at)
        else:
            return NULL
        if at == NULL:
            return NULL


cdef inline bint took_text(const char** at, const char* end, const char** text, Py_ssize_t* length) noexcept nogil:
    """Whether a text stands here that means what it holds, behind its first quote; goes behind its last one."""
    text[0] = at[0]
    at[0] = behind_text(at[0], end, True)
    if at[0] == NULL:
        return False
    length[0] = at[0] - text[0] - 1
    return True


cdef inline bint took_text_or_null(const char** at, const char* end) noexcept nogil:
    if at[0][0] != 0x22:
        return took(at, end, b"null")
    at[0] = behind_text(at[0] + 1, end, False)
    return at[0] != NULL


cdef inline bint took_count(const char** at, int most, int64_t* count) noexcept nogil:
    """Whether an integer of so many digits stands here, none below zero."""
    cdef const char* first = at[0]
    cdef int64_t value = 0
    while 0x30 <= at[0][0] <= 0x39:
        if at[0] - first == most:
            return False
        value = value * 10 + (at[0][0] - 0x30)
        at[0] += 1
    count[0] = value
    return at[0] - first == 1 or (at[0] > first and first[0] != 0x30)


cdef inline bint took_count_or_null(const char** at, const char* end, int64_t* count) noexcept nogil:
    count[0] = 0
    return took(at, end, b"null") if at[0][0] == 0x6E else took_count(at, MOST_COUNT, count)


cdef inline bint took_number(const char** at, double* number, bint* is_exact) noexcept nogil:
    """Whether a number stands here, and neither a huge nor a tiny one.

    Of few digits and a small power of ten it is known exactly: both are doubles, and one division or multiplication
    rounds once (Clinger (1990), "How to read floating point numbers accurately"). Of some more, integers are divided.
    """
    cdef const char* place = at[0]
    cdef const char* first
    cdef bint is_negative = place[0] == 0x2D, is_below = False
    cdef uint64_t digits = 0
    cdef Py_ssize_t many, behind = 0
    cdef int power = 0
    if is_negative:
        place += 1
    first = place
    while 0x30 <= place[0] <= 0x39:
        digits = digits * 10 + (place[0] - 0x30)
        place += 1
    many = place - first
    if many == 0 or many > LONG or (many > 1 and first[0] == 0x30):
        return False
    if place[0] == 0x2E:
        place += 1
        first = place
        while 0x30 <= place[0] <= 0x39:
            digits = digits * 10 + (place[0] - 0x30)
            place += 1
        behind = place - first
        if behind == 0 or behind > LONG:
            return False
    elif digits == 0 and is_negative:
        return False  # a zero, of which it is not said everywhere that it keeps its sign
    if place[0] == 0x65 or place[0] == 0x45:
        place += 1
        is_below = place[0] == 0x2D
        if is_below or place[0] == 0x2B:
            place += 1
        first = place
        while 0x30 <= place[0] <= 0x39 and place - first < 3:
            power = power * 10 + (place[0] - 0x30)
            place += 1
        if place == first or place - first == 3:
            return False
    at[0] = place
    power = (-power if is_below else power) - <int>behind
    is_exact[0] = many + behind <= MOST_DIGITS and -MOST_POWER <= power <= MOST_POWER
    if is_exact[0]:
        number[0] = <double>digits / POWERS_OF_TEN[-power] if power < 0 else <double>digits * POWERS_OF_TEN[power]
    elif digits and many + behind <= MOST_WHOLE and -MOST_FIVES <= power <= 0:
        is_exact[0] = divided(digits, -power, number)
    if is_exact[0] and is_negative:
        number[0] = -number[0]
    return True


cdef inline bint took_time(const char** at, double* number) noexcept nogil:
    cdef bint is_exact = False
    return took_number(at, number, &is_exact) and is_exact


cdef inline bint took_anything(const char** at, const char* end, int depth) noexcept nogil:
    """Whether a value stands here, whatever it is; of lists and objects those that are no deeper than is usual."""
    cdef char close = 0x5D if at[0][0] == 0x5B else 0x7D
    cdef char found
    cdef double number
    cdef bint is_exact
    if at[0][0] != 0x5B and at[0][0] != 0x7B:
        if at[0][0] == 0x22 or at[0][0] == 0x6E:
            return took_text_or_null(at, end)
        return took(at, end, b"true") or took(at, end, b"false") or took_number(at, &number, &is_exact)
    at[0] += 1
    if at[0][0] == close:
        at[0] += 1
        return True
    while depth:
        if close == 0x7D:
            if at[0][0] != 0x22 or not took_text_or_null(at, end) or not took(at, end, b":"):
                return False
        if not took_anything(at, end, depth - 1):
            return False
        found = at[0][0]
        at[0] += 1
        if found == close:
            return True
        if found != 0x2C:
            return False
    return False
