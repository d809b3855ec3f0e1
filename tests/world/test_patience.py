"""Waiting for room: said once, looked again every second, with an end; a unit's alarm waits too."""

from __future__ import annotations

import signal
import threading

from pytest_benchrun.world.patience import Patience
from tests.fakes import FakeClock


class Waiting:
    """A patience whose seconds pass at once.

    Attributes:
        said: what people were told.
        shown: what the status was told.
        slept: how long each pause was.
    """

    def __init__(self, limit_s: float) -> None:
        self.said: list[str] = []
        self.shown: list[str | None] = []
        self.slept: list[float] = []
        self.clock = FakeClock()
        self.patience = Patience(limit_s, "/results", self.clock, self.said.append, self.shown.append, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def wait(self, times: int) -> list[bool]:
        """What it answers when nothing can be written so many times."""
        return [self.patience.wait("cannot write journal.jsonl: No space left on device") for _ in range(times)]


def test_it_looks_again_every_second_until_the_limit() -> None:
    waiting = Waiting(2.5)
    assert waiting.wait(5) == [True, True, True, False, False]
    assert waiting.slept == [1.0, 1.0, 0.5]


def test_people_are_told_once_where_and_what_to_do() -> None:
    waiting = Waiting(10)
    waiting.wait(3)
    assert len(waiting.said) == 1
    for words in ("'/results' is full", "No space left on device", "\n  -> make room there"):
        assert words in waiting.said[0]


def test_the_status_has_the_reason_until_the_end() -> None:
    waiting = Waiting(10)
    waiting.wait(2)
    waiting.patience.end()
    assert waiting.shown == [
        "waiting for room on the disk of /results (cannot write journal.jsonl: No space left on device)",
        None,
    ]


def test_each_wait_has_the_whole_time_and_is_said_anew() -> None:
    waiting = Waiting(1)
    assert waiting.wait(2) == [True, False]
    waiting.patience.end()
    assert waiting.wait(2) == [True, False]
    assert len(waiting.said) == 2


def test_without_time_nothing_is_said() -> None:
    waiting = Waiting(0)
    assert waiting.wait(1) == [False]
    waiting.patience.end()
    assert (waiting.said, waiting.shown, waiting.slept) == ([], [], [])


def test_another_thread_does_not_stand_still() -> None:
    waiting = Waiting(10)
    waiting.wait(1)
    answers: list[bool] = []

    def meet_it_too() -> None:
        answers.extend(waiting.wait(1))
        waiting.patience.end()

    thread = threading.Thread(target=meet_it_too)
    thread.start()
    thread.join()
    assert answers == [False]
    assert None not in waiting.shown, "the wait of the first one goes on"


def test_an_alarm_waits_too() -> None:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        waiting = Waiting(10)
        waiting.wait(2)
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        waiting.patience.end()
        assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
