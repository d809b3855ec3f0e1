"""What commands share that read a run and write one file: no lock, and a live or killed run does as well."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from shlex import quote
from typing import TypeVar

from pytest_benchrun.core.errors import DirectoryProblem, UsageProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.sequence import BAD_VALUES
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import all_events
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import is_alive

T = TypeVar("T")


def run_in(directory: str) -> RunDir:
    """The results directory, once it is sure that it holds a run.

    Raises:
        DirectoryProblem: it holds none.
    """
    rundir = RunDir(Path(directory))
    if not rundir.has_run():
        problem = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results")
    return rundir


def is_live(rundir: RunDir) -> bool:
    """Whether the run's owner lives, as far as anybody here can know."""
    owner = read_owner(rundir.lock)
    return owner is not None and is_alive(owner) is not False


def made_of(rundir: RunDir, make: Callable[[list[Event]], T]) -> T:
    """What `make` makes of all events.

    Raises:
        DirectoryProblem: the journal cannot be read, is damaged, or makes no sense.
    """
    check = f"benchrun verify {quote(str(rundir.path))}   (says what is wrong)"
    try:
        return make(all_events(rundir))
    except OSError as error:
        raise DirectoryProblem(f"cannot read the journal of {rundir.path}: {error.strerror}", hint=check) from error
    except BAD_VALUES as error:
        raise DirectoryProblem(f"the journal of {rundir.path} makes no sense: {error}", hint=check) from error


def put_out(rundir: RunDir, output: str | None, data: bytes | Iterable[bytes], example: str) -> None:
    """Write `data` to a file, replaced in one step, or to the standard output.

    Args:
        rundir: whose own files are never written over.
        output: the file; None for the standard output.
        data: all of it, in one piece or in many.
        example: a name for the file, for the error.

    Raises:
        UsageProblem: the file cannot be written.
    """
    if output is None:
        for piece in (data,) if isinstance(data, bytes) else data:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    if path.resolve() in {part.resolve() for part in (*rundir.ours(), rundir.lock)}:
        problem = f"-o {str(path)!r} is a file of the run itself"
        raise UsageProblem(problem, hint=f"name another file: -o {example}")
    try:
        Disk().write_atomically(path, data)
    except OSError as error:
        problem = f"cannot write -o {str(path)!r}: {error.strerror}"
        raise UsageProblem(problem, hint=f"name a file in a folder that exists: -o {example}") from error
