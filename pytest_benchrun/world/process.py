"""Who owns a run: this process's identity, and whether another one still lives."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

import psutil

from pytest_benchrun.core.model import Owner


def boot_id() -> str:
    """Identity of this boot of the host; `""` where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def process_started(pid: int) -> str | None:
    """Opaque token of the start of process `pid`; None when there is no such process.

    On Linux the start in clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)): exact, and
    the same for every reader; elsewhere psutil's creation time. A zombie has ended.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _started_by_psutil(pid)
    after_name = text.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else after_name[19]


def _started_by_psutil(pid: int) -> str | None:
    if Path("/proc/self/stat").exists():
        return None
    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def this_process(started_at: str) -> Owner:
    """This process as an owner that took a run at `started_at`."""
    pid = os.getpid()
    return Owner(
        host=platform.node(),
        pid=pid,
        boot_id=boot_id(),
        process_started=process_started(pid) or "",
        started_at=started_at,
    )


def is_alive(owner: Owner) -> bool | None:
    """Whether the owner's process lives; None when it is on another host and nobody here can know."""
    if owner.host != platform.node():
        return None
    if owner.boot_id != boot_id():
        return False
    return process_started(owner.pid) == owner.process_started


def die_with(parent_pid: int) -> None:
    """End this process, by SIGKILL, as soon as its parent is gone; nothing where the parent is another process.

    A worker that outlives its controller would go on with a unit that the next session runs again.
    Linux only: elsewhere a worker ends when it next speaks to its controller.
    """
    if sys.platform != "linux" or os.getppid() != parent_pid:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before we had said so
        os.kill(os.getpid(), signal.SIGKILL)


_PR_SET_PDEATHSIG = 1  # linux/prctl.h; see prctl(2)
