"""Process trees: what a process has started, and its end; found by pid and start, so that no stranger is meant."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from pytest_benchrun.core.secrets import masked_words

TERM_GRACE_S = 0.3
KILL_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Started:
    """A process that another one has started, directly or not.

    Attributes:
        pid: its id.
        command: its command line; the name where it has none.
        age_s: seconds since its start, to a hundredth on Linux.
        process: psutil's, which knows its start: a reused pid is another process.
    """

    pid: int
    command: str
    age_s: float
    process: psutil.Process


def descendants(pid: int, without: Collection[int] = ()) -> list[Started]:
    """The live processes below `pid`, parents first; those of `without` and below them left out."""
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    left_out = set(without)
    started = []
    for process in found:
        with suppress(psutil.Error):
            if process.pid in left_out or process.ppid() in left_out:
                left_out.add(process.pid)
            elif process.status() != psutil.STATUS_ZOMBIE:
                command = " ".join(masked_words(process.cmdline())) or process.name()
                started.append(Started(process.pid, command, _age_s(process), process))
    return started


def _age_s(process: psutil.Process) -> float:
    """By the ticks of `/proc/PID/stat` where there are any: psutil knows the boot to a second only."""
    try:
        with open(f"/proc/{process.pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # a hot read
            ticks = int(file.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return max(0.0, time.clock_gettime(time.CLOCK_REALTIME) - process.create_time())
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


def end_all(started: Iterable[Started], grace_s: float = TERM_GRACE_S) -> list[Started]:
    """End processes: SIGTERM, a short grace, SIGKILL.

    Returns:
        Those that live all the same: the system holds them, or they belong to somebody else.
    """
    wanted = list(started)
    by_process = {one.process: one for one in wanted}
    for one in wanted:
        with suppress(psutil.Error):
            one.process.terminate()  # psutil looks at the start first
    _, alive = psutil.wait_procs(list(by_process), timeout=grace_s)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    _, alive = psutil.wait_procs(alive, timeout=KILL_WAIT_S)
    return [by_process[process] for process in alive if _lives(process)]


def end_tree(pid: int, grace_s: float = TERM_GRACE_S) -> list[Started]:
    """End `pid` and all that it has started; returns what lives all the same."""
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return []
    below = descendants(pid)
    return end_all([Started(pid, "", 0.0, process), *below], grace_s)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
