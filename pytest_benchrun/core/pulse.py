"""What a unit in flight lets others know between its start and its end; no event: it dies with the attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Where a unit in flight is.

    Attributes:
        unit_id: of the unit.
        stage: the part of its work that it is in, in its own words; None while it has named none.
        note: what it said last in that stage; None before.
        beacon_at: its last proof of progress.
        turns_done: turns that have ended in that stage.
        turns_total: how many the stage will have; None where the unit has not said.
    """

    unit_id: str
    stage: str | None
    note: str | None
    beacon_at: str
    turns_done: int = 0
    turns_total: int | None = None


FindPulse = Callable[[str], Pulse | None]
"""From the id of a unit in flight to its pulse; None while nothing was heard from inside it."""


def no_pulse(unit_id: str) -> Pulse | None:  # noqa: ARG001  # a FindPulse
    """Nothing is in flight, or nobody listens."""
    return None
