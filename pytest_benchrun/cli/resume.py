"""`benchrun resume DIR`: repeat the command of the run's last session with `--bench-resume`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.dburl import VARIABLE, masked_command, without_masked
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.events import SessionStarted
from pytest_benchrun.core.secrets import masked_option, masked_words, without_masked_words
from pytest_benchrun.core.sequence import BAD_VALUES
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.lock import OwnedElsewhere, read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import is_alive

_LINE_LENGTH = 4000
_OURS = ("--bench-results", "--bench-resume", "--bench-fresh", "--bench-accept-drift")
"""Not repeated: said anew by a resume, or, as the last one, said of one change and not of the next."""
DB, DB_INI = "--bench-db", "bench_db"
NOTIFY = "--bench-notify"
_DB_HINT = f"export {VARIABLE}=URL before a resume, or afterwards: benchrun record DIR --db URL"
_PHASES = ("--bench-from", "--bench-to", "--bench-only", "--bench-force-phase")
_WITH_VALUE = frozenset({"--bench-results", "--bench-from", "--bench-to", "--bench-only"})


def resume(directory: str, extra: Sequence[str]) -> int:
    """Become the pytest that goes on with the run in `directory`; returns only by an error.

    Args:
        directory: the results directory; it may have been moved since.
        extra: arguments for pytest after the recorded ones.

    Raises:
        DirectoryProblem: there is no run, its owner lives, its journal is damaged, or the folder of the
            recorded command is gone.
    """
    rundir = RunDir(Path(directory))
    _refuse_owned(rundir)
    session = last_session(rundir)
    recorded, was_masked = without_masked(session.command[1:], DB, DB_INI)
    if was_masked and not os.environ.get(VARIABLE):
        print(
            f"benchrun: the address of the database has a password, which is not recorded\n  -> {_DB_HINT}", flush=True
        )
    recorded, lost = without_masked_words(recorded)
    if lost:
        print(
            f"benchrun: not recorded, as it looks like a secret, and not repeated: {', '.join(lost)}\n"
            f"  -> benchrun resume {clean(shlex.quote(directory), 500)} -- {lost[0]}=...",
            flush=True,
        )
    arguments = resumed(recorded, str(rundir.path), extra)
    shown = shlex.join(["pytest", *masked_words(masked_option(masked_command(arguments, DB, DB_INI), NOTIFY))])
    try:
        os.chdir(session.cwd)
    except OSError as error:
        problem = f"the folder of the recorded command is gone: {session.cwd!r}: {error.strerror}"
        hint = f"cd to where the suite is now, and: {shown}"
        raise DirectoryProblem(problem, hint=clean(hint, _LINE_LENGTH)) from error
    print(clean(f"benchrun: in {session.cwd}: {shown}", _LINE_LENGTH), flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])  # noqa: S606  # no shell is the point


def resumed(recorded: Sequence[str], results_dir: str, extra: Sequence[str]) -> list[str]:
    """The recorded arguments of pytest as those of a resume.

    Args:
        recorded: without the program's name.
        results_dir: where the run is now.
        extra: what to add; it comes last of the options, so that it wins. Phases that it names take the
            place of all that were recorded.
    """
    names_phases = any(word.partition("=")[0] in _PHASES for word in extra)
    left_out = (*_OURS, *_PHASES) if names_phases else _OURS
    end = recorded.index("--") if "--" in recorded else len(recorded)
    kept = []
    options = iter(recorded[:end])
    for word in options:
        if word.partition("=")[0] not in left_out:
            kept.append(word)
        elif word in _WITH_VALUE:
            next(options, None)
    return [*kept, f"--bench-results={results_dir}", "--bench-resume", *extra, *recorded[end:]]


def last_session(rundir: RunDir) -> SessionStarted:
    """The run's last session, as its journal has it.

    Raises:
        DirectoryProblem: there is none, or the journal is damaged.
    """
    if not rundir.has_run():
        problem = f"there is no run in {str(rundir.path)!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results")
    check = f"benchrun verify {shlex.quote(str(rundir.path))}   (says what is wrong)"
    try:
        session = Campaign.of(JournalReader(rundir)).session
    except OSError as error:
        raise DirectoryProblem(f"cannot read the journal of {rundir.path}: {error.strerror}", hint=check) from error
    except BAD_VALUES as error:
        raise DirectoryProblem(f"the journal of {rundir.path} makes no sense: {error}", hint=check) from error
    if session is None:
        problem = f"no session of the run in {str(rundir.path)!r} has begun: there is no command to repeat"
        raise DirectoryProblem(problem, hint=f"pytest --bench-results={shlex.quote(str(rundir.path))} --bench-resume")
    return session


def _refuse_owned(rundir: RunDir) -> None:
    """Say who has the run before pytest would, with one start of Python less."""
    owner = read_owner(rundir.lock)
    if owner is not None and is_alive(owner):
        hint = f"wait for it, or stop it: benchrun stop {shlex.quote(str(rundir.path))}"
        raise OwnedElsewhere(rundir.lock, owner, hint)
