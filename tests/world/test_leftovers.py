"""What a unit leaves running, found in the first moments of its life too."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker

import pytest

from pytest_benchrun.world.cookie import VARIABLE
from pytest_benchrun.world.leftovers import Children

TRIES = 20
"""Three times in four the system has no command line yet right after the start, measured on a busy machine."""


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    monkeypatch.delenv(VARIABLE, raising=False)  # a session in this very process may have left it
    made = Children()
    yield made
    made.close()


def test_a_process_that_has_just_started_is_named(children: Children) -> None:
    for _ in range(TRIES):
        process = subprocess.Popen([sys.executable, "-S", "-c", "input()", "left"], stdin=subprocess.PIPE)
        ended = children.end_new("run/main/0/1")
        process.communicate()
        assert ended == [f"{sys.executable} -S -c input() left (pid {process.pid})"]


def test_a_helper_of_multiprocessing_that_has_just_started_is_left_alone(children: Children) -> None:
    before = multiprocessing.active_children()  # of other tests in this process
    tracker = resource_tracker.ResourceTracker()
    tracker.ensure_running()
    try:
        assert children.end_new("run/main/0/1") == []
        assert tracker._check_alive()  # type: ignore[attr-defined]  # noqa: SLF001  # what it asks itself
    finally:
        tracker._stop()  # type: ignore[attr-defined]  # noqa: SLF001  # it has no other end
    assert multiprocessing.active_children() == before
