"""The plan of a session for people and for scripts: phases, units, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.forecast import Forecast
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.plan import Decision
from pytest_benchrun.report.words import clean, seconds


class PhasePlan(TypedDict):
    """One phase; `expected_s` is None when nothing was ever measured."""

    name: str
    total: int
    run: int
    expected_s: float | None


class UnitPlan(TypedDict):
    """One unit."""

    unit_id: str
    phase: str
    group: str
    runs: bool
    reason: str


class PlanView(TypedDict):
    """What `--bench-plan=json` prints.

    Attributes:
        run_id: None for a run that does not exist yet.
        start: `new`, `resume`, or `new_after_history` when a finished run would be put aside.
        counts: `total`, `run`, `kept`, `removed`.
        reasons: how many units have each reason.
        expected_s: wall seconds on so many workers; None when nothing was ever measured.
    """

    schema_version: int
    run_id: str | None
    start: str
    workers: int
    counts: dict[str, int]
    reasons: dict[str, int]
    expected_s: float | None
    phases: list[PhasePlan]
    units: list[UnitPlan]
    removed: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a plan is made of.

    Attributes:
        decisions: each unit with its decision, in collection order.
        phases: names of the phases, in order.
        workers: how many there will be.
    """

    run_id: str | None
    start: str
    decisions: Sequence[tuple[Unit, Decision]]
    phases: Sequence[str]
    removed: Sequence[str]
    notes: Sequence[str]
    forecast: Forecast
    workers: int


def plan_view(planned: Planned) -> PlanView:
    """The plan as JSON can hold it; the same suite and run give the same bytes."""
    order = {phase: number for number, phase in enumerate(planned.phases)}
    ordered = sorted(planned.decisions, key=lambda pair: order[pair[0].phase])  # stable: collection order within
    to_run = [unit for unit, decision in ordered if decision.runs]
    reasons = Counter(decision.reason for _, decision in ordered)
    return PlanView(
        schema_version=SCHEMA_VERSION,
        run_id=planned.run_id,
        start=planned.start,
        workers=planned.workers,
        counts={
            "total": len(ordered),
            "run": len(to_run),
            "kept": len(ordered) - len(to_run),
            "removed": len(planned.removed),
        },
        reasons=dict(sorted(reasons.items())),
        expected_s=_rounded(planned.forecast.total_s(to_run, planned.workers)),
        phases=_phases(planned, ordered),
        units=[
            UnitPlan(
                unit_id=unit.unit_id,
                phase=unit.phase,
                group=unit.group,
                runs=decision.runs,
                reason=decision.reason,
            )
            for unit, decision in ordered
        ],
        removed=list(planned.removed),
        notes=list(planned.notes),
    )


def _phases(planned: Planned, ordered: Sequence[tuple[Unit, Decision]]) -> list[PhasePlan]:
    totals = Counter(unit.phase for unit, _ in ordered)
    run: dict[str, list[Unit]] = {}
    for unit, decision in ordered:
        if decision.runs:
            run.setdefault(unit.phase, []).append(unit)
    return [
        PhasePlan(
            name=phase,
            total=totals[phase],
            run=len(run.get(phase, ())),
            expected_s=_rounded(planned.forecast.total_s(run.get(phase, ()), planned.workers)),
        )
        for phase in planned.phases
        if totals[phase]
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def plan_lines(view: PlanView) -> list[str]:
    """The plan for people: a line for each phase and unit, the sums at the end, where a terminal shows them."""
    lines: list[str] = []
    phase = None
    sums = {part["name"]: part for part in view["phases"]}
    for unit in view["units"]:
        if unit["phase"] != phase:
            phase = unit["phase"]
            part = sums[phase]
            lines.append(
                f"phase {clean(phase)}: {part['run']} of {part['total']} to run{_expected(part['expected_s'])}"
            )
        verb = "run " if unit["runs"] else "keep"
        lines.append(f"  {verb}  {clean(unit['unit_id'], 200)}  ({clean(unit['reason'])})")
    lines += [f"  gone  {clean(unit_id, 200)}" for unit_id in view["removed"]]
    lines += [f"note: {clean(note, 500)}" for note in view["notes"]]
    counts = view["counts"]
    what = f"resume of {clean(view['run_id'])}" if view["run_id"] else "new run"
    lines.append(f"plan: {what}: {counts['run']} of {counts['total']} units to run{_expected(view['expected_s'])}")
    lines += [f"  {count:>7}  {clean(reason)}" for reason, count in view["reasons"].items()]
    return lines


def _expected(expected_s: float | None) -> str:
    return "" if not expected_s else f", about {seconds(expected_s)}"
