"""`turn_metrics.jsonl`, or a worker's part of it: one line a turn, written by the process where the units run.

Any thread of that process may append; a line is with the operating system when `append` returns, so that no death of
the process can undo it. What goes wrong here never reaches the unit: lines that cannot be written are counted and gone.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pytest_benchrun.store.rundir import RunDir

_getpid = os.getpid  # now: a unit may patch it

_NO_SPACE = os.strerror(errno.ENOSPC)
_TAIL_BYTES = 64 * 1024


class TurnFile:
    """Appends lines for one process.

    Args:
        rundir: where it is.
        worker: whose part it is; None for the file of all, which only the owner of the run may write.
        rotate_bytes: size at which the file is put away; None never, as for parts, which are rotated when joined.
        now_at: the time, for the names of torn ends.
    """

    def __init__(
        self,
        rundir: RunDir,
        worker: str | None,
        *,
        rotate_bytes: int | None,
        now_at: Callable[[], str],
    ) -> None:
        self._rundir = rundir
        self._worker = worker
        self._rotate_bytes = rotate_bytes
        self._now_at = now_at
        self._pid = _getpid()
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._may_rotate = False
        self._descriptor = -1
        self._is_torn = False
        self._lost = 0
        self._why = ""

    def append(self, line: bytes) -> None:
        """Hand a whole line, newline included, to the operating system."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Try again what an interrupt has kept from being handed over."""
        if not self._lines:
            return
        if _getpid() != self._pid:  # a forked child: these lines are its parent's
            self._lines.clear()
            return
        with self._lock:
            count = len(self._lines)  # threads go on appending behind them; another one may have taken ours along
            if count:
                self._rotate_if_full(self._hand_over(count, b"".join(self._lines[:count])))

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
                self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _hand_over(self, count: int, data: bytes) -> int:
        """Returns the size of the file then; 0 where there is none."""
        before, took, kept, is_over = None, 0, 0, False
        try:
            before = self._make_ready()
            took = self._rundir.disk.write(self._descriptor, data)
            is_over = True
            self._why = _NO_SPACE  # a full disk gives a short write and no error
        except OSError as error:
            self._why, is_over = error.strerror or str(error), True
        finally:  # a timeout or Ctrl-C may come at any point: what is not in the file by then is tried again
            if took == len(data):
                kept = took
            elif before is not None:
                kept = self._cut_to_whole_lines(before, data)
            lines = count if kept == len(data) else data.count(b"\n", 0, kept)
            self._lost += count - lines if is_over else 0
            del self._lines[: count if is_over else lines]
        return (before or 0) + kept

    def _make_ready(self) -> int:
        """Have the file open, its end on a line of its own, and say its size; a unit may have deleted it."""
        if self._descriptor >= 0:
            stat = os.fstat(self._descriptor)
            if stat.st_nlink and not self._is_torn:
                return stat.st_size
            self._close()
        path = self._find_path()
        cut_torn_end(self._rundir, path, self._now_at())
        self._is_torn = False
        self._descriptor = self._rundir.disk.open_append(path)
        self._may_rotate = path == self._rundir.turns
        return os.fstat(self._descriptor).st_size

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

    def _rotate_if_full(self, size: int) -> None:
        if self._rotate_bytes is None or size < self._rotate_bytes or self._descriptor < 0 or not self._may_rotate:
            return
        with suppress(OSError):  # tried again with the next line
            put_away(self._rundir)
            self._close()


def put_away(rundir: RunDir) -> None:
    """Give the full file its number; it is compressed when no unit runs.

    Raises:
        OSError: it stays where it is.
    """
    number = max((number for number, _ in rundir.full_turns()), default=0) + 1
    rundir.disk.replace(rundir.turns, rundir.path / f"turn_metrics.{number}.jsonl")


def cut_torn_end(rundir: RunDir, path: Path, at: str) -> Path | None:
    """Move the torn end that a dead writer has left into `<file>.torn-<time>`; the copy is written first.

    Returns:
        The file that now holds the torn bytes; None when there were none.

    Raises:
        OSError: it could not be read or cut.
    """
    try:
        with open(path, "rb", opener=_open_to_read) as file:  # pathlib has no opener
            torn, size = _torn_end(file)
    except FileNotFoundError:
        return None
    if not torn:
        return None
    kept = path.with_name(f"{path.name}.torn-{at.replace(':', '')}")
    rundir.disk.write_atomically(kept, torn)
    descriptor = rundir.disk.open_append(path)
    try:
        rundir.disk.truncate(descriptor, size - len(torn))
        rundir.disk.sync(descriptor)
    finally:
        os.close(descriptor)
    return kept


def _open_to_read(path: str, flags: int) -> int:
    """Neither through a link nor waiting for somebody at the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _torn_end(file: BinaryIO) -> tuple[bytes, int]:
    """What stands behind the last newline, and the size of the file."""
    size = at = file.seek(0, os.SEEK_END)
    torn = b""
    while at > 0:
        first = max(at - _TAIL_BYTES, 0)
        file.seek(first)
        block = file.read(at - first)
        newline = block.rfind(b"\n")
        torn = block[newline + 1 :] + torn
        if newline >= 0:
            break
        at = first
    return torn, size
