"""`benchrun start DIR -- ...`: pytest in a session of its own, which outlives the terminal; returns once it is up."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from pytest_benchrun.core.errors import DirectoryProblem, UsageProblem
from pytest_benchrun.report.words import clean
from pytest_benchrun.store import names
from pytest_benchrun.store.lock import OwnedElsewhere, read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import is_alive

LOOK_S = 0.05
TAIL_LINES, _LINE_LENGTH = 15, 500
_OPTION = "--bench-results"


def start(directory: str, arguments: Sequence[str]) -> int:
    """Start a run in the background.

    The log has a name of its own until the run is up: what pytest refuses must change nothing, and a new run
    first moves the earlier one, its log too, to the history.

    Args:
        directory: the results directory.
        arguments: for pytest.

    Returns:
        0 once the run is up, or has ended already; the exit code of pytest when no run has come of it.

    Raises:
        BenchrunError: the arguments or the directory cannot be used; nothing was started.
    """
    for word in arguments:
        if word.partition("=")[0] == _OPTION:
            hint = f"leave it away: benchrun start {shlex.quote(directory)} -- ..."
            raise UsageProblem(f"{word!r} is given after --, and DIR says it already: {directory!r}", hint=hint)
    rundir = RunDir(Path(directory))
    _refuse_owned(rundir)
    is_new = not rundir.path.exists()
    starting = rundir.path / f".benchrun-start-{os.getpid()}.log"
    try:
        rundir.disk.make_dir(rundir.path)
        process = _spawn(rundir, arguments, starting)
    except OSError as error:
        problem = f"cannot start in {str(rundir.path)!r}: {error.strerror}"
        raise DirectoryProblem(problem, hint="name a directory that can be written") from error
    is_up = _wait(rundir, process)
    if not is_up:
        _fail(process, starting)
        starting.unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):  # somebody put something there
                (rundir.path / names.LOCK).unlink(missing_ok=True)
                rundir.path.rmdir()
        return process.returncode
    log = _log_of(rundir, arguments)
    _keep_log(rundir, starting, log)
    shown = clean(shlex.quote(directory), _LINE_LENGTH)
    print(f"benchrun: the run is up, pid {process.pid}, output in {log}")
    print(f"  -> benchrun watch {shown}   or: benchrun status {shown}   benchrun stop {shown}")
    return 0


def _refuse_owned(rundir: RunDir) -> None:
    owner = read_owner(rundir.lock)
    if owner is not None and is_alive(owner) is not False:
        hint = f"wait for it, or stop it: benchrun stop {shlex.quote(str(rundir.path))}   or name another directory"
        raise OwnedElsewhere(rundir.lock, owner, hint)


def _spawn(rundir: RunDir, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """No terminal, no input, a session of its own: closing the terminal does not reach it."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    command = [*arguments[:end], f"{_OPTION}={rundir.path}", *arguments[end:]]
    with log.open("xb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(rundir: RunDir, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the status is that of the process; False when it ended before.

    There is no limit: collecting may take long, and Ctrl-C ends the waiting and not the run.
    """
    while True:
        has_ended = process.poll() is not None
        with suppress(OSError, ValueError, TypeError, KeyError):
            view = orjson.loads(rundir.status.read_bytes())
            if view["owner"]["pid"] == process.pid and view["state"] != "pending":
                return True
        if has_ended:
            return False
        time.sleep(LOOK_S)


def _fail(process: subprocess.Popen[bytes], log: Path) -> None:
    lines = log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
    print(f"benchrun: pytest ended with exit code {process.returncode} and no run was begun; its last lines:")
    print("\n".join(f"  {clean(line, _LINE_LENGTH)}" for line in lines if line.strip()))


def _log_of(rundir: RunDir, arguments: Sequence[str]) -> Path:
    """Where the output goes; a run that writes `benchmark.log` itself needs that name."""
    writes_log = any(word in {"--bench-headless", "--bench-log"} for word in arguments)
    return rundir.path / (names.OUTPUT if writes_log else names.LOG)


def _keep_log(rundir: RunDir, log: Path, target: Path) -> None:
    """Give the log its name; that of an earlier session of the run is kept beside it."""
    if target.exists():
        number = 1
        while (aside := target.with_name(f"{target.stem}.{number}.log")).exists():
            number += 1
        rundir.disk.replace(target, aside)
    rundir.disk.replace(log, target)
