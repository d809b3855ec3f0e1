"""`benchrun gc DIR`: remove what killed sessions of a run have left; never while the run lives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.lock import OwnedElsewhere, RunLock, read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive, this_process
from pytest_benchrun.world.sandbox import Leftover, find_leftovers, remove_leftovers

EXIT_LEFT = 1
_LINE_LENGTH = 4000


def gc(directory: str, *, is_dry: bool) -> int:
    """Remove sandboxes, fetches and temporary files whose processes are gone, one line each.

    Args:
        directory: as typed.
        is_dry: whether to say only what would be removed.

    Returns:
        0, or 1 when something could not be removed.

    Raises:
        DirectoryProblem: there is no run in it, or its owner lives.
    """
    rundir = RunDir(Path(directory))
    if not rundir.has_run():
        problem = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results")
    if is_dry:
        owner = read_owner(rundir.lock)
        if owner is not None and is_alive(owner) is not False:
            raise OwnedElsewhere(rundir.lock, owner, f"wait for it, or stop it: benchrun stop {quote(directory)}")
        _show("would remove", _found(rundir))
        return 0
    lock = RunLock(rundir.lock, is_alive, rundir.disk)
    lock.acquire(this_process(WallClock().now_at()))
    try:
        found = _found(rundir)
        problems = remove_leftovers(rundir.path, found)
        rundir.disk.sweep_temporary_files(rundir.path)
    finally:
        lock.release()
    _show("removed", found)
    for problem in problems:
        print(f"not removed: {clean(problem, _LINE_LENGTH)}")
    return EXIT_LEFT if problems else 0


def _found(rundir: RunDir) -> list[Leftover]:
    pattern = rundir.disk.temporary_path(rundir.path, "*").name
    temporary = [Leftover(path=path, what="a temporary file") for path in sorted(rundir.path.glob(pattern))]
    return [*find_leftovers(rundir.path), *temporary]


def _show(verb: str, found: Sequence[Leftover]) -> None:
    for one in found:
        print(f"{verb} {clean(f'{one.path}: {one.what}', _LINE_LENGTH)}")
    if not found:
        print("nothing is left to remove")
