"""`benchrun verify DIR`: check everything in a results directory, say what is wrong; changes no byte."""

from __future__ import annotations

from pathlib import Path

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.verify import VerifiedRun
from pytest_benchrun.store.verify import verify as check
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive

EXIT_WRONG = 1
_LINE_LENGTH = 4000


def verify(directory: str) -> int:
    """Print what is wrong in `directory`, one finding a line.

    Returns:
        0 when nothing is wrong, else 1.

    Raises:
        DirectoryProblem: there is no run in it, or it cannot be looked at.
    """
    rundir = RunDir(Path(directory))
    try:
        runs = check(rundir, is_alive, WallClock().now_at())
    except OSError as error:
        problem = f"cannot look into {str(rundir.path)!r}: {error.strerror}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results") from error
    if not runs:
        problem = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results")
    for run in runs:
        _show(run)
    count = sum(len(run.findings) for run in runs)
    past = f" in {len(runs)} runs" if len(runs) > 1 else ""
    print(f"{count} thing{'s are' if count != 1 else ' is'} wrong{past}" if count else f"nothing is wrong{past}")
    return EXIT_WRONG if count else 0


def _show(run: VerifiedRun) -> None:
    print(clean(run.title, _LINE_LENGTH))
    for finding in run.findings:
        print(f"  {clean(str(finding), _LINE_LENGTH)}")
    for note in run.notes:
        print(f"  note: {clean(note, _LINE_LENGTH)}")
