"""Who owns a run: this process's identity, and whether another one still lives."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from pytest_benchrun.core.model import Owner
from pytest_benchrun.world.alive import boot_id, lives, node_name, process_started


def this_process(started_at: str) -> Owner:
    """This process as an owner that took a run at `started_at`."""
    pid = os.getpid()
    return Owner(
        host=node_name(),
        pid=pid,
        boot_id=boot_id(),
        process_started=process_started(pid) or "",
        started_at=started_at,
    )


def is_alive(owner: Owner) -> bool | None:
    """Whether the owner's process lives; None when it is on another host and nobody here can know."""
    return lives(owner.host, owner.pid, owner.boot_id, owner.process_started)


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
