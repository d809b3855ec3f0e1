"""The fold: laws that hold in random runs after every event."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, SessionEnded, SessionPlanned, UnitEnded, UnitsAdded, UnitStarted
from pytest_benchrun.core.model import FAILURES, UnitStatus
from pytest_benchrun.core.views import status_view
from tests.stories import (
    COMPLETED,
    state_of,
    stories,
)


@given(stories())
def test_counts_always_add_up(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        real = Counter(record.status for record in campaign.records.values())
        assert campaign.counts == {status: real[status] for status in UnitStatus}
        shown = campaign.shown_counts()
        assert sum(shown.values()) == len(campaign.records)
        assert min(shown.values()) >= 0
        assert 0 <= campaign.unfinished <= len(campaign.records)


@given(stories())
def test_counts_of_the_phases_add_up_at_every_moment(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        real = Counter((record.unit.phase, record.status) for record in campaign.records.values())
        for name, phase in campaign.phases.items():
            assert phase.counts == {status: real[name, status] for status in UnitStatus}
        assert sum(phase.total for phase in campaign.phases.values()) == len(campaign.records)


@given(stories())
def test_a_phase_has_ended_when_it_has_units_and_each_of_them_has(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        for phase in campaign.phases.values():
            assert (phase.ended_at is not None) == (phase.total > 0 and not phase.unfinished)
            assert phase.updated_at is None or phase.started_at is not None


@given(stories())
def test_the_phases_stand_in_the_order_of_the_last_session(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        if campaign.session is not None:
            assert list(campaign.phases)[: len(campaign.session.phases)] == campaign.session.phases
            assert campaign.current_phase is None or campaign.current_phase in campaign.phases


@given(stories())
def test_what_completed_last_is_where_the_run_goes_on(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    completed = [event for event in events if isinstance(event, UnitEnded) and event.outcome.status is COMPLETED]
    reached = None if campaign.reached is None else (campaign.reached.unit.unit_id, campaign.reached.at)
    assert reached == ((completed[-1].unit_id, completed[-1].at) if completed else None)


@given(stories())
def test_every_session_but_the_last_has_an_end(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        assert all(record.ended_at is not None for record in campaign.sessions[:-1])
    numbers = [record.started.session for record in campaign.sessions]
    assert numbers == list(range(1, len(numbers) + 1))


@given(stories())
def test_counts_of_the_status_add_up_at_every_moment(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        view = status_view(campaign, results_dir="/results", now_at=event.at)
        parts = view["completed"] + view["failed"] + view["timeout"] + view["skipped"]
        parts += view["interrupted"] + view["running"] + view["pending"]
        assert parts == view["total_tasks"]
        assert view["failures_total"] == view["failed"] + view["timeout"]
        assert view["running"] == len(view["current_tasks"])
        assert 0 <= view["resumed"] <= view["total_tasks"]
        assert 0 <= view["held_back"] <= view["skipped"]


@given(stories(), st.data())
def test_a_run_folded_in_two_parts_is_the_same_run(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    campaign = Campaign.of(events[:cut])
    for event in events[cut:]:
        campaign.apply(event)
    assert state_of(campaign) == state_of(Campaign.of(events))


@given(stories())
def test_completed_units_are_only_taken_back_by_a_plan_or_by_their_change(events: list[Event]) -> None:
    campaign = Campaign()
    completed = 0
    for event in events:
        campaign.apply(event)
        assert campaign.counts[COMPLETED] >= completed or isinstance(event, SessionPlanned | UnitsAdded)
        completed = campaign.counts[COMPLETED]


@given(stories())
def test_failures_are_the_units_whose_last_attempt_failed(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        failed = {unit_id for unit_id, record in campaign.records.items() if record.status in FAILURES}
        assert set(campaign.failures) == failed


@given(stories())
def test_running_units_are_those_in_flight_longest_first(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        in_flight = {unit_id for unit_id, record in campaign.records.items() if record.status is UnitStatus.RUNNING}
        assert set(campaign.running) == in_flight
        starts = [running.started_at for running in campaign.running.values()]
        assert starts == sorted(starts)


@given(stories())
def test_every_execution_is_counted_as_an_attempt(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    starts = Counter(event.unit_id for event in events if isinstance(event, UnitStarted))
    assert {unit_id: record.attempts for unit_id, record in campaign.records.items()} == {
        unit_id: starts[unit_id] for unit_id in campaign.records
    }


@given(stories())
def test_all_measured_seconds_are_somebodys(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    measured = [event.elapsed_s for event in events if isinstance(event, UnitEnded) and event.elapsed_s is not None]
    totals = campaign.worker_totals.values()
    assert sum(total.attempts for total in totals) == len(measured)
    assert sum(total.busy_s for total in totals) == pytest.approx(sum(measured))
    assert list(campaign.recent_s) == measured[-10:]


@given(stories())
def test_a_session_that_ended_has_no_workers_and_the_state_it_said(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        campaign.apply(event)
        if isinstance(event, SessionEnded):
            assert (campaign.state, campaign.reason, campaign.workers) == (event.state, event.reason, {})


@given(stories())
def test_the_wall_time_never_goes_back_while_the_clock_does_not(events: list[Event]) -> None:
    campaign = Campaign()
    wall_s = 0.0
    for event in events:
        campaign.apply(event)
        assert campaign.wall_s >= wall_s
        wall_s = campaign.wall_s


@given(stories())
def test_groups_are_those_of_the_units_as_they_are_now(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    assert campaign.groups_total == len({record.unit.group for record in campaign.records.values()})


@given(stories())
def test_what_was_spent_is_spent_in_every_attempt(events: list[Event]) -> None:
    campaign = Campaign.of(events)
    metrics = [event.outcome.metrics for event in events if isinstance(event, UnitEnded)]
    for name, total in campaign.metric_sums.items():
        values = [recorded[name].value for recorded in metrics if name in recorded]
        assert total == pytest.approx(sum(float(value) for value in values if isinstance(value, int | float)))
