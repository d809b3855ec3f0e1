"""`benchrun junit DIR`: JUnit XML from the journal, at any time; reads only, needs no lock."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_benchrun.core.errors import DirectoryProblem, JournalDamaged, UsageProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.sequence import BAD_VALUES
from pytest_benchrun.report.junit import junit_xml
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import is_alive


def junit(directory: str, output: str | None) -> int:
    """Write the JUnit file of the run in `directory`.

    Args:
        directory: the results directory.
        output: the file, replaced in one step; None for the standard output.

    Raises:
        DirectoryProblem: there is no run, or its journal is damaged.
        UsageProblem: the file cannot be written.
    """
    rundir = RunDir(Path(directory))
    if not rundir.has_run():
        problem = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results")
    owner = read_owner(rundir.lock)
    is_live = owner is not None and is_alive(owner) is not False
    check = f"benchrun verify {rundir.path}   (says what is wrong)"
    try:
        text = junit_xml(_events(rundir), is_live=is_live)
    except OSError as error:
        raise DirectoryProblem(f"cannot read the journal of {rundir.path}: {error.strerror}", hint=check) from error
    except BAD_VALUES as error:
        raise DirectoryProblem(f"the journal of {rundir.path} makes no sense: {error}", hint=check) from error
    data = text.encode("utf-8")
    if output is None:
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()
    else:
        _write(rundir, Path(output), data)
    return 0


def _events(rundir: RunDir) -> list[Event]:
    """All events; read again when a live run put a part of its journal away meanwhile."""
    while True:
        parts = rundir.journal_parts()
        try:
            return list(JournalReader(rundir))
        except JournalDamaged:
            if rundir.journal_parts() == parts:
                raise


def _write(rundir: RunDir, path: Path, data: bytes) -> None:
    if path.resolve() in {part.resolve() for part in (*rundir.journal_parts(), rundir.lock)}:
        problem = f"-o {str(path)!r} is a file of the run itself"
        raise UsageProblem(problem, hint="name another file: -o junit.xml")
    try:
        Disk().write_atomically(path, data)
    except OSError as error:
        problem = f"cannot write -o {str(path)!r}: {error.strerror}"
        raise UsageProblem(problem, hint="name a file in a folder that exists: -o junit.xml") from error
