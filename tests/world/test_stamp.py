"""The stamp: what it goes through, whom it marks, and who is ended by it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from pytest_benchrun.world.alive import process_started
from pytest_benchrun.world.leftovers import started_so_far
from pytest_benchrun.world.orphans import end_orphans, of_run, of_worker
from pytest_benchrun.world.stamp import is_of_run, put_stamp, stamp_for, take_stamp
from pytest_benchrun.world.watchdog import LOCKS, end_stamped, stamp_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such a limit")

DEADLINE_S = 20
NONE = resource.RLIM_INFINITY, resource.RLIM_INFINITY
DETACHES = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
os.closerange(0, 256)
os.execve("/bin/sleep", ["sleep", "300"], {})
"""
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('', flush=True); input()"
LEAVES_ANOTHER = """
import os, signal, time
def leave(*_):
    if os.fork():
        os._exit(0)
    os.setsid()
signal.signal(signal.SIGTERM, leave)
print("", flush=True)
while True:
    time.sleep(60)
"""


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline_s, "it has not happened"
        time.sleep(0.01)


@pytest.fixture
def stamped() -> Iterator[int]:
    """This process gives a stamp; the stamp."""
    assert put_stamp("run-1", ())
    yield stamp_for("run-1", os.getpid())
    take_stamp()


def start(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process that has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={},
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.kill()
        process.communicate()


def test_it_stays_on_a_daemon_that_has_let_go_of_everything(stamped: int) -> None:
    made = subprocess.run([sys.executable, "-S", "-c", DETACHES], env={}, stdout=subprocess.PIPE, check=True)
    daemon = int(made.stdout)
    assert stamp_of(daemon) == stamped
    resource.setrlimit(LOCKS, NONE)  # this process would be one of them
    end_stamped(stamped)
    assert process_started(daemon) is None


def test_what_is_started_before_and_after_has_none(request: pytest.FixtureRequest) -> None:
    before = start(IGNORES)
    stamp = request.getfixturevalue("stamped")
    between = start(IGNORES)
    found = stamp_of(between.pid)
    take_stamp()
    after = start(IGNORES)
    try:
        assert (stamp_of(before.pid), found, stamp_of(after.pid)) == (None, stamp, None)
    finally:
        end(before, between, after)


def test_what_was_there_before_gets_it_and_loses_it_again() -> None:
    before, other = start(IGNORES), start(IGNORES)
    try:
        assert before.pid in started_so_far()
        assert put_stamp("run-1", [before.pid])
        assert [is_of_run(stamp_of(process.pid), "run-1") for process in (before, other)] == [True, False]
        take_stamp()
        assert [stamp_of(before.pid), stamp_of(os.getpid())] == [None, None]
    finally:
        take_stamp()
        end(before, other)


def test_a_run_inside_a_unit_leaves_the_stamp_of_the_run_outside(stamped: int) -> None:
    assert not put_stamp("run-2", ())
    assert stamp_of(os.getpid()) == stamped


def test_runs_and_processes_of_one_run_have_their_own() -> None:
    one, two, other = stamp_for("run-1", 1), stamp_for("run-1", 2**22 - 1), stamp_for("run-11", 1)
    assert len({one, two, other}) == 3
    assert max(one, two, other) < 2**62
    assert [is_of_run(stamp, "run-1") for stamp in (one, two, other, None)] == [True, True, False, False]


def test_only_what_carries_the_same_is_ended_whatever_it_makes_of_a_signal(stamped: int) -> None:
    meant = [start(IGNORES), start(LEAVES_ANOTHER)]
    others = [start(IGNORES), start(IGNORES, "multiprocessing.resource_tracker")]
    resource.prlimit(others[0].pid, LOCKS, (stamped + 1, resource.RLIM_INFINITY))
    try:
        resource.setrlimit(LOCKS, NONE)  # this process would be one of them
        end_stamped(stamped)
        assert [process.wait(DEADLINE_S) < 0 for process in meant] == [True, False]
        assert [process.poll() for process in others] == [None, None]
        assert [pid for pid in psutil.pids() if stamp_of(pid) == stamped and process_started(pid)] == [others[1].pid]
    finally:
        end(*meant, *others)


def test_the_next_start_finds_all_of_the_run_and_a_death_those_of_the_worker(stamped: int) -> None:
    mine, of_another = start(IGNORES), start(IGNORES)
    resource.prlimit(of_another.pid, LOCKS, (stamp_for("run-1", 1), resource.RLIM_INFINITY))
    try:
        assert end_orphans(of_run("run-1"), spares_children=True) == []
        assert end_orphans(of_run("run-2")) == []
        assert end_orphans(of_worker("run-1", "gw0", None)) == []
        assert len(end_orphans(of_worker("run-1", "gw0", os.getpid()))) == 1
        assert [mine.poll() is None, of_another.poll() is None] == [False, True]
        assert len(end_orphans(of_run("run-1"))) == 1
        wait_for(lambda: of_another.poll() is not None)
    finally:
        end(mine, of_another)
