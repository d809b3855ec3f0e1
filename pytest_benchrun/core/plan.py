"""Which units a session runs and why: the work list against what the journal already has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import UsageProblem, nearest
from pytest_benchrun.core.jsonsafe import to_text
from pytest_benchrun.core.model import FAILURES, Unit, UnitStatus
from pytest_benchrun.core.records import UnitRecord

DONE = frozenset({UnitStatus.COMPLETED, UnitStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session will do.

    Attributes:
        added: units the run did not know, or knows otherwise, in collection order; to be recorded.
        run: ids of the units to run, in collection order.
        stale: how many of those are done and run again because they changed.
        kept: how many of the collected units are done and stay as they are.
        removed: ids of units of the run that the suite has no more.
        other_phases: how many units wait in phases that this session does not run.
    """

    added: list[Unit]
    run: list[str]
    stale: int = 0
    kept: int = 0
    removed: list[str] = field(default_factory=list)
    other_phases: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing to record."""
        return not self.run and not self.removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options of a session say of its plan.

    Attributes:
        resume: `unfinished` leaves failed units alone; anything else runs them again.
        keeps_stale: whether a unit that is done stays so although it has changed.
        phases: the phases to run; None for all.
    """

    resume: Literal["all", "unfinished"] | None = None
    keeps_stale: bool = False
    phases: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one unit runs, and why.

    Attributes:
        runs: whether it does.
        reason: for people, in a few words.
        is_stale: whether it is done and has changed since.
        waits: whether it has no end and is left for another session.
    """

    runs: bool
    reason: str
    is_stale: bool = False
    waits: bool = False


_NEW = Decision(runs=True, reason="new")
_BACK = Decision(runs=True, reason="back in the suite")
_BY_STATUS = {
    UnitStatus.PENDING: Decision(runs=True, reason="not run yet"),
    UnitStatus.RUNNING: Decision(runs=True, reason="interrupted"),
    UnitStatus.INTERRUPTED: Decision(runs=True, reason="interrupted"),
    UnitStatus.FAILED: Decision(runs=True, reason="failed"),
    UnitStatus.TIMEOUT: Decision(runs=True, reason="timeout"),
}
_KEPT = {
    UnitStatus.COMPLETED: Decision(runs=False, reason="completed"),
    UnitStatus.SKIPPED: Decision(runs=False, reason="skipped"),
    UnitStatus.FAILED: Decision(runs=False, reason="failed, left alone"),
    UnitStatus.TIMEOUT: Decision(runs=False, reason="timeout, left alone"),
}


def decide(campaign: Campaign, unit: Unit, wishes: Wishes) -> Decision:
    """Whether `unit`, as it was collected, runs in this session.

    A unit that skipped itself has ended and is not run again; one that was skipped because the run
    stopped never started, and is.
    """
    record = campaign.records.get(unit.unit_id)
    decision = _NEW if record is None else _decide_known(campaign, record, unit, wishes)
    if decision.runs and wishes.phases is not None and unit.phase not in wishes.phases:
        return Decision(runs=False, reason=f"{decision.reason}; phase {unit.phase} is not selected", waits=True)
    return decision


def _decide_known(campaign: Campaign, record: UnitRecord, unit: Unit, wishes: Wishes) -> Decision:
    if record.is_removed and record.status is UnitStatus.SKIPPED:
        return _BACK
    status = _last_status(campaign, record)
    if status not in DONE and not (wishes.resume == "unfinished" and status in FAILURES):
        return _BY_STATUS[status]
    changed = changes(record.unit, unit)
    if not changed:
        return _KEPT[status]
    why = ", ".join(changed) + " changed"
    if wishes.keeps_stale:
        return Decision(runs=False, reason=f"{status}, kept although its {why}")
    return Decision(runs=True, reason=f"stale: {why}", is_stale=True)


def make_plan(campaign: Campaign, units: Sequence[Unit], wishes: Wishes, removed: Sequence[str] = ()) -> Plan:
    """Compare the collected units with the run.

    Args:
        campaign: the run so far; an empty one for a new run.
        units: what this session collected, ids unique.
        wishes: what the options say.
        removed: ids of units of the run that the suite has no more.
    """
    added: list[Unit] = []
    run: list[str] = []
    stale = waiting = 0
    for unit in units:
        decision = decide(campaign, unit, wishes)
        if decision.runs:
            run.append(unit.unit_id)
            stale += decision.is_stale
        elif decision.waits:
            waiting += 1
        else:
            continue
        if _is_news(campaign.records.get(unit.unit_id), unit, decision):
            added.append(unit)
    kept = len(units) - len(run) - waiting
    return Plan(added, run, stale=stale, kept=kept, removed=list(removed), other_phases=waiting)


def _is_news(record: UnitRecord | None, unit: Unit, decision: Decision) -> bool:
    """Whether the journal has to be told of the unit as it is now.

    Of one that changed and waits it is told when it runs: until then its result is that of the old code.
    """
    if record is None:
        return True
    if decision.waits and changes(record.unit, unit):
        return False
    return record.is_removed or record.unit != unit


def unmet_phases(campaign: Campaign, units: Iterable[Unit], order: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Phases before the wanted ones in which units have no end yet, in order."""
    first = min(order.index(phase) for phase in wanted)
    before = set(order[:first])
    open_phases = {unit.phase for unit in units if unit.phase in before and not _has_ended(campaign, unit.unit_id)}
    return [phase for phase in order if phase in open_phases]


