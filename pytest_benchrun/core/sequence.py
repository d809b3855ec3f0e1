"""What may follow what in a journal: the faults that no single line shows."""

from __future__ import annotations

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import (
    Event,
    Noted,
    RestSkipped,
    RunCreated,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    UnitEnded,
    UnitResult,
    UnitsRemoved,
    UnitStarted,
)
from pytest_benchrun.core.model import RunState

LIVE_STATES = frozenset({RunState.PENDING, RunState.RUNNING, RunState.STOPPING})
"""States of a run whose last session has not written its end."""

SALVAGED = "salvaged: "
"""How the notes begin that a salvage leaves."""

BAD_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What folding or showing an event can raise whose fields have values that we never write."""


def fault_before(campaign: Campaign, event: Event) -> str | None:
    """Why `event` cannot follow on what has happened so far; None when it can.

    Args:
        campaign: the state before the event.
        event: the next one.
    """
    if campaign.created is None and not isinstance(event, RunCreated):
        return f"{event.name!r} comes before the run was created"
    fault: str | None = None
    match event:
        case RunCreated():
            fault = "the run was created before" if campaign.created else None
        case SessionStarted():
            fault = _fault_of_session(campaign, event)
        case UnitStarted():
            fault = _fault_of_start(campaign, event)
        case UnitResult() | UnitEnded():
            fault = _fault_of_end(campaign, event)
        case SessionPlanned():
            fault = _fault_of_ranges(campaign, event.run)
        case RestSkipped() | UnitsRemoved():
            fault = _fault_of_ranges(campaign, event.units)
        case SessionEnded():
            fault = None if campaign.state in LIVE_STATES and campaign.session else "a session ends that did not start"
    return fault


def is_salvage_note(event: Event) -> bool:
    """Whether the event tells what a salvage found: faults before it are known."""
    return isinstance(event, Noted) and event.text.startswith(SALVAGED)


def _fault_of_session(campaign: Campaign, event: SessionStarted) -> str | None:
    expected = campaign.session.session + 1 if campaign.session else 1
    return None if event.session == expected else f"session {event.session} starts where {expected} was next"


def _fault_of_start(campaign: Campaign, event: UnitStarted) -> str | None:
    record = campaign.records.get(event.unit_id)
    if record is None:
        return f"unit {event.unit_id!r} starts and is not in the work list"
    if campaign.session is None or campaign.state not in LIVE_STATES:
        return f"unit {event.unit_id!r} starts outside of a session"
    if event.unit_id in campaign.running:
        return f"unit {event.unit_id!r} starts while it runs"
    expected = record.attempts + 1
    if event.attempt != expected:
        return f"attempt {event.attempt!r} of unit {event.unit_id!r} starts where attempt {expected} was next"
    return None


def _fault_of_end(campaign: Campaign, event: UnitResult | UnitEnded) -> str | None:
    running = campaign.running.get(event.unit_id)
    if running is None:
        return f"unit {event.unit_id!r} ends without a start"
    if event.attempt != running.attempt:
        return f"attempt {event.attempt!r} of unit {event.unit_id!r} ends where attempt {running.attempt} runs"
    return None


def _fault_of_ranges(campaign: Campaign, ranges: list[list[int]]) -> str | None:
    total = len(campaign.records)
    for start, end in ranges:
        if not 0 <= start <= end <= total:
            return f"units {start} to {end} are named and the work list has {total}"
    return None
