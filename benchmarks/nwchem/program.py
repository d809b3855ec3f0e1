"""Runs NWChem as a child process and makes sure that it never outlives its unit."""

import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

NWCHEM = shutil.which("nwchem")
# A unit takes seconds: so long means that the iterations will never converge.
TIME_LIMIT_S = 300.0
GRACE_S = 5.0
TAIL_LINES = 12
# One unit is one core, however many units run beside it.
CHILD_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    # Without mpirun, Open MPI 4 starts a daemon in a session of its own, out of our reach.
    "OMPI_MCA_ess_singleton_isolated": "1",
}


class NwchemFailed(RuntimeError):
    """NWChem ended with an error, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a run of the program took.

    Attributes:
        wall_s: Seconds from start to end, start-up included.
        cpu_s: Seconds of processor time, in the program and in the system for it.
    """

    wall_s: float
    cpu_s: float


def run_nwchem(input_path: Path, output_path: Path, *, scratch: Path) -> Usage:
    """Run NWChem to its end.

    The program runs in a process group of its own. If the unit is interrupted, in whatever
    way that lets Python clean up, the group is ended.

    Args:
        input_path: The input to read.
        output_path: Where its output goes, line by line; it is there after a failure too.
        scratch: Folder for the many files the program makes.

    Returns:
        What the run took.

    Raises:
        NwchemFailed: It ended with an error, or not within ``TIME_LIMIT_S``.
    """
    started, cpu_before_s = time.perf_counter(), _children_cpu_s()
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            [NWCHEM or "nwchem", input_path.absolute()],
            cwd=scratch,
            env=os.environ | CHILD_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        code = _wait(process)
    usage = Usage(wall_s=time.perf_counter() - started, cpu_s=_children_cpu_s() - cpu_before_s)
    if code != 0:
        late = usage.wall_s >= TIME_LIMIT_S
        reason = f"no end within {TIME_LIMIT_S:.0f} s" if late else f"exit code {code}"
        raise NwchemFailed(f"{reason}\n{_tail(output_path)}")
    return usage


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the program, or bring it about when time is up.

    ``Popen.wait`` with a timeout looks only every 50 ms, which is some percent of a short run;
    without one it returns at once. So the limit is watched by a thread.

    Returns:
        The exit code; negative if a signal ended the program.
    """
    limit = threading.Timer(TIME_LIMIT_S, _end_group, [process])
    limit.daemon = True
    limit.start()
    try:
        return process.wait()
    finally:
        limit.cancel()
        _end_group(process)
        limit.join()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program's process group if it still runs: politely, then for sure."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, signal_number)
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def _children_cpu_s() -> float:
    """Return the processor seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tail(path: Path) -> str:
    """Return the last lines of the output that say something."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line.rstrip() for line in lines if line.strip(" -")][-TAIL_LINES:])
