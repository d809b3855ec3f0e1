"""What a process has started: found, told apart from others, and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from pytest_benchrun.world.tree import descendants, end_all, end_tree

NESTED = """
import subprocess, sys, signal, time
if {deaf}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(inner.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def nested(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process and the pid of the one that it has started."""
    code = NESTED.format(deaf=getattr(request, "param", False))
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        inner = int(process.stdout.readline())
        yield process, inner
        for pid in (process.pid, inner):
            if psutil.pid_exists(pid):
                psutil.Process(pid).kill()


def test_all_levels_are_listed_with_their_command_lines(nested: tuple[subprocess.Popen[str], int]) -> None:
    process, inner = nested
    [found] = descendants(process.pid)
    assert found.pid == inner
    assert "time.sleep(600)" in found.command
    assert 0 <= found.age_s < 60


def test_what_is_left_out_takes_what_it_has_started_with_it(nested: tuple[subprocess.Popen[str], int]) -> None:
    process, inner = nested
    mine = {one.pid for one in descendants(psutil.Process().pid)}
    assert {process.pid, inner} <= mine
    rest = {one.pid for one in descendants(psutil.Process().pid, without={process.pid})}
    assert not {process.pid, inner} & rest


@pytest.mark.parametrize("nested", [False, True], indirect=True, ids=["polite", "deaf"])
def test_a_tree_is_ended_whole(nested: tuple[subprocess.Popen[str], int]) -> None:
    process, inner = nested
    assert end_tree(process.pid) == []
    process.wait(10)
    assert not psutil.pid_exists(inner) or psutil.Process(inner).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_is_gone_is_no_error(nested: tuple[subprocess.Popen[str], int]) -> None:
    process, _ = nested
    listed = descendants(process.pid)
    assert end_all(listed) == []
    assert end_all(listed) == []
    end_tree(process.pid)
    process.wait(10)
    assert descendants(process.pid) == []
    assert end_tree(process.pid) == []
