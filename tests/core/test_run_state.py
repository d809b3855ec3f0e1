"""`run_state.json` of a small campaign, compared with a gold file, and what holds of it in every run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.phases import DEFAULT_PHASES, PhaseStatus
from pytest_benchrun.core.run_state import (
    DEAD,
    CheckpointView,
    PhaseView,
    RunStateView,
    SessionView,
    phase_views,
    run_state_view,
)
from pytest_benchrun.core.slug import slug
from tests.fakes import moment
from tests.stories import FAILED, SKIPPED, STOP_ASKED, TIMEOUT, Story, make_unit, stories

GOLD = Path(__file__).parent / "gold" / "run_state.json"
PHASES = ("prepare", "run", "score", "publish")


def unit(unit_id: str, phase: str = "run") -> Unit:
    return replace(make_unit(unit_id), phase=phase)


def small_campaign() -> Story:
    """The first session dies in its second phase, the second one is stopped there; two phases wait, one is empty."""
    units = [unit("make.py::test_data", "prepare"), *(unit(f"bench.py::test_read[{size}]") for size in "abc")]
    units.append(unit("score.py::test_score", "score"))
    story = Story().begin(*units, phases=PHASES)
    story.clock.advance(0.25)
    story.run(units[0].unit_id, seconds=2.0)
    story.run(units[1].unit_id, FAILED, 1.0, message="AssertionError: slow disk")
    story.start(units[2].unit_id)
    story.clock.advance(3600)
    story.begin(*units, run=[one.unit_id for one in units[2:]], phases=PHASES)
    story.run(units[2].unit_id, seconds=4.0)
    story.stop(STOP_ASKED)
    story.skip_rest(units[3].unit_id, units[4].unit_id)
    story.clock.advance(1)
    story.finish(exit_code=2)
    return story


def test_the_run_state_of_a_small_campaign_is_the_gold_one() -> None:
    gold: dict[str, Any] = json.loads(GOLD.read_text("utf-8"))
    view = run_state_view(small_campaign().campaign)
    assert view == gold
    assert list(view["phases"]) == list(gold["phases"])


def test_the_view_has_its_fields_in_the_order_of_the_gold_file() -> None:
    gold: dict[str, Any] = json.loads(GOLD.read_text("utf-8"))
    assert list(gold) == list(RunStateView.__annotations__)
    assert list(gold["phases"]["run"]) == list(PhaseView.__annotations__)
    assert list(gold["last_checkpoint"]) == list(CheckpointView.__annotations__)
    assert list(gold["sessions"][0]) == list(SessionView.__annotations__)


def test_a_run_before_its_first_event_has_a_state_too() -> None:
    view = run_state_view(Campaign())
    assert (view["run_id"], view["phases"], view["last_checkpoint"]) == ("", {}, None)
    assert (view["stop_requested"], view["sessions"]) == (False, [])


def test_a_run_goes_on_behind_the_unit_that_completed_last() -> None:
    story = Story().begin(unit("a", "prepare"), "b")
    story.run("a")
    story.run("b", FAILED)
    assert run_state_view(story.campaign)["last_checkpoint"] == {
        "phase": "prepare",
        "trial_slug": slug("a"),
        "resume_key": "a",
        "timestamp": moment(1),
    }


def test_the_current_phase_runs_between_two_units_and_no_other_does() -> None:
    story = Story().begin(unit("a", "prepare"), "b", "c", unit("d", "score"))
    seen = []
    for unit_id in "abc":
        story.run(unit_id)
        seen.append([view["status"] for view in phase_views(story.campaign).values()])
    assert seen == [
        ["completed", "not_started", "not_started"],
        ["completed", "running", "not_started"],
        ["completed", "completed", "not_started"],
    ]


def test_an_own_phase_without_units_is_shown_and_a_default_one_is_not() -> None:
    story = Story().begin("a", phases=["run", "publish", *DEFAULT_PHASES])
    assert {name: view["status"] for name, view in phase_views(story.campaign).items()} == {
        "run": "not_started",
        "publish": "skipped",
    }


def test_the_last_error_of_a_phase_is_its_latest_failure() -> None:
    story = Story().begin(unit("a", "prepare"), unit("b", "prepare"), "c", "d")
    story.run("a", FAILED, message="first")
    story.run("b", TIMEOUT, message="second")
    story.run("c", FAILED, message="x" * 900)
    story.run("d")
    errors = {name: view["last_error"] for name, view in phase_views(story.campaign).items()}
    assert errors == {"prepare": "second", "run": "x" * 500}


def test_an_error_moves_with_its_unit_to_another_phase() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED, message="of a")
    story.begin(unit("a", "score"), "b", run=["b"])
    errors = {name: view["last_error"] for name, view in phase_views(story.campaign).items()}
    assert errors == {"run": None, "score": "of a"}


def test_a_failure_that_was_mended_is_no_last_error() -> None:
    story = Story().begin("a")
    story.run("a", FAILED, message="broken")
    story.begin("a")
    story.run("a")
    assert phase_views(story.campaign)["run"]["last_error"] is None


def test_a_session_that_lives_is_running_and_one_that_died_is_dead() -> None:
    story = Story().begin("a")
    assert [view["state"] for view in run_state_view(story.campaign)["sessions"]] == ["running"]
    story.begin("a")
    first, second = run_state_view(story.campaign)["sessions"]
    assert (first["state"], first["exit_code"]) == (DEAD, None)
    assert (second["state"], second["ended_at"]) == ("running", None)


@pytest.mark.parametrize(("is_stopped", "asked"), [(True, True), (False, False)])
def test_it_says_whether_a_stop_was_asked(*, is_stopped: bool, asked: bool) -> None:
    story = Story().begin("a")
    if is_stopped:
        story.stop()
    assert run_state_view(story.campaign)["stop_requested"] is asked
    story.begin("a")
    assert run_state_view(story.campaign)["stop_requested"] is False


def test_units_that_skipped_themselves_skip_their_phase() -> None:
    story = Story().begin("a")
    story.run("a", SKIPPED)
    assert phase_views(story.campaign)["run"]["status"] == PhaseStatus.SKIPPED


@given(stories())
def test_the_phases_add_up_to_the_run_at_every_moment(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        views = phase_views(campaign).values()
        assert sum(view["total"] for view in views) == len(campaign.records)
        assert sum(view["failed"] for view in views) == len(campaign.failures)
        for view in views:
            assert view["completed"] + view["failed"] <= view["total"]
            assert (view["last_error"] is not None) == (view["failed"] > 0)
            assert view["status"] in set(PhaseStatus)


@given(stories())
def test_at_most_the_last_session_lives(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    sessions = run_state_view(campaign)["sessions"]
    assert all(view["ended_at"] is not None for view in sessions[:-1])
    assert all(view["state"] != "running" for view in sessions[:-1])
    assert all((view["exit_code"] is None) == (view["state"] in {DEAD, "running"}) for view in sessions)
