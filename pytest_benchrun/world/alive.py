"""Whether a process lives. Imports next to nothing: `benchrun status` must answer at once."""

from __future__ import annotations

import os

_HAS_PROC = os.access("/proc/self/stat", os.F_OK)
if not _HAS_PROC:  # it takes longer to import than all that `status` does
    import psutil


def node_name() -> str:
    """This host."""
    return os.uname().nodename


def boot_id() -> str:
    """Identity of this boot of the host; `""` where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123  # pathlib costs 5 ms
            return file.read().strip()
    except OSError:
        return ""


def process_started(pid: int) -> str | None:
    """Opaque token of the start of process `pid`; None when there is no such process.

    On Linux the start in clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)): exact, and
    the same for every reader; elsewhere psutil's creation time. A zombie has ended.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # as above
            text = file.read()
    except OSError:
        return _started_by_psutil(pid)
    after_name = text.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else after_name[19]


def _started_by_psutil(pid: int) -> str | None:
    if _HAS_PROC:
        return None
    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def lives(host: str, pid: int, boot: str, started: str) -> bool | None:
    """Whether a process that is known by these lives; None when it is on another host and nobody here can know."""
    if host != node_name():
        return None
    return boot == boot_id() and process_started(pid) == started
