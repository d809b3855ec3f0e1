"""The stamp that everything carries that a process with units has started: a number in the limits of the process.

Linux has one limit that every process inherits and shows and that nothing heeds since 2.4.25: that of file locks, see
getrlimit(2). The system copies it with the process, so there is no moment without it; and it stays through other
programs, sessions of their own, cleared environments, closed descriptors and the end of parents.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from collections.abc import Iterable
from contextlib import suppress

import psutil

from pytest_benchrun.world.watchdog import LOCKS, stamp_of

_PID_BITS = 22  # PID_MAX_LIMIT of linux/threads.h is 2^22
_RUN_BITS = 40
_ALL = (1 << _PID_BITS) - 1
_IS_LINUX = sys.platform == "linux"


def stamp_for(run_id: str, pid: int) -> int:
    """That of what a process with units of the run starts."""
    digest = hashlib.sha256(run_id.encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[: _RUN_BITS // 8], "big") << _PID_BITS | pid & _ALL


def is_of_run(stamp: int | None, run_id: str) -> bool:
    """Whether any process of the run has given it."""
    return stamp is not None and stamp >> _PID_BITS == stamp_for(run_id, 0) >> _PID_BITS


def put_stamp(run_id: str, below: Iterable[int]) -> bool:
    """Have all that this process starts carry its stamp from now on; nothing when it carries another one itself.

    A run that was started by a unit of another one is that unit's, with all that it starts.

    Args:
        run_id: the run.
        below: the pids of what it has started already; they get the stamp too.

    Returns:
        Whether it was put.
    """
    stamp = stamp_for(run_id, os.getpid())
    if not _IS_LINUX or stamp_of(os.getpid()) is not None or not _set(os.getpid(), stamp):
        return False
    for pid in below:
        _set(pid, stamp)
    return True


def take_stamp() -> None:
    """What this process has started, and starts from now on, is not the run's any more."""
    stamp = stamp_of(os.getpid())
    for pid in [] if stamp is None else psutil.pids():
        if stamp_of(pid) == stamp:
            _set(pid, resource.RLIM_INFINITY)


def _set(pid: int, limit: int) -> bool:
    with suppress(OSError, ValueError):  # a hard limit that somebody has set, or a system that has no such limit
        resource.prlimit(pid, LOCKS, (limit, resource.prlimit(pid, LOCKS)[1]))
        return True
    return False
