"""A run on a disk that fails at its N-th operation, for every N: what is left is valid, and a resume completes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import BenchrunError, JournalWriteFailed
from pytest_benchrun.core.events import UnitEnded, UnitResult, UnitStarted
from pytest_benchrun.core.model import COMPLETED, Ending, RunState, UnitStatus
from pytest_benchrun.core.plan import Wishes, make_plan
from pytest_benchrun.core.rules import Stop, exit_code, final_state
from pytest_benchrun.core.runstats import runstats_view
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.start import SessionFacts
from pytest_benchrun.run import OpenRun, open_run
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.publisher import views_at_rest
from pytest_benchrun.store.rundir import RunDir
from tests.store.faulty import FaultyDisk, HalfDisk, die, fork, input_output_error, no_space, wait
from tests.stories import make_unit

UNITS = [make_unit(f"test_it[{n}]") for n in range(3)]
FACTS = SessionFacts(engine="bare", workers=1, command=[], cwd="/", versions={}, version="1")
REFUSED = 4
CLEAN = 100
"""Added to the exit code of a session that did not meet its fault."""


class Directory:
    """A results directory, and the marks of what was executed for it.

    Args:
        path: of the directory; the marks lie beside it.

    Attributes:
        earlier: the journal of a finished run that was there before; None without one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rundir = RunDir(path)
        self.earlier: bytes | None = None
        self._marks = path.with_name(f"{path.name}-marks")

    def session(self, disk: Disk, *, is_resume: bool = False) -> int:
        """Run what is to run, as a recorder does; the exit code is returned."""
        settings = Settings(results_dir=str(self.path), resume="all" if is_resume else None)
        with ExitStack() as stack:
            try:
                run = open_run(settings, "demo", stack, disk)
                plan = make_plan(run.campaign, UNITS, Wishes(resume=settings.resume))
                if plan.is_empty and run.campaign.state is RunState.COMPLETE:
                    run.mend_views()
                    return 0
                run.begin(plan, FACTS, lambda: None, lambda _: None)
            except BenchrunError:
                return REFUSED
            try:
                for unit_id in plan.run:
                    self._execute(run, unit_id)
                run.check_journal()
                state, reason = final_state(run.campaign)
            except JournalWriteFailed as error:
                run.conductor.give_up(Stop("journal", error.problem, RunState.PAUSED))
                state, reason = RunState.PAUSED, error.problem
            code = exit_code(run.campaign, state, 0)
            run.end(state, reason, code)
            return code

    def _execute(self, run: OpenRun, unit_id: str) -> None:
        at, emit = run.clock.now_at(), run.conductor.emit
        assert run.conductor.may_start()
        attempt = run.campaign.records[unit_id].attempts + 1
        emit(UnitStarted(at=at, unit_id=unit_id, attempt=attempt, worker="main"))
        with self._marks.open("a", encoding="utf-8") as file:
            file.write(f"{unit_id} {attempt}\n")
        emit(UnitResult(at=at, unit_id=unit_id, attempt=attempt, worker="main", elapsed_s=0.1, outcome=COMPLETED))
        emit(
            UnitEnded(
                at=at,
                unit_id=unit_id,
                attempt=attempt,
                worker="main",
                ended=Ending.EXITED,
                elapsed_s=0.1,
                outcome=COMPLETED,
            )
        )

    def marks(self) -> Counter[tuple[str, int]]:
        """How often each attempt was executed."""
        lines = self._marks.read_text("utf-8").splitlines() if self._marks.exists() else []
        return Counter((unit_id, int(attempt)) for unit_id, _, attempt in (line.partition(" ") for line in lines))

    def forget(self) -> None:
        """The run that is there is not the one that is looked at."""
        self.earlier = self.rundir.journal.read_bytes()
        self._marks.unlink()

    def has_begun(self) -> bool:
        """Whether a resume has something to go on with."""
        return self.rundir.has_run() and self.rundir.journal.read_bytes() != self.earlier


def check(directory: Directory, code: int) -> None:
    """The directory is valid after a session that ended with `code`, and the next one completes its run."""
    left = Campaign.of(JournalReader(directory.rundir))
    completed = [record for record in left.records.values() if record.status is UnitStatus.COMPLETED]
    assert code != 0 or len(completed) == len(UNITS), "green, and a unit is missing"
    assert directory.session(Disk(is_durable=False), is_resume=directory.has_begun()) == 0
    ends: Counter[str] = Counter()
    started: set[tuple[str, int]] = set()
    for event in JournalReader(directory.rundir):
        if isinstance(event, UnitStarted):
            started.add((event.unit_id, event.attempt))
        elif isinstance(event, UnitEnded) and event.outcome.status is UnitStatus.COMPLETED:
            ends[event.unit_id] += 1
    assert ends == dict.fromkeys((unit.unit_id for unit in UNITS), 1)
    assert directory.marks().keys() <= started, "executed, and no record of it"
    assert set(directory.marks().values()) == {1}
    campaign = Campaign.of(JournalReader(directory.rundir))
    assert (campaign.state, campaign.running) == (RunState.COMPLETE, {})
    views = views_at_rest(directory.rundir, campaign, runstats_view(campaign))
    assert {path: path.read_bytes() for path in views} == views
    assert not list(directory.path.glob(".benchrun-tmp-*"))
    kept = list(directory.path.glob("history/*/journal.jsonl"))
    assert [path.read_bytes() for path in kept] == ([] if directory.earlier is None else [directory.earlier])


def new(path: Path) -> Directory:
    """Nothing is there yet."""
    return Directory(path)


def killed(path: Path) -> Directory:
    """A run that was killed in its second unit, in the middle of a line."""
    directory = Directory(path)
    # before it: the probe, four lines of the start, the first status, three lines of the first unit
    assert wait(fork(lambda: directory.session(HalfDisk(1 + 4 + 1 + 3 + 2, is_deadly=True)))) == 9
    return directory


def finished(path: Path) -> Directory:
    """A finished run that makes place for a new one."""
    directory = Directory(path)
    assert directory.session(Disk(is_durable=False)) == 0
    directory.forget()
    return directory


BEGINNINGS = pytest.mark.parametrize("begin", [new, killed, finished])


def until_clean(tmp_path: Path, begin: Callable[[Path], Directory], disk: Callable[[int], FaultyDisk]) -> None:
    """Let each operation in turn meet the fault, in a process of its own: its end is part of what is tested."""
    for number in count(1):
        directory = begin(tmp_path / str(number))

        def work(faulty: FaultyDisk, directory: Directory = directory) -> int:
            code = directory.session(faulty, is_resume=directory.has_begun())
            return code if faulty.has_failed else code + CLEAN

        code = wait(fork(partial(work, disk(number))))
        check(directory, code % CLEAN)
        if code >= CLEAN:
            assert code == CLEAN
            assert number > 10
            return


@BEGINNINGS
@pytest.mark.parametrize("fault", [input_output_error, no_space, die])
def test_a_fault_at_any_operation_loses_nothing(
    tmp_path: Path, begin: Callable[[Path], Directory], fault: Callable[[], NoReturn]
) -> None:
    until_clean(tmp_path, begin, partial(FaultyDisk, fault=fault))


@BEGINNINGS
@pytest.mark.parametrize("is_deadly", [False, True], ids=["full", "killed"])
def test_a_fault_in_the_middle_of_any_write_loses_nothing(
    tmp_path: Path,
    begin: Callable[[Path], Directory],
    is_deadly: bool,  # noqa: FBT001  # a table's column
) -> None:
    until_clean(tmp_path, begin, partial(HalfDisk, is_deadly=is_deadly))
