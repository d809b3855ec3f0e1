"""A campaign of three phases that is stopped, killed, filled up and resumed ends as one that was left alone."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.dispatch import Dispatcher
from pytest_benchrun.core.errors import JournalWriteFailed
from pytest_benchrun.core.events import RestSkipped, UnitEnded, UnitResult, UnitStarted
from pytest_benchrun.core.model import Ending, Metric, Outcome, RunState, UnitStatus
from pytest_benchrun.core.plan import Wishes, make_plan, ranges_of
from pytest_benchrun.core.rules import Stop, exit_code, final_state
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.start import SessionFacts
from pytest_benchrun.run import OpenRun, open_run
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.rundir import RunDir
from tests.fakes import FakeClock
from tests.store.faulty import FaultyDisk, die, fork, no_space, wait
from tests.stories import make_unit

PHASES = ("prepare", "run", "score")
UNITS = [
    replace(make_unit(f"test_it[{number}]", f"group-{number % 7}"), phase=PHASES[number % 3]) for number in range(300)
]
FACTS = SessionFacts(engine="bare", workers=1, command=[], cwd="/", versions={}, version="1")
INTERRUPTED = 2
ACTS = ("soft stop", "hard stop", "kill before the result", "kill after the result", "full disk", "dying disk")


class Interference:
    """What happens to a session, and at which of its units.

    Args:
        act: one of `ACTS`; None for nothing.
        at_unit: number of the unit, from 0.
    """

    def __init__(self, act: str | None, at_unit: int) -> None:
        self.act = act
        self.at_unit = at_unit

    def disk(self) -> Disk:
        """The disk of the session: some fail in the middle of it."""
        operation = 18 + 3 * self.at_unit
        if self.act == "full disk":
            return FaultyDisk(operation, no_space)
        if self.act == "dying disk":
            return FaultyDisk(operation, die)
        return Disk(is_durable=False)


def session(path: Path, interference: Interference, *, is_resume: bool) -> int:
    """One session as a recorder leads it, on a clock that stands still; its exit code."""
    settings = Settings(results_dir=str(path), resume="all" if is_resume else None, phases=PHASES)
    with ExitStack() as stack:
        run = open_run(settings, "demo", stack, interference.disk(), FakeClock())
        plan = make_plan(run.campaign, UNITS, Wishes(resume=settings.resume))
        run.begin(plan, FACTS, lambda: None, lambda _: None)
        dispatcher = Dispatcher((run.campaign.records[unit_id].unit for unit_id in plan.run), PHASES)
        try:
            state, reason = lead(run, dispatcher, interference)
        except JournalWriteFailed as error:
            run.conductor.give_up(Stop("journal", error.problem, RunState.PAUSED))
            state, reason = RunState.PAUSED, error.problem
        code = exit_code(run.campaign, state, INTERRUPTED if state is RunState.INTERRUPTED else 0)
        run.end(state, reason, code)
        return code


def lead(run: OpenRun, dispatcher: Dispatcher, interference: Interference) -> tuple[RunState, str | None]:
    """Run units until there are none or the interference comes."""
    number = 0
    while (unit_id := dispatcher.take("main")) is not None:
        act = interference.act if number == interference.at_unit else None
        if act == "soft stop":
            run.conductor.stop(Stop("stop-file", "stop requested", RunState.STOPPED))
            rest = ranges_of(run.campaign, [unit_id, *dispatcher.rest()])
            run.conductor.emit(RestSkipped(at=run.clock.now_at(), units=rest, reason="benchrun: stop requested"))
            return final_state(run.campaign)
        if execute(run, unit_id, act) is UnitStatus.INTERRUPTED:
            return RunState.INTERRUPTED, "interrupted"
        dispatcher.finish("main")
        number += 1
    run.check_journal()
    return final_state(run.campaign)


def execute(run: OpenRun, unit_id: str, act: str | None) -> UnitStatus:
    """One attempt of one unit: what it measures depends on the unit alone."""
    at, emit, number = run.clock.now_at(), run.conductor.emit, int(unit_id[8:-1])
    attempt = run.campaign.records[unit_id].attempts + 1
    status = UnitStatus.INTERRUPTED if act == "hard stop" else UnitStatus.COMPLETED
    outcome = Outcome(status=status, metrics={"energy": Metric(value=number / 7, unit="eV", better="lower")})
    elapsed_s = None if act == "hard stop" else number / 100
    ended = Ending.KILLED if act == "hard stop" else Ending.EXITED
    emit(UnitStarted(at=at, unit_id=unit_id, attempt=attempt, worker="main"))
    if act == "kill before the result":
        os._exit(9)
    if elapsed_s is not None:
        emit(UnitResult(at=at, unit_id=unit_id, attempt=attempt, worker="main", elapsed_s=elapsed_s, outcome=outcome))
    if act == "kill after the result":
        os._exit(9)
    emit(
        UnitEnded(
            at=at,
            unit_id=unit_id,
            attempt=attempt,
            worker="main",
            ended=ended,
            elapsed_s=elapsed_s,
            outcome=outcome,
        )
    )
    return status


def left_alone(path: Path) -> bytes:
    """The figures of a run that nothing happened to."""
    assert wait(fork(lambda: session(path, Interference(None, 0), is_resume=False))) == 0
    return figures(path)


def figures(path: Path) -> bytes:
    """`runstats.json` but for the run's own name."""
    rundir = RunDir(path)
    run_id = Campaign.of(JournalReader(rundir)).run_id
    return rundir.runstats.read_bytes().replace(run_id.encode(), b"RUN")


def assert_phases_are_barriers(path: Path) -> None:
    """No unit started before all units of the phases before its own had ended."""
    campaign = Campaign()
    for event in JournalReader(RunDir(path)):
        if isinstance(event, UnitStarted):
            phase = campaign.records[event.unit_id].unit.phase
            before = PHASES[: PHASES.index(phase)]
            assert [campaign.phases[name].unfinished for name in before] == [0] * len(before)
        campaign.apply(event)


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_interferences_and_resumes_gives_the_figures_of_a_run_left_alone(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  # a story to tell again, no secret
    path = tmp_path / "results"
    told: list[str] = []
    code = -1
    while code != 0:
        act = chance.choice(ACTS) if len(told) < 25 else None
        interference = Interference(act, chance.randrange(40))
        has_begun = RunDir(path).has_run()
        code = wait(fork(partial(session, path, interference, is_resume=has_begun)))
        told.append(f"{interference.act} at unit {interference.at_unit}: {code}")
        assert code in {0, 1, 2, 9}, told
        assert len(told) < 60, told
        for view in chance.sample(["status.json", "run_state.json", "runstats.json"], chance.randrange(3)):
            if code != 0:
                (path / view).unlink(missing_ok=True)
    campaign = Campaign.of(JournalReader(RunDir(path)))
    assert campaign.counts[UnitStatus.COMPLETED] == len(UNITS), told
    assert figures(path) == left_alone(tmp_path / "alone"), told
    assert_phases_are_barriers(path)
