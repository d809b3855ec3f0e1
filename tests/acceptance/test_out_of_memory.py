"""A unit that the system ends for want of memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pytest_benchrun.world.alive import process_started
from tests.acceptance.groups import little_memory
from tests.acceptance.processes import wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

LIMIT_BYTES = 64 * 2**20
UNITS = """
import os, pathlib, subprocess

GROUP = pathlib.Path({group!r})
HERE = pathlib.Path(__file__).parent

def test_before(): pass

def test_hungry():
    if (HERE / "mended").exists():
        return
    daemon = subprocess.Popen(["sleep", "300"], env={{}}, start_new_session=True)
    (HERE / "daemon").write_text(str(daemon.pid))
    GROUP.write_text(str(os.getpid()))
    bytearray({size}).find(1)  # every page is touched

def test_after(): pass
"""


@pytest.fixture
def hungry(suite: Suite) -> Iterator[Suite]:
    """A campaign with a unit that takes more than it may have."""
    with little_memory(LIMIT_BYTES) as group:
        suite.write("test_it.py", UNITS.format(group=str(group), size=4 * LIMIT_BYTES))
        yield suite


def _assert_daemon_is_gone(suite: Suite) -> None:
    daemon = int((suite.folder / "daemon").read_text("ascii"))
    wait_until(lambda: process_started(daemon) is None, "the end of what the unit has started", within_s=2)


def test_with_workers_it_has_failed_and_all_others_complete(hungry: Suite) -> None:
    ended = hungry.run("-n2", "--junitxml=junit.xml")
    assert ended.code == 1, ended.output
    assert [event["unit_id"] for event in hungry.events("unit_started")].count("test_it.py::test_hungry") == 2
    view = hungry.status()
    assert (view["state"], view["completed"], view["failed"]) == ("complete", 2, 1)
    [failure] = view["failures"]
    assert (failure["kind"], failure["unit_id"]) == ("crash", "test_it.py::test_hungry")
    assert "killed by SIGKILL: by somebody, or by the system for want of memory" in failure["error"]
    assert sorted(case.outcome for case in hungry.junit()) == ["failure", "passed", "passed"]
    assert_journal_is_whole(hungry)
    _assert_daemon_is_gone(hungry)


def test_without_workers_the_session_ends_and_a_resume_goes_on(hungry: Suite) -> None:
    assert hungry.run().code == -signal.SIGKILL
    _assert_daemon_is_gone(hungry)
    said = hungry.benchrun("status", "--exit-code")
    assert (said.code, "dead" in said.output) == (13, True), said.output
    hungry.touch("mended")
    ended = hungry.run("--bench-resume")
    assert ended.code == 0, ended.output
    assert hungry.started().count("test_it.py::test_before") == 1
    assert_every_unit_counts_once(hungry, [f"test_it.py::test_{name}" for name in ("before", "hungry", "after")])
