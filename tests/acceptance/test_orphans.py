"""What units have started does not outlive a killed run for longer than to its next start."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pytest_benchrun.world.alive import process_started
from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite

SOURCE = """
import multiprocessing, os, pathlib, subprocess, time

HERE = pathlib.Path(__file__).parent

def test_it(until):
    if (HERE / "mended").exists():
        return
    daemon = subprocess.Popen(["setsid", "sleep", "300"])
    forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
    forked.start()
    (HERE / "pids.tmp").write_text(f"{daemon.pid} {forked.pid}")
    (HERE / "pids.tmp").rename(HERE / "pids")
    until("mended")
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_processes_of_a_killed_run_are_ended_by_the_next_start(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.write("test_it.py", SOURCE)
    run = suite.start(*workers)
    pids: Path = suite.folder / "pids"
    wait_until(pids.exists, "the unit has started its processes")
    daemon, forked = map(int, pids.read_text("ascii").split())
    assert {daemon, forked} <= {process.pid for process in run.descendants()}
    run.tell(signal.SIGKILL)
    wait_until(lambda: run.has_ended, "the end of the run")
    wait_until(lambda: {one.pid for one in run.descendants()} <= {daemon}, "the end of its processes", within_s=2)
    assert process_started(daemon) is not None
    suite.touch("mended")
    ended = suite.run("--bench-resume", *workers)
    assert ended.code == 0, ended.output
    assert process_started(daemon) is None
    assert "ended processes that a killed session had left running: sleep 300" in ended.output
