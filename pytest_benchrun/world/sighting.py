"""One look at this host as an event of the run."""

from __future__ import annotations

from typing import Literal

from pytest_benchrun.core.events import HostSeen
from pytest_benchrun.world.gpu import gpu_facts
from pytest_benchrun.world.machine import facts


def look_at_host(
    level: Literal["full", "basic", "off"], moment: Literal["start", "end"], folder: str, now_at: str
) -> list[HostSeen]:
    """What this host is like now; nothing when nobody wants to know, or when it cannot be told.

    At the end nothing is asked that costs time: what could have changed since the start is in files of the kernel.

    Args:
        level: `full`, `basic` (no programs, no packages) or `off`.
        moment: of the session.
        folder: of the project, whose commit is recorded.
        now_at: the moment itself.
    """
    if level == "off":
        return []
    is_basic = level == "basic" or moment == "end"
    try:
        found = facts(folder, is_basic=is_basic)
        if not is_basic and not found["gpus"]:  # without `nvidia-smi`
            found["gpus"] = gpu_facts()
    except Exception:  # noqa: BLE001  # an odd host must not cost a run; its facts are missing from the file
        return []
    return [HostSeen(at=now_at, host=found["host"], moment=moment, facts=found)]
