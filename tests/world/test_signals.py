"""Signals as stops: the first is soft, the second hard, the third the end; what was there before comes back.

What may end a process happens in a forked child.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType

import pytest

from pytest_benchrun.world.signals import StopSignals
from tests.store.faulty import fork, wait

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SOFT = "SIGTERM: units in flight finish, no further one starts; once more interrupts them"


class Said:
    """Stop signals, and what they told the user."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.signals = StopSignals(self.lines.append)


def as_python_starts() -> None:
    """Handlers of a fresh process: what this one has (coverage's, pytest's) would be called too, and end it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def said() -> Iterator[Said]:
    """Installed; taken out again whatever happens."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    as_python_starts()
    said = Said()
    said.signals.install()
    yield said
    said.signals.restore()
    for number, handler in before.items():
        signal.signal(number, handler)


def in_a_child(work: Callable[[Said], int]) -> int:
    """The exit code of a forked child in which the signals are taken over; 2 when it was interrupted."""

    def run() -> int:
        as_python_starts()
        said = Said()
        try:
            return work(said)
        except KeyboardInterrupt:
            return 2

    return wait(fork(run))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_is_a_soft_stop(said: Said, number: signal.Signals) -> None:
    before = said.signals.received
    signal.raise_signal(number)
    assert (before, said.signals.received) == (None, number.name)
    assert said.lines == [SOFT.replace("SIGTERM", number.name)]


def test_the_second_signal_interrupts_and_the_first_stays_the_reason(said: Said) -> None:
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        signal.raise_signal(signal.SIGINT)
    assert said.signals.received == "SIGTERM"
    assert said.lines == [SOFT]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_third_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    def work(said: Said) -> int:
        said.signals.install()
        signal.raise_signal(number)
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            signal.raise_signal(number)
        return 0

    assert in_a_child(work) == 128 + number


def test_a_hard_stop_waits_until_what_must_be_whole_is_written(said: Said) -> None:
    done = []
    signal.raise_signal(signal.SIGTERM)

    def write() -> None:
        with said.signals.shielded():
            done.append("journal")
            signal.raise_signal(signal.SIGTERM)
            with said.signals.shielded():
                done.append("state")
            done.append("listeners")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["journal", "state", "listeners"]


def test_a_soft_stop_interrupts_no_writing(said: Said) -> None:
    with said.signals.shielded():
        signal.raise_signal(signal.SIGTERM)
    assert said.signals.received == "SIGTERM"


def test_once_the_end_is_being_written_nothing_interrupts(said: Said) -> None:
    signal.raise_signal(signal.SIGTERM)
    said.signals.hold_back()
    signal.raise_signal(signal.SIGTERM)
    with said.signals.shielded():
        pass
    assert said.signals.received == "SIGTERM"


def test_while_a_debugger_has_the_terminal_a_signal_is_an_interrupt_and_no_stop(said: Said) -> None:
    said.signals.switch_off(is_off=True)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    said.signals.switch_off(is_off=False)
    assert said.signals.received is None


def test_what_was_there_before_is_called_at_a_hard_stop_only_and_comes_back() -> None:
    called: list[int] = []

    def theirs(number: int, frame: FrameType | None) -> None:
        called.append(number)

    def work(said: Said) -> int:
        signal.signal(signal.SIGTERM, theirs)
        said.signals.install()
        signal.raise_signal(signal.SIGTERM)
        was_left_alone = not called
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        said.signals.restore()
        is_back = signal.getsignal(signal.SIGTERM) is theirs and called == [signal.SIGTERM]
        return 0 if was_left_alone and is_back and said.lines == [SOFT] else 1

    assert in_a_child(work) == 0


def test_pythons_own_handler_is_not_called_since_it_would_interrupt() -> None:
    def work(said: Said) -> int:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        said.signals.install()
        signal.raise_signal(signal.SIGINT)
        said.signals.restore()
        return 0 if signal.getsignal(signal.SIGINT) is signal.default_int_handler else 1

    assert in_a_child(work) == 0


