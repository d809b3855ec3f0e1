"""What a resume runs, and work lists as ranges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Unit, UnitStatus
from pytest_benchrun.core.plan import (
    DONE,
    Decision,
    Wishes,
    as_ranges,
    changes,
    decide,
    make_plan,
    ranges_of,
    renamed,
    select_units,
    unmet_phases,
)
from tests.stories import (
    COMPLETED,
    FAILED,
    INTERRUPTED,
    SKIPPED,
    TIMEOUT,
    Story,
    make_outcome,
    make_unit,
    stories,
)

Resume = Literal["all", "unfinished"] | None
UNITS = [make_unit(unit_id) for unit_id in ("done", "failed", "slow", "skipped", "killed", "waiting", "new")]


def earlier() -> Campaign:
    """A stopped run that knows all `UNITS` but the last."""
    story = Story().begin(*UNITS[:-1])
    story.run("done", COMPLETED)
    story.run("failed", FAILED)
    story.run("slow", TIMEOUT)
    story.run("skipped", SKIPPED)
    story.run("killed", INTERRUPTED)
    story.stop()
    story.skip_rest("waiting")
    story.finish()
    return story.campaign


@pytest.mark.parametrize(
    ("resume", "run"),
    [
        ("all", ["failed", "slow", "killed", "waiting", "new"]),
        ("unfinished", ["killed", "waiting", "new"]),
        (None, ["failed", "slow", "killed", "waiting", "new"]),
    ],
)
def test_a_resume_runs_what_has_no_end_and_failures_when_asked(resume: Resume, run: list[str]) -> None:
    plan = make_plan(earlier(), UNITS, Wishes(resume=resume))
    assert plan.run == run
    assert [unit.unit_id for unit in plan.added] == ["new"]
    assert plan.kept == len(UNITS) - len(run)


def test_a_new_run_runs_everything_in_the_order_of_collection() -> None:
    plan = make_plan(Campaign(), UNITS, Wishes())
    assert plan.run == [unit.unit_id for unit in UNITS]
    assert plan.added == UNITS
    assert not plan.is_empty


def test_a_unit_that_skipped_itself_is_done() -> None:
    assert make_plan(earlier(), [make_unit("skipped")], Wishes(resume="all")).is_empty


def test_a_unit_held_back_by_a_stop_is_not_done() -> None:
    assert make_plan(earlier(), [make_unit("waiting")], Wishes(resume="unfinished")).run == ["waiting"]


def test_a_selection_plans_only_what_it_selects() -> None:
    plan = make_plan(earlier(), [make_unit("done"), make_unit("killed")], Wishes(resume="all"))
    assert (plan.run, plan.added, plan.kept) == (["killed"], [], 1)


def test_nothing_collected_is_nothing_to_do() -> None:
    assert make_plan(earlier(), [], Wishes(resume="all")).is_empty


def done(unit: Unit) -> Campaign:
    """A run in which that unit has completed."""
    story = Story().begin(unit)
    story.run(unit.unit_id)
    story.finish()
    return story.campaign


BEFORE = make_unit("a", None, "source:0123 inputs:4567 version:1", size=1)


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (BEFORE, []),
        (make_unit("a", None, "source:0123 inputs:4567 version:1", size=1), []),
        (make_unit("a", "oak", "source:0123 inputs:4567 version:1", size=1), []),
        (make_unit("a", None, "source:0123 inputs:4567 version:1", size=2), ["parameters"]),
        (make_unit("a", None, "source:0123 inputs:4567 version:1"), ["parameters"]),
        (make_unit("a", None, "source:9999 inputs:4567 version:1", size=1), ["source"]),
        (make_unit("a", None, "source:0123 inputs:4567 version:2", size=1), ["version"]),
        (make_unit("a", None, "source:0123", size=1), ["inputs", "version"]),
        (make_unit("a", None, "", size=2), ["parameters", "source", "inputs", "version"]),
    ],
)
def test_a_unit_that_is_done_is_stale_when_what_its_result_depends_on_has_changed(
    now: Unit, changed: list[str]
) -> None:
    assert changes(BEFORE, now) == changed
    plan = make_plan(done(BEFORE), [now], Wishes(resume="all"))
    assert (plan.run, plan.stale, plan.kept) == ((["a"], 1, 0) if changed else ([], 0, 1))
    assert plan.added == ([now] if changed else [])


def test_stale_units_stay_done_when_asked() -> None:
    now = make_unit("a", None, "source:9999", size=1)
    assert make_plan(done(BEFORE), [now], Wishes(keeps_stale=True)).is_empty


def test_a_failed_unit_that_was_left_alone_is_run_again_when_it_has_changed() -> None:
    plan = make_plan(earlier(), [make_unit("failed", None, "source:9999")], Wishes(resume="unfinished"))
    assert (plan.run, plan.stale) == (["failed"], 1)


def test_a_unit_that_changed_before_it_was_done_is_recorded_anew_and_is_not_stale() -> None:
    now = make_unit("waiting", "oak", "source:9999")
    plan = make_plan(earlier(), [now], Wishes(resume="all"))
    assert (plan.added, plan.run, plan.stale) == ([now], ["waiting"], 0)


def known(*, taken_out: bool = False) -> Campaign:
    """`UNITS` with every status but the last one's, and one in flight that has spoken, one that has not."""
    story = Story().begin(*UNITS[:-1], "silent", "spoken")
    for unit_id, status in (("done", COMPLETED), ("failed", FAILED), ("slow", TIMEOUT), ("skipped", SKIPPED)):
        story.run(unit_id, status)
    story.run("killed", INTERRUPTED)
    story.start("silent", "w0")
    story.start("spoken", "w1")
    story.result("spoken", make_outcome(FAILED))
    if taken_out:
        story.begin("done", run=[], removed=[unit.unit_id for unit in UNITS[:-1]])
    return story.campaign


