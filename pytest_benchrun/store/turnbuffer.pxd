"""For other compiled modules: lines go in without a call of Python."""

from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec


cdef inline int64_t monotonic_ns() noexcept:
    """As `world.clock.monotonic_ns`: no unit can bend it."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t> now.tv_sec * 1_000_000_000 + now.tv_nsec


cdef class TurnBuffer:
    cdef char* _memory
    cdef Py_ssize_t _start
    cdef Py_ssize_t _end
    cdef bint _is_open
    cdef int64_t _handed_over_ns
    cdef char* _map
    cdef object _is_idle
    cdef object __weakref__

    cdef void unmap(self) noexcept
    cdef int wake(self) except -1
    cdef bint put(self, const char* line, Py_ssize_t size, int64_t now_ns) except -1
