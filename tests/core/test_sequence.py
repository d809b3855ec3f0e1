"""What may follow what: nothing that the engines tell is refused, and each fault has its sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import (
    Event,
    Noted,
    RestSkipped,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    UnitEnded,
    UnitResult,
    UnitStarted,
)
from pytest_benchrun.core.sequence import fault_before, is_salvage_note
from tests.fakes import moment
from tests.stories import COMPLETED, Story, make_outcome, stories


@given(stories())
def test_no_run_that_engines_tell_has_a_fault(events: list[Event]) -> None:
    campaign = Campaign()
    for event in events:
        assert fault_before(campaign, event) is None
        campaign.apply(event)


def told() -> Story:
    """A finished session of two units, then a second one with `a` in flight."""
    story = Story().begin("a", "b")
    story.run("a")
    story.run("b")
    story.finish()
    story.begin("a", "b", run=["a"])
    story.start("a")
    story.result("a", make_outcome(COMPLETED))
    return story


STORY = told().events


def first(kind: type[Event]) -> int:
    """The place of the first event of a kind."""
    return next(place for place, event in enumerate(STORY) if isinstance(event, kind))


def last(kind: type[Event]) -> int:
    """The place of the last event of a kind."""
    return max(place for place, event in enumerate(STORY) if isinstance(event, kind))


END = len(STORY)
OF_A = next(event for event in STORY if isinstance(event, UnitStarted))
RANGES = [[0, 3]]

FAULTS = {
    "a first line of another kind": (0, STORY[1], "comes before the run was created"),
    "created twice": (END, STORY[0], "the run was created before"),
    "a session again": (END, STORY[first(SessionStarted)], "session 1 starts where 3 was next"),
    "a session too many at the start": (1, STORY[last(SessionStarted)], "session 2 starts where 1 was next"),
    "a unit nobody knows": (END, replace(OF_A, unit_id="z"), "not in the work list"),
    "outside": (first(SessionEnded) + 1, replace(OF_A, attempt=2), "outside of a session"),
    "while it runs": (END, replace(OF_A, attempt=3), "starts while it runs"),
    "an attempt skipped": (
        first(UnitStarted),
        replace(OF_A, attempt=2),
        "attempt 2 of unit 'a' starts where attempt 1",
    ),
    "an end without start": (first(UnitStarted), STORY[first(UnitEnded)], "unit 'a' ends without a start"),
    "an end of another attempt": (END, STORY[first(UnitEnded)], "attempt 1 of unit 'a' ends where attempt 2 runs"),
    "a result without start": (first(UnitStarted), STORY[first(UnitResult)], "unit 'a' ends without a start"),
    "a plan of units that are not there": (
        END,
        SessionPlanned(at=moment(0), run=RANGES, failure_limit=None),
        "units 0 to 3 are named and the work list has 2",
    ),
    "a rest of units that are not there": (END, RestSkipped(at=moment(0), units=RANGES, reason=""), "0 to 3"),
    "an end of no session": (1, STORY[first(SessionEnded)], "a session ends that did not start"),
    "a second end": (first(SessionEnded) + 1, STORY[first(SessionEnded)], "a session ends that did not start"),
}


@pytest.mark.parametrize(("place", "event", "said"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_follow_is_said(place: int, event: Event, said: str) -> None:
    fault = fault_before(Campaign.of(STORY[:place]), event)
    assert fault is not None
    assert said in fault


def test_only_notes_of_a_salvage_are_such() -> None:
    assert is_salvage_note(Noted(at=moment(0), text="salvaged: a line was left out"))
    assert not is_salvage_note(Noted(at=moment(0), text="took the directory over"))
    assert not is_salvage_note(STORY[0])
