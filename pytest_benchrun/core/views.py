"""What is written and shown, made from the state: `status.json`.

Pure functions: the same journal gives the same bytes.
"""

from __future__ import annotations

from itertools import islice
from typing import NotRequired, TypedDict

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.model import FAILURES, JsonValue, UnitStatus
from pytest_benchrun.core.moments import seconds_between
from pytest_benchrun.core.outlook import BY_PARAMETERS, Outlook
from pytest_benchrun.core.pulse import FindPulse, Pulse, no_pulse
from pytest_benchrun.core.records import Failure, Running
from pytest_benchrun.core.stats import summarize

SHOWN_FAILURES = 10
ERROR_LENGTH = 500
SECONDS_PER_HOUR = 3600


class TaskView(TypedDict):
    """A unit in flight."""

    unit_id: str
    params: dict[str, JsonValue]
    group: str
    phase: str
    stage: str | None
    note: str | None
    turns_done: int
    turns_total: int | None
    worker: str
    host: str
    started_at: str
    last_beacon_at: str
    elapsed_s: float


class FailureView(TypedDict):
    """A unit whose last attempt failed."""

    unit_id: str
    params: dict[str, JsonValue]
    group: str
    phase: str
    error: str
    kind: str
    timestamp: str
    elapsed_s: float | None
    attempt: int


class ThresholdView(TypedDict):
    """The failure threshold; `limit` None means none."""

    limit: int | None
    groups_total: int
    by: str | None


class EtaView(TypedDict):
    """Remaining time and its range; None while nothing was measured.

    `method` says what it was learnt from: `parameters` (function, group and parameter values of this run) or
    `parameters and history` (also what each unit took in the latest run of `history/`).
    """

    method: str
    hours: NotRequired[float | None]  # earlier versions wrote none
    low_hours: float | None
    high_hours: float | None
    workers: int
    at: str


class WorkerView(TypedDict):
    """A worker that lives."""

    worker: str
    host: str
    pid: int
    unit_id: str | None


class OwnerView(TypedDict):
    """The process that owns the run."""

    host: str
    pid: int
    boot_id: str


class _WhichView(TypedDict):
    """Which run, and where it stands."""

    schema_version: int
    run_id: str
    session: int
    state: str
    reason: str | None
    message: str
    started_at: str | None
    session_started_at: str | None
    updated_at: str
    heartbeat_at: str


class _CountsView(TypedDict):
    """How many units; `held_back` says how many of `skipped` never started because the run stopped."""

    total_tasks: int
    completed: int
    failed: int
    timeout: int
    skipped: int
    interrupted: int
    running: int
    pending: int
    held_back: int
    resumed: int


class _TasksView(TypedDict):
    """What runs."""

    current_task: TaskView | None
    current_tasks: list[TaskView]


class _FailuresView(TypedDict):
    """What has failed."""

    failures: list[FailureView]
    failures_total: int
    failed_groups: list[str]
    failure_threshold: ThresholdView


class _TimeView(TypedDict):
    """What units take, and what is left."""

    estimated_remaining_hours: float | None
    avg_calc_time_seconds: float | None
    eta: EtaView


class _WhereView(TypedDict):
    """Where it runs."""

    phase: str | None
    stage: str | None
    workers: list[WorkerView]
    owner: OwnerView | None
    config_hash: str
    results_dir: str


class StatusView(_WhichView, _CountsView, _TasksView, _FailuresView, _TimeView, _WhereView):
    """`status.json`; the counts always add up to `total_tasks`.

    `held_back` says how many of `skipped` never started because the run stopped; a resume runs them.
    """


def status_view(
    campaign: Campaign,
    *,
    results_dir: str,
    now_at: str,
    find_pulse: FindPulse = no_pulse,
    outlook: Outlook | None = None,
    stage: str | None = None,
) -> StatusView:
    """Where the run is at `now_at`.

    Args:
        campaign: the state.
        results_dir: as people know it.
        now_at: when.
        find_pulse: what is known of units in flight.
        outlook: what was learnt so far; None to learn from `campaign` alone, as for a run at rest.
        stage: of its session; None at rest.
    """
    tasks = [
        _task(running, campaign, now_at, find_pulse(running.unit.unit_id)) for running in campaign.running.values()
    ]
    return {
        **_which(campaign, now_at),
        **_counts(campaign),
        **_TasksView(current_task=tasks[0] if tasks else None, current_tasks=tasks),
        **_failures(campaign),
        **_time(campaign, outlook or Outlook(campaign), now_at),
        **_WhereView(
            phase=tasks[0]["phase"] if tasks else campaign.current_phase,
            stage=stage,
            workers=_workers(campaign),
            owner=_owner(campaign),
            config_hash=campaign.config_hash,
            results_dir=results_dir,
        ),
    }


