"""`benchrun status DIR`: reads one file; believes `running` only when the owner lives.

It answers within 60 ms whatever the run's size: three starts of Python are all it may take, so it imports
no more than it must (orjson, pathlib and dataclasses would each take half a start).
"""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import datetime

from pytest_benchrun.core.errors import DirectoryProblem, NewerSchema
from pytest_benchrun.core.schema import SCHEMA_VERSION
from pytest_benchrun.report.status_text import coloured, status_lines
from pytest_benchrun.store.names import LOCK, RUN_ERROR, STATUS
from pytest_benchrun.world.alive import lives
from pytest_benchrun.world.clock import WallClock

TYPE_CHECKING = False
if TYPE_CHECKING:  # the views import the whole core, the lock filelock
    from typing import Any

    from pytest_benchrun.core.views import StatusView

STALLED_AFTER_S = 30
NO_ROOM_BYTES = 64 * 1024
"""With less than this free a status cannot be counted on to be written."""
EXIT_CODES = {"stopped": 11, "interrupted": 11, "failed": 11, "paused": 12, "dead": 13, "stalled": 14}
EXIT_RUNNING = 15
EXIT_COMPLETE_WITH_FAILURES = 10
_DEATH = "it was killed, or a unit ended it with os._exit"
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What a foreign file does to whoever reads it as a status."""


class Seen:
    """What a reader sees of a run at a moment.

    Args:
        directory: the results directory.
        now_at: the reader's time.

    Attributes:
        view: what `status.json` says.
        owner: the record in the lock; None while nobody owns the run.
        state: what may be believed: `dead` and `stalled` are derived.
        note: why that differs from what the file says; None when it does not.
        lines: for people.

    Raises:
        DirectoryProblem: there is no run, or its status cannot be understood.
    """

    def __init__(self, directory: str, now_at: str) -> None:
        self.view = _read_status(directory)
        self.owner = read_record(directory)
        try:
            self.state, self.note = _believed(self.view, self.owner, now_at)
            if self.state == "dead":
                self.state, self.note = _ended_by_watchdog(directory, self.view) or (self.state, self.note)
            if self.state == "stalled" and _is_full(directory):
                self.note = f"its disk is full: make room and it goes on; {self.note}"
            self.lines = status_lines(self.view, self.state, self.note, now_at)
        except UNREADABLE as error:
            raise DirectoryProblem(f"{_status_of(directory)} is no status of a run", hint=_again(directory)) from error

    @property
    def is_waiting(self) -> bool:
        """Whether the run is paused and lives: it waits for room on its disk."""
        return self.state == "paused" and self.owner is not None and _lives(self.owner) is True


def status(directory: str, *, as_json: bool, by_exit_code: bool) -> int:
    """Print where the run in `directory` is.

    Returns:
        0, or with `by_exit_code` the code of the state.
    """
    seen = Seen(directory, WallClock().now_at())
    if as_json:
        sys.stdout.write(json.dumps({**seen.view, "state": seen.state}, indent=2) + "\n")
    else:
        lines = coloured(seen.lines, seen.state) if has_colours() else seen.lines
        sys.stdout.write("\n".join(lines) + "\n")
    if not by_exit_code:
        return 0
    if seen.state == "complete":
        return EXIT_COMPLETE_WITH_FAILURES if seen.view["failures_total"] else 0
    return EXIT_CODES.get(seen.state, EXIT_RUNNING)


def has_colours() -> bool:
    """Whether the output shows colours: as pytest decides, PY_COLORS first, NO_COLOR next, then FORCE_COLOR."""
    said = os.environ.get("PY_COLORS")
    if said in {"0", "1"}:
        return said == "1"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _ended_by_watchdog(directory: str, view: StatusView) -> tuple[str, str] | None:
    """What became of a run whose owner ran the units itself and hung; None for any other death."""
    owner = view["owner"]
    try:
        error = json.loads(_read(os.path.join(directory, RUN_ERROR)))  # noqa: PTH118  # see above
        if owner is None or error["ended"] != "worker":
            return None
        if (error["run_id"], error["pid"], error["host"]) != (view["run_id"], owner["pid"], owner["host"]):
            return None
        text = f"its process was ended: {error['unit_id']}: {error['message']}; go on with --bench-resume"
    except (OSError, *UNREADABLE):
        return None
    return "failed", text


def read_record(directory: str) -> dict[str, Any] | None:
    """The owner in the lock file; None when there is none or the text is no owner."""
    try:
        record = json.loads(_read(os.path.join(directory, LOCK)))  # noqa: PTH118  # see above
        keys = {"host": str, "pid": int, "boot_id": str, "process_started": str}
        return record if all(isinstance(record[key], kind) for key, kind in keys.items()) else None
    except (OSError, *UNREADABLE):
        return None


def _lives(owner: dict[str, Any]) -> bool | None:
    return lives(owner["host"], owner["pid"], owner["boot_id"], owner["process_started"])


def _status_of(directory: str) -> str:
    return os.path.join(os.path.abspath(directory), STATUS)  # noqa: PTH100, PTH118  # see above


def _again(directory: str) -> str:
    return f"benchrun rebuild {_quoted(directory)}   (makes it again from the journal)"


def _quoted(directory: str) -> str:
    from shlex import quote  # late: a status that can be read imports next to nothing

    return quote(directory)


def _read(path: str) -> bytes:
    """A regular file; a pipe would wait for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123  # it has no path any more
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file", path)
        return file.read()


