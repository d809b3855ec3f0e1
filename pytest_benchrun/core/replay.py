"""What nearly every unit comes to, folded in one step: a resume reads a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import UnitStatus
from pytest_benchrun.core.records import Reached, WorkerTotal


@dataclass(slots=True)
class PlainAttempt:
    """Start, result and end of an attempt that completed and left nothing but its time, with no event in between.

    Attributes:
        unit_id: of its unit.
        attempt: its number.
        worker: where it ran.
        started_at: its start.
        ended_at: its end.
        elapsed_s: seconds, as its end has them.
    """

    unit_id: str
    attempt: int
    worker: str
    started_at: str
    ended_at: str
    elapsed_s: float


def replay(campaign: Campaign, happenings: Iterable[Event | PlainAttempt]) -> None:
    """Take them into the state, each attempt as its events one after the other would be."""
    for happened in happenings:
        if isinstance(happened, Event):
            campaign.apply(happened)
        else:
            _complete(campaign, happened)


def _complete(campaign: Campaign, happened: PlainAttempt) -> None:
    record = campaign.records[happened.unit_id]
    unit, ended_at, elapsed_s = record.unit, happened.ended_at, happened.elapsed_s
    phase = campaign.phases[unit.phase]
    for counts in (campaign.counts, phase.counts):
        counts[record.status] -= 1
        counts[UnitStatus.COMPLETED] += 1
    record.status, record.attempts = UnitStatus.COMPLETED, happened.attempt
    record.elapsed_s, record.metrics = elapsed_s, None
    phase.started_at = phase.started_at or happened.started_at
    phase.updated_at = ended_at
    phase.ended_at = None if phase.unfinished else ended_at
    campaign.running.pop(happened.unit_id, None)
    campaign.recent_s.append(elapsed_s)
    total = campaign.worker_totals.get(happened.worker)
    if total is None:
        total = campaign.worker_totals[happened.worker] = WorkerTotal()
    total.attempts += 1
    total.busy_s += elapsed_s
    campaign.counters.consecutive_failures = 0
    campaign.current_phase = unit.phase
    campaign.reached = Reached(unit, ended_at)
    campaign.hear(ended_at)
