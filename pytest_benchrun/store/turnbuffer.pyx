"""Lines of turns on their way to their file, in memory that the operating system keeps when the process dies.

To hand each line over costs a system call or two, more than all the rest of a turn. Here a line is copied into a small
file that is mapped into memory: a kill at any moment leaves it there, and the next start brings it into its place.

The file: eight bytes that say what it is; the size that the turn file had when the first of these lines was put in; how
many bytes of lines there are; the lines. So byte i of the lines belongs at that size + i, and whoever finds such a file
appends what is beyond the end of the turn file. All of it has its place on the disk before the first line.
"""

import errno

from cpython.exc cimport PyErr_SetFromErrno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy
from posix.mman cimport MAP_FAILED, MAP_SHARED, PROT_READ, PROT_WRITE, mmap, munmap

from pytest_benchrun.store.turnends import HEAD, SIZE

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/vfs.h>
    /* Where a page that has its place on the disk can be written to without asking for room again: elsewhere a full
       disk would end the process (SIGBUS). ext2 to ext4, XFS, tmpfs. */
    static int is_steady(int descriptor) {
        struct statfs about;
        if (fstatfs(descriptor, &about)) return 0;
        switch ((unsigned long) about.f_type) {
            case 0xEF53UL: case 0x58465342UL: case 0x01021994UL: return 1;
            default: return 0;
        }
    }
    #else
    static int is_steady(int descriptor) { (void) descriptor; return 0; }
    #endif
    #define STORE(where, value) __atomic_store_n((where), (value), __ATOMIC_RELEASE)
    """
    bint is_steady(int descriptor)
    void STORE(uint64_t* where, uint64_t value) noexcept

cdef Py_ssize_t _HEAD = HEAD
cdef Py_ssize_t _ROOM = SIZE - HEAD
cdef int64_t _QUIET_NS = 50_000_000


cdef class TurnBuffer:
    """Takes lines while it is open; the turn file's lock is held around all other calls.

    Args:
        descriptor: of its file, of `SIZE` bytes and open for reading and writing; it may be closed then.
        is_idle: a lock, held as long as no line has come into the empty buffer.

    Raises:
        OSError: such a file system cannot be trusted with it, or has no memory for it.
    """

    def __cinit__(self, int descriptor, is_idle):
        cdef void* memory
        self._is_idle = is_idle
        if not is_steady(descriptor):
            raise OSError(errno.ENOTSUP, "a page of such a file may find no room when it is written to")
        # Python's own map keeps a descriptor, and would close that of somebody else where a unit has closed all
        memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        if memory == MAP_FAILED:
            PyErr_SetFromErrno(OSError)
        self._memory = self._map = <char*> memory

    def __dealloc__(self):
        self.unmap()

    cdef void unmap(self) noexcept:
        if self._map != NULL:
            munmap(self._map, SIZE)
            self._map = NULL

    cdef int wake(self) except -1:
        """In C alone, where no signal's handler and no finalizer comes in between, to stay or to leave it half done."""
        if self._is_idle.locked():
            self._is_idle.release()
        return 0

    cdef bint put(self, const char* line, Py_ssize_t size, int64_t now_ns) except -1:
        """Take a line; False where it has to go another way. In one step, as Python's threads see it."""
        cdef bint was_empty = self._end == self._start
        if not self._is_open or size > _ROOM - self._end:
            return False
        if was_empty and now_ns - self._handed_over_ns > _QUIET_NS:
            return False  # lines come slowly: each goes to the file at once
        memcpy(self._memory + _HEAD + self._end, line, size)
        self._end += size
        STORE(<uint64_t*> (self._memory + 16), self._end)
        if was_empty:
            self.wake()
        return True

    def take_line(self, bytes line):
        """As `put`."""
        return self.put(line, len(line), monotonic_ns())

    @property
    def is_empty(self):
        """Whether no line waits."""
        return self._end == self._start

    def hold(self):
        """Take no more until `open`, and give what waits."""
        self._is_open = False
        if self._end == self._start:
            return b""
        return self._memory[_HEAD + self._start:_HEAD + self._end]

    def forget(self, Py_ssize_t size):
        """So many of the bytes that wait are in the turn file, or lost for good."""
        self._start += size
        if self._start == self._end and self._memory != NULL:
            STORE(<uint64_t*> (self._memory + 16), 0)
            self._start = self._end = 0

    def open(self, int64_t file_size):
        """Take lines again; where none wait they will stand in the turn file from this size on."""
        self._handed_over_ns = monotonic_ns()
        if self._memory == NULL:
            return
        if self._end == 0:
            STORE(<uint64_t*> (self._memory + 8), file_size)
        self._is_open = True

    def disown(self):
        """Take nothing more: this is a forked child, and the lines are its parent's."""
        self._is_open = False
        self._start = self._end = 0
        self._memory = NULL

    def close(self):
        """Give the memory back, and wake who waits for lines: there are no more."""
        self.disown()
        self.unmap()
        self.wake()
