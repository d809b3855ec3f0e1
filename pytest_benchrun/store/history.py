"""`history/<run_id>/`: where a run goes, whole, when a new one starts in its directory."""

from __future__ import annotations

import re
from contextlib import suppress

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.store.rundir import RunDir, slug

_PLAIN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}"
)  # what our own run ids are made of; others could lead elsewhere


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
