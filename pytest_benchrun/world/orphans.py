"""Processes that a killed session has left running, and their end.

Two things tell them from everybody else's: the mark in their environment (`cookie.py`), which a process may clear, and
the stamp in their limits (`stamp.py`), which some programs that change the user set anew. No other evidence counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil

from pytest_benchrun.world.cookie import cookie_for, cookie_of, end_processes
from pytest_benchrun.world.leftovers import is_helper
from pytest_benchrun.world.stamp import is_of_run, stamp_for
from pytest_benchrun.world.watchdog import stamp_of

_MOST_ROUNDS = 20

IsMeant = Callable[[int], bool]
"""Whether the process with this pid is one of those that are looked for."""


def of_run(run_id: str) -> IsMeant:
    """All that any process of the run has started."""
    return lambda pid: is_of_run(stamp_of(pid), run_id) or _has_cookie(pid, run_id)


def of_worker(run_id: str, worker: str, worker_pid: int | None) -> IsMeant:
    """All that one worker has started; its pid is None where it is not known, or is one of another host."""
    stamp = None if worker_pid is None else stamp_for(run_id, worker_pid)
    prefix = cookie_for(run_id, worker)
    return lambda pid: (stamp is not None and stamp_of(pid) == stamp) or _has_cookie(pid, prefix)


def _has_cookie(pid: int, prefix: str) -> bool:
    cookie = cookie_of(pid)
    return cookie is not None and (cookie == prefix or cookie.startswith(f"{prefix}/"))


def end_orphans(is_meant: IsMeant, *, spares_children: bool = False) -> list[str]:
    """End every process that is meant, and what such ones start meanwhile.

    This process, its ancestors and helpers that end by themselves are left alone.

    Args:
        is_meant: see above.
        spares_children: whether descendants of this process are left alone too, as they have another owner that lives.

    Returns:
        The command lines of what was ended.
    """
    ended: list[str] = []
    with suppress(psutil.Error):
        here = psutil.Process()
        children = here.children(recursive=True) if spares_children else []
        known = {here, *here.parents(), *children}
        for _ in range(_MOST_ROUNDS):
            found = [process for process in _all(is_meant) if process not in known]
            if not found:
                break
            known.update(found)
            ended += end_processes(found)
    return ended


def _all(is_meant: IsMeant) -> Iterator[psutil.Process]:
    for pid in psutil.pids():
        if is_meant(pid):
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if not is_helper(process) and is_meant(pid):  # still the one that psutil knows by its start
                    yield process
