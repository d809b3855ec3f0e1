"""A plan to the letter, for people and for scripts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.forecast import Forecast
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.plan import Decision, Wishes, decide
from pytest_benchrun.report.plan import PhasePlan, Planned, PlanView, UnitPlan, plan_lines, plan_view
from tests.stories import FAILED, Story, make_unit

RUN_ID = "demo-20261121-100000-0123abcd"
PHASES = ("prepare", "run", "score", "report")
NOTHING = Forecast({}, {})


def unit(unit_id: str, phase: str = "run", group: str | None = None) -> Unit:
    return replace(make_unit(unit_id, group), phase=phase)


UNITS = [
    unit("score.py::test_score", "score"),
    unit("bench.py::test_read[a]", group="disk"),
    unit("bench.py::test_read[b]", group="disk"),
    unit("make.py::test_data", "prepare"),
    unit("bench.py::test_read[c]"),
]


def planned(
    units: list[Unit],
    campaign: Campaign,
    wishes: Wishes | None = None,
    *,
    forecast: Forecast = NOTHING,
    workers: int = 1,
) -> Planned:
    return Planned(
        run_id=campaign.run_id or None,
        start="resume" if campaign.run_id else "new",
        decisions=[(one, decide(campaign, one, wishes or Wishes())) for one in units],
        phases=PHASES,
        removed=[],
        notes=[],
        forecast=forecast,
        workers=workers,
    )


def resumed() -> Planned:
    """Two units done, one failed, one new, one that is gone; two workers."""
    story = Story().begin(*UNITS[:4])
    story.run(UNITS[3].unit_id, seconds=60.0)
    story.run(UNITS[1].unit_id, seconds=90.0)
    story.run(UNITS[2].unit_id, FAILED, 30.0)
    forecast = Forecast(
        {UNITS[1].unit_id: 90.0, UNITS[2].unit_id: 30.0},
        {UNITS[1].unit_id: "bench.py::test_read", UNITS[2].unit_id: "bench.py::test_read"},
    )
    plan = planned(UNITS, story.campaign, forecast=forecast, workers=2)
    return replace(plan, removed=["old.py::test_old"], notes=["1 unit is no longer in the suite: old.py::test_old"])


def test_the_plan_of_a_resume() -> None:
    assert plan_lines(plan_view(resumed())) == [
        "phase prepare: 0 of 1 to run",
        "  keep  make.py::test_data  (completed)",
        "phase run: 2 of 3 to run, about 45 s",
        "  keep  bench.py::test_read[a]  (completed)",
        "  run   bench.py::test_read[b]  (failed)",
        "  run   bench.py::test_read[c]  (new)",
        "phase score: 1 of 1 to run, about 30 s",
        "  run   score.py::test_score  (not run yet)",
        "  gone  old.py::test_old",
        "note: 1 unit is no longer in the suite: old.py::test_old",
        f"plan: resume of {RUN_ID}: 3 of 5 units to run, about 1 min 15 s",
        "        2  completed",
        "        1  failed",
        "        1  new",
        "        1  not run yet",
    ]


def test_the_plan_of_a_new_run_that_nobody_can_estimate() -> None:
    assert plan_lines(plan_view(planned(UNITS[2:4], Campaign()))) == [
        "phase prepare: 1 of 1 to run",
        "  run   make.py::test_data  (new)",
        "phase run: 1 of 1 to run",
        "  run   bench.py::test_read[b]  (new)",
        "plan: new run: 2 of 2 units to run",
        "        2  new",
    ]


def test_the_plan_of_nothing() -> None:
    assert plan_lines(plan_view(planned([], Campaign()))) == ["plan: new run: 0 of 0 units to run"]


def test_the_plan_of_a_resume_for_scripts() -> None:
    assert plan_view(resumed()) == {
        "schema_version": 1,
        "run_id": RUN_ID,
        "start": "resume",
        "workers": 2,
        "counts": {"total": 5, "run": 3, "kept": 2, "removed": 1},
        "reasons": {"completed": 2, "failed": 1, "new": 1, "not run yet": 1},
        "expected_s": 75.0,
        "phases": [
            {"name": "prepare", "total": 1, "run": 0, "expected_s": 0.0},
            {"name": "run", "total": 3, "run": 2, "expected_s": 45.0},
            {"name": "score", "total": 1, "run": 1, "expected_s": 30.0},
        ],
        "units": [
            {
                "unit_id": one.unit_id,
                "phase": one.phase,
                "group": one.group,
                "runs": reason != "completed",
                "reason": reason,
            }
            for one, reason in zip(
                [UNITS[3], UNITS[1], UNITS[2], UNITS[4], UNITS[0]],
                ["completed", "completed", "failed", "new", "not run yet"],
                strict=True,
            )
        ],
        "removed": ["old.py::test_old"],
        "notes": ["1 unit is no longer in the suite: old.py::test_old"],
    }


def test_the_fields_stand_in_the_order_they_are_documented_in() -> None:
    view = plan_view(resumed())
    assert list(view) == list(PlanView.__annotations__)
    assert list(view["units"][0]) == list(UnitPlan.__annotations__)
    assert list(view["phases"][0]) == list(PhasePlan.__annotations__)


@pytest.mark.parametrize("hostile", ["\x1b[31mred\x1b[0m", "a\nb\rc", "\u202egnp.exe", "\x07\x00"])
def test_nothing_in_it_is_obeyed_by_a_terminal(hostile: str) -> None:
    plan = replace(
        planned([], Campaign()),
        decisions=[(unit(hostile), Decision(runs=True, reason=hostile))],
        removed=[hostile],
        notes=[hostile],
        run_id=hostile,
    )
    assert all(line.isprintable() for line in plan_lines(plan_view(plan)))


@given(st.lists(st.tuples(st.sampled_from(PHASES), st.booleans()), max_size=12), st.integers(1, 3))
def test_the_sums_are_those_of_the_units(parts: list[tuple[str, bool]], workers: int) -> None:
    decisions = [
        (unit(str(number), phase), Decision(runs=runs, reason="new" if runs else "completed"))
        for number, (phase, runs) in enumerate(parts)
    ]
    forecast = Forecast({"0": 1.5}, {})
    view = plan_view(replace(planned([], Campaign(), forecast=forecast, workers=workers), decisions=decisions))
    assert json.loads(json.dumps(view)) == view
    assert view["counts"]["run"] + view["counts"]["kept"] == view["counts"]["total"] == len(parts)
    assert sum(part["total"] for part in view["phases"]) == len(parts)
    assert sum(part["run"] for part in view["phases"]) == view["counts"]["run"]
    assert sum(view["reasons"].values()) == len(parts)
    assert view["expected_s"] == pytest.approx(sum(part["expected_s"] or 0.0 for part in view["phases"]), abs=0.01)
    order = [one["phase"] for one in view["units"]]
    assert order == sorted(order, key=PHASES.index)
    for phase in PHASES:
        numbers = [int(one["unit_id"]) for one in view["units"] if one["phase"] == phase]
        assert numbers == sorted(numbers)
    lines = plan_lines(view)
    assert Counter(line[:7] for line in lines)["  run  "] == view["counts"]["run"]
    assert Counter(line[:7] for line in lines)["  keep "] == view["counts"]["kept"]