def _has_ended(campaign: Campaign, unit_id: str) -> bool:
    record = campaign.records.get(unit_id)
    return record is not None and _last_status(campaign, record) in DONE | FAILURES


def select_units(units: Sequence[Unit], patterns: Sequence[tuple[str, str]]) -> list[Unit]:
    """The units of a pilot.

    Args:
        units: all that were collected.
        patterns: parameter and shell pattern, as `--bench-select` gives them; of one parameter any may
            match, of several parameters all must.

    Raises:
        UsageProblem: no unit has the parameter, or none is left.
    """
    wanted: dict[str, list[str]] = {}
    for name, pattern in patterns:
        wanted.setdefault(name, []).append(pattern)
    known = sorted({name for unit in units for name in unit.param_names})
    for name, texts in wanted.items():
        if units and name not in known:
            problem = f"--bench-select {name}={texts[0]}: no unit has the parameter {name!r}; known: "
            hint = f"--bench-select {nearest(name, known)}={texts[0]}" if known else "parametrize the units"
            raise UsageProblem(problem + (", ".join(known) or "none"), hint=hint)
    selected = [unit for unit in units if all(_matches(unit, name, texts) for name, texts in wanted.items())]
    if units and not selected:
        said = " ".join(f"--bench-select {name}={text}" for name, text in patterns)
        raise UsageProblem(f"{said} selects none of {len(units)} units", hint=_values_hint(units, patterns[0][0]))
    return selected


def _matches(unit: Unit, name: str, patterns: Sequence[str]) -> bool:
    if name not in unit.param_names:
        return False
    value = to_text(unit.param_values[unit.param_names.index(name)])
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _values_hint(units: Sequence[Unit], name: str) -> str:
    values = dict.fromkeys(to_text(unit.params[name]) for unit in units if name in unit.param_names)
    shown = ", ".join(list(values)[:5])
    return f"values of {name}: {shown}{', ...' if len(values) > 5 else ''}"  # noqa: PLR2004  # a line's worth


def renamed(campaign: Campaign, units: Iterable[Unit], removed: Collection[str]) -> dict[str, str]:
    """By id of a new unit the removed one that it looks like: same function source and parameters.

    Nothing is taken over from the old one: that two units look alike does not make their results the same.
    """
    gone = {_likeness(campaign.records[unit_id].unit): unit_id for unit_id in removed}
    if not gone:
        return {}
    new = (unit for unit in units if unit.unit_id not in campaign.records and unit.fingerprint)
    return {unit.unit_id: gone[_likeness(unit)] for unit in new if _likeness(unit) in gone}


def _likeness(unit: Unit) -> tuple[str, str]:
    return unit.fingerprint, repr(unit.params)


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
