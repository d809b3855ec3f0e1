"""A disk that fills up under a run: the run waits, says so, and goes on when there is room, or ends when told to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.disks import FILLS
from tests.acceptance.processes import Child, wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite, assert_refused

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
UNITS = [f"test_it.py::test_it[{n}]" for n in range(30)]


def _until_it_waits(suite: Suite, disk: Path, engine: tuple[str, ...] = ()) -> Child:
    """A run that waits for room for the result of its eleventh unit."""
    suite.write("test_it.py", FILLS.format(metrics=100))
    suite.results = disk / "results"
    child = suite.start(*engine)
    wait_until(lambda: "is full" in child.output or child.has_ended, "the sentence about the full disk")
    assert not child.has_ended, child.output
    return child


@ENGINES
def test_the_run_waits_and_goes_on_when_there_is_room(suite: Suite, disk: Path, engine: tuple[str, ...]) -> None:
    child = _until_it_waits(suite, disk, engine)
    assert len(suite.marks()) < len(UNITS), "units start that cannot be recorded"
    (disk / "ballast").unlink()
    ended = child.wait()
    assert ended.code == 0, ended.output
    assert "30 passed" in ended.output
    assert ended.output.count("is full") == 1
    assert (suite.status()["state"], suite.status()["completed"]) == ("complete", 30)
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, UNITS)
    assert len(suite.marks()) == 30, "nothing was done twice"
    assert [event["text"][:23] for event in suite.events("noted")] == ["the disk was full from "]


@ENGINES
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "STOP"])
def test_a_stop_ends_the_wait_and_the_run_can_be_resumed(
    suite: Suite, disk: Path, engine: tuple[str, ...], how: str
) -> None:
    child = _until_it_waits(suite, disk, engine)
    if how == "STOP":
        (suite.results / "STOP").touch()
    else:
        child.tell(signal.Signals[how])
    ended = child.wait()
    assert ended.code == 1, ended.output
    assert "paused: " in ended.output, ended.output
    for unwanted in ("Traceback", "INTERNALERROR"):
        assert unwanted not in ended.output
    (disk / "ballast").unlink()
    resumed = suite.run("--bench-resume", *engine)
    assert resumed.code == 0, resumed.output
    assert suite.status()["completed"] == 30
    assert_every_unit_counts_once(suite, UNITS)


def test_a_kill_in_the_wait_costs_what_was_in_flight(suite: Suite, disk: Path) -> None:
    _until_it_waits(suite, disk).kill()
    (disk / "ballast").unlink()
    resumed = suite.run("--bench-resume")
    assert resumed.code == 0, resumed.output
    assert_every_unit_counts_once(suite, UNITS)
    assert len(suite.marks()) == 31


def test_a_time_limit_of_the_unit_stands_still_in_the_wait(suite: Suite, disk: Path) -> None:
    child = _until_it_waits(suite, disk, ("--timeout=2", "--timeout-method=signal"))
    began_s = time.monotonic()
    wait_until(lambda: child.has_ended or time.monotonic() - began_s > 2.5, "more time than the unit has")
    (disk / "ballast").unlink()
    ended = child.wait()
    assert ended.code == 0, ended.output


@ENGINES
def test_the_status_says_paused_while_the_disk_has_no_room_at_all(
    suite: Suite, disk: Path, engine: tuple[str, ...]
) -> None:
    _until_it_waits(suite, disk, engine)
    assert _free_bytes(disk) == 0
    wait_until(lambda: suite.status()["state"] == "paused", "the status that says so")
    said = suite.benchrun("status", "--exit-code")
    assert said.code == 12, said.output
    assert "paused" in said.output
    assert "waiting for room" in suite.status()["reason"]
    first = suite.status()["heartbeat_at"]
    wait_until(lambda: suite.status()["heartbeat_at"] > first, "the next heartbeat")
    assert suite.status()["state"] == "paused", "the heartbeat goes on without room"
    (disk / "ballast").unlink()
    wait_until(lambda: suite.status()["state"] == "complete", "the end of the run")


def _free_bytes(disk: Path) -> int:
    space = os.statvfs(disk)
    return space.f_bavail * space.f_frsize


def test_the_status_of_a_run_that_cannot_even_write_it_says_why(suite: Suite, disk: Path) -> None:
    child = _until_it_waits(suite, disk)
    child.tell(signal.SIGSTOP)  # or it would write the next heartbeat from its reserve
    status = suite.results / "status.json"
    heartbeat_at = suite.status()["heartbeat_at"]
    with status.open("r+b") as file:  # in place: the disk has no room for another one
        text = file.read()
        file.seek(0)
        file.write(text.replace(heartbeat_at.encode(), heartbeat_at.replace("202", "201", 1).encode()))
    said = suite.benchrun("status", "--exit-code")
    assert said.code == 14
    assert "stalled (its disk is full: make room and it goes on; no heartbeat for " in said.output
    assert_refused(suite.benchrun("stop"), "No space left on device", f"kill {child.pid}")
