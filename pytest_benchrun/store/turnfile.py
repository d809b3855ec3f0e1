"""`turn_metrics.jsonl`, or a worker's part of it: one line a turn, written by the process where the units run.

Any thread of that process may append; a line is with the operating system when `append` returns, so that no death of
the process can undo it. Where the compiled parts are there, lines that come one after another are with it in a
`TurnBuffer` before they are in the file, for a tenth of a second at most. What goes wrong here never reaches the unit:
lines that cannot be written are counted and gone.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from _thread import LockType
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from pytest_benchrun.store import native
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnends import MAGIC, SIZE, bring_home, cut_torn_end

try:
    from pytest_benchrun.store.turnbuffer import TurnBuffer
except ImportError:  # it was not compiled
    _HAS_BUFFER = False
else:
    _HAS_BUFFER = native.is_wanted()

_getpid, _get_ident, _sleep = os.getpid, threading.get_ident, time.sleep  # now: a unit may patch them
_monotonic_ns = partial(time.clock_gettime_ns, time.CLOCK_MONOTONIC)

_NO_SPACE = os.strerror(errno.ENOSPC)
_BURST_NS = 50_000_000
"""Lines that come sooner after one another are worth a buffer."""

_PAUSE_S = 0.05
"""From a line in the buffer to its place in the file."""


class TurnFile:
    """Appends lines for one process.

    Args:
        rundir: where it is.
        worker: whose part it is; None for the file of all, which only the owner of the run may write.
        rotate_bytes: size at which the file is put away; None never, as for parts, which are rotated when joined.
        now_at: the time, for the names of torn ends.
        is_buffered: whether lines that come fast may go through a buffer, where one can be had.

    Attributes:
        buffer: takes lines on their way; None where there is none, or not yet.
    """

    def __init__(
        self,
        rundir: RunDir,
        worker: str | None,
        *,
        rotate_bytes: int | None,
        now_at: Callable[[], str],
        is_buffered: bool = True,
    ) -> None:
        self._rundir = rundir
        self._worker = worker
        self._rotate_bytes = rotate_bytes
        self._now_at = now_at
        self._pid = _getpid()
        self._lock = threading.Lock()
        self._written_in = 0  # the thread that holds it
        self._lines: list[bytes] = []
        self._path = rundir.turns
        self._size = 0
        self._descriptor = -1
        self._identity = -1, -1  # device and inode of the open file
        self._is_torn = False
        self._lost = 0
        self._why = ""
        self._last_ns = 0
        self._may_buffer = is_buffered and _HAS_BUFFER
        self.buffer: TurnBuffer | None = None

    def append(self, line: bytes) -> None:
        """Hand a whole line, newline included, to the operating system."""
        buffer = self.buffer
        if buffer is not None and buffer.take_line(line):
            return
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Have all in the file that has been appended."""
        if not self._lines and (self.buffer is None or self.buffer.is_empty):
            return
        if _getpid() != self._pid:  # a forked child: these lines are its parent's
            self._lines.clear()
            return
        here = _get_ident()
        if self._written_in == here:  # a signal's handler or a finalizer, in the middle of it: with the next line
            return
        with self._lock:
            self._written_in = here
            try:
                self._write()
            finally:
                self._written_in = 0

    def take_problem(self) -> str | None:
        """What went wrong since the last call, in a sentence; None when nothing did."""
        if not self._lost:
            return None
        lost, self._lost = self._lost, 0
        return f"{lost} turns or events were not kept: {self._why}"

    def close(self) -> None:
        """Flush and close; a later append opens the file again."""
        self.flush()
        if _getpid() == self._pid:
            with self._lock:
                self._drop_buffer()
                self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            if self._own_stat() is not None:
                os.close(self._descriptor)
            self._descriptor = -1

    def _own_stat(self) -> os.stat_result | None:
        """Of the open file; None where a unit has closed it, and perhaps opened another one in its place."""
        try:
            stat = os.fstat(self._descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            return None
        return stat if (stat.st_dev, stat.st_ino) == self._identity else None

    def _write(self) -> None:
        buffer, now_ns = self.buffer, _monotonic_ns()
        if buffer is not None:
            waiting = buffer.hold()  # other threads come here now, and wait
            if waiting:
                self._hand_over(waiting, buffer.forget, partial(buffer.forget, len(waiting)))
        count = len(self._lines)  # threads go on appending behind them; another one may have taken ours along
        if count:
            forget_all = partial(self._lines.__delitem__, slice(count))
            self._hand_over(b"".join(self._lines[:count]), self._forget_lines, forget_all)
        self._rotate_if_full()
        if self._size < 0:
            return  # not known: no line can be on its way to a place in the file
        if buffer is not None:
            buffer.open(self._size)
        elif self._may_buffer and now_ns - self._last_ns < _BURST_NS:
            self._make_buffer()
        self._last_ns = now_ns

    def _forget_lines(self, size: int) -> None:
        while size > 0:
            size -= len(self._lines.pop(0))

    def _hand_over(self, data: bytes, forget: Callable[[int], None], forget_all: Callable[[], None]) -> None:
        size, before, is_kept, is_over = len(data), None, False, False
        try:
            before = self._make_ready()
            took = self._rundir.disk.write(self._descriptor, data)
            is_kept = took == size
            if is_kept:
                forget_all()  # in C; a handler that comes at any call before it would have them written again
            is_over = True
            self._why = _NO_SPACE  # a full disk gives a short write and no error
        except OSError as error:
            if error.errno is None:  # a handler's own: people raise TimeoutError in it
                raise
            self._why, is_over = error.strerror or str(error), True
        finally:  # a timeout or Ctrl-C may come at any point: what is not in the file by then is tried again
            kept = size if is_kept else 0 if before is None else self._cut_to_whole_lines(before, data)
            if is_over and not is_kept:
                self._lost += data.count(b"\n", kept)
                forget_all()
            elif not is_kept:
                forget(kept)
            self._size = -1 if before is None or self._is_torn else before + kept

    def _make_ready(self) -> int:
        """Have the file open, its end on a line of its own, and say its size; a unit may have deleted it."""
        if self._descriptor >= 0:
            stat = self._own_stat()
            if stat is not None and stat.st_nlink and not self._is_torn:
                return stat.st_size
            self._close()
        if self.buffer is None:
            self._path = self._find_path()
            bring_home(self._rundir, self._path, self._now_at())
        cut_torn_end(self._rundir, self._path, self._now_at())
        self._is_torn = False
        self._descriptor = self._rundir.disk.open_append(self._path)
        stat = os.fstat(self._descriptor)
        self._identity = stat.st_dev, stat.st_ino
        return stat.st_size

    def _find_path(self) -> Path:
        if self._worker is not None:
            return self._rundir.turn_part(self._worker)
        # A join that could not be brought to its end will cut the file back when it is tried again.
        return self._rundir.turn_part("main") if self._rundir.turns_joining.exists() else self._rundir.turns

    def _cut_to_whole_lines(self, before: int, data: bytes) -> int:
        """How many bytes of `data` the file has got; half a line at its end is taken back."""
        grown = os.fstat(self._descriptor).st_size - before
        if grown >= len(data):
            return len(data)
        whole = data.rfind(b"\n", 0, max(grown, 0)) + 1
        if grown != whole:
            try:
                self._rundir.disk.truncate(self._descriptor, before + whole)
            except OSError:
                self._is_torn = True  # nothing may follow it before it is cut off
        return whole

    def _rotate_if_full(self) -> None:
        if self._rotate_bytes is None or self._size < self._rotate_bytes or self._path != self._rundir.turns:
            return
        with _disk_errors_ignored():  # tried again with the next line
            put_away(self._rundir)
            self._close()
            self._size = 0

    def _make_buffer(self) -> None:
        """Lines come fast; where there can be no buffer they go on one by one."""
        self._may_buffer = False
        is_idle = threading.Lock()
        is_idle.acquire()
        path = self._rundir.waiting_turns(self._path)
        with suppress(RuntimeError), _disk_errors_ignored():
            descriptor = self._rundir.disk.make_new(path, MAGIC.ljust(SIZE, b"\0"))
            try:
                # to be copied, but not over: a page that is cut off would end the process (SIGBUS)
                os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o444)
                buffer = TurnBuffer(descriptor, is_idle)
                name = "benchrun-turns"
                threading.Thread(target=self._hand_on, args=(buffer, is_idle), name=name, daemon=True).start()
            except (OSError, RuntimeError):  # the latter where there is no memory for another thread
                self._rundir.disk.unlink(path)
                raise
            finally:
                os.close(descriptor)
            buffer.open(self._size)
            os.register_at_fork(after_in_child=partial(_disown, weakref.ref(buffer)))
            self.buffer = buffer

    def _hand_on(self, buffer: TurnBuffer, is_idle: LockType) -> None:
        """In a thread of its own: bring into the file what came fast, when nothing else does."""
        is_idle.acquire()
        while self.buffer is buffer:
            _sleep(_PAUSE_S)
            with suppress(OSError):  # a unit has closed the file: whoever appends next hears of it
                self.flush()
            is_idle.acquire()

    def _drop_buffer(self) -> None:
        buffer, self.buffer = self.buffer, None
        if buffer is None:
            return
        is_empty = not buffer.hold()  # another thread may go on with turns
        buffer.close()
        if is_empty:
            with suppress(OSError):
                self._rundir.disk.unlink(self._rundir.waiting_turns(self._path))


@contextmanager
def _disk_errors_ignored() -> Iterator[None]:
    """Errors of the system end here; what a signal's handler raises goes on, and people raise TimeoutError in it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise


def _disown(reference: weakref.ref[TurnBuffer]) -> None:
    buffer = reference()
    if buffer is not None:
        buffer.disown()


def put_away(rundir: RunDir) -> None:
    """Give the full file its number; it is compressed when no unit runs.

    Raises:
        OSError: it stays where it is.
    """
    number = max((number for number, _ in rundir.full_turns()), default=0) + 1
    rundir.disk.replace(rundir.turns, rundir.path / f"turn_metrics.{number}.jsonl")
