"""What a session will run: the frozen work list against what the journal already has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_benchrun.core.campaign import Campaign, UnitRecord
from pytest_benchrun.core.model import FAILURES, Unit, UnitStatus

DONE = frozenset({UnitStatus.COMPLETED, UnitStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session will do.

    Attributes:
        added: units the run did not know, or knows otherwise, in collection order; to be recorded.
        run: ids of the units to run, in collection order.
        stale: how many of those are done and run again because they changed.
        kept: how many of the collected units are done and stay as they are.
    """

    added: list[Unit]
    run: list[str]
    stale: int
    kept: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing to record."""
        return not self.run


def make_plan(
    campaign: Campaign,
    units: Sequence[Unit],
    resume: Literal["all", "unfinished"] | None,
    *,
    keeps_stale: bool = False,
) -> Plan:
    """Compare the collected units with the run.

    Args:
        campaign: the run so far; an empty one for a new run.
        units: what this session collected, ids unique.
        resume: `unfinished` leaves failed units alone; anything else runs them again.
        keeps_stale: whether a unit that is done stays so although it has changed.

    Returns:
        The plan. A unit that skipped itself has ended and is not run again; one that was skipped
        because the run stopped never started, and is.
    """
    keep = DONE | FAILURES if resume == "unfinished" else DONE
    added: list[Unit] = []
    run: list[str] = []
    stale = 0
    for unit in units:
        record = campaign.records.get(unit.unit_id)
        if record is not None and _last_status(campaign, record) in keep:
            if keeps_stale or not changes(record.unit, unit):
                continue
            stale += 1
        if record is None or record.unit != unit:
            added.append(unit)
        run.append(unit.unit_id)
    return Plan(added=added, run=run, stale=stale, kept=len(units) - len(run))


def _last_status(campaign: Campaign, record: UnitRecord) -> UnitStatus:
    """A unit whose session was killed in its teardown has spoken: its result counts."""
    running = campaign.running.get(record.unit.unit_id)
    return record.status if running is None or running.result is None else running.result.outcome.status


def changes(before: Unit, now: Unit) -> list[str]:
    """What a unit's result depends on and has changed: `parameters`, `source`, `inputs`, `version`; else empty."""
    if before is now or (before.fingerprint == now.fingerprint and before.param_values == now.param_values):
        return []
    changed = [] if before.params == now.params else ["parameters"]
    parts_before, parts_now = _parts(before.fingerprint), _parts(now.fingerprint)
    return changed + [name for name in ("source", "inputs", "version") if parts_before.get(name) != parts_now.get(name)]


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


def _parts(fingerprint: str) -> dict[str, str]:
    return dict(part.partition(":")[::2] for part in fingerprint.split(" ") if part)
