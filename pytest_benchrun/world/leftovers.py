"""What a unit has started or opened in its process and not ended: processes, threads, descriptors."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.world.cookie import command_of, cookie_of, end_processes
from pytest_benchrun.world.watchdog import HELPERS

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h; see prctl(2)
_PR_GET_CHILD_SUBREAPER = 37  # as above
_STANDARD_ERROR = 2
_MOST_ROUNDS = 10
_LIST_LENGTH = 65536
_SERVING = ("benchrun-", "tqdm_monitor")
"""Threads that serve the whole process: ours, and the one that tqdm starts with its first bar and never ends."""


def adopt_orphans(*, is_on: bool) -> None:
    """Have this process be the new parent of what its descendants leave behind, so that `Children` sees it.

    Linux only: elsewhere a process that detached itself is out of sight.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(is_on), 0, 0, 0)


@contextmanager
def orphans_left_alone() -> Generator[None]:
    """Have orphans of this time become nobody's children here, as they were before `adopt_orphans`."""
    is_on = ctypes.c_int(0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(is_on), 0, 0, 0)
    if not is_on.value:
        yield
        return
    adopt_orphans(is_on=False)
    try:
        yield
    finally:
        adopt_orphans(is_on=True)


class Children:
    """The processes that this one has started.

    The system's list of those that this thread has started is one read of a file that stays open, so a unit that
    starts none pays nothing else.
    """

    def __init__(self) -> None:
        self._list = -1
        with suppress(OSError):  # Linux only
            path = f"/proc/self/task/{threading.get_native_id()}/children"
            self._list = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.accept()

    def accept(self) -> None:
        """Those that live now belong to wider fixtures, or to nobody."""
        self._threads = threading.active_count()
        self._seen = self._read()
        self._known = frozenset(_children())

    def close(self) -> None:
        """Look no more."""
        if self._list >= 0:
            os.close(self._list)
            self._list = -1

    def _read(self) -> bytes:
        return os.pread(self._list, _LIST_LENGTH, 0) if self._list >= 0 else b""

    def _has_new(self) -> bool:
        """Whether there may be new ones: started here, or by a thread that is itself new."""
        if self._list >= 0 and self._read() == self._seen and threading.active_count() == self._threads:
            return not self._seen and _has_children()
        return _has_children()

    def end_new(self, cookie: str) -> list[str]:
        """End what has been started since, and its descendants; those with another cookie are left.

        Returns:
            The command lines of what had to be ended.
        """
        ended: list[str] = []
        if not self._has_new():
            return ended
        for _ in range(_MOST_ROUNDS):  # one that ends meanwhile leaves us its own children
            new = [pid for pid in _children() if pid not in self._known] if _has_children() else []
            if not new:
                break
            ended += self._end(new, cookie)
        self.accept()
        return ended

    def _end(self, new: list[int], cookie: str) -> list[str]:
        pools = _pids_of_live_pools()
        found: list[psutil.Process] = []
        for pid in new:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.status() == psutil.STATUS_ZOMBIE:
                    with suppress(OSError):
                        os.waitpid(pid, os.WNOHANG)
                    continue
                # the command first: when it is there the environment is too
                if is_helper(process) or pid in pools or cookie_of(pid) not in {cookie, None}:
                    self._known |= {pid}
                else:
                    found += [process, *process.children(recursive=True)]
        return end_processes(found)


def is_helper(process: psutil.Process) -> bool:
    """Whether a process has it once for all its units, and it ends by itself.

    Raises:
        psutil.Error: it has ended.
    """
    command = command_of(process)
    return any(word in command for word in HELPERS)


def started_so_far() -> list[int]:
    """The pids of all below this process, helpers left out."""
    found: list[int] = []
    for pid in _children():
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if not is_helper(process):
                found += [pid, *(one.pid for one in process.children(recursive=True))]
    return found


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    """The pids of all children, whichever thread has started them."""
    if sys.platform != "linux":
        return [process.pid for process in psutil.Process().children()]
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError, ValueError):  # the thread has ended meanwhile
            found += map(int, (thread / "children").read_bytes().split())
    return found


def _pids_of_live_pools() -> set[int]:
    """The workers of pools of processes that somebody still holds: they start with the first unit that needs them."""
    pids: set[int] = set()
    for thread in threading.enumerate():  # concurrent.futures and loky have one thread a pool, which knows it
        find_pool = getattr(thread, "executor_reference", None)
        if callable(find_pool) and find_pool() is not None:
            pids.update(getattr(thread, "processes", None) or ())
    return pids


class Threads:
    """The threads of this process."""

    def __init__(self) -> None:
        self._known = frozenset(threading.enumerate())

    def accept(self) -> None:
        """Those that live now are nobody's fault."""
        self._known = frozenset(threading.enumerate())

    def take_new(self) -> list[str]:
        """The names of those that were started since and still run."""
        if threading.active_count() == len(self._known):
            return []
        names = [to_name(thread.name) for thread in threading.enumerate() if thread not in self._known]
        self.accept()
        return [name for name in names if not name.startswith(_SERVING)]


class Descriptors:
    """The open files of this process.

    The system gives out the lowest free number: while that stays what it was, nothing below it was left open.

    Args:
        ours: a directory whose files are opened by us; what units keep in `artifacts` there is theirs.
    """

    def __init__(self, ours: Path) -> None:
        self._ours = str(ours)
        self._lowest_free = -1
        self._known: dict[int, str] = {}
        self.accept()

    def accept(self) -> None:
        """What is open now is nobody's fault."""
        self._lowest_free = _lowest_free()
        self._known = _open_files()

    def take_new(self) -> list[str]:
        """What has been opened since and is still open."""
        if _lowest_free() == self._lowest_free:
            return []
        before = self._known
        self.accept()
        return [
            f"{to_name(target)} (descriptor {number})"
            for number, target in sorted(self._known.items())
            if before.get(number) != target and not self._is_ours(target)
        ]

    def _is_ours(self, target: str) -> bool:
        return target.startswith(self._ours) and not target.startswith(f"{self._ours}/artifacts/")


def _lowest_free() -> int:
    try:
        free = os.dup(0)
    except OSError:  # no standard input, or no number left
        return -1
    os.close(free)
    return free


def _open_files() -> dict[int, str]:
    """By number what is open, without the three standard ones, which a capture changes as it likes."""
    found = {}
    for entry in Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir():
        number = int(entry.name)
        with suppress(OSError):  # the descriptor of the listing itself
            os.fstat(number)
            target = str(entry.readlink()) if sys.platform == "linux" else "a file"
            if number > _STANDARD_ERROR:
                found[number] = target
    return found
