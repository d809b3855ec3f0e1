"""Runs told event by event: by hand in a few words, or at random by the rules that engines keep.

A `Story` folds as it goes on, so that a test looks at the state between two events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self, TypeAlias

from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import (
    ConfigAccepted,
    Event,
    LateError,
    Noted,
    RestSkipped,
    RunCreated,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    StopAsked,
    UnitEnded,
    UnitResult,
    UnitsAdded,
    UnitsRemoved,
    UnitStarted,
    WorkerDown,
    WorkerUp,
)
from pytest_benchrun.core.model import Ending, JsonValue, Metric, Outcome, Owner, RunState, Unit, UnitStatus
from pytest_benchrun.core.plan import ranges_of
from pytest_benchrun.core.rules import Stop, final_state
from tests.fakes import FakeClock

OWNER = Owner(host="node-1", pid=4711, boot_id="boot-1", process_started="1234", started_at="2026-11-21T10:00:00.000Z")
WORKER = "main"
COMPLETED, FAILED, TIMEOUT = UnitStatus.COMPLETED, UnitStatus.FAILED, UnitStatus.TIMEOUT
SKIPPED, INTERRUPTED = UnitStatus.SKIPPED, UnitStatus.INTERRUPTED
KINDS = {FAILED: "call", TIMEOUT: "timeout", SKIPPED: "skip", INTERRUPTED: "interrupt"}
_Deed: TypeAlias = Callable[[], None]

STOP_ASKED = Stop("stop-file", "stop requested", RunState.STOPPED)


PHASES = ("prepare", "run", "score", "report")


def make_unit(unit_id: str, group: str | None = None, fingerprint: str = "", **params: JsonValue) -> Unit:
    """A unit of the function that its id names; a group of its own unless told otherwise."""
    return Unit(
        unit_id=unit_id,
        function=unit_id.partition("[")[0],
        group=unit_id if group is None else group,
        param_names=tuple(params),
        param_values=tuple(params.values()),
        fingerprint=fingerprint,
    )


def make_outcome(
    status: UnitStatus,
    message: str | None = None,
    metrics: dict[str, Metric] | None = None,
    warnings: Sequence[str] = (),
) -> Outcome:
    """An outcome whose kind follows from its status."""
    return Outcome(
        status=status, kind=KINDS.get(status), message=message, metrics=metrics or {}, warnings=list(warnings)
    )


class Story:
    """Events so far, and the state they fold to.

    Attributes:
        clock: the time of the next event.
        events: what has happened.
        campaign: what follows from it.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.campaign = Campaign()

    @property
    def at(self) -> str:
        """Now."""
        return self.clock.now_at()

    def tell(self, event: Event) -> None:
        """One more event."""
        self.events.append(event)
        self.campaign.apply(event)

    def begin(
        self,
        *units: str | Unit,
        run: Sequence[str] | None = None,
        limit: int | None = None,
        group_by: str | None = None,
        worker: str | None = WORKER,
        phases: Sequence[str] = PHASES,
        removed: Sequence[str] = (),
    ) -> Self:
        """A session: what a dead owner left is closed, new units join, `run` (by default all named) is planned.

        A unit that is known but named with other parameters, group, phase or fingerprint has changed.
        """
        campaign = self.campaign
        if campaign.created is None:
            self.tell(
                RunCreated(
                    at=self.at,
                    run_id="demo-20261121-100000-0123abcd",
                    campaign="demo",
                    config={"group_by": group_by},
                    config_hash="c0ffee",
                    version="0.1.0",
                )
            )
        self.close_killed_units()
        self.tell(
            SessionStarted(
                at=self.at,
                session=campaign.session.session + 1 if campaign.session else 1,
                owner=OWNER,
                engine="bare",
                workers=1,
                command=["pytest", "benchmarks/"],
                cwd="/home/me",
                versions={"python": "3.11.7"},
                group_by=group_by,
                phases=list(phases),
            )
        )
        named = [unit if isinstance(unit, Unit) else make_unit(unit) for unit in units]
        known = campaign.records
        added = [unit for unit in named if unit.unit_id not in known or self._is_changed(unit)]
        if added:
            self.tell(UnitsAdded(at=self.at, units=added))
        if removed:
            self.tell(UnitsRemoved(at=self.at, units=ranges_of(campaign, removed)))
        wanted = [unit.unit_id for unit in named] if run is None else run
        self.tell(SessionPlanned(at=self.at, run=ranges_of(campaign, wanted), failure_limit=limit))
        if worker is not None:
            self.worker_up(worker)
        return self

    def _is_changed(self, unit: Unit) -> bool:
        record = self.campaign.records[unit.unit_id]
        return record.is_removed or unit != record.unit

    def close_killed_units(self) -> None:
        """End what was in flight as `begin` of a session does: by its result, else as interrupted."""
        for running in list(self.campaign.running.values()):
            result = running.result
            outcome = result.outcome if result else make_outcome(INTERRUPTED)
            self.end(running.unit.unit_id, outcome, result.elapsed_s if result else None, Ending.KILLED)

    def worker_up(self, worker: str) -> None:
        """A worker can take units."""
        self.tell(WorkerUp(at=self.at, worker=worker, host="node-1", pid=5000))

    def worker_down(self, worker: str, error: str | None = None) -> None:
        """A worker is gone."""
        self.tell(WorkerDown(at=self.at, worker=worker, error=error))

    def start(self, unit_id: str, worker: str = WORKER) -> None:
        """A unit is about to be handed out."""
        attempt = self.campaign.records[unit_id].attempts + 1
        self.tell(UnitStarted(at=self.at, unit_id=unit_id, attempt=attempt, worker=worker))

    def result(self, unit_id: str, outcome: Outcome, seconds: float = 1.0) -> None:
        """The test function of a unit in flight has spoken."""
        running = self.campaign.running[unit_id]
        self.tell(
            UnitResult(
                at=self.at,
                unit_id=unit_id,
                attempt=running.attempt,
                worker=running.worker,
                elapsed_s=seconds,
                outcome=outcome,
            )
        )

    def end(self, unit_id: str, outcome: Outcome, seconds: float | None = 1.0, ended: Ending = Ending.EXITED) -> None:
        """The attempt in flight is over."""
        running = self.campaign.running[unit_id]
        self.tell(
            UnitEnded(
                at=self.at,
                unit_id=unit_id,
                attempt=running.attempt,
                worker=running.worker,
                ended=ended,
                elapsed_s=seconds,
                outcome=outcome,
            )
        )

    def run(
        self,
        unit_id: str,
        status: UnitStatus = COMPLETED,
        seconds: float = 1.0,
        *,
        message: str | None = None,
        metrics: dict[str, Metric] | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        """Start and end a unit."""
        self.start(unit_id)
        self.clock.advance(seconds)
        self.end(unit_id, make_outcome(status, message, metrics, warnings), seconds)

    def lose(self, unit_id: str, status: UnitStatus = INTERRUPTED) -> None:
        """The worker of a unit in flight dies under it: xdist first says so, then the unit is ended."""
        worker = self.campaign.running[unit_id].worker
        outcome = Outcome(status=status, kind="crash", message=f"worker {worker} died while running it")
        self.worker_down(worker, "crashed")
        self.end(unit_id, outcome, None, Ending.LOST)

    def stop(self, stop: Stop = STOP_ASKED) -> None:
        """Somebody or some rule wants no further unit to start."""
        self.tell(StopAsked(at=self.at, source=stop.source, reason=stop.reason, target=stop.target))

    def skip_rest(self, *unit_ids: str) -> None:
        """The session says that it will not start these."""
        ranges = ranges_of(self.campaign, unit_ids)
        self.tell(RestSkipped(at=self.at, units=ranges, reason="benchrun: stop requested"))

    def accept(self, **config: JsonValue) -> None:
        """The run goes on under another configuration."""
        self.tell(ConfigAccepted(at=self.at, config=config, config_hash="decaf"))

    def note(self, text: str) -> None:
        """Something people should know later."""
        self.tell(Noted(at=self.at, text=text))

    def late_error(self, unit_id: str, message: str) -> None:
        """A wider fixture fails after its last unit."""
        self.tell(LateError(at=self.at, unit_id=unit_id, message=message, detail=None))

    def finish(self, state: RunState | None = None, reason: str | None = None, exit_code: int = 0) -> None:
        """The session lives to its end."""
        if state is None:
            state, reason = final_state(self.campaign)
        self.tell(SessionEnded(at=self.at, state=state, reason=reason, exit_code=exit_code))


def state_of(campaign: Campaign) -> dict[str, object]:
    """Everything a campaign knows, the order of its dicts included, to be compared."""
    return {name: list(value.items()) if isinstance(value, dict) else value for name, value in vars(campaign).items()}


TEXTS = st.text(max_size=12)
SECONDS = st.floats(0, 1e6)
METRICS = st.builds(
    Metric,
    value=st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    unit=st.sampled_from(["", "s", "MB/s"]),
    better=st.sampled_from([None, "lower", "higher"]),
)
OUTCOMES = st.builds(
    Outcome,
    status=st.sampled_from([COMPLETED, FAILED, TIMEOUT, SKIPPED, INTERRUPTED]),
    kind=st.none() | st.sampled_from(["setup", "call", "teardown", "timeout", "crash", "skip", "interrupt"]),
    message=st.none() | TEXTS,
    detail=st.none() | TEXTS,
    metrics=st.dictionaries(TEXTS, METRICS, max_size=2),
    warnings=st.lists(TEXTS, max_size=2),
)
PARAMS: st.SearchStrategy[JsonValue] = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | TEXTS
STOPS = st.builds(
    Stop,
    source=st.sampled_from(["stop-file", "max-failures", "maxfail", "exit"]),
    reason=TEXTS,
    target=st.sampled_from([RunState.STOPPED, RunState.PAUSED]),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """Events of a run of one to three sessions, each of them ended, stopped or killed anywhere."""
    story = Story()
    for _ in range(draw(st.integers(1, 3))):
        _Session(draw, story).tell()
    return story.events


class _Session:
    """One session of a random run: a unit has one worker, a worker one unit, nothing starts after a stop."""

    def __init__(self, draw: st.DrawFn, story: Story) -> None:
        self._draw = draw
        self._story = story
        self._waiting: list[str] = []

    def tell(self) -> None:
        draw, story = self._draw, self._story
        known = list(story.campaign.records)
        added = [self._new_unit(len(known) + number) for number in range(draw(st.integers(0, 4)))]
        again = draw(st.lists(st.sampled_from(known), unique=True)) if known else []
        changed = [self._new_unit(known.index(unit_id)) for unit_id in again if draw(st.booleans())]
        self._waiting = [*again, *(unit.unit_id for unit in added)]
        gone = [unit_id for unit_id in known if unit_id not in again and draw(st.booleans())]
        story.begin(
            *changed,
            *added,
            run=self._waiting,
            limit=draw(st.none() | st.integers(0, 2)),
            worker=draw(st.sampled_from([None, "w0"])),
            phases=draw(st.permutations(PHASES)),
            removed=gone,
        )
        for _ in range(draw(st.integers(0, 15))):
            story.clock.advance(draw(st.sampled_from([0.0, 0.001, 1.0, 3600.0])))
            draw(st.sampled_from(self._possible()))()
        if draw(st.booleans()):
            self._come_to_its_end()

    def _new_unit(self, number: int) -> Unit:
        group = self._draw(st.none() | st.sampled_from(["oak", "elm"]))
        params = self._draw(st.dictionaries(st.sampled_from(["size", "mode"]), PARAMS))
        fingerprint = self._draw(st.sampled_from(["", "source:0123456789ab", "source:ba9876543210 version:2"]))
        unit = make_unit(f"test_it.py::test_{number % 2}[{number}]", group, fingerprint, **params)
        return replace(unit, phase=self._draw(st.sampled_from(PHASES)))

    def _possible(self) -> list[_Deed]:
        campaign = self._story.campaign
        deeds: list[_Deed] = [self._note, self._late_error, self._stop, self._worker_up]
        if campaign.workers:
            deeds.append(self._worker_down)
        if self._waiting and self._idle() and campaign.stop is None:
            deeds += [self._start] * 4
        if campaign.running:
            deeds += [self._end] * 4 + [self._lose]
        if any(running.result is None for running in campaign.running.values()):
            deeds.append(self._result)
        return deeds

    def _idle(self) -> list[str]:
        busy = {running.worker for running in self._story.campaign.running.values()}
        return [worker for worker in self._story.campaign.workers if worker not in busy]

    def _running(self) -> str:
        return self._draw(st.sampled_from(list(self._story.campaign.running)))

    def _start(self) -> None:
        unit_id = self._waiting.pop(self._draw(st.integers(0, len(self._waiting) - 1)))
        self._story.start(unit_id, self._draw(st.sampled_from(self._idle())))

    def _result(self) -> None:
        silent = [unit_id for unit_id, running in self._story.campaign.running.items() if running.result is None]
        self._story.result(self._draw(st.sampled_from(silent)), self._draw(OUTCOMES), self._draw(SECONDS))

    def _end(self) -> None:
        ended = self._draw(st.sampled_from([Ending.EXITED, Ending.STUCK]))
        self._story.end(self._running(), self._draw(OUTCOMES), self._draw(SECONDS), ended)

    def _lose(self) -> None:
        unit_id = self._running()
        is_last = self._draw(st.booleans())
        self._story.lose(unit_id, FAILED if is_last else INTERRUPTED)
        if not is_last:
            self._waiting.append(unit_id)

    def _worker_up(self) -> None:
        self._story.worker_up(self._draw(st.sampled_from(["w0", "w1", "w2"])))

    def _worker_down(self) -> None:
        busy = {running.worker for running in self._story.campaign.running.values()}
        worker = self._draw(st.sampled_from(list(self._story.campaign.workers)))
        if worker not in busy:
            self._story.worker_down(worker, self._draw(st.sampled_from([None, "crashed"])))

    def _stop(self) -> None:
        self._story.stop(self._draw(STOPS))

    def _note(self) -> None:
        self._story.note(self._draw(TEXTS))

    def _late_error(self) -> None:
        self._story.late_error("test_it.py::test_0[0]", self._draw(TEXTS))

    def _come_to_its_end(self) -> None:
        story = self._story
        for running in list(story.campaign.running.values()):
            story.end(running.unit.unit_id, make_outcome(INTERRUPTED), None, Ending.KILLED)
        if self._waiting:
            story.skip_rest(*self._waiting)
        story.finish()
