"""`benchrun stop DIR`: ask the live run of a directory to stop softly."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import orjson

from pytest_benchrun.cli.status import believed_state, read_status
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.model import Owner
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.stopfile import StopRequest
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive


def stop(directory: str, *, reason: str | None) -> int:
    """Write STOP for the session that runs now.

    Raises:
        DirectoryProblem: no run lives there; no file is made.
    """
    rundir = RunDir(Path(directory))
    view = read_status(rundir)
    owner = read_owner(rundir.lock)
    state, note = believed_state(view, owner)
    is_waiting = state == "paused" and owner is not None and is_alive(owner) is True  # for room on its disk
    if state not in {"running", "stopping", "stalled"} and not is_waiting:
        message = f"nothing to stop: {view['run_id']} is {state}" + (f" ({note})" if note else "")
        raise DirectoryProblem(message, hint=f"benchrun status {directory}")
    if state == "stopping" or any(os.path.lexists(path) for path in rundir.stop_names):
        print("Stop already requested.")
        return 0
    request = StopRequest(
        who=_user(),
        at=WallClock().now_at(),
        run_id=view["run_id"],
        session=view["session"],
        reason=reason,
    )
    try:
        rundir.disk.write_atomically(rundir.stop, orjson.dumps(request))
    except OSError as error:
        message = f"cannot write {rundir.stop}: {error.strerror}"
        raise DirectoryProblem(message, hint=f"make room, or tell the run itself: kill {_pid(owner)}") from error
    count = view["running"]
    print(f"Stop requested. {count} unit{'s' if count != 1 else ''} in flight will finish; the rest is skipped.")
    return 0


def _pid(owner: Owner | None) -> str:
    return f"{owner.pid}   (on {owner.host})" if owner else "PID"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
