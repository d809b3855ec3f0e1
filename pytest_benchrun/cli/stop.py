"""`benchrun stop DIR`: ask the live run of a directory to stop softly, or at once."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from shlex import quote

import orjson

from pytest_benchrun.cli.status import Seen
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.views import StatusView
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.stopfile import REASON_LENGTH, StopRequest, read_request
from pytest_benchrun.world.clock import WallClock


def stop(directory: str, *, reason: str | None, is_now: bool) -> int:
    """Write STOP for the session that runs now.

    Args:
        directory: as typed.
        reason: shown with what did not run for it; None for none.
        is_now: whether the units in flight are interrupted; also when a soft stop was asked before.

    Raises:
        DirectoryProblem: no run lives there; no file is made.
    """
    rundir = RunDir(Path(directory))
    seen = Seen(directory, WallClock().now_at())
    view, state, note = seen.view, seen.state, seen.note
    if state not in {"running", "stopping", "stalled"} and not seen.is_waiting:
        message = f"nothing to stop: {view['run_id']} is {state}" + (f" ({note})" if note else "")
        raise DirectoryProblem(message, hint=f"benchrun status {quote(directory)}")
    if _is_asked(rundir, view, state, is_now=is_now):
        print("Stop already requested.")
        return 0
    request = StopRequest(
        schema_version=SCHEMA_VERSION,
        who=_user(),
        at=WallClock().now_at(),
        run_id=view["run_id"],
        session=view["session"],
        reason=None if reason is None else to_name(reason, REASON_LENGTH),
        now=is_now,
    )
    try:
        rundir.disk.write_atomically(rundir.stop, orjson.dumps(request))
    except OSError as error:
        message = f"cannot write {rundir.stop}: {error.strerror}"
        raise DirectoryProblem(
            message, hint=f"make room, or tell the run itself: kill {_pid(read_owner(rundir.lock))}"
        ) from error
    count = view["running"]
    fate = "will be interrupted; a resume runs what is left" if is_now else "will finish; the rest is skipped"
    print(f"Stop requested. {count} unit{'s' if count != 1 else ''} in flight {fate}.")
    return 0


def _is_asked(rundir: RunDir, view: StatusView, state: str, *, is_now: bool) -> bool:
    """Whether a STOP of the same session asks for it already, obeyed or not; a soft one asks for nothing at once."""
    if not is_now and (state == "stopping" or any(os.path.lexists(path) for path in rundir.stop_names)):
        return True
    # One that was obeyed a moment ago is not in the status yet.
    found = [*rundir.stop_names, *rundir.path.glob("STOP.obeyed-*")]
    meant_for = view["run_id"], view["session"]
    requests = [request for path in found if (request := read_request(path)) is not None]
    return any(
        (request["now"] or not is_now) and (request["run_id"], request["session"]) == meant_for for request in requests
    )


def _pid(owner: Owner | None) -> str:
    return f"{owner.pid}   (on {owner.host})" if owner else "PID"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
