"""Ends what a process that runs units has left running when it was killed, by what its watchdog had seen of it.

Run by the watchdog in a process of its own, as it needs more than the standard library. It finds processes that no
mark tells of any more: they have cleared their environment, and their parent is gone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil

from pytest_benchrun.world.alive import process_started
from pytest_benchrun.world.leftovers import is_helper
from pytest_benchrun.world.tree import Started, descendants, end_all


def end_survivors(told: dict[str, Any]) -> None:
    """End those that still live, and what they have started.

    Args:
        told: `children` are the pid and the start, see `process_started`, of each that was a child of the process.
    """
    found: list[Started] = []
    for pid, started in told["children"]:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process_started(pid) == started and not is_helper(process):
                found += [Started(pid, "", 0.0, process), *descendants(pid)]
    end_all(found)
