"""Disks that fail where a test wants it, and processes that die there."""

from __future__ import annotations

import errno
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pytest_benchrun.store.files import Disk

CHILD_LIVES_S = 120
"""After that a forked child ends by itself: a test that went wrong must leave nothing behind."""


def input_output_error() -> NoReturn:
    """What a dying disk says."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def no_space() -> NoReturn:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die() -> NoReturn:
    """What `kill -9` does."""
    os._exit(9)


class FaultyDisk(Disk):
    """A real disk on which one operation meets a fault instead of being done.

    Nothing waits for the disk: what was written survives the death of a process without, and it would take minutes.

    Args:
        fails_at: number of that operation, from 1; 0 for none.
        fault: what happens there.

    Attributes:
        fails_at: as above; may be set later.
        fault: as above.
        done: names of the operations so far, the failed one included.
    """

    def __init__(self, fails_at: int = 0, fault: Callable[[], NoReturn] = input_output_error) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.done: list[str] = []
        self.fault = fault

    @property
    def has_failed(self) -> bool:
        """Whether the fault was met."""
        return 0 < self.fails_at <= len(self.done)

    def _step(self, name: str) -> None:
        self.done.append(name)
        if len(self.done) == self.fails_at:
            self.fault()

    def open_append(self, path: Path) -> int:
        self._step("open_append")
        return super().open_append(path)

    def write(self, descriptor: int, data: bytes) -> int:
        self._step("write")
        return super().write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._step("truncate")
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:  # the signature of Disk
        self._step("sync")

    def replace(self, source: Path, target: Path) -> None:
        self._step("replace")
        super().replace(source, target)

    def overwrite(self, path: Path, data: bytes) -> None:
        self._step("overwrite")
        super().overwrite(path, data)

    def unlink(self, path: Path) -> None:
        self._step("unlink")
        super().unlink(path)

    def make_dir(self, path: Path) -> None:
        self._step("make_dir")
        super().make_dir(path)

    def sync_dir(self, path: Path) -> None:  # as above
        self._step("sync_dir")


class HalfDisk(FaultyDisk):
    """A real disk on which one write takes only half of the bytes; other operations do not count.

    Args:
        fails_at: number of that write, from 1.
        is_deadly: whether the process dies right after it.
    """

    def __init__(self, fails_at: int, *, is_deadly: bool = False) -> None:
        super().__init__(fails_at)
        self._is_deadly = is_deadly

    def write(self, descriptor: int, data: bytes) -> int:
        self.done.append("write")
        if len(self.done) != self.fails_at:
            return Disk.write(self, descriptor, data)
        written = Disk.write(self, descriptor, data[: len(data) // 2])
        if self._is_deadly:
            die()
        return written

    def _step(self, name: str) -> None:
        """Nothing fails here."""


class ShortDisk(Disk):
    """Takes only so many bytes at a write, as a disk that runs full does, and says nothing.

    Attributes:
        room: bytes that a write takes at most; None for all.
        is_stiff: whether cutting a file fails too.
    """

    def __init__(self) -> None:
        super().__init__(is_durable=False)
        self.room: int | None = None
        self.is_stiff = False

    def write(self, descriptor: int, data: bytes) -> int:
        return super().write(descriptor, data if self.room is None else data[: self.room])

    def truncate(self, descriptor: int, size: int) -> None:
        if self.is_stiff:
            input_output_error()
        super().truncate(descriptor, size)


def fork(work: Callable[[], int]) -> int:
    """Do `work` in a forked child, which ends with the code that it returns, 99 when it raises.

    Returns:
        The child's pid; `wait` for it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: other tests may have left threads
        pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(CHILD_LIVES_S)
        code = work()
    finally:
        os._exit(code)


def wait(pid: int) -> int:
    """The exit code of a forked child; the negative signal number when one killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
