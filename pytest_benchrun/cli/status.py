"""`benchrun status DIR`: reads one file; believes `running` only when the owner lives."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson

from pytest_benchrun.core.errors import DirectoryProblem, NewerSchema
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.views import StatusView
from pytest_benchrun.report.text import status_lines
from pytest_benchrun.store.incidents import read_run_error
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive

STALLED_AFTER_S = 30
NO_ROOM_BYTES = 64 * 1024
"""With less than this free a status cannot be counted on to be written."""
EXIT_CODES = {"stopped": 11, "interrupted": 11, "failed": 11, "paused": 12, "dead": 13, "stalled": 14}
EXIT_RUNNING = 15
EXIT_COMPLETE_WITH_FAILURES = 10


def status(directory: str, *, as_json: bool, by_exit_code: bool) -> int:
    """Print where the run in `directory` is.

    Returns:
        0, or with `by_exit_code` the code of the state.
    """
    rundir = RunDir(Path(directory))
    view = read_status(rundir)
    state, note = believed_state(view, read_owner(rundir.lock))
    if state == "dead":
        state, note = _ended_by_watchdog(rundir, view) or (state, note)
    if state == "stalled" and _is_full(rundir):
        note = f"its disk is full: make room and it goes on; {note}"
    if as_json:
        sys.stdout.write(orjson.dumps({**view, "state": state}, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write("\n".join(status_lines(view, state, note)) + "\n")
    if not by_exit_code:
        return 0
    if state == "complete":
        return EXIT_COMPLETE_WITH_FAILURES if view["failures_total"] else 0
    return EXIT_CODES.get(state, EXIT_RUNNING)


def _ended_by_watchdog(rundir: RunDir, view: StatusView) -> tuple[str, str] | None:
    """What became of a run whose owner ran the units itself and hung; None for any other death."""
    error, owner = read_run_error(rundir), view["owner"]
    if error is None or owner is None or error["ended"] != "worker":
        return None
    if (error["run_id"], error["pid"], error["host"]) != (view["run_id"], owner["pid"], owner["host"]):
        return None
    return "failed", f"its process was ended: {error['unit_id']}: {error['message']}; go on with --bench-resume"


def _is_full(rundir: RunDir) -> bool:
    """Whether a silent run can not even write that it waits for room."""
    try:
        return rundir.disk.free_bytes(rundir.path) < NO_ROOM_BYTES
    except OSError:
        return False


def read_status(rundir: RunDir) -> StatusView:
    """What `status.json` says.

    Raises:
        DirectoryProblem: there is none, or it cannot be understood.
    """
    again = f"benchrun rebuild {rundir.path}   (makes it again from the journal)"
    try:
        view = orjson.loads(rundir.status.read_bytes())
    except FileNotFoundError:
        if rundir.has_run():
            raise DirectoryProblem(f"{rundir.status} is missing", hint=again) from None
        message = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(message, hint=f"start one: pytest --bench-results={rundir.path}") from None
    except OSError as error:
        message = f"cannot read {rundir.status}: {error.strerror}"
        raise DirectoryProblem(message, hint="name the directory given to --bench-results") from error
    except ValueError as error:
        message = f"{rundir.status} is damaged: {error}"
        raise DirectoryProblem(message, hint=again) from error
    version = view.get("schema_version") if isinstance(view, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerSchema(str(rundir.status), version, SCHEMA_VERSION)
    if not isinstance(view, dict) or not set(StatusView.__annotations__) <= set(view):
        raise DirectoryProblem(f"{rundir.status} is no status of a run", hint=again)
    return cast("StatusView", view)


def believed_state(view: StatusView, owner: Owner | None) -> tuple[str, str | None]:
    """The state a reader may believe, and why it differs from what the file says.

    A live run is `dead` when its lock is free or its owner gone, `stalled` when its heartbeat is older
    than 30 s. On another host only the heartbeat can be seen.
    """
    state: str = view["state"]
    # One that waits for room says paused too; after its end a run has no workers.
    is_killed_waiting = state == "paused" and bool(view["workers"]) and owner is not None and is_alive(owner) is False
    if state not in {"running", "stopping", "pending"} and not is_killed_waiting:
        return state, None
    recorded: Any = view["owner"]
    if owner is None:
        pid = recorded["pid"] if recorded else "?"
        return "dead", f"nobody holds the lock; the owner was pid {pid}, last heard of {view['heartbeat_at']}"
    if is_alive(owner) is False:
        return "dead", f"its owner, pid {owner.pid} on {owner.host}, is gone; last heard of {view['heartbeat_at']}"
    now = datetime.fromisoformat(WallClock().now_at()).astimezone(UTC)
    age_s = (now - datetime.fromisoformat(view["heartbeat_at"])).total_seconds()
    if age_s > STALLED_AFTER_S:
        return "stalled", f"no heartbeat for {age_s:.0f} s from pid {owner.pid} on {owner.host}"
    return state, None
