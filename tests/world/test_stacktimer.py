"""The stacks that a process writes by itself when its time has come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.stacktimer import RENEW_NS, StackTimer
from pytest_benchrun.world.watchdog import LIMIT, WALL

DEADLINE_S = 20
SECOND_NS = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    number = os.open(tmp_path / "stacks", os.O_RDWR | os.O_CREAT)
    yield number
    os.close(number)


@pytest.fixture
def cells() -> list[int]:
    return [0] * 8


@pytest.fixture
def timer(cells: list[int], file: int) -> Iterator[StackTimer]:
    made = StackTimer(cells, file)
    yield made
    made.close()


def _stacks(file: int) -> str:
    """What is written, once it has begun and grows no more."""
    deadline_s, text = time.monotonic() + DEADLINE_S, b""
    while time.monotonic() < deadline_s:
        before, text = text, os.pread(file, 100_000, 0)
        if text and text == before:
            return text.decode()
        time.sleep(0.05)
    pytest.fail("no stacks were written")


def test_they_are_written_after_the_limit_and_name_the_line(timer: StackTimer, cells: list[int], file: int) -> None:
    cells[LIMIT] = 10_000_000
    timer.begin(monotonic_ns())
    assert "test_they_are_written_after_the_limit_and_name_the_line" in _stacks(file)


def test_a_limit_on_the_wall_clock_alone_is_enough(timer: StackTimer, cells: list[int], file: int) -> None:
    timer.begin(now_ns := monotonic_ns())
    cells[WALL] = now_ns + 10_000_000
    timer.expect_wall(now_ns)
    assert "test_a_limit_on_the_wall_clock_alone_is_enough" in _stacks(file)


def test_it_is_set_once_a_second_and_at_once_for_another_limit(timer: StackTimer, cells: list[int]) -> None:
    cells[LIMIT] = 900 * SECOND_NS
    timer.begin(now_ns := monotonic_ns())
    assert timer.renew_ns == now_ns + RENEW_NS
    timer.begin(now_ns + 1)
    assert timer.renew_ns == now_ns + RENEW_NS
    cells[WALL] = now_ns + 1000 * SECOND_NS
    timer.expect_wall(now_ns + 2)  # the silence would end before it
    assert timer.renew_ns == now_ns + RENEW_NS
    cells[LIMIT] = 60 * SECOND_NS
    timer.begin(now_ns + 3)
    assert timer.renew_ns == now_ns + 3 + RENEW_NS
    cells[LIMIT] = 0
    timer.begin(now_ns + 4)
    assert timer.renew_ns == 0


FORKS = """
import os, sys
from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.stacktimer import StackTimer
from pytest_benchrun.world.watchdog import LIMIT

cells = [0] * 8
cells[LIMIT] = 10_000_000
timer = StackTimer(cells, 2)
timer.begin(monotonic_ns())
pid = os.fork()
if pid == 0:
    timer.renew(monotonic_ns())
    timer.close()
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
sys.stdin.read()
"""


def test_a_forked_child_ends_as_ever_and_the_parent_is_looked_after() -> None:
    process = subprocess.Popen([sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(3)]  # they come once the child has ended
    process.communicate(timeout=DEADLINE_S)
    assert (said[0][:7], said[2].partition(", ")[2]) == ("Timeout", "line 17 in <module>\n")
    assert process.returncode == 0
