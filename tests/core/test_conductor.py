"""The one way of an event: journal, state, listeners; and the verdict that comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

import pytest

from pytest_benchrun.core.conductor import Conductor
from pytest_benchrun.core.errors import DiskFull, JournalWriteFailed
from pytest_benchrun.core.events import Event, Noted, StopAsked, UnitStarted
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.settings import Settings
from tests.fakes import FakeClock, ListListener, MemoryJournal, moment
from tests.stories import FAILED, STOP_ASKED, Story, state_of

NOTE = Noted(at=moment(99), text="look here")


class Guard:
    """Knows whether it is held, however often."""

    holds = 0

    @property
    def is_held(self) -> bool:
        return self.holds > 0

    def __enter__(self) -> None:
        self.holds += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.holds -= 1


class Outside:
    """Somebody who may ask for a stop.

    Attributes:
        stop: what is asked.
        looks: how often it was looked for.
    """

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self.looks = 0

    def find(self) -> Stop | None:
        self.looks += 1
        return self.stop


def lead(
    story: Story,
    journal: MemoryJournal | None = None,
    listeners: tuple[ListListener, ...] = (),
    find_stop: Callable[[], Stop | None] = lambda: None,
    guard: AbstractContextManager[object] | None = None,
    maxfail: int = 0,
) -> Conductor:
    """A conductor of the story's campaign."""
    return Conductor(
        campaign=story.campaign,
        journal=journal or MemoryJournal(),
        settings=Settings(results_dir="/results", maxfail=maxfail),
        clock=story.clock,
        listeners=listeners,
        find_stop=find_stop,
        guard=guard or nullcontext(),
    )


def test_an_event_goes_to_the_journal_then_into_the_state_then_to_each_listener() -> None:
    story = Story().begin("a")
    log: list[tuple[str, bool]] = []

    def write_down(who: str) -> Callable[[Event], None]:
        return lambda event: log.append((who, story.campaign.last_at == event.at))

    listeners = ListListener(write_down("first")), ListListener(write_down("second"))
    lead(story, MemoryJournal(write_down("journal")), listeners).emit(NOTE)
    assert log == [("journal", False), ("first", True), ("second", True)]


def test_the_guard_is_held_all_the_way() -> None:
    story = Story().begin("a")
    guard = Guard()
    held: list[bool] = []
    journal = MemoryJournal(lambda _: held.append(guard.is_held))
    conductor = lead(story, journal, (ListListener(lambda _: held.append(guard.is_held)),), guard=guard)
    conductor.emit(NOTE)
    conductor.give_up(STOP_ASKED)
    assert held == [True, True, True]
    assert not guard.is_held


def test_nothing_comes_between_a_verdict_and_its_start() -> None:
    """The guard is held while the stop is looked for, and not let go before the start is recorded."""
    story = Story().begin("a")
    guard = Guard()
    log: list[tuple[str, int]] = []
    journal = MemoryJournal(lambda event: log.append((event.name, guard.holds)))

    def find_stop() -> Stop | None:
        log.append(("looked", guard.holds))
        return None

    assert lead(story, journal, find_stop=find_stop, guard=guard).start("a", "main") == 1
    assert log == [("looked", 2), ("unit_started", 2)]
    assert not guard.is_held


def test_what_the_journal_did_not_keep_has_not_happened() -> None:
    story = Story().begin("a")
    journal, listener = MemoryJournal(), ListListener()
    conductor = lead(story, journal, (listener,))
    before = repr(state_of(story.campaign))
    journal.is_full = True
    with pytest.raises(JournalWriteFailed):
        conductor.emit(NOTE)
    assert repr(state_of(story.campaign)) == before
    assert (journal.events, listener.events) == ([], [])


def test_a_unit_may_start_while_nobody_objects() -> None:
    outside = Outside()
    journal = MemoryJournal()
    conductor = lead(Story().begin("a"), journal, find_stop=outside.find)
    assert [conductor.may_start(), conductor.may_start()] == [True, True]
    assert outside.looks == 2
    assert journal.events == []


def test_a_stop_from_outside_is_recorded_with_its_moment() -> None:
    story = Story().begin("a")
    story.clock.advance(7)
    outside, journal, listener = Outside(), MemoryJournal(), ListListener()
    conductor = lead(story, journal, (listener,), outside.find)
    outside.stop = STOP_ASKED
    assert not conductor.may_start()
    asked = StopAsked(at=moment(7), source="stop-file", reason="stop requested", target=RunState.STOPPED)
    assert journal.events == listener.events == [asked]
    assert story.campaign.stop == asked