def _which(campaign: Campaign, now_at: str) -> _WhichView:
    session = campaign.session
    return _WhichView(
        schema_version=SCHEMA_VERSION,
        run_id=campaign.run_id,
        session=session.session if session else 0,
        state=campaign.state.value,
        reason=campaign.reason,
        message=message_of(campaign),
        started_at=campaign.created.at if campaign.created else None,
        session_started_at=session.at if session else None,
        updated_at=campaign.last_at,
        heartbeat_at=now_at,
    )


def _counts(campaign: Campaign) -> _CountsView:
    counts = campaign.shown_counts()
    return _CountsView(
        total_tasks=len(campaign.records),
        completed=counts[UnitStatus.COMPLETED],
        failed=counts[UnitStatus.FAILED],
        timeout=counts[UnitStatus.TIMEOUT],
        skipped=counts[UnitStatus.SKIPPED],
        interrupted=counts[UnitStatus.INTERRUPTED],
        running=counts[UnitStatus.RUNNING],
        pending=counts[UnitStatus.PENDING],
        held_back=campaign.held_back,
        resumed=campaign.counters.resumed,
    )


def _failures(campaign: Campaign) -> _FailuresView:
    counts, session = campaign.shown_counts(), campaign.session
    return _FailuresView(
        failures=[failure_view(failure) for failure in _last_failures(campaign)],
        failures_total=sum(counts[status] for status in FAILURES),
        failed_groups=list(campaign.counters.failed_groups),
        failure_threshold=ThresholdView(
            limit=campaign.failure_limit,
            groups_total=campaign.groups_total,
            by=session.group_by if session else None,
        ),
    )


def _time(campaign: Campaign, outlook: Outlook, now_at: str) -> _TimeView:
    recent_s = summarize(campaign.recent_s)["mean"]
    mean_s = None if recent_s is None else round(recent_s, 6)
    eta = _eta(campaign, outlook, now_at)
    return _TimeView(
        estimated_remaining_hours=None if mean_s is None else _hours(campaign.unfinished * mean_s / eta["workers"]),
        avg_calc_time_seconds=mean_s,
        eta=eta,
    )


def message_of(campaign: Campaign) -> str:
    """One sentence for people: progress, and why the run is not going on."""
    ended = len(campaign.records) - campaign.unfinished
    text = f"{campaign.state}: {ended} of {len(campaign.records)} units ended"
    failed = sum(campaign.counts[status] for status in FAILURES)
    if failed:
        text += f", {failed} failed"
    return f"{text} ({campaign.reason})" if campaign.reason else text


def _task(running: Running, campaign: Campaign, now_at: str, pulse: Pulse | None) -> TaskView:
    heard_at = running.result.at if running.result else running.started_at
    return TaskView(
        unit_id=running.unit.unit_id,
        params=running.unit.params,
        group=running.unit.group,
        phase=running.unit.phase,
        stage=pulse.stage if pulse else None,
        note=pulse.note if pulse else None,
        turns_done=pulse.turns_done if pulse else 0,
        turns_total=pulse.turns_total if pulse else None,
        worker=running.worker,
        host=campaign.host_of(running.worker),
        started_at=running.started_at,
        last_beacon_at=max(heard_at, pulse.beacon_at) if pulse else heard_at,
        elapsed_s=seconds_between(running.started_at, now_at),
    )


def failure_view(failure: Failure) -> FailureView:
    """A failure as files show it."""
    return FailureView(
        unit_id=failure.unit.unit_id,
        params=failure.unit.params,
        group=failure.unit.group,
        phase=failure.unit.phase,
        error=failure.error[:ERROR_LENGTH],
        kind=failure.kind,
        timestamp=failure.at,
        elapsed_s=failure.elapsed_s,
        attempt=failure.attempt,
    )


def _last_failures(campaign: Campaign) -> list[Failure]:
    return list(islice(reversed(campaign.failures.values()), SHOWN_FAILURES))[::-1]


def _hours(seconds: float) -> float:
    return round(seconds / SECONDS_PER_HOUR, 6)


def _eta(campaign: Campaign, outlook: Outlook, now_at: str) -> EtaView:
    workers = max(1, len(campaign.workers))
    rest = outlook.rest(now_at)
    if rest is not None:
        low, hours, high = map(_hours, (rest.low_s, rest.likely_s, rest.high_s))
        return EtaView(method=rest.method, hours=hours, low_hours=low, high_hours=high, workers=workers, at=now_at)
    return EtaView(method=BY_PARAMETERS, hours=None, low_hours=None, high_hours=None, workers=workers, at=now_at)


def _workers(campaign: Campaign) -> list[WorkerView]:
    busy = {running.worker: unit_id for unit_id, running in campaign.running.items()}
    return [
        WorkerView(worker=name, host=worker.host, pid=worker.pid, unit_id=busy.get(name))
        for name, worker in sorted(campaign.workers.items())
    ]


def _owner(campaign: Campaign) -> OwnerView | None:
    if campaign.session is None:
        return None
    owner = campaign.session.owner
    return OwnerView(host=owner.host, pid=owner.pid, boot_id=owner.boot_id)