CHANGED = "source:9999"


@pytest.mark.parametrize(
    ("unit", "wishes", "decision"),
    [
        (make_unit("new"), Wishes(), Decision(runs=True, reason="new")),
        (make_unit("waiting"), Wishes(), Decision(runs=True, reason="not run yet")),
        (make_unit("killed"), Wishes(), Decision(runs=True, reason="interrupted")),
        (make_unit("silent"), Wishes(), Decision(runs=True, reason="interrupted")),
        (make_unit("failed"), Wishes(), Decision(runs=True, reason="failed")),
        (make_unit("spoken"), Wishes(), Decision(runs=True, reason="failed")),
        (make_unit("slow"), Wishes(), Decision(runs=True, reason="timeout")),
        (make_unit("done"), Wishes(), Decision(runs=False, reason="completed")),
        (make_unit("skipped"), Wishes(), Decision(runs=False, reason="skipped")),
        (make_unit("failed"), Wishes(resume="unfinished"), Decision(runs=False, reason="failed, left alone")),
        (make_unit("spoken"), Wishes(resume="unfinished"), Decision(runs=False, reason="failed, left alone")),
        (make_unit("slow"), Wishes(resume="unfinished"), Decision(runs=False, reason="timeout, left alone")),
        (make_unit("waiting"), Wishes(resume="unfinished"), Decision(runs=True, reason="not run yet")),
        (
            make_unit("done", None, CHANGED),
            Wishes(),
            Decision(runs=True, reason="stale: source changed", is_stale=True),
        ),
        (
            make_unit("skipped", None, "version:2", size=1),
            Wishes(),
            Decision(runs=True, reason="stale: parameters, version changed", is_stale=True),
        ),
        (
            make_unit("done", None, CHANGED),
            Wishes(keeps_stale=True),
            Decision(runs=False, reason="completed, kept although its source changed"),
        ),
        (
            make_unit("failed", None, CHANGED),
            Wishes(resume="unfinished", keeps_stale=True),
            Decision(runs=False, reason="failed, kept although its source changed"),
        ),
        (make_unit("failed", None, CHANGED), Wishes(), Decision(runs=True, reason="failed")),
        (
            make_unit("new"),
            Wishes(phases={"score"}),
            Decision(runs=False, reason="new; phase run is not selected", waits=True),
        ),
        (make_unit("new"), Wishes(phases={"score", "run"}), Decision(runs=True, reason="new")),
        (make_unit("done"), Wishes(phases={"score"}), Decision(runs=False, reason="completed")),
        (
            make_unit("done", None, CHANGED),
            Wishes(phases={"score"}),
            Decision(runs=False, reason="stale: source changed; phase run is not selected", waits=True),
        ),
    ],
)
def test_each_unit_runs_or_not_for_a_reason(unit: Unit, wishes: Wishes, decision: Decision) -> None:
    assert decide(known(), unit, wishes) == decision


@pytest.mark.parametrize(
    ("unit_id", "resume", "runs", "reason"),
    [
        ("done", "all", False, "completed"),
        ("failed", "all", True, "back in the suite"),
        ("failed", "unfinished", True, "back in the suite"),
        ("waiting", "all", True, "back in the suite"),
    ],
)
def test_a_unit_that_is_back_in_the_suite_runs_unless_it_had_completed(
    unit_id: str, resume: Resume, *, runs: bool, reason: str
) -> None:
    decision = decide(known(taken_out=True), make_unit(unit_id), Wishes(resume=resume))
    assert (decision.runs, decision.reason) == (runs, reason)