def test_a_start_is_recorded_with_its_attempt_moment_and_worker() -> None:
    story = Story().begin("a")
    story.run("a", FAILED)
    story.clock.advance(5)
    journal = MemoryJournal()
    assert lead(story, journal).start("a", "gw1") == 2
    (started,) = journal.events
    assert started == UnitStarted(at=story.at, unit_id="a", attempt=2, worker="gw1")


def test_after_a_stop_nothing_is_started() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    assert lead(story, journal, find_stop=lambda: STOP_ASKED).start("a", "main") is None
    assert [event.name for event in journal.events] == ["stop_asked"]


def test_a_start_that_cannot_be_recorded_has_not_happened() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    journal.is_full = True
    with pytest.raises(JournalWriteFailed):
        lead(story, journal).start("a", "main")
    assert story.campaign.running == {}


def test_a_look_records_a_stop_from_outside_and_goes_on_looking() -> None:
    story = Story().begin("a")
    outside, journal = Outside(), MemoryJournal()
    conductor = lead(story, journal, find_stop=outside.find)
    conductor.look()
    assert journal.events == []
    outside.stop = STOP_ASKED
    conductor.look()
    conductor.look()
    assert outside.looks == 3
    assert (len(journal.events), story.campaign.state) == (1, RunState.STOPPING)


def test_a_look_judges_nobody() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED)
    lead(story, maxfail=1).look()
    assert story.campaign.stop is None


def test_a_run_that_has_ended_hears_no_stop_any_more() -> None:
    story = Story().begin("a")
    story.run("a")
    story.finish()
    journal = MemoryJournal()
    lead(story, journal, find_stop=lambda: STOP_ASKED).look()
    assert (journal.events, story.campaign.state) == ([], RunState.COMPLETE)


def test_a_rule_that_is_broken_stops_the_run() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED)
    assert not lead(story, maxfail=1).may_start()
    assert story.campaign.reason == "stopping after 1 failures"


def test_a_stop_from_outside_speaks_before_the_rules() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED)
    lead(story, find_stop=lambda: STOP_ASKED, maxfail=1).may_start()
    assert story.campaign.reason == "stop requested"


def test_a_verdict_stays_when_its_cause_is_gone() -> None:
    outside, journal = Outside(), MemoryJournal()
    conductor = lead(Story().begin("a"), journal, find_stop=outside.find)
    outside.stop = STOP_ASKED
    first = conductor.may_start()
    outside.stop = None
    assert [first, conductor.may_start(), conductor.may_start()] == [False, False, False]
    assert outside.looks == 1
    assert len(journal.events) == 1


def test_the_first_reason_is_kept() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    conductor = lead(story, journal)
    conductor.stop(STOP_ASKED)
    conductor.stop(Stop("exit", "pytest.exit was called", RunState.STOPPED))
    assert story.campaign.reason == "stop requested"
    assert len(journal.events) == 1


def test_a_stop_that_cannot_be_recorded_is_an_error_and_no_stop_yet() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    journal.is_full = True
    conductor = lead(story, journal, find_stop=lambda: STOP_ASKED)
    with pytest.raises(JournalWriteFailed):
        conductor.may_start()
    assert story.campaign.stop is None


def test_a_run_without_its_journal_gives_up_and_tells_its_listeners() -> None:
    story = Story().begin("a")
    journal, listener = MemoryJournal(), ListListener()
    journal.is_full = True
    conductor = lead(story, journal, (listener,))
    conductor.give_up(Stop("journal", "cannot write journal.jsonl", RunState.PAUSED))
    assert not conductor.may_start()
    assert (story.campaign.state, story.campaign.reason) == (RunState.STOPPING, "cannot write journal.jsonl")
    assert [event.name for event in listener.events] == ["stop_asked"]
    assert journal.events == []


def test_a_conductor_shows_what_it_leads() -> None:
    story = Story().begin("a")
    conductor = lead(story, maxfail=3)
    assert (conductor.campaign, conductor.settings.maxfail) == (story.campaign, 3)
    assert isinstance(conductor.clock, FakeClock)


