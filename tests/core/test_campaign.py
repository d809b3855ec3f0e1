"""The fold: what each kind of event changes. Its laws are in `test_campaign_laws.py`."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, UnitsAdded, UnitsRemoved
from pytest_benchrun.core.model import Ending, Metric, Outcome, RunState, Unit, UnitStatus
from pytest_benchrun.core.rules import Stop
from tests.fakes import moment
from tests.stories import (
    COMPLETED,
    FAILED,
    INTERRUPTED,
    SKIPPED,
    STOP_ASKED,
    TIMEOUT,
    Story,
    make_outcome,
    make_unit,
    state_of,
)


def test_a_run_before_its_first_event_is_pending_and_empty() -> None:
    campaign = Campaign()
    assert (campaign.run_id, campaign.state, campaign.wall_s, campaign.last_at) == ("", RunState.PENDING, 0.0, "")
    assert not campaign.is_finished
    assert campaign.unfinished == 0


def test_a_run_is_finished_only_when_its_session_has_closed_it() -> None:
    story = Story().begin("a")
    story.run("a")
    seen = [story.campaign.is_finished]
    story.finish()
    seen.append(story.campaign.is_finished)
    assert seen == [False, True]
    assert story.campaign.run_id == "demo-20261121-100000-0123abcd"


def test_the_result_of_a_unit_in_flight_is_kept_for_a_kill_in_its_teardown() -> None:
    story = Story().begin("a")
    story.start("a")
    story.result("a", make_outcome(FAILED, "wrong sum"), 0.5)
    running = story.campaign.running["a"]
    assert running.result is not None
    assert (running.result.outcome.message, running.attempt, running.worker) == ("wrong sum", 1, "main")
    assert story.campaign.counts[UnitStatus.RUNNING] == 1


def test_a_unit_killed_after_its_result_has_that_result() -> None:
    story = Story().begin("a", "b")
    story.start("a")
    story.result("a", make_outcome(COMPLETED), 0.5)
    story.start("b")
    story.begin("a", "b", run=["b"])
    records = story.campaign.records
    assert (records["a"].status, records["a"].elapsed_s) == (COMPLETED, 0.5)
    assert (records["b"].attempts, records["b"].status) == (1, UnitStatus.PENDING)


def test_a_unit_killed_before_its_result_is_interrupted_until_it_is_planned_again() -> None:
    story = Story().begin("a")
    story.start("a")
    story.begin("a", run=[])
    assert story.campaign.counts[INTERRUPTED] == 1
    story.begin("a")
    assert story.campaign.counts[UnitStatus.PENDING] == 1


def test_metrics_are_those_of_the_last_attempt() -> None:
    story = Story().begin("a")
    story.run("a", FAILED, metrics={"recall": Metric(value=0.5)})
    story.begin("a")
    story.run("a", metrics={"speed": Metric(value=3)})
    assert story.campaign.records["a"].metrics == {"speed": Metric(value=3)}


def test_a_unit_without_metrics_keeps_no_empty_dict() -> None:
    story = Story().begin("a")
    story.run("a")
    assert story.campaign.records["a"].metrics is None


def test_a_failure_says_what_when_and_in_which_attempt() -> None:
    story = Story().begin("a")
    story.run("a", FAILED, message="first")
    story.begin("a")
    story.run("a", TIMEOUT, 2.0, message="second")
    failure = story.campaign.failures["a"]
    assert (failure.attempt, failure.kind, failure.error, failure.at, failure.elapsed_s) == (
        2,
        "timeout",
        "second",
        moment(3.0),
        2.0,
    )


def test_a_failure_without_a_kind_has_its_status_for_one() -> None:
    story = Story().begin("a")
    story.start("a")
    story.lose("a", FAILED)
    assert story.campaign.failures["a"].kind == "crash"
    story.begin("a")
    story.start("a")
    story.end("a", Outcome(status=FAILED))
    assert (story.campaign.failures["a"].kind, story.campaign.failures["a"].error) == ("failed", "")


def test_a_planned_failure_is_forgotten_until_it_fails_again() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED)
    story.run("b", FAILED)
    story.begin("a", "b", run=["a"])
    assert list(story.campaign.failures) == ["b"]
    story.run("a", FAILED)
    assert list(story.campaign.failures) == ["b", "a"]


def test_failures_of_one_group_count_once_toward_the_threshold() -> None:
    story = Story().begin(make_unit("a", "oak"), make_unit("b", "oak"), make_unit("c", "elm"))
    for unit_id in "abc":
        story.run(unit_id, FAILED)
    assert list(story.campaign.counters.failed_groups) == ["oak", "elm"]
    assert story.campaign.counters.failed_units == 3


def test_groups_are_counted_once_however_many_units_they_have() -> None:
    story = Story().begin(make_unit("a", "oak"), make_unit("b", "oak"), make_unit("c"), make_unit("d"))
    assert story.campaign.groups_total == 3


def test_a_unit_whose_group_changed_keeps_its_place_and_what_it_has_done() -> None:
    story = Story().begin(make_unit("a", size=1), "b")
    story.run("a")
    story.begin(make_unit("a", "oak", size=1), "b", run=[])
    assert list(story.campaign.records) == ["a", "b"]
    record = story.campaign.records["a"]
    assert (record.unit.group, record.status, record.attempts) == ("oak", COMPLETED, 1)
    assert sum(story.campaign.counts.values()) == 2


@pytest.mark.parametrize("status", [COMPLETED, FAILED, SKIPPED])
@pytest.mark.parametrize("now", [make_unit("a", size=2), make_unit("a", None, "source:9999", size=1)])
def test_a_unit_that_changed_is_not_done_even_when_the_session_dies_before_its_plan(
    now: Unit, status: UnitStatus
) -> None:
    story = Story().begin(make_unit("a", size=1), "b")
    story.run("a", status)
    story.finish()
    story.tell(UnitsAdded(at=story.at, units=[now]))
    record = story.campaign.records["a"]
    assert (record.unit, record.status, record.attempts) == (now, UnitStatus.PENDING, 1)
    assert not story.campaign.failures
    assert story.campaign.counts == {**dict.fromkeys(UnitStatus, 0), UnitStatus.PENDING: 2}
    assert story.campaign.phases["run"].counts == story.campaign.counts


def test_a_unit_that_is_back_in_the_suite_has_not_ended() -> None:
    story = Story().begin("a", "b")
    story.run("b")
    story.tell(UnitsRemoved(at=story.at, units=[[0, 2]]))
    gone = dict(story.campaign.counts)
    story.tell(UnitsAdded(at=story.at, units=[make_unit("a"), make_unit("b")]))
    assert (gone[SKIPPED], gone[COMPLETED]) == (1, 1)
    assert [record.status for record in story.campaign.records.values()] == [UnitStatus.PENDING, COMPLETED]
    assert story.campaign.phases["run"].ended_at is None


def test_a_phase_that_gets_a_new_unit_has_not_ended() -> None:
    story = Story().begin("a")
    story.run("a")
    ended_at = story.campaign.phases["run"].ended_at
    story.tell(UnitsAdded(at=story.at, units=[make_unit("b")]))
    assert ended_at is not None
    assert story.campaign.phases["run"].ended_at is None


def test_a_resume_counts_failures_anew() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED)
    story.run("b")
    story.begin("a", "b", run=["a"])
    counters = story.campaign.counters
    assert (counters.failed_groups, counters.failed_units, counters.consecutive_failures) == ({}, 0, 0)
    assert counters.resumed == 1


@pytest.mark.parametrize(
    ("statuses", "in_a_row"),
    [
        ([FAILED], 1),
        ([FAILED, TIMEOUT], 2),
        ([FAILED, FAILED, COMPLETED], 0),
        ([FAILED, COMPLETED, FAILED], 1),
        ([FAILED, SKIPPED], 1),
        ([FAILED, SKIPPED, FAILED], 2),
        ([FAILED, INTERRUPTED], 1),
        ([SKIPPED, SKIPPED], 0),
    ],
)
def test_only_a_success_ends_a_row_of_failures(statuses: list[UnitStatus], in_a_row: int) -> None:
    names = [f"unit-{number}" for number in range(len(statuses))]
    story = Story().begin(*names)
    for name, status in zip(names, statuses, strict=True):
        story.run(name, status)
    assert story.campaign.counters.consecutive_failures == in_a_row


def test_a_worker_lost_under_a_unit_counts_once_in_the_row() -> None:
    story = Story().begin("a")
    story.start("a")
    story.lose("a")
    assert story.campaign.counters.consecutive_failures == 1
    assert story.campaign.counters.losses == {"a": 1}
    assert "main" not in story.campaign.workers


def test_a_second_loss_of_a_unit_is_remembered() -> None:
    story = Story().begin("a")
    for worker in ("w1", "w2"):
        story.worker_up(worker)
        story.start("a", worker)
        story.lose("a", FAILED if worker == "w2" else INTERRUPTED)
    assert story.campaign.counters.losses == {"a": 2}
    assert story.campaign.counters.consecutive_failures == 2


def test_an_idle_worker_that_crashes_counts_in_the_row_too() -> None:
    story = Story().begin("a")
    story.worker_up("w1")
    story.worker_down("w1", "crashed")
    assert story.campaign.counters.consecutive_failures == 1


def test_a_worker_that_was_asked_to_go_counts_nowhere() -> None:
    story = Story().begin("a")
    story.worker_down("main")
    assert story.campaign.counters.consecutive_failures == 0
    assert story.campaign.workers == {}


def test_a_worker_that_is_reported_down_while_its_unit_runs_is_counted_by_the_unit() -> None:
    story = Story().begin("a")
    story.start("a")
    story.worker_down("main", "crashed")
    assert story.campaign.counters.consecutive_failures == 0


def test_a_worker_nobody_knew_may_go() -> None:
    story = Story().begin("a")
    story.worker_down("ghost")
    assert list(story.campaign.workers) == ["main"]


def test_the_first_stop_is_the_reason() -> None:
    story = Story().begin("a")
    story.stop(STOP_ASKED)
    story.stop(Stop("maxfail", "stopping after 1 failures", RunState.STOPPED))
    campaign = story.campaign
    assert campaign.stop is not None
    assert (campaign.stop.source, campaign.reason, campaign.state) == ("stop-file", "stop requested", RunState.STOPPING)


def test_a_new_session_forgets_the_stop_the_late_errors_and_what_was_held_back() -> None:
    story = Story().begin("a", "b")
    story.stop()
    story.skip_rest("a", "b")
    story.late_error("a", "close failed")
    story.finish()
    assert story.campaign.state is RunState.STOPPED
    story.begin("a", "b")
    campaign = story.campaign
    assert (campaign.stop, campaign.reason, campaign.held_back, campaign.late_errors) == (None, None, 0, [])
    assert campaign.state is RunState.RUNNING


def test_a_session_starts_without_the_workers_of_one_that_was_killed() -> None:
    story = Story().begin("a", worker="w1")
    story.worker_up("w2")
    story.begin("a", worker="w3")
    assert list(story.campaign.workers) == ["w3"]


def test_units_held_back_are_shown_as_skipped_and_stay_pending() -> None:
    story = Story().begin("a", "b", "c")
    story.run("a", SKIPPED)
    story.stop()
    story.skip_rest("b", "c")
    assert story.campaign.counts[UnitStatus.PENDING] == 2
    shown = story.campaign.shown_counts()
    assert (shown["skipped"], shown["pending"]) == (3, 0)


def test_an_interrupted_unit_that_is_not_run_again_is_not_shown_as_skipped() -> None:
    story = Story().begin("a", "b")
    story.start("a")
    story.lose("a")
    story.stop()
    story.skip_rest("a", "b")
    shown = story.campaign.shown_counts()
    assert (shown["interrupted"], shown["skipped"]) == (1, 1)


def test_wall_seconds_are_those_of_the_sessions_and_not_of_the_night_between() -> None:
    story = Story().begin("a", "b")
    story.run("a", seconds=10.0)
    story.finish()
    story.clock.advance(36_000)
    story.begin("a", "b", run=["b"])
    story.run("b", seconds=5.0)
    assert story.campaign.wall_s == 15.0


def test_a_killed_session_lasted_until_its_last_event() -> None:
    story = Story().begin("a", "b")
    story.run("a", seconds=10.0)
    story.clock.advance(1)
    story.start("b")
    killed_at = story.campaign.wall_s
    assert killed_at == 11.0


def test_a_killed_unit_that_is_closed_by_the_next_session_adds_no_night_to_the_wall_seconds() -> None:
    story = Story().begin("a")
    story.clock.advance(10)
    story.start("a")
    story.clock.advance(36_000)
    story.begin("a")
    assert story.campaign.wall_s == 10.0


def test_warnings_are_counted_beyond_those_that_are_kept() -> None:
    names = [f"unit-{number}" for number in range(30)]
    story = Story().begin(*names)
    for name in names:
        story.run(name, warnings=["one", "two", "three", "four"])
    assert story.campaign.warnings_total == 120
    assert len(story.campaign.warnings) == 100
    assert story.campaign.warnings[4] == "unit-1: one"


def test_notes_are_kept_in_order() -> None:
    story = Story().begin("a")
    story.note("took over")
    story.note("cut off")
    assert [note.text for note in story.campaign.notes] == ["took over", "cut off"]


def test_a_killed_attempt_does_not_count_as_a_failure_of_the_session() -> None:
    story = Story().begin("a")
    story.start("a")
    story.end("a", make_outcome(INTERRUPTED), None, Ending.KILLED)
    assert story.campaign.counters.consecutive_failures == 0
    assert story.campaign.counters.failed_units == 0


def test_ranges_name_units_by_their_place_in_the_work_list() -> None:
    story = Story().begin("a", "b", "c", "d")
    assert [record.unit.unit_id for record in story.campaign.units_in([[0, 1], [2, 4]])] == ["a", "c", "d"]


def test_an_event_of_no_known_kind_moves_only_the_time() -> None:
    story = Story().begin("a")
    before = state_of(story.campaign)
    story.tell(Event(at=moment(5)))
    now = state_of(story.campaign)
    assert {name for name in now if not name.startswith("_") and now[name] != before[name]} == {"last_at"}
