"""What a session will run: the frozen work list against what the journal already has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import FAILURES, Unit, UnitStatus

DONE = frozenset({UnitStatus.COMPLETED, UnitStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session will do.

    Attributes:
        added: units the run did not know, in collection order.
        run: ids of the units to run, in collection order; the added ones are among them.
        kept: how many of the collected units are done and stay as they are.
    """

    added: list[Unit]
    run: list[str]
    kept: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing to record."""
        return not self.run


def make_plan(campaign: Campaign, units: Sequence[Unit], resume: Literal["all", "unfinished"] | None) -> Plan:
    """Compare the collected units with the run.

    Args:
        campaign: the run so far; an empty one for a new run.
        units: what this session collected, ids unique.
        resume: `unfinished` leaves failed units alone; anything else runs them again.

    Returns:
        The plan. A unit that skipped itself has ended and is not run again; one that was skipped
        because the run stopped never started, and is.
    """
    keep = DONE | FAILURES if resume == "unfinished" else DONE
    added: list[Unit] = []
    run: list[str] = []
    for unit in units:
        record = campaign.records.get(unit.unit_id)
        if record is None:
            added.append(unit)
        elif record.status in keep:
            continue
        run.append(unit.unit_id)
    return Plan(added=added, run=run, kept=len(units) - len(run))


def as_ranges(positions: Iterable[int]) -> list[list[int]]:
    """Positions as sorted half-open ranges: `[0, 1, 2, 5]` is `[[0, 3], [5, 6]]`."""
    ranges: list[list[int]] = []
    for position in sorted(positions):
        if ranges and ranges[-1][1] == position:
            ranges[-1][1] = position + 1
        else:
            ranges.append([position, position + 1])
    return ranges


def ranges_of(campaign: Campaign, unit_ids: Iterable[str]) -> list[list[int]]:
    """The ranges of `unit_ids` over the work list of `campaign`."""
    wanted = set(unit_ids)
    return as_ranges(position for position, unit_id in enumerate(campaign.records) if unit_id in wanted)