def _read_status(directory: str) -> StatusView:
    path = _status_of(directory)
    try:
        view = json.loads(_read(path))
    except FileNotFoundError:
        if _has_journal(directory):
            raise DirectoryProblem(f"{path} is missing", hint=_again(directory)) from None
        place = os.path.dirname(path)  # noqa: PTH120  # see above
        raise DirectoryProblem(
            f"there is no run in {place!r}", hint=f"start one: pytest --bench-results={_quoted(directory)}"
        ) from None
    except OSError as error:
        hint = "name the directory given to --bench-results"
        raise DirectoryProblem(f"cannot read {path}: {error.strerror}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise DirectoryProblem(f"{path} is damaged: {error}", hint=_again(directory)) from error
    version = view.get("schema_version") if isinstance(view, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerSchema(path, version, SCHEMA_VERSION)
    if not isinstance(view, dict):
        raise DirectoryProblem(f"{path} is no status of a run", hint=_again(directory))
    found: StatusView = view  # type: ignore[assignment]  # what it lacks is found when it is shown
    return found


def _has_journal(directory: str) -> bool:
    try:
        return any(name.startswith("journal.") for name in os.listdir(directory))  # noqa: PTH208  # see above
    except OSError:
        return False


def _is_full(directory: str) -> bool:
    """Whether a silent run can not even write that it waits for room."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < NO_ROOM_BYTES


def _believed(view: StatusView, owner: dict[str, Any] | None, now_at: str) -> tuple[str, str | None]:
    """The state a reader may believe, and why it differs from what the file says.

    A live run is `dead` when its lock is free or its owner gone, `stalled` when its heartbeat is older
    than 30 s. On another host only the heartbeat can be seen.
    """
    state: str = view["state"]
    # One that waits for room says paused too; after its end a run has no workers.
    is_killed_waiting = state == "paused" and bool(view["workers"]) and owner is not None and _lives(owner) is False
    if state not in {"running", "stopping", "pending"} and not is_killed_waiting:
        return state, None
    heard_at = view["heartbeat_at"]
    if owner is None:
        pid = view["owner"]["pid"] if view["owner"] else "?"
        return "dead", f"nobody holds the lock; the owner was pid {pid}: {_DEATH}; last heard of {heard_at}"
    if _lives(owner) is False:
        return "dead", f"its owner, pid {owner['pid']} on {owner['host']}, is gone: {_DEATH}; last heard of {heard_at}"
    age_s = (datetime.fromisoformat(now_at) - datetime.fromisoformat(heard_at)).total_seconds()
    if age_s > STALLED_AFTER_S:
        return "stalled", f"no heartbeat for {age_s:.0f} s from pid {owner['pid']} on {owner['host']}"
    return state, None
