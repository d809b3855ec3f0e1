"""`history/<run_id>/`: where a run goes, whole, when a new one starts in its directory."""

from __future__ import annotations

import re
from contextlib import suppress

import orjson

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.slug import slug
from pytest_benchrun.store.rundir import RunDir

_PLAIN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}"
)  # what our own run ids are made of; others could lead elsewhere

_STARTED = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{8}$")  # the moment in a run id
_ENDED = b'"event":"unit_ended"'


def move_to_history(rundir: RunDir, run_id: str) -> str:
    """Move the run to `history/<run_id>/`.

    Several renames are not one step: a note says which run is on its way, and `finish_moving` goes on
    after a kill.

    Returns:
        The new place, relative to the directory.
    """
    rundir.disk.write_atomically(rundir.moving, run_id.encode("utf-8"))
    finish_moving(rundir)
    return f"history/{run_id}"


def earlier_seconds(rundir: RunDir) -> dict[str, float]:
    """How long each unit took in the latest run of the history, by its id; empty without one.

    Good for an estimate: lines that cannot be read are passed over, and nothing is checked.
    """
    runs = [path for path in rundir.history.glob("*") if _STARTED.search(path.name)]
    if not runs:
        return {}
    latest = max(runs, key=lambda path: (_STARTED.findall(path.name)[-1], path.name))
    seconds: dict[str, float] = {}
    for part in RunDir(latest).journal_parts():
        with suppress(OSError), part.open("rb") as file:
            for line in file:
                if _ENDED in line:
                    with suppress(ValueError, KeyError, TypeError):
                        event = orjson.loads(line)
                        unit_id, elapsed_s = event["unit_id"], event["elapsed_s"]
                        if isinstance(unit_id, str) and elapsed_s >= 0:
                            seconds[unit_id] = float(elapsed_s)
    return seconds


def finish_moving(rundir: RunDir) -> None:
    """Go on with a move that a kill left half done; nothing to do when there is none."""
    try:
        run_id = rundir.moving.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    target = rundir.history / (run_id if _PLAIN.fullmatch(run_id) else slug(run_id))
    try:
        rundir.disk.make_dir(target)
        for path in rundir.ours():
            rundir.disk.replace(path, target / path.name)
        rundir.disk.sync_dir(target)
        rundir.disk.sync_dir(rundir.path)
        with suppress(FileNotFoundError):
            rundir.disk.unlink(rundir.moving)
    except OSError as error:
        message = f"cannot move the earlier run to {target}: {error.strerror}"
        raise DirectoryProblem(message, hint="mend what stands in the way and start again; the move goes on") from error
