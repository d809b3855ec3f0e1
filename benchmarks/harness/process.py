"""Runs one command to its end and says what its whole process tree cost.

CPU time is what the kernel hands over when a process is waited for (`wait4`): its own user and
system time plus that of every descendant that was itself waited for. A descendant whose parent
ended first would be missing, so this process makes itself the reaper of such strays (Linux) and
adds each of them. Missing for good are children of a process that ignores SIGCHLD, and what the
kernel does in threads of its own, such as writing back to disk. `accounting.py` checks the sum
against what the processes say of themselves.

Peak memory is that of the largest process, not the sum. A child starts with the peak of the process
that spawned it, so the harness must stay smaller than what it measures: standard library only.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
STRAY_LIMIT_S = 20.0  # xdist workers may outlive a dead controller by 15 s
SHOWN_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took.

    Attributes:
        cpu_s: user and system seconds of all its processes.
        wall_s: seconds from its start to the end of its first process.
        peak_kb: largest resident size of any one of its processes, in kB (1,024 bytes).
        strays: how many processes outlived their parents and were waited for here.
    """

    cpu_s: float
    wall_s: float
    peak_kb: int
    strays: int


class RunError(Exception):
    """A run that failed, took too long or did not do its work; shows the end of its output."""

    def __init__(self, problem: str, command: Sequence[str], output: Path) -> None:
        """Keep what is needed to understand the failure without the files of the run.

        Args:
            problem: what is wrong.
            command: what was run.
            output: where its stdout and stderr went.
        """
        lines = output.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
        shown = "\n".join(f"    {line}" for line in lines)
        super().__init__(f"{problem}\n  command: {' '.join(command)}\n  output:\n{shown}")
        self.problem = problem


class Usage(NamedTuple):
    """What the kernel reports of an ended process and its waited-for descendants."""

    cpu_s: float
    peak_kb: int


def become_reaper() -> bool:
    """Let orphaned descendants of our children become our children.

    Returns:
        False where the system cannot (not Linux): strays are then missing from the figures.
    """
    if sys.platform != "linux":
        return False
    zero = ctypes.c_ulong(0)
    prctl = ctypes.CDLL(None).prctl
    done: int = prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), zero, zero, zero)
    return done == 0


def measure(
    command: Sequence[str], *, folder: Path, output: Path, environment: Mapping[str, str], limit_s: float
) -> Cost:
    """Run a command and account for all its processes.

    Args:
        command: the program and its arguments.
        folder: its working directory.
        output: file for its stdout and stderr; a file costs the reader nothing.
        environment: all its variables.
        limit_s: seconds after which it is killed.

    Returns:
        What it cost.

    Raises:
        RunError: it ended with another exit code than 0, or was killed for taking too long.
    """
    started = time.perf_counter()
    process = _start(command, folder, output, environment)
    main, is_expired = _wait(process, limit_s)
    wall_s = time.perf_counter() - started
    everyone = [main, *_reap_strays(0.0 if is_expired else STRAY_LIMIT_S)]
    if is_expired or process.returncode:
        problem = f"killed after {limit_s:.0f} s" if is_expired else f"exit code {process.returncode}"
        raise RunError(problem, command, output)
    return Cost(
        cpu_s=sum(one.cpu_s for one in everyone),
        wall_s=wall_s,
        peak_kb=max(one.peak_kb for one in everyone),
        strays=len(everyone) - 1,
    )


def _start(
    command: Sequence[str], folder: Path, output: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with output.open("wb") as sink:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that one signal ends its whole group
        )


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> tuple[Usage, bool]:
    """Wait for the first process of a run, and end all of them at the limit or if we are interrupted.

    Returns:
        What it used, and whether it was killed at the limit.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with contextlib.suppress(ProcessLookupError):  # it ended by itself at the last moment
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit_s, expire)
    timer.start()
    try:
        # Not Popen.wait: it throws the resource usage away.
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        _reap_strays(0.0)
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return _read_usage(usage), expired.is_set()


def _read_usage(usage: resource.struct_rusage) -> Usage:
    peak_kb = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return Usage(cpu_s=usage.ru_utime + usage.ru_stime, peak_kb=peak_kb)


def _reap_strays(limit_s: float) -> list[Usage]:
    """Wait for adopted processes, and end those that stay longer than `limit_s` seconds."""
    strays: list[Usage] = []
    deadline = time.perf_counter() + limit_s
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:  # none left
            return strays
        if pid:
            strays.append(_read_usage(usage))
            continue
        if time.perf_counter() > deadline:
            for child in _children():
                os.kill(child, signal.SIGKILL)  # ours and not waited for: the id cannot be reused
        time.sleep(0.01)


def _children() -> list[int]:
    """Ids of our own children: only ever processes of the run that has just ended."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listing.read_text().split()]