class Waiting:
    """A patience that is asked so often, and what then happens.

    Attributes:
        problems: what it was asked about.
        ends: how often it was told that the wait is over.
    """

    def __init__(self, story: Story, journal: MemoryJournal, room_after: int, patience: int = 10) -> None:
        self.problems: list[str] = []
        self.ends = 0
        self._story = story
        self._journal = journal
        self._room_after = room_after
        self._patience = patience

    def wait(self, problem: str) -> bool:
        if len(self.problems) == self._patience:
            return False
        self.problems.append(problem)
        self._story.clock.advance(1)
        self._journal.is_full = len(self.problems) < self._room_after
        return True

    def end(self) -> None:
        self.ends += 1


def test_a_full_disk_is_waited_for_and_noted_and_then_all_is_as_ever() -> None:
    story = Story().begin("a")
    journal, listener = MemoryJournal(), ListListener()
    guard = Guard()
    conductor = lead(story, journal, (listener,), guard=guard)
    journal.is_full = True
    waiting = Waiting(story, journal, room_after=3)
    conductor.patience = waiting
    since_at = story.clock.now_at()
    conductor.emit(NOTE)
    to_at = story.clock.now_at()
    text = f"the disk was full from {since_at} to {to_at}: the run waited and went on"
    assert journal.events == listener.events == [NOTE, Noted(at=to_at, text=text)]
    assert (len(waiting.problems), waiting.ends) == (3, 1)
    assert conductor.may_start()


def test_the_guard_is_free_while_a_full_disk_is_waited_for() -> None:
    story = Story().begin("a")
    journal, guard = MemoryJournal(), Guard()
    held: list[bool] = []

    class Looking(Waiting):
        def wait(self, problem: str) -> bool:
            held.append(guard.is_held)
            return super().wait(problem)

    conductor = lead(story, journal, guard=guard)
    journal.is_full = True
    conductor.patience = Looking(story, journal, room_after=2)
    conductor.emit(NOTE)
    assert held == [False, False]


def test_a_disk_that_stays_full_is_an_error_in_the_end() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    journal.is_full = True
    conductor = lead(story, journal)
    waiting = Waiting(story, journal, room_after=99, patience=2)
    conductor.patience = waiting
    with pytest.raises(DiskFull):
        conductor.emit(NOTE)
    assert (len(waiting.problems), waiting.ends, journal.events) == (2, 1, [])


def test_what_is_only_offered_waits_for_no_room() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    conductor = lead(story, journal)
    waiting = Waiting(story, journal, room_after=99, patience=2)
    conductor.patience = waiting
    conductor.offer(NOTE)
    journal.is_full = True
    conductor.offer(NOTE)
    assert (waiting.problems, journal.events) == ([], [NOTE])


def test_a_stop_ends_the_wait_for_a_full_disk() -> None:
    story = Story().begin("a")
    journal, outside = MemoryJournal(), Outside()
    journal.is_full = True
    conductor = lead(story, journal, find_stop=outside.find)

    class Stopped(Waiting):
        def wait(self, problem: str) -> bool:
            outside.stop = STOP_ASKED if len(self.problems) == 1 else None
            return super().wait(problem)

    waiting = Stopped(story, journal, room_after=99)
    conductor.patience = waiting
    with pytest.raises(DiskFull):
        conductor.emit(NOTE)
    assert (len(waiting.problems), waiting.ends) == (2, 1)


def test_a_run_that_is_to_stop_waits_for_no_disk() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    conductor = lead(story, journal)
    waiting = Waiting(story, journal, room_after=1)
    conductor.patience = waiting
    journal.is_full = True
    with pytest.raises(DiskFull):
        conductor.stop(STOP_ASKED)
    conductor.give_up(STOP_ASKED)
    with pytest.raises(DiskFull):
        conductor.emit(NOTE)
    assert waiting.problems == []


def test_a_disk_that_is_full_again_at_the_note_has_kept_the_event_all_the_same() -> None:
    story = Story().begin("a")
    journal = MemoryJournal()
    conductor = lead(story, journal)

    class Trickle(Waiting):
        def end(self) -> None:
            super().end()
            journal.is_full = True

    journal.is_full = True
    conductor.patience = Trickle(story, journal, room_after=1)
    conductor.emit(NOTE)
    assert journal.events == [NOTE]