def test_units_of_other_phases_join_the_run_and_wait() -> None:
    units = [make_unit("a"), in_phase("b", "score")]
    plan = make_plan(Campaign(), units, Wishes(phases={"run"}))
    assert (plan.run, plan.added, plan.other_phases, plan.kept) == (["a"], units, 1, 0)


def test_nothing_in_the_selected_phases_is_nothing_to_do() -> None:
    assert make_plan(Campaign(), [make_unit("a")], Wishes(phases={"score"})).is_empty


@pytest.mark.parametrize("unit_id", ["done", "failed", "slow", "skipped"])
def test_a_changed_unit_that_waits_for_its_phase_is_not_taken_for_done_later(unit_id: str) -> None:
    campaign, now = known(), make_unit(unit_id, None, CHANGED)
    plan = make_plan(campaign, [now], Wishes(phases={"score"}))
    assert (plan.added, plan.other_phases) == ([], 1)
    assert make_plan(campaign, [now], Wishes(resume="all")).run == [unit_id]


def test_a_unit_without_a_result_that_waits_is_recorded_as_it_is_now() -> None:
    now = in_phase("waiting", "score")
    assert make_plan(known(), [now], Wishes(phases={"run"})).added == [now]


def test_a_unit_that_is_back_and_waits_for_its_phase_is_run_by_the_next_resume() -> None:
    story = Story().begin("a", "b")
    story.begin("b", removed=["a"])
    units = [make_unit("a"), in_phase("b", "score")]
    plan = make_plan(story.campaign, units, Wishes(phases={"score"}))
    assert [unit.unit_id for unit in plan.added] == ["a", "b"]
    story.begin(*plan.added, run=plan.run)
    assert make_plan(story.campaign, units, Wishes(resume="all")).run == ["a", "b"]


def test_units_that_are_gone_are_something_to_record_although_nothing_runs() -> None:
    plan = make_plan(done(BEFORE), [], Wishes(resume="all"), ["a"])
    assert (plan.removed, plan.run, plan.is_empty) == (["a"], [], False)


ORDER = ("prepare", "run", "score")


def in_phase(unit_id: str, phase: str) -> Unit:
    return replace(make_unit(unit_id), phase=phase)


@pytest.mark.parametrize(
    ("wanted", "statuses", "unmet"),
    [
        ({"score"}, {}, ["prepare", "run"]),
        ({"score"}, {"p": COMPLETED}, ["run"]),
        ({"score"}, {"p": COMPLETED, "r": COMPLETED}, []),
        ({"score"}, {"p": FAILED, "r": TIMEOUT}, []),
        ({"score"}, {"p": SKIPPED, "r": INTERRUPTED}, ["run"]),
        ({"run", "score"}, {}, ["prepare"]),
        ({"prepare"}, {}, []),
        (set(ORDER), {}, []),
    ],
)
def test_earlier_phases_are_unmet_while_a_unit_of_theirs_has_no_end(
    wanted: set[str], statuses: dict[str, UnitStatus], unmet: list[str]
) -> None:
    units = [in_phase("s", "score"), in_phase("r", "run"), in_phase("p", "prepare")]
    story = Story().begin(*units)
    for unit_id, status in statuses.items():
        story.run(unit_id, status)
    assert unmet_phases(story.campaign, units, ORDER, wanted) == unmet
    if not statuses:
        assert unmet_phases(Campaign(), units, ORDER, wanted) == unmet


def test_a_phase_whose_unit_is_back_in_the_suite_is_unmet() -> None:
    units = [in_phase("p", "prepare"), in_phase("s", "score")]
    story = Story().begin(*units)
    story.begin(units[1], run=[], removed=["p"])
    assert unmet_phases(story.campaign, units[1:], ORDER, {"score"}) == []
    assert unmet_phases(story.campaign, units, ORDER, {"score"}) == ["prepare"]


PILOT = [
    make_unit("a", molecule="water", size=1),
    make_unit("b", molecule="water", size=10),
    make_unit("c", molecule="ammonia", size=1),
    make_unit("d", size=None),
    make_unit("e"),
]


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        ([("molecule", "water")], "ab"),
        ([("molecule", "w*"), ("molecule", "a*")], "abc"),
        ([("molecule", "water"), ("size", "1")], "a"),
        ([("molecule", "[!w]*")], "c"),
        ([("size", "1*"), ("molecule", "*")], "abc"),
        ([("size", "None")], "d"),
        ([("size", "?")], "ac"),
    ],
)
def test_of_one_parameter_any_pattern_may_match_of_several_all_must(
    patterns: list[tuple[str, str]], selected: str
) -> None:
    assert "".join(unit.unit_id for unit in select_units(PILOT, patterns)) == selected


def test_a_pattern_means_capitals() -> None:
    with pytest.raises(UsageProblem, match="--bench-select molecule=Water selects none of 5 units") as error:
        select_units(PILOT, [("molecule", "Water")])
    assert error.value.hint == "values of molecule: water, ammonia"


