"""The mark in the environment of everything that a run starts, by which its orphans are found and ended.

`BENCHRUN_UNIT` is `<run_id>/<worker>` while wider fixtures are set up, and `<run_id>/<worker>/<hash>/<attempt>`
in a unit: never the unit's id, which may be larger than an environment can be.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.core.secrets import masked_words

VARIABLE = "BENCHRUN_UNIT"
GRACE_S = 1.0
"""Between SIGTERM and SIGKILL."""
_START_S = 0.5
_LOOK_S = 0.002


def cookie_for(run_id: str, worker: str, unit_id: str | None = None, attempt: int = 0) -> str:
    """The mark of one attempt, or without a unit that of wider fixtures."""
    cookie = f"{run_id}/{worker}"
    if unit_id is None:
        return cookie
    digest = hashlib.sha256(unit_id.encode("utf-8", "backslashreplace")).hexdigest()[:10]
    return f"{cookie}/{digest}/{attempt}"


def cookie_of(pid: int) -> str | None:
    """The mark that a process was started with; None when it has none, or belongs to somebody else."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  # asked of every process of the system
            variables = file.read()
    except OSError:
        return None
    start = variables.find(f"\0{VARIABLE}=".encode())
    if start < 0 and not variables.startswith(f"{VARIABLE}=".encode()):
        return None
    value = variables[start + 1 :].partition(b"\0")[0].partition(b"=")[2]
    return value.decode("utf-8", "replace")


def end_processes(found: Iterable[psutil.Process]) -> list[str]:
    """SIGTERM, a grace, SIGKILL; psutil compares the start of each, so that a reused pid is left alone.

    Returns:
        Their command lines.
    """
    commands = {}
    for process in found:
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                commands[process] = f"{command_of(process)} (pid {process.pid})"
                process.terminate()
    _, alive = psutil.wait_procs(list(commands), timeout=GRACE_S)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_S)
    return list(commands.values())


def command_of(process: psutil.Process) -> str:
    """Its command line; the name of one that has none.

    It is awaited: for some milliseconds after the start of a program the system knows neither it nor its environment.

    Raises:
        psutil.Error: it has ended.
    """
    deadline_s = time.monotonic() + _START_S
    while not (words := process.cmdline()) and time.monotonic() < deadline_s:
        time.sleep(_LOOK_S)
    return to_name(" ".join(masked_words(words)) or process.name())