def test_a_signal_that_arrives_ignored_stays_ignored() -> None:
    def work(said: Said) -> int:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        said.signals.install()
        signal.raise_signal(signal.SIGHUP)
        return 0 if said.signals.received is None else 1

    assert in_a_child(work) == 0


def test_outside_the_main_thread_nothing_is_taken_over() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    said = Said()
    thread = threading.Thread(target=said.signals.install)
    thread.start()
    thread.join()
    assert [signal.getsignal(number) for number in NUMBERS] == before
    said.signals.restore()


def harden_in_a_thread(said: Said) -> None:
    thread = threading.Thread(target=said.signals.harden)
    thread.start()
    thread.join()


@pytest.mark.parametrize("first", [True, False])
def test_another_thread_can_make_the_stop_a_hard_one(*, first: bool) -> None:
    def work(said: Said) -> int:
        said.signals.install()
        if first:
            signal.raise_signal(signal.SIGTERM)
        harden_in_a_thread(said)
        signal.pause()
        return 0

    assert in_a_child(work) == 2


@pytest.mark.parametrize(("before", "after", "code"), [(1, 1, 7), (0, 2, 7), (1, 2, 130), (0, 3, 130)])
def test_signals_that_come_after_it_was_made_hard_cut_no_teardown_short_but_the_third(
    before: int, after: int, code: int
) -> None:
    """As in a worker: the controller may be faster with its word than the terminal with the second Ctrl-C."""

    def work(said: Said) -> int:
        said.signals.install()
        for _ in range(before):
            signal.raise_signal(signal.SIGINT)
        try:
            harden_in_a_thread(said)
            signal.pause()
        except KeyboardInterrupt:
            for _ in range(after):
                signal.raise_signal(signal.SIGINT)
            return 7
        return 1

    assert in_a_child(work) == code


def test_the_interrupt_of_another_thread_says_its_reason(said: Said) -> None:
    thread = threading.Thread(target=said.signals.harden, args=("stop requested, at once",))
    with pytest.raises(KeyboardInterrupt, match="stop requested, at once"):  # noqa: PT012  # raised at any call of these
        thread.start()
        thread.join()
        signal.pause()
    assert said.signals.received == "stop requested, at once"
    thread.join()


def test_a_stop_is_made_hard_once_however_often_it_is_asked() -> None:
    def work(said: Said) -> int:
        said.signals.install()
        for _ in range(3):
            try:
                harden_in_a_thread(said)
                signal.sigtimedwait([], 0.0)
            except KeyboardInterrupt:
                continue
        return 7 if said.signals.received == "SIGINT" else 1

    assert in_a_child(work) == 7


def test_before_the_signals_are_taken_over_nothing_is_made_hard_and_later_it_is() -> None:
    def work(said: Said) -> int:
        harden_in_a_thread(said)
        said.signals.install()
        harden_in_a_thread(said)
        signal.pause()
        return 0

    assert in_a_child(work) == 2


def test_a_run_started_in_the_background_by_a_script_can_be_stopped_hard_too() -> None:
    def work(said: Said) -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what `sh -c 'pytest &'` and nohup leave us with
        said.signals.install()
        signal.raise_signal(signal.SIGTERM)
        harden_in_a_thread(said)
        for _ in range(1000):
            os.getpid()  # a pending signal is handled between two calls
        return 0

    assert in_a_child(work) == 2


def test_a_grace_that_runs_out_turns_a_soft_stop_into_a_hard_one() -> None:
    def work(said: Said) -> int:
        said.signals.install(grace_s=0.0)
        signal.raise_signal(signal.SIGTERM)
        signal.pause()
        return 0

    assert in_a_child(work) == 2


def test_a_grace_that_runs_out_after_a_hard_stop_does_not_cut_its_teardown_short() -> None:
    def work(said: Said) -> int:
        said.signals.install()
        signal.raise_signal(signal.SIGTERM)
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            harden_in_a_thread(said)  # what the timer of the grace does
        return 0

    assert in_a_child(work) in {0, 2}
