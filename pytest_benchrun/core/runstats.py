"""`runstats.json`: the figures of a run, a pure function of its journal and its turns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.model import RunState, UnitStatus
from pytest_benchrun.core.records import UnitRecord
from pytest_benchrun.core.stats import Summary, summarize
from pytest_benchrun.core.turn_stats import TurnStats, TurnSummary
from pytest_benchrun.core.usage import without_usage
from pytest_benchrun.core.views import FailureView, failure_view

SLOWEST = 10


class MetricView(TypedDict):
    """One metric over the completed units."""

    unit: str
    better: str | None
    n: int
    mean: float | None
    std: float | None
    min: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    method: str
    low_n: list[str]
    error: NotRequired[float]


class SlowView(TypedDict):
    """One of the slowest units."""

    unit_id: str
    elapsed_s: float
    status: str


class WorkerTotals(TypedDict):
    """What one worker did over the whole run."""

    worker: str
    attempts: int
    busy_s: float


class RunStatsView(TypedDict):
    """`runstats.json`: figures of completed units by their last attempt; failed ones apart.

    `metrics_by_group` has the metrics of each group that units share, without what they have used of the machine.
    `warmups` says how many of `units` are left out of every figure. `attributed_s` are the seconds inside the
    timers of turns, `unattributed_s` the rest of what the same units took.
    """

    schema_version: int
    run_id: str
    state: str
    started_at: str | None
    ended_at: str | None
    wall_s: float
    busy_s: float
    units: dict[str, int]
    warmups: int
    unit_seconds: Summary
    by_function: dict[str, Summary]
    by_group: dict[str, Summary]
    by_phase: dict[str, Summary]
    metrics: dict[str, MetricView]
    metrics_by_group: NotRequired[dict[str, dict[str, MetricView]]]  # older files lack it
    turn_metrics_summary: TurnSummary
    attributed_s: float
    unattributed_s: float
    slowest: list[SlowView]
    failures: list[FailureView]
    workers: list[WorkerTotals]
    environment: dict[str, str]


def runstats_view(campaign: Campaign, turns: TurnStats | None = None) -> RunStatsView:
    """The figures of the run after its last event.

    Args:
        campaign: the run.
        turns: figures of its turns; None where there are none to read.
    """
    turns = turns or TurnStats(lambda _unit_id, _attempt: True)
    counted = [record for record in campaign.records.values() if not record.unit.is_warmup]
    completed = [record for record in counted if record.status is UnitStatus.COMPLETED]
    has_ended = campaign.state not in {RunState.RUNNING, RunState.STOPPING, RunState.PENDING}
    return RunStatsView(
        schema_version=SCHEMA_VERSION,
        run_id=campaign.run_id,
        state=campaign.state.value,
        started_at=campaign.created.at if campaign.created else None,
        ended_at=campaign.last_at if has_ended else None,
        wall_s=round(campaign.wall_s, 3),
        busy_s=round(math.fsum(totals.busy_s for totals in campaign.worker_totals.values()), 6),
        units={"total": len(campaign.records), **_ended_counts(campaign)},
        warmups=len(campaign.records) - len(counted),
        unit_seconds=summarize(_seconds(completed)),
        by_function=_by((record.unit.function, record) for record in completed),
        # a group of one's own is the unit itself: listing it would repeat the work list
        by_group=_by((record.unit.group, record) for record in completed if record.unit.group != record.unit.unit_id),
        by_phase=_by((record.unit.phase, record) for record in completed),
        metrics=_metrics(completed),
        metrics_by_group=_metrics_by_group(completed),
        turn_metrics_summary=turns.view(),
        attributed_s=round(turns.attributed_s, 6),
        unattributed_s=round(max(0.0, math.fsum(_seconds(completed)) - turns.attributed_s), 6),
        slowest=_slowest(counted),
        failures=[failure_view(failure) for failure in campaign.failures.values()],
        workers=[
            WorkerTotals(worker=worker, attempts=totals.attempts, busy_s=round(totals.busy_s, 6))
            for worker, totals in sorted(campaign.worker_totals.items())
        ],
        environment=dict(campaign.session.versions) if campaign.session else {},
    )


def _ended_counts(campaign: Campaign) -> dict[str, int]:
    order = (
        UnitStatus.COMPLETED,
        UnitStatus.FAILED,
        UnitStatus.TIMEOUT,
        UnitStatus.SKIPPED,
        UnitStatus.INTERRUPTED,
        UnitStatus.PENDING,
    )
    counts = campaign.shown_counts()
    return {status.value: counts[status] for status in order}


def _seconds(records: Iterable[UnitRecord]) -> list[float]:
    return [record.elapsed_s for record in records if record.elapsed_s is not None]


def _by(pairs: Iterable[tuple[str, UnitRecord]]) -> dict[str, Summary]:
    groups: dict[str, list[UnitRecord]] = {}
    for key, record in pairs:
        groups.setdefault(key, []).append(record)
    return {key: summarize(_seconds(records)) for key, records in sorted(groups.items())}


def _metrics(records: Iterable[UnitRecord]) -> dict[str, MetricView]:
    values: dict[str, list[float]] = {}
    about: dict[str, tuple[str, str | None]] = {}
    for record in records:
        for name, metric in (record.metrics or {}).items():
            unit, better = about.get(name, ("", None))
            about[name] = (metric.unit or unit, metric.better or better)
            numbers = values.setdefault(name, [])
            if isinstance(metric.value, int | float):
                numbers.append(metric.value)
    return {
        name: MetricView(unit=about[name][0], better=about[name][1], **summarize(numbers))
        for name, numbers in sorted(values.items())
    }


def _metrics_by_group(records: Iterable[UnitRecord]) -> dict[str, dict[str, MetricView]]:
    """What the units of each group have measured: over all groups it would mix a molecule with another one."""
    groups: dict[str, list[UnitRecord]] = {}
    for record in records:
        if record.metrics and record.unit.group != record.unit.unit_id:
            groups.setdefault(record.unit.group, []).append(record)
    found = {group: without_usage(_metrics(records)) for group, records in sorted(groups.items())}
    return {group: metrics for group, metrics in found.items() if metrics}


def _slowest(records: Iterable[UnitRecord]) -> list[SlowView]:
    measured = [record for record in records if record.elapsed_s is not None and record.attempts]
    measured.sort(key=lambda record: (-(record.elapsed_s or 0.0), record.unit.unit_id))
    return [
        SlowView(unit_id=record.unit.unit_id, elapsed_s=record.elapsed_s or 0.0, status=record.status.value)
        for record in measured[:SLOWEST]
    ]
