"""When a run stops, in which state it ends, and with which exit code: one table a rule."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import Metric, RunState, UnitStatus
from pytest_benchrun.core.rules import (
    Stop,
    budget_spent,
    exit_code,
    exit_code_of_nothing,
    final_state,
    judge,
    lacks_end,
    maxfail_reached,
    time_is_up,
    too_many_consecutive_failures,
    too_many_failed_groups,
)
from pytest_benchrun.core.settings import DEFAULT_THRESHOLD, Settings, Threshold
from tests.stories import COMPLETED, FAILED, INTERRUPTED, SKIPPED, STOP_ASKED, TIMEOUT, Story, make_unit

MAXFAIL = Stop("maxfail", "stopping after 1 failures", RunState.STOPPED)
PAUSE = Stop("max-failures", "2 of 3 groups failed, more than 1 allowed", RunState.PAUSED)
PYTEST_EXIT = Stop("exit", "pytest.exit was called", RunState.STOPPED)


def settings(*, in_a_row: int | None = None, maxfail: int = 0, budgets: dict[str, float] | None = None) -> Settings:
    return Settings(
        results_dir="/results",
        max_consecutive_failures=in_a_row,
        maxfail=maxfail,
        budgets=tuple((budgets or {}).items()),
    )


def failed(*groups: str, limit: int | None = None) -> Campaign:
    """A run of ten groups in which a unit failed for each group named."""
    units = [make_unit(f"unit-{number}", group) for number, group in enumerate(groups)]
    others = [make_unit(f"good-{number}") for number in range(10 - len(set(groups)))]
    story = Story().begin(*units, *others, limit=limit)
    for unit in units:
        story.run(unit.unit_id, FAILED)
    return story.campaign


@pytest.mark.parametrize(
    ("threshold", "groups_total", "limit"),
    [
        (DEFAULT_THRESHOLD, 1, 5),
        (DEFAULT_THRESHOLD, 50, 5),
        (DEFAULT_THRESHOLD, 59, 5),
        (DEFAULT_THRESHOLD, 60, 6),
        (DEFAULT_THRESHOLD, 1000, 100),
        (Threshold(groups=3), 1000, 3),
        (Threshold(groups=0), 1000, 0),
        (Threshold(percent=25.0), 10, 2),
        (Threshold(percent=0.0), 10, 0),
        (Threshold(percent=100.0), 10, 10),
        (Threshold(percent=12.5), 80, 10),
        (Threshold(percent=10.0), 0, 0),
        (Threshold(), 1000, None),
    ],
)
def test_the_limit_is_the_larger_of_number_and_share(
    threshold: Threshold, groups_total: int, limit: int | None
) -> None:
    assert threshold.limit(groups_total) == limit


@pytest.mark.parametrize(
    ("groups", "limit", "is_over"),
    [
        (["oak"], 0, True),
        ([], 0, False),
        (["oak", "elm"], 2, False),
        (["oak", "elm", "ash"], 2, True),
        (["oak", "oak", "oak"], 1, False),
        (["oak", "elm", "ash"], None, False),
    ],
)
def test_a_run_pauses_when_more_groups_failed_than_the_threshold_allows(
    groups: list[str], limit: int | None, *, is_over: bool
) -> None:
    stop = too_many_failed_groups(failed(*groups, limit=limit), settings())
    assert (stop is not None) == is_over


def test_the_pause_says_how_many_groups_failed_of_how_many_and_what_was_allowed() -> None:
    stop = too_many_failed_groups(failed("oak", "oak", "elm", limit=1), settings())
    assert stop == Stop("max-failures", "2 of 10 groups failed, more than 1 allowed", RunState.PAUSED)


def test_by_default_the_sixth_of_ten_failed_groups_pauses() -> None:
    limit = DEFAULT_THRESHOLD.limit(10)
    five, six = [f"group-{n}" for n in range(5)], [f"group-{n}" for n in range(6)]
    assert too_many_failed_groups(failed(*five, limit=limit), settings()) is None
    assert too_many_failed_groups(failed(*six, limit=limit), settings()) is not None


@pytest.mark.parametrize(
    ("statuses", "limit", "is_over"),
    [
        ([FAILED, FAILED], 3, False),
        ([FAILED, FAILED, FAILED], 3, True),
        ([FAILED, TIMEOUT, FAILED], 3, True),
        ([FAILED, FAILED, COMPLETED, FAILED], 3, False),
        ([FAILED, SKIPPED, FAILED, FAILED], 3, True),
        ([FAILED] * 20, None, False),
    ],
)
def test_a_run_pauses_after_so_many_failures_without_a_success_between(
    statuses: list[UnitStatus], limit: int | None, *, is_over: bool
) -> None:
    names = [f"unit-{number}" for number in range(len(statuses))]
    story = Story().begin(*names)
    for name, status in zip(names, statuses, strict=True):
        story.run(name, status)
    stop = too_many_consecutive_failures(story.campaign, settings(in_a_row=limit))
    assert (stop is not None) == is_over


def test_the_pause_says_how_many_failed_in_a_row() -> None:
    stop = too_many_consecutive_failures(failed("oak", "elm"), settings(in_a_row=2))
    assert stop == Stop("max-consecutive-failures", "2 failures in a row with no success between", RunState.PAUSED)


@pytest.mark.parametrize(
    ("failures", "maxfail", "is_over"), [(1, 0, False), (1, 1, True), (1, 2, False), (2, 2, True), (3, 2, True)]
)
def test_maxfail_stops_after_so_many_failed_units(failures: int, maxfail: int, *, is_over: bool) -> None:
    stop = maxfail_reached(failed(*["oak"] * failures), settings(maxfail=maxfail))
    assert (stop is not None) == is_over


def test_maxfail_stops_the_run_and_says_after_how_many() -> None:
    stop = maxfail_reached(failed("oak", "elm"), settings(maxfail=2))
    assert stop == Stop("maxfail", "stopping after 2 failures", RunState.STOPPED)


def test_the_users_own_maxfail_speaks_before_the_thresholds() -> None:
    stop = judge(failed("oak", limit=0), settings(in_a_row=1, maxfail=1))
    assert stop is not None
    assert stop.source == "maxfail"


def test_the_threshold_speaks_before_the_row_of_failures() -> None:
    stop = judge(failed("oak", limit=0), settings(in_a_row=1))
    assert stop is not None
    assert stop.source == "max-failures"


def test_the_row_of_failures_is_heard_too() -> None:
    stop = judge(failed("oak"), settings(in_a_row=1))
    assert stop is not None
    assert stop.source == "max-consecutive-failures"


def test_a_run_without_failures_goes_on() -> None:
    assert judge(failed(limit=0), settings(in_a_row=1, maxfail=1, budgets={"cost_usd": 1.0})) is None


def spent(*values: float | str | None) -> Campaign:
    """A run whose units have recorded what they cost."""
    names = [f"unit-{number}" for number in range(len(values))]
    story = Story().begin(*names)
    for name, value in zip(names, values, strict=True):
        story.run(name, metrics={"cost_usd": Metric(value=value)})
    return story.campaign


@pytest.mark.parametrize(
    ("campaign", "budgets", "is_over"),
    [
        (spent(), {"cost_usd": 1.0}, False),
        (spent(0.5, 0.25), {"cost_usd": 1.0}, False),
        (spent(0.5, 0.5), {"cost_usd": 1.0}, True),
        (spent(2), {"cost_usd": 1.0}, True),
        (spent(0.5, None, "free", 0.25), {"cost_usd": 0.75}, True),
        (spent(5.0), {}, False),
        (spent(5.0), {"tokens_total": 1.0}, False),
        (spent(5.0), {"tokens_total": 1.0, "cost_usd": 5.0}, True),
    ],
)
def test_a_run_pauses_when_a_metric_has_summed_up_to_its_budget(
    campaign: Campaign, budgets: dict[str, float], *, is_over: bool
) -> None:
    stop = judge(campaign, settings(budgets=budgets))
    assert (stop is not None) == is_over


def test_a_budget_counts_every_attempt_of_every_session() -> None:
    story = Story().begin("a")
    story.run("a", FAILED, metrics={"cost_usd": Metric(value=30)})
    story.begin("a")
    story.run("a", metrics={"cost_usd": Metric(value=20.5)})
    assert budget_spent(story.campaign, settings(budgets={"cost_usd": 50.0})) == Stop(
        "budget", "budget spent: cost_usd is 50.5 of 50", RunState.PAUSED
    )


@pytest.mark.parametrize(
    ("limit_s", "elapsed_s", "is_up"), [(None, 1e9, False), (60.0, 59.9, False), (60.0, 60.0, True), (0.0, 0.0, True)]
)
def test_time_is_up_when_the_session_has_run_for_as_long_as_it_may(
    limit_s: float | None, elapsed_s: float, *, is_up: bool
) -> None:
    stop = time_is_up(Settings(results_dir="/results", time_limit_s=limit_s), elapsed_s)
    assert (stop is not None) == is_up


def test_the_time_limit_is_said_in_seconds() -> None:
    stop = time_is_up(Settings(results_dir="/results", time_limit_s=28800), 28800.5)
    assert stop == Stop("time-limit", "time limit of 28800 s reached", RunState.STOPPED)


def ended(*statuses: UnitStatus, stop: Stop | None = None) -> Campaign:
    """A session at its end: one unit for each status, those pending never started."""
    names = [f"unit-{number}" for number in range(len(statuses))]
    story = Story().begin(*names)
    for name, status in zip(names, statuses, strict=True):
        if status is not UnitStatus.PENDING:
            story.run(name, status)
    if stop is not None:
        story.stop(stop)
    return story.campaign


PENDING = UnitStatus.PENDING


@pytest.mark.parametrize(
    ("campaign", "state", "reason"),
    [
        (ended(COMPLETED), RunState.COMPLETE, None),
        (ended(COMPLETED, FAILED, TIMEOUT, SKIPPED), RunState.COMPLETE, None),
        (ended(COMPLETED, stop=STOP_ASKED), RunState.COMPLETE, None),
        (ended(FAILED, stop=MAXFAIL), RunState.COMPLETE, None),
        (ended(), RunState.COMPLETE, None),
        (ended(COMPLETED, PENDING, stop=STOP_ASKED), RunState.STOPPED, "stop requested"),
        (ended(FAILED, PENDING, stop=MAXFAIL), RunState.STOPPED, "stopping after 1 failures"),
        (ended(FAILED, PENDING, stop=PAUSE), RunState.PAUSED, "2 of 3 groups failed, more than 1 allowed"),
        (
            ended(COMPLETED, PENDING, INTERRUPTED),
            RunState.STOPPED,
            "2 units of the run were not selected in this session",
        ),
    ],
)
def test_a_session_leaves_the_state_that_its_units_and_its_stop_make(
    campaign: Campaign, state: RunState, reason: str | None
) -> None:
    assert final_state(campaign) == (state, reason)


@pytest.mark.parametrize(
    ("campaign", "state", "pytest_code", "code"),
    [
        # every unit completed
        (ended(COMPLETED), RunState.COMPLETE, 0, 0),
        (ended(COMPLETED, SKIPPED), RunState.COMPLETE, 0, 0),
        (ended(COMPLETED), RunState.COMPLETE, 5, 0),  # an empty resume
        (ended(COMPLETED, PENDING), RunState.STOPPED, 0, 0),  # all that were selected completed
        # units failed
        (ended(COMPLETED, FAILED), RunState.COMPLETE, 1, 1),
        (ended(COMPLETED, FAILED), RunState.COMPLETE, 0, 1),
        (ended(COMPLETED, TIMEOUT), RunState.COMPLETE, 0, 1),
        (ended(COMPLETED, FAILED), RunState.COMPLETE, 5, 1),  # nothing left to run, and not green
        (ended(FAILED, PENDING, stop=PAUSE), RunState.PAUSED, 1, 1),
        (ended(FAILED, PENDING, stop=PAUSE), RunState.PAUSED, 2, 1),
        (ended(FAILED, PENDING, stop=PAUSE), RunState.PAUSED, 0, 1),
        (ended(FAILED, PENDING, stop=MAXFAIL), RunState.STOPPED, 1, 1),
        (ended(FAILED, PENDING, stop=MAXFAIL), RunState.STOPPED, 2, 1),
        (ended(FAILED, stop=MAXFAIL), RunState.COMPLETE, 1, 1),
        # stopped or interrupted
        (ended(COMPLETED, PENDING, stop=STOP_ASKED), RunState.STOPPED, 2, 2),
        (ended(COMPLETED, PENDING, stop=STOP_ASKED), RunState.STOPPED, 0, 2),
        (ended(FAILED, PENDING, stop=STOP_ASKED), RunState.STOPPED, 1, 2),
        (ended(COMPLETED, INTERRUPTED), RunState.INTERRUPTED, 2, 2),
        (ended(COMPLETED, INTERRUPTED), RunState.INTERRUPTED, 0, 2),
        (ended(FAILED, INTERRUPTED), RunState.INTERRUPTED, 1, 2),
        (ended(COMPLETED, stop=STOP_ASKED), RunState.COMPLETE, 0, 0),  # asked when all had ended
        # a unit called pytest.exit
        (ended(COMPLETED, PENDING, stop=PYTEST_EXIT), RunState.STOPPED, 0, 2),
        (ended(INTERRUPTED, PENDING), RunState.INTERRUPTED, 0, 2),
        (ended(INTERRUPTED, PENDING), RunState.INTERRUPTED, 7, 7),
        (ended(COMPLETED, PENDING, stop=PYTEST_EXIT), RunState.STOPPED, 7, 7),
        # the harness or the command line is at fault
        (ended(COMPLETED), RunState.FAILED, 3, 3),
        (ended(FAILED, PENDING, stop=PAUSE), RunState.FAILED, 3, 3),
        (ended(COMPLETED), RunState.FAILED, 4, 4),
        (ended(COMPLETED, PENDING, stop=STOP_ASKED), RunState.FAILED, 4, 4),
    ],
)
def test_the_exit_code_keeps_pytests_meanings(campaign: Campaign, state: RunState, pytest_code: int, code: int) -> None:
    assert exit_code(campaign, state, pytest_code) == code


def test_a_fixture_that_failed_late_is_no_success() -> None:
    story = Story().begin("a")
    story.run("a")
    story.late_error("a", "close failed")
    assert exit_code(story.campaign, RunState.COMPLETE, 0) == 1


def test_a_new_run_that_found_no_unit_is_not_green() -> None:
    assert exit_code(Campaign(), RunState.PENDING, 5) == 5


@pytest.mark.parametrize(
    ("status", "pytest_code", "code"),
    [(COMPLETED, 5, 0), (COMPLETED, 0, 0), (FAILED, 5, 1), (TIMEOUT, 0, 1), (COMPLETED, 2, 2), (FAILED, 4, 4)],
)
def test_with_nothing_to_do_the_exit_code_says_whether_all_is_well(
    status: UnitStatus, pytest_code: int, code: int
) -> None:
    story = Story().begin("a")
    story.run("a", status)
    assert exit_code_of_nothing(story.campaign, pytest_code) == code


def test_a_run_without_units_is_pytests_own_nothing() -> None:
    assert exit_code_of_nothing(Campaign(), 5) == 5


def test_a_run_whose_owner_died_lacks_an_end() -> None:
    story = Story()
    story.begin("a", "b")
    assert lacks_end(story.campaign), "it runs, as far as the journal knows"
    story.run("a")
    story.finish(RunState.STOPPED)
    assert not lacks_end(story.campaign), "a unit is left, and the state says so"
    story.begin("a", "b", run=["b"])
    story.run("b")
    story.finish(RunState.PAUSED)
    assert lacks_end(story.campaign), "every unit has ended, and the state does not say so"
    story.begin("a", "b", run=[])
    story.finish()
    assert not lacks_end(story.campaign)
