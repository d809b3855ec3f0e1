"""Around one unit, in the process where it runs: its fixture, its reports, its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import pytest

from pytest_benchrun.core.model import JsonValue, Metric, Outcome, Unit, UnitStatus
from pytest_benchrun.core.pulse import Pulse
from pytest_benchrun.core.settings import TurnSettings
from pytest_benchrun.core.usage import NAMES, Usage, metrics_of
from pytest_benchrun.hooks.beacons import Beacons, tell_nobody
from pytest_benchrun.hooks.bench import BenchRun, Keeps
from pytest_benchrun.hooks.guard import UnitGuard
from pytest_benchrun.hooks.stuck import Place, StuckTimer
from pytest_benchrun.hooks.translate import OUR_REPORT, OutcomeBuilder
from pytest_benchrun.hooks.turnlines import UnitTurns
from pytest_benchrun.store.checkpoints import CheckpointFile
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnfile import TurnFile
from pytest_benchrun.world.clock import WallClock

_PROPERTIES = {name: f"bench.metric.{name}" for name in NAMES}
"""One text for all units: pytest keeps their properties to the end."""


@dataclass(slots=True)
class _Attempt:
    unit: Unit
    number: int
    beacons: Beacons
    builder: OutcomeBuilder = field(default_factory=OutcomeBuilder)
    bench: BenchRun | None = None
    turns: UnitTurns | None = None
    measured: dict[str, Metric] = field(default_factory=dict)
    used: dict[str, Metric] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    keywords: Mapping[str, Literal[1]] = field(default_factory=dict)

    def metrics(self) -> dict[str, Metric]:
        """What the unit itself has recorded, which wins, after what other plugins have; then what it has used."""
        said = {**self.measured, **(self.bench.metrics if self.bench else {})}
        return said | {name: metric for name, metric in self.used.items() if name not in said} if self.used else said


@dataclass(frozen=True, slots=True)
class KeepsTurns:
    """Where this process keeps the turns of its units.

    Attributes:
        file: takes the lines.
        worker: who writes them.
        sample: share of the turns that is kept.
    """

    file: TurnFile
    worker: str
    sample: float


def properties_of(run_id: str, unit: Unit, attempt: int) -> list[tuple[str, str]]:
    """The `bench.*` properties that every JUnit test case carries; metrics follow as they are recorded."""
    return [("bench.run_id", run_id), ("bench.group", unit.group), ("bench.attempt", str(attempt))]


def keep_turns(rundir: RunDir, settings: TurnSettings, worker: str, *, is_owner: bool) -> KeepsTurns | None:
    """Where this process keeps turns; None when they are switched off.

    Args:
        rundir: of the run.
        settings: what is kept.
        worker: who writes.
        is_owner: whether it may write the file of all; others write a part of their own.
    """
    if not settings.is_on:
        return None
    file = TurnFile(
        rundir,
        None if is_owner else worker,
        rotate_bytes=settings.rotate_bytes if is_owner else None,
        now_at=WallClock().now_at,
    )
    return KeepsTurns(file, worker, settings.sample)


class Measures(Protocol):
    """Measures what a unit uses."""

    def begin(self) -> None:
        """A unit begins."""

    def used(self) -> Usage | None:
        """What it has used so far; None where that says nothing."""

    def close(self) -> None:
        """There are no more units."""


class UnitHooks:
    """Knows the attempt in flight.

    Args:
        place: the run, and where its units run.
        config: the free values of the campaign file.
        show_result: told the outcome just before pytest shows it, and answers with why it could not be
            recorded, None when it was; itself None where nothing is shown.
        late_error: told of a report that failed while no unit was in flight: a wider fixture's teardown.
        guard: bounds and cleans up what the unit does to its process.
        turns: where turns are kept; None where they are not.
        stuck: ends units that give no sign of progress.

    Attributes:
        note_news: called, in any thread, when a unit has said where it is.
        meter: measures what units use; None where nobody wants to know.
    """

    def __init__(
        self,
        place: Place,
        config: Mapping[str, JsonValue],
        *,
        show_result: Callable[[Outcome], str | None] | None,
        late_error: Callable[[pytest.TestReport], None],
        guard: UnitGuard,
        turns: KeepsTurns | None,
        stuck: StuckTimer,
    ) -> None:
        self._run_id = run_id = place.run_id
        self._rundir = place.rundir
        self._config = config
        self._show_result = show_result
        self._late_error = late_error
        self._guard = guard
        self._turns = turns
        self._stuck = stuck
        self._clock = WallClock()
        # pytest keeps every item's properties to the end of the session: what all units have is shared.
        self._shared = ("bench.run_id", run_id), ("bench.attempt", "1")
        self._attempt: _Attempt | None = None
        self.note_news: Callable[[], None] = tell_nobody
        self.meter: Measures | None = None

    def begin(self, unit: Unit, attempt: int, item: pytest.Item) -> None:
        """The next reports belong to this attempt, and it is looked after."""
        beacons = self._stuck.watch(unit, attempt, item, self._clock, self._take_words)
        self._attempt = _Attempt(unit, attempt, beacons)
        self._guard.begin(unit.unit_id, attempt)
        if self.meter is not None:
            self.meter.begin()

    def _take_words(self) -> None:
        self._stuck.tell()
        self.note_news()

    @property
    def beacons(self) -> Beacons | None:
        """Of the attempt in flight; None between units. Read in other threads too."""
        attempt = self._attempt
        return None if attempt is None else attempt.beacons

    def pulse_of(self, unit_id: str) -> Pulse | None:
        """Where the unit is; None when it does not run here."""
        beacons = self.beacons
        return beacons.pulse() if beacons is not None and beacons.unit_id == unit_id else None

    def end(self) -> Outcome:
        """What the attempt came to; later reports belong to nobody."""
        self._stuck.release()
        self._guard.end()
        outcome = self._outcome()
        self._guard.forget_output()
        self._attempt = None
        return outcome

    def abandon(self) -> None:
        """The session was torn out of the attempt: later reports belong to nobody."""
        self._stuck.release()
        self._guard.end()
        if self._turns is not None:
            self._turns.file.flush()
        self._attempt = None

    def measured(self, metrics: dict[str, Metric]) -> None:
        """What another plugin has measured in the attempt; it takes the place of what was told before."""
        if self._attempt is not None:
            self._attempt.measured = metrics

    def bench(self, item: pytest.Item) -> BenchRun:
        """A new object for the fixture: a rerun of the attempt begins without the metrics of the try before."""
        attempt = self._attempt
        if attempt is None:
            message = "the benchrun fixture is for test functions: no unit is running"
            raise RuntimeError(message)
        unit_id = attempt.unit.unit_id
        callspec = getattr(item, "callspec", None)
        if attempt.turns is None and self._turns is not None:  # a rerun goes on counting: its lines have this attempt
            attempt.turns = self._turns_of(self._turns, attempt)
        file = CheckpointFile(
            self._rundir,
            run_id=self._run_id,
            unit=attempt.unit,
            attempt=attempt.number,
            now_at=self._clock.now_at,
        )
        attempt.bench = BenchRun(
            unit_id=unit_id,
            params=callspec.params if callspec else {},
            config=self._config,
            attempt=attempt.number,
            find_folder=lambda: self._rundir.artifacts(unit_id),
            keeps=Keeps(file, attempt.beacons, attempt.turns),
        )
        return attempt.bench

    def _turns_of(self, turns: KeepsTurns, attempt: _Attempt) -> UnitTurns:
        return UnitTurns(
            run_id=self._run_id,
            beacons=attempt.beacons,
            attempt=attempt.number,
            worker=turns.worker,
            share=turns.sample,
            file=turns.file,
            clock=self._clock,
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Before the first fixture: whoever says that the unit cannot run well fails or skips it."""
        hook = item.ihook.pytest_benchrun_validate
        if self._attempt is not None and hook.get_hookimpls():
            hook(item=item, unit=self._attempt.unit, attempt=self._attempt.number)

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        """Hand over what threads that outlived their units have still said."""
        if self._turns is not None:
            self._turns.file.close()
        if self.meter is not None:
            self.meter.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what becomes the outcome."""
        attempt = self._attempt
        if report.sections or report.longrepr is not None:
            self._guard.shorten(report)
        if attempt is None:
            if report.outcome == "failed" and not hasattr(report, OUR_REPORT):
                self._late_error(report)
            return
        attempt.beacons.beat(report.when)  # a step of the unit is over: the next one has its own time
        if report.keywords == attempt.keywords:  # pytest keeps every report to the end: 0.5 kB a unit
            report.keywords = attempt.keywords
        else:
            attempt.keywords = report.keywords
        outcome: str = report.outcome  # more than pytest's own three
        if outcome == "rerun":
            self._stuck.forgive()
        elif self._stuck.verdict is not None and not attempt.builder.has_failed:
            self._hold_to(self._stuck.verdict, report)
        if report.when == "teardown":
            used = self.meter.used() if self.meter is not None else None
            programs = attempt.bench.programs if attempt.bench else None
            attempt.used = {} if used is None else metrics_of(used, programs.peak_bytes if programs else None)
            report.user_properties.extend(self._properties_of(attempt))
        if attempt.builder.add(report) and self._show_result is not None:
            self._stuck.pause(is_paused=True)  # the owner may wait for its disk
            problem = self._show_result(self._outcome())
            self._stuck.pause(is_paused=False)
            if problem is not None:  # nothing is shown as passed that a resume would run again
                report.outcome = "failed"
                report.longrepr = f"benchrun: {problem}"

    @staticmethod
    def _hold_to(verdict: str, report: pytest.TestReport) -> None:
        """A unit that has swallowed its end has failed all the same; a setup that passed is followed by a call."""
        if report.outcome != "failed" and (report.when, report.outcome) != ("setup", "passed"):
            report.outcome, report.longrepr = "failed", f"benchrun: {verdict}"

    def _properties_of(self, attempt: _Attempt) -> list[tuple[str, object]]:
        """What the test case in JUnit carries: on the last report, which no test of the unit sees any more."""
        run_id, first = self._shared
        number = first if attempt.number == 1 else ("bench.attempt", str(attempt.number))
        properties: list[tuple[str, object]] = [run_id, ("bench.group", attempt.unit.group), number]
        for name, metric in attempt.metrics().items():
            properties.append(
                (_PROPERTIES.get(name) or f"bench.metric.{name}", "" if metric.value is None else str(metric.value))
            )
        return properties

    def _outcome(self) -> Outcome:
        attempt = self._attempt
        if attempt is None:
            message = "no unit is running"
            raise RuntimeError(message)
        outcome = attempt.builder.outcome()
        verdict = self._stuck.verdict
        if self._stuck.problem is not None:  # said once, and kept: the outcome is asked for before its end too
            attempt.warnings.append(self._stuck.problem)
            self._stuck.problem = None
        if verdict is not None:
            outcome = replace(outcome, status=UnitStatus.TIMEOUT, kind="timeout", message=verdict)
        bench = attempt.bench
        if attempt.turns is not None and self._turns is not None and bench is not None:
            # before anything shows the unit as ended: whoever reads of its end finds its turns
            attempt.turns.end()
            self._turns.file.flush()
            problem = self._turns.file.take_problem()
            bench.warnings += [*attempt.turns.take_warnings(), *([] if problem is None else [problem])]
        metrics, told = (
            attempt.metrics(),
            [*(bench.warnings if bench else []), *attempt.warnings, *self._guard.warnings],
        )
        return replace(outcome, metrics=metrics, warnings=told) if metrics or told else outcome