def test_only_some_of_many_values_are_shown() -> None:
    units = [make_unit(str(number), size=number) for number in range(9)]
    with pytest.raises(UsageProblem) as error:
        select_units(units, [("size", "x"), ("size", "y")])
    assert error.value.problem == "--bench-select size=x --bench-select size=y selects none of 9 units"
    assert error.value.hint == "values of size: 0, 1, 2, 3, 4, ..."


@pytest.mark.parametrize(
    ("units", "known_names", "hint"),
    [(PILOT, "molecule, size", "--bench-select molecule=w*"), (PILOT[4:], "none", "parametrize the units")],
)
def test_a_parameter_that_no_unit_has_is_refused(units: list[Unit], known_names: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as error:
        select_units(units, [("molecle", "w*")])
    assert error.value.problem.endswith(f"no unit has the parameter 'molecle'; known: {known_names}")
    assert error.value.hint == hint


def test_of_nothing_nothing_is_selected() -> None:
    assert select_units([], [("molecule", "water")]) == []


def test_a_new_unit_of_the_same_source_and_parameters_looks_like_one_that_is_gone() -> None:
    story = Story().begin(make_unit("old[1]", None, "source:1", size=1), make_unit("old[2]", None, "source:1", size=2))
    units = [make_unit("new[1]", None, "source:1", size=1), make_unit("new[3]", None, "source:1", size=3)]
    assert renamed(story.campaign, units, ["old[1]", "old[2]"]) == {"new[1]": "old[1]"}
    assert renamed(story.campaign, units, []) == {}
    assert renamed(story.campaign, [make_unit("plain")], ["old[1]"]) == {}


def test_a_unit_that_the_run_knows_is_not_renamed() -> None:
    units = [make_unit("a", None, "source:1"), make_unit("b", None, "source:1")]
    campaign = Story().begin(*units).campaign
    assert renamed(campaign, units[:1], ["b"]) == {}


@given(stories(), st.sampled_from(["all", "unfinished"]))
def test_a_plan_names_every_unit_once_or_keeps_it(events: list[Event], resume: Resume) -> None:
    story = Story()
    for event in events:
        story.tell(event)
    campaign = story.campaign
    units = [record.unit for record in campaign.records.values()] + [make_unit("new")]
    plan = make_plan(campaign, units, Wishes(resume=resume))
    assert plan.kept + len(plan.run) == len(units)
    assert len(set(plan.run)) == len(plan.run)
    story.close_killed_units()
    kept = [record.status for unit_id, record in campaign.records.items() if unit_id not in plan.run]
    assert all(status in DONE or (resume == "unfinished" and status in {FAILED, TIMEOUT}) for status in kept)


@given(stories())
def test_a_plan_made_again_after_it_was_recorded_is_the_same(events: list[Event]) -> None:
    story = Story()
    for event in events:
        story.tell(event)
    units = [record.unit for record in story.campaign.records.values()]
    story.close_killed_units()
    plan = make_plan(story.campaign, units, Wishes(resume="all"))
    story.begin(*units, run=plan.run)
    again = make_plan(story.campaign, units, Wishes(resume="all"))
    assert (again.run, again.added, again.kept) == (plan.run, [], plan.kept)
    assert {
        unit_id for unit_id, record in story.campaign.records.items() if record.status is UnitStatus.PENDING
    } == set(plan.run)


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_the_positions_they_were_made_of(positions: set[int]) -> None:
    ranges = as_ranges(positions)
    assert [position for start, end in ranges for position in range(start, end)] == sorted(positions)


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_as_few_as_can_be(positions: set[int]) -> None:
    ranges = as_ranges(positions)
    assert all(start < end for start, end in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


@pytest.mark.parametrize(
    ("positions", "ranges"),
    [([], []), ([3], [[3, 4]]), ([0, 1, 2, 5], [[0, 3], [5, 6]]), ([2, 0, 1], [[0, 3]])],
)
def test_ranges_are_half_open(positions: list[int], ranges: list[list[int]]) -> None:
    assert as_ranges(positions) == ranges


def test_ranges_of_ids_follow_the_work_list_and_leave_out_strangers() -> None:
    campaign = Story().begin("a", "b", "c", "d").campaign
    assert ranges_of(campaign, ["d", "a", "b", "ghost"]) == [[0, 2], [3, 4]]


@given(stories(), st.data())
def test_ranges_of_a_run_give_its_units_back(events: list[Event], data: st.DataObject) -> None:
    campaign = Campaign.of(events)
    ids = list(campaign.records)
    wanted = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    found = [record.unit.unit_id for record in campaign.units_in(ranges_of(campaign, wanted))]
    assert found == [unit_id for unit_id in ids if unit_id in wanted]
