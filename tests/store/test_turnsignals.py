"""Signals whose handlers raise or write lines of their own, at any instruction of a turn file."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnfile import TurnFile

ROUNDS = 400


@pytest.fixture(params=[True, False], ids=["buffered", "plain"])
def file(request: pytest.FixtureRequest, rundir: RunDir) -> TurnFile:
    file = TurnFile(rundir, None, rotate_bytes=None, now_at=str, is_buffered=request.param)
    for number in range(-3, 0):
        file.append(b"%d\n" % number)
    return file


@contextmanager
def on_alarm(call: Callable[[], None]) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda *_: call())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
def test_an_interrupt_anywhere_comes_out_and_doubles_no_line(
    file: TurnFile, rundir: RunDir, error: type[BaseException]
) -> None:
    def interrupt() -> None:
        raise error

    number, interrupts, ended = 0, 0, set[bytes]()
    with on_alarm(interrupt):
        for round_number in range(ROUNDS):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + round_number * 1e-6)
                for _ in range(10_000):
                    number += 1
                    line = b"%d\n" % number
                    file.append(line)
                    ended.add(line)
                    if number % 7 == 0:
                        file.flush()
            except error:
                interrupts += 1
    assert interrupts == ROUNDS
    file.close()
    lines = rundir.turns.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(set(lines))
    assert ended <= set(lines)
    assert file.take_problem() is None


def test_a_handler_that_writes_a_line_waits_for_nobody(file: TurnFile, rundir: RunDir) -> None:
    told = 0

    def tell() -> None:
        nonlocal told
        told += 1
        file.append(b"handler\n")

    appended = 0
    with on_alarm(tell):
        for round_number in range(ROUNDS):
            signal.setitimer(signal.ITIMER_REAL, 1e-4 + round_number * 1e-6)
            while told <= round_number:
                file.append(b"unit\n")
                appended += 1
                if appended % 7 == 0:
                    file.flush()
    file.close()
    lines = rundir.turns.read_bytes().splitlines()
    assert (lines.count(b"handler"), lines.count(b"unit")) == (ROUNDS, appended)
