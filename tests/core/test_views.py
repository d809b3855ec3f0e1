"""`status.json` and `runstats.json` of small campaigns, compared with gold files, and how the estimate learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Metric, RunState, Unit
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.runstats import RunStatsView, runstats_view
from pytest_benchrun.core.views import StatusView, message_of, status_view
from tests.stories import COMPLETED, FAILED, SKIPPED, TIMEOUT, Story, make_outcome, make_unit, stories

GOLD = Path(__file__).parent / "gold"
READ, WRITE = "bench.py::test_read", "bench.py::test_write"


def gold(name: str) -> dict[str, Any]:
    """What a view must be."""
    content: dict[str, Any] = json.loads((GOLD / name).read_text("utf-8"))
    return content


def small_campaign() -> Story:
    """Two sessions: the first is killed under its third unit, the second has one unit running and one waiting."""
    units = [
        make_unit(f"{READ}[1k]", "disk", size="1k"),
        make_unit(f"{READ}[1M]", "disk", size="1M"),
        make_unit(f"{WRITE}[1k]", size="1k", sync=True),
        make_unit(f"{WRITE}[1M]", size="1M", sync=False),
        make_unit(f"{WRITE}[1G]", size="1G", sync=False),
        Unit(unit_id="bench.py::test_score", function="bench.py::test_score", group="score", phase="score"),
    ]
    story = Story().begin(*units, limit=5, group_by="device")
    story.clock.advance(0.25)
    story.run(units[0].unit_id, seconds=2.0, metrics={"speed": Metric(value=10.0, unit="MB/s", better="higher")})
    story.run(units[1].unit_id, seconds=4.0, metrics={"speed": Metric(value=20, unit="MB/s", better="higher")})
    story.start(units[2].unit_id)
    story.begin(*units, run=[unit.unit_id for unit in units[2:]], limit=5, group_by="device")
    story.run(units[2].unit_id, FAILED, 1.5, message="AssertionError: slow disk")
    story.run(
        units[5].unit_id,
        seconds=0.5,
        metrics={"speed": Metric(value=None, unit="MB/s", better="higher"), "ok": Metric(value="y")},
    )
    story.start(units[3].unit_id)
    story.clock.advance(1)
    story.result(units[3].unit_id, make_outcome(COMPLETED), 1.0)
    story.clock.advance(2)
    return story


def status(story: Story) -> StatusView:
    return status_view(story.campaign, results_dir="/results", now_at=story.at)


def test_the_status_of_a_small_campaign_is_the_gold_one() -> None:
    assert status(small_campaign()) == gold("status.json")


def test_the_figures_of_a_small_campaign_are_the_gold_ones() -> None:
    assert runstats_view(small_campaign().campaign) == gold("runstats.json")


def test_the_views_have_the_fields_of_the_contract_in_the_order_of_the_gold_files() -> None:
    story = small_campaign()
    assert list(status(story)) == list(gold("status.json")) == list(StatusView.__annotations__)
    assert list(runstats_view(story.campaign)) == list(gold("runstats.json")) == list(RunStatsView.__annotations__)


def test_a_run_before_its_first_event_has_views_too() -> None:
    view = status_view(Campaign(), results_dir="/results", now_at="2026-11-21T10:00:00.000Z")
    assert (view["state"], view["session"], view["total_tasks"], view["owner"]) == ("pending", 0, 0, None)
    assert (view["started_at"], view["session_started_at"], view["config_hash"]) == (None, None, "")
    stats = runstats_view(Campaign())
    assert (stats["started_at"], stats["ended_at"], stats["unit_seconds"]["n"]) == (None, None, 0)
    assert stats["environment"] == {}


@given(stories())
def test_the_views_of_any_run_are_json(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    made = status_view(campaign, results_dir="/results", now_at=campaign.last_at), runstats_view(campaign)
    assert json.loads(json.dumps(made, allow_nan=False)) == list(made)


@given(stories())
def test_the_figures_count_every_unit(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    stats = runstats_view(campaign)
    units = dict(stats["units"])
    assert units.pop("total") == sum(units.values()) + len(campaign.running)
    assert stats["unit_seconds"]["n"] <= units["completed"]
    assert sum(summary["n"] for summary in stats["by_function"].values()) == stats["unit_seconds"]["n"]
    assert len(stats["failures"]) == units["failed"] + units["timeout"]


def run_of(*seconds: float, left: int = 0) -> Story:
    """Units that took so long, one after the other, and some that wait."""
    names = [f"unit-{number:02}" for number in range(len(seconds) + left)]
    story = Story().begin(*names)
    for name, took in zip(names, seconds, strict=False):
        story.run(name, seconds=took)
    return story


def test_eta_is_not_known_before_a_unit_has_finished() -> None:
    view = status(run_of(left=3))
    assert (view["estimated_remaining_hours"], view["avg_calc_time_seconds"]) == (None, None)
    assert (view["eta"]["low_hours"], view["eta"]["high_hours"]) == (None, None)


def test_eta_is_the_mean_times_what_remains() -> None:
    view = status(run_of(3600.0, 7200.0, left=4))
    assert view["avg_calc_time_seconds"] == 5400.0
    assert view["estimated_remaining_hours"] == 6.0


def test_eta_forgets_the_slow_beginning() -> None:
    view = status(run_of(*[3600.0] * 5, *[36.0] * 10, left=100))
    assert view["avg_calc_time_seconds"] == 36.0
    assert view["estimated_remaining_hours"] == 1.0


def test_eta_shares_the_work_among_the_workers_that_live() -> None:
    story = run_of(3600.0, left=6)
    for worker in ("w1", "w2"):
        story.worker_up(worker)
    assert status(story)["estimated_remaining_hours"] == 2.0
    assert status(story)["eta"]["workers"] == 3
    story.worker_down("w1", "crashed")
    assert status(story)["estimated_remaining_hours"] == 3.0


def test_eta_is_a_range_around_what_is_likely_and_narrower_the_more_is_known() -> None:
    ranges = []
    for count in (2, 20):
        eta = status(run_of(*[36.0] * count, left=100))["eta"]
        assert eta["low_hours"] is not None
        assert eta["hours"] is not None
        assert eta["high_hours"] is not None
        assert eta["low_hours"] <= eta["hours"] <= eta["high_hours"]
        assert eta["hours"] == pytest.approx(1.0, rel=0.2)
        ranges.append(eta["high_hours"] / eta["low_hours"])
    assert ranges[1] < ranges[0]


def test_nothing_remains_when_all_have_ended() -> None:
    assert status(run_of(36.0, 36.0))["estimated_remaining_hours"] == 0.0


def test_the_status_shows_the_last_ten_failures_oldest_first() -> None:
    names = [f"unit-{number:02}" for number in range(12)]
    story = Story().begin(*names)
    for name in names:
        story.run(name, FAILED)
    view = status(story)
    assert [failure["unit_id"] for failure in view["failures"]] == names[2:]
    assert view["failures_total"] == 12
    assert view["failed_groups"] == names


def test_a_long_error_is_cut_in_the_views_and_kept_in_the_state() -> None:
    story = Story().begin("a")
    story.run("a", FAILED, message="x" * 10_000)
    assert len(status(story)["failures"][0]["error"]) == 500
    assert len(story.campaign.failures["a"].error) == 10_000


def test_the_current_task_is_the_longest_running_one() -> None:
    story = Story().begin("a", "b")
    story.worker_up("w1")
    story.start("b", "w1")
    story.clock.advance(5)
    story.start("a")
    story.clock.advance(2)
    view = status(story)
    assert [(task["unit_id"], task["elapsed_s"]) for task in view["current_tasks"]] == [("b", 7.0), ("a", 2.0)]
    assert view["current_task"] == view["current_tasks"][0]
    assert {worker["worker"]: worker["unit_id"] for worker in view["workers"]} == {"main": "a", "w1": "b"}


def test_a_task_of_a_worker_that_is_gone_is_on_the_owners_host() -> None:
    story = Story().begin("a")
    story.start("a", "w9")
    task = status(story)["current_task"]
    assert task is not None
    assert task["host"] == "node-1"


def test_a_task_runs_on_its_workers_host() -> None:
    story = small_campaign()
    task = status(story)["current_task"]
    assert task is not None
    assert (task["host"], task["worker"]) == ("node-1", "main")


def test_a_run_without_a_session_can_be_shown() -> None:
    campaign = Campaign.of(small_campaign().events[:1])
    view = status_view(campaign, results_dir="/results", now_at=campaign.last_at)
    assert (view["run_id"], view["session"], view["owner"]) == ("demo-20261121-100000-0123abcd", 0, None)


def stopped(*, held_back: bool) -> Story:
    story = run_of(1.0, left=2)
    story.stop(Stop("max-failures", "2 of 3 groups failed, more than 1 allowed", RunState.PAUSED))
    if held_back:
        story.skip_rest("unit-01", "unit-02")
    return story


def test_what_a_stop_held_back_is_shown_as_skipped_and_said_to_be_resumable() -> None:
    view = status(stopped(held_back=True))
    assert (view["skipped"], view["held_back"], view["pending"]) == (2, 2, 0)
    assert (view["state"], view["reason"]) == ("stopping", "2 of 3 groups failed, more than 1 allowed")
    assert view["estimated_remaining_hours"] == pytest.approx(2 / 3600, abs=1e-6)


@pytest.mark.parametrize(
    ("story", "message"),
    [
        (run_of(left=2), "running: 0 of 2 units ended"),
        (run_of(1.0, left=1), "running: 1 of 2 units ended"),
        (stopped(held_back=True), "stopping: 1 of 3 units ended (2 of 3 groups failed, more than 1 allowed)"),
        (small_campaign(), "running: 4 of 6 units ended, 1 failed"),
    ],
)
def test_the_message_says_how_far_the_run_is_and_why_it_does_not_go_on(story: Story, message: str) -> None:
    assert message_of(story.campaign) == message


def test_a_run_has_ended_when_its_session_has_closed_it() -> None:
    story = run_of(1.0)
    assert runstats_view(story.campaign)["ended_at"] is None
    story.clock.advance(1)
    story.finish()
    stats = runstats_view(story.campaign)
    assert (stats["ended_at"], stats["state"], stats["wall_s"], stats["busy_s"]) == (story.at, "complete", 2.0, 1.0)


def test_figures_are_of_completed_units_and_their_last_attempts() -> None:
    story = Story().begin("a", "b", "c", "d")
    story.run("a", FAILED, 100.0)
    story.run("b", TIMEOUT, 200.0)
    story.run("c", SKIPPED, 300.0)
    story.run("d", seconds=400.0)
    story.begin("a", "b", "c", "d", run=["a"])
    story.run("a", seconds=4.0)
    stats = runstats_view(story.campaign)
    assert (stats["unit_seconds"]["n"], stats["unit_seconds"]["min"], stats["unit_seconds"]["max"]) == (2, 4.0, 400.0)
    assert stats["busy_s"] == 1004.0
    assert [failure["unit_id"] for failure in stats["failures"]] == ["b"]


def test_the_slowest_ten_of_any_status_are_named_ties_by_id() -> None:
    names = [f"unit-{number:02}" for number in range(12)]
    story = Story().begin(*reversed(names))
    for name in names:
        story.run(name, TIMEOUT if name == "unit-11" else COMPLETED, 9.0 if name == "unit-11" else 1.0)
    slowest = runstats_view(story.campaign)["slowest"]
    assert [slow["unit_id"] for slow in slowest] == ["unit-11", *names[:9]]
    assert slowest[0] == {"unit_id": "unit-11", "elapsed_s": 9.0, "status": "timeout"}


def test_a_unit_that_was_never_measured_is_not_among_the_slowest() -> None:
    story = Story().begin("a", "b")
    story.start("a")
    story.begin("a", "b")
    assert runstats_view(story.campaign)["slowest"] == []


def test_a_metric_that_is_no_number_is_in_no_statistic() -> None:
    story = Story().begin("a", "b", "c")
    for unit_id, value in (("a", 1), ("b", None), ("c", "fast")):
        story.run(unit_id, metrics={"speed": Metric(value=value, unit="MB/s")})
    speed = runstats_view(story.campaign)["metrics"]["speed"]
    assert (speed["n"], speed["mean"], speed["unit"], speed["better"]) == (1, 1, "MB/s", None)


def test_groups_of_one_are_not_listed_again() -> None:
    stats = runstats_view(small_campaign().campaign)
    assert list(stats["by_group"]) == ["disk", "score"]
    assert list(stats["by_phase"]) == ["run", "score"]


def test_workers_are_listed_by_name_with_what_they_did() -> None:
    story = Story().begin("a", "b")
    story.worker_up("w1")
    for unit_id, worker in (("a", "w1"), ("b", "main")):
        story.start(unit_id, worker)
        story.end(unit_id, make_outcome(COMPLETED), 2.5)
    assert runstats_view(story.campaign)["workers"] == [
        {"worker": "main", "attempts": 1, "busy_s": 2.5},
        {"worker": "w1", "attempts": 1, "busy_s": 2.5},
    ]


@pytest.mark.parametrize("size", [1e200, 1.6e308])
def test_metrics_as_large_as_numbers_get_do_not_cost_the_figures(size: float) -> None:
    story = Story().begin("a", "b")
    story.run("a", metrics={"flops": Metric(value=size)})
    story.run("b", metrics={"flops": Metric(value=-size)})
    flops = runstats_view(story.campaign)["metrics"]["flops"]
    assert (flops["n"], flops["min"], flops["max"]) == (2, -size, size)
