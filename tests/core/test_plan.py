"""What a resume runs, and work lists as ranges."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Unit, UnitStatus
from pytest_benchrun.core.plan import DONE, Wishes, as_ranges, changes, make_plan, ranges_of
from tests.stories import COMPLETED, FAILED, INTERRUPTED, SKIPPED, TIMEOUT, Story, make_unit, stories

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


def test_a_unit_that_changed_and_whose_phase_is_not_selected_stays_stale() -> None:
    now = make_unit("a", None, "source:9999", size=1)
    plan = make_plan(done(BEFORE), [now, make_unit("new")], Wishes(resume="all", phases=["prepare"]))
    assert (plan.added, plan.run, plan.other_phases) == ([make_unit("new")], [], 2)


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
