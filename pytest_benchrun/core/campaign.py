"""The fold: from the events of a run to its state. The only place that counts.

Whatever is written or shown is a view of `Campaign`; folding the journal again gives the same one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from pytest_benchrun.core.events import (
    ConfigAccepted,
    Event,
    HostSeen,
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
from pytest_benchrun.core.model import FAILURES, Ending, JsonValue, Outcome, RunState, Unit, UnitStatus
from pytest_benchrun.core.moments import seconds_between
from pytest_benchrun.core.phases import PhaseRecord
from pytest_benchrun.core.records import (
    Failure,
    Reached,
    Running,
    SessionCounters,
    SessionRecord,
    UnitRecord,
    WorkerTotal,
)

RECENT_UNITS = 10
"""How many finished units the rolling mean of `avg_calc_time_seconds` looks at."""


class Campaign:
    """The state of a run.

    Attributes:
        created: the run's first event; None before it.
        config: what makes the measured values, as it holds now.
        config_hash: SHA-256 of its canonical JSON; `""` before the run was created.
        session: the current or last session; None before the first.
        sessions: all of them, the current or last one last.
        phases: by name, in the order in which they run.
        current_phase: phase of the unit that started last in this session; None before.
        reached: the last unit that completed; None before the first.
        records: every unit by id, in the order of the work list.
        counts: units by status; always adds up to `len(records)`.
        running: units in flight by id, longest-running first.
        failures: units whose last attempt failed, by id, oldest first.
        workers: workers that live, by name.
        metric_sums: of each metric over all attempts of the run, by name.
        stop: why no further unit starts; None while units may start.
        sightings: what hosts were like, each with its session, oldest first.
        held_back: pending units that this session reported as skipped because it stopped.
        state: where the run is.
        last_at: time of the last event; `""` before the first.
    """

    def __init__(self) -> None:
        self.created: RunCreated | None = None
        self.config: dict[str, JsonValue] = {}
        self.config_hash = ""
        self.session: SessionStarted | None = None
        self.sessions: list[SessionRecord] = []
        self.phases: dict[str, PhaseRecord] = {}
        self.current_phase: str | None = None
        self.reached: Reached | None = None
        self.records: dict[str, UnitRecord] = {}
        self.counts: dict[UnitStatus, int] = dict.fromkeys(UnitStatus, 0)
        self.running: dict[str, Running] = {}
        self.failures: dict[str, Failure] = {}
        self.recent_s: deque[float] = deque(maxlen=RECENT_UNITS)
        self.workers: dict[str, WorkerUp] = {}
        self.stop: StopAsked | None = None
        self.state = RunState.PENDING
        self.reason: str | None = None
        self.counters = SessionCounters()
        self.failure_limit: int | None = None
        self.held_back = 0
        self.late_errors: list[LateError] = []
        self.notes: list[Noted] = []
        self.sightings: list[tuple[int, HostSeen]] = []
        self.warnings: list[str] = []
        self.warnings_total = 0
        self.metric_sums: dict[str, float] = {}
        self.worker_totals: dict[str, WorkerTotal] = {}
        self.last_at = ""
        self._heard_at = ""
        self._earlier_wall_s = 0.0
        self._own_groups = 0
        self._shared_groups: dict[str, int] = {}

    @classmethod
    def of(cls, events: Iterable[Event]) -> Campaign:
        """The state after `events`."""
        campaign = cls()
        for event in events:
            campaign.apply(event)
        return campaign

    @property
    def run_id(self) -> str:
        """The run's id; `""` before the run was created."""
        return self.created.run_id if self.created else ""

    @property
    def groups_total(self) -> int:
        """Distinct groups of the run; a unit without a group is one of its own."""
        return self._own_groups + len(self._shared_groups)

    @property
    def unfinished(self) -> int:
        """Units without an end: pending, running or interrupted."""
        open_statuses = (UnitStatus.PENDING, UnitStatus.RUNNING, UnitStatus.INTERRUPTED)
        return sum(self.counts[status] for status in open_statuses)

    def host_of(self, worker: str) -> str:
        """The host of a worker that lives; the owner's for one that is not known."""
        if worker in self.workers:
            return self.workers[worker].host
        return self.session.owner.host if self.session else ""

    def shown_counts(self) -> dict[str, int]:
        """Units by status as people see them; adds up to all units."""
        shown = {status.value: count for status, count in self.counts.items()}
        shown[UnitStatus.PENDING] -= self.held_back
        shown[UnitStatus.SKIPPED] += self.held_back
        return shown

    @property
    def is_finished(self) -> bool:
        """Whether every unit has ended and the last session closed the run."""
        return self.state is RunState.COMPLETE

    @property
    def wall_s(self) -> float:
        """Seconds of all sessions so far; one that was killed counts to its last event."""
        if self.session is None:
            return 0.0
        return self._earlier_wall_s + seconds_between(self.session.at, self._heard_at)

    def apply(self, event: Event) -> None:  # noqa: C901, PLR0912  # one branch a kind: the table of the whole fold
        """Take one event into the state; the order is the journal's."""
        if isinstance(event, SessionStarted):
            self._earlier_wall_s = self.wall_s
            if self.sessions and self.sessions[-1].ended_at is None:
                self.sessions[-1].ended_at = self._heard_at
        self.last_at = event.at
        if not (isinstance(event, UnitEnded) and event.ended is Ending.KILLED):
            self._heard_at = event.at  # a killed unit may be closed a night later, by the next session
        match event:
            case UnitStarted():
                self._start_unit(event)
            case UnitEnded():
                self._end_unit(event)
            case UnitResult():
                self._keep_result(event)
            case UnitsAdded():
                self._add_units(event)
            case RunCreated():
                self.created = event
                self.config, self.config_hash = event.config, event.config_hash
            case ConfigAccepted():
                self.config, self.config_hash = event.config, event.config_hash
            case UnitsRemoved():
                self._remove_units(event)
            case SessionStarted():
                self._start_session(event)
            case SessionPlanned():
                self._plan_session(event)
            case StopAsked():
                self._stop(event)
            case RestSkipped():
                self._skip_rest(event)
            case WorkerUp():
                self.workers[event.worker] = event
            case WorkerDown():
                self._lose_worker(event)
            case LateError():
                self.late_errors.append(event)
                self.counters.failed_units += 1
            case HostSeen():
                self.sightings.append((self.session.session if self.session else 0, event))
            case Noted():
                self.notes.append(event)
            case SessionEnded():
                self._end_session(event)

    def hear(self, at: str) -> None:
        """Something happened then."""
        self.last_at = self._heard_at = at

    def units_in(self, ranges: list[list[int]]) -> Iterator[UnitRecord]:
        """The records of half-open ranges over the work list."""
        records = list(self.records.values())
        for start, end in ranges:
            yield from records[start:end]

    def _move(self, record: UnitRecord, status: UnitStatus) -> None:
        phase_counts = self.phases[record.unit.phase].counts
        for counts in (self.counts, phase_counts):
            counts[record.status] -= 1
            counts[status] += 1
        record.status = status

    def _add_units(self, event: UnitsAdded) -> None:
        for unit in event.units:
            known = self.records.get(unit.unit_id)
            phase = self.phases.get(unit.phase)
            if phase is None:
                phase = self.phases[unit.phase] = PhaseRecord()
            self._count_group(unit, 1)
            if known is not None:  # its source, parameters, group or phase changed; what it has done stays
                self._change_unit(known, unit, event.at)
                continue
            self.records[unit.unit_id] = UnitRecord(unit)
            self.counts[UnitStatus.PENDING] += 1
            phase.counts[UnitStatus.PENDING] += 1
            phase.ended_at = None

    def _change_unit(self, record: UnitRecord, unit: Unit, at: str) -> None:
        before = record.unit
        self._count_group(before, -1)
        self.phases[before.phase].counts[record.status] -= 1
        self.phases[unit.phase].counts[record.status] += 1
        is_stale = (before.fingerprint, before.params) != (unit.fingerprint, unit.params)
        record.unit = unit
        if is_stale or (record.is_removed and record.status is UnitStatus.SKIPPED):
            # Now and not with the plan: after a kill between the two its old result would pass for one of the new code.
            self.failures.pop(unit.unit_id, None)
            self._move(record, UnitStatus.PENDING)
        record.is_removed = False
        for name in (before.phase, unit.phase):
            self._settle_phase(self.phases[name], at)

    @staticmethod
    def _settle_phase(phase: PhaseRecord, at: str) -> None:
        """Units have joined or left it: it has ended when it has units and each of them has an end."""
        is_open = phase.unfinished > 0 or phase.total == 0
        phase.ended_at = None if is_open else phase.ended_at or at

    def _remove_units(self, event: UnitsRemoved) -> None:
        for record in self.units_in(event.units):
            record.is_removed = True
            self.failures.pop(record.unit.unit_id, None)
            if record.status is not UnitStatus.COMPLETED:
                self._move(record, UnitStatus.SKIPPED)
                self._settle_phase(self.phases[record.unit.phase], event.at)

    def _count_group(self, unit: Unit, change: int) -> None:
        if unit.group == unit.unit_id:
            self._own_groups += change
            return
        left = self._shared_groups.get(unit.group, 0) + change
        if left:
            self._shared_groups[unit.group] = left
        else:
            del self._shared_groups[unit.group]

    def _start_session(self, event: SessionStarted) -> None:
        self.session = event
        self.sessions.append(SessionRecord(started=event))
        # in the order that holds now; one that is named no more keeps its units and comes last
        self.phases = {name: self.phases.get(name, PhaseRecord()) for name in (*event.phases, *self.phases)}
        self.current_phase = None
        self.state = RunState.RUNNING
        self.reason = None
        self.stop = None
        self.workers = {}
        self.counters = SessionCounters()
        self.late_errors = []
        self.held_back = 0

    def _plan_session(self, event: SessionPlanned) -> None:
        self.failure_limit = event.failure_limit
        if self.sessions:
            self.sessions[-1].planned = event.run
        for record in self.units_in(event.run):
            self._move(record, UnitStatus.PENDING)
            self.phases[record.unit.phase].ended_at = None
            self.failures.pop(record.unit.unit_id, None)
        self.counters.resumed = len(self.records) - self.unfinished

    def _start_unit(self, event: UnitStarted) -> None:
        record = self.records[event.unit_id]
        self._move(record, UnitStatus.RUNNING)
        record.attempts = event.attempt
        self.current_phase = record.unit.phase
        phase = self.phases[record.unit.phase]
        phase.started_at = phase.started_at or event.at
        phase.updated_at = event.at
        self.running[event.unit_id] = Running(
            unit=record.unit, attempt=event.attempt, worker=event.worker, started_at=event.at
        )

    def _keep_result(self, event: UnitResult) -> None:
        self.running[event.unit_id].result = event

    def _end_unit(self, event: UnitEnded) -> None:
        outcome = event.outcome
        record = self.records[event.unit_id]
        self.running.pop(event.unit_id, None)
        self._move(record, outcome.status)
        phase = self.phases[record.unit.phase]
        phase.updated_at = event.at
        phase.ended_at = None if phase.unfinished else event.at
        record.metrics = outcome.metrics or None
        for name, metric in outcome.metrics.items():
            if isinstance(metric.value, int | float):
                self.metric_sums[name] = self.metric_sums.get(name, 0.0) + metric.value
        if event.elapsed_s is not None:
            record.elapsed_s = event.elapsed_s
            self.recent_s.append(event.elapsed_s)
            total = self.worker_totals.setdefault(event.worker, WorkerTotal())
            total.attempts += 1
            total.busy_s += event.elapsed_s
        if outcome.warnings:
            self._warn(event.unit_id, outcome.warnings)
        counters = self.counters
        if event.ended is Ending.LOST:
            counters.losses[event.unit_id] = counters.losses.get(event.unit_id, 0) + 1
        if outcome.status is UnitStatus.COMPLETED:
            counters.consecutive_failures = 0
            self.reached = Reached(record.unit, event.at)
        elif outcome.status in FAILURES:
            counters.failed_groups[record.unit.group] = None
            counters.failed_units += 1
            counters.consecutive_failures += 1
            self._fail(event, record.unit, outcome)
        elif event.ended is Ending.LOST:
            counters.consecutive_failures += 1

    def _fail(self, event: UnitEnded, unit: Unit, outcome: Outcome) -> None:
        self.failures[event.unit_id] = Failure(
            unit=unit,
            attempt=event.attempt,
            kind=outcome.kind or outcome.status.value,
            error=outcome.message or "",
            at=event.at,
            elapsed_s=event.elapsed_s,
        )

    def _warn(self, unit_id: str, warnings: list[str]) -> None:
        self.warnings_total += len(warnings)
        room = 100 - len(self.warnings)  # a million bad values must not fill the memory
        self.warnings.extend(f"{unit_id}: {text}" for text in warnings[: max(room, 0)])

    def _lose_worker(self, event: WorkerDown) -> None:
        was_idle = all(running.worker != event.worker for running in self.running.values())
        self.workers.pop(event.worker, None)
        if event.error is not None and was_idle:
            self.counters.consecutive_failures += 1

    def _stop(self, event: StopAsked) -> None:
        if self.stop is None:
            self.stop = event
            self.reason = event.reason
            self.state = RunState.STOPPING

    def _skip_rest(self, event: RestSkipped) -> None:
        # They stay pending, so that a resume needs no second idea of "skipped"; only the shown counts differ.
        self.held_back = sum(record.status is UnitStatus.PENDING for record in self.units_in(event.units))

    def _end_session(self, event: SessionEnded) -> None:
        self.state = event.state
        self.reason = event.reason
        self.workers = {}
        if self.sessions:  # a salvaged journal may have lost its start
            last = self.sessions[-1]
            last.ended_at, last.state, last.exit_code = event.at, event.state, event.exit_code
