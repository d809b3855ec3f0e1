"""The watchdog beside this very process: when it knocks, when it does not, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import orjson
import psutil
import pytest

from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.leftovers import adopt_orphans
from pytest_benchrun.world.watch import KNOCK, Watch
from pytest_benchrun.world.watchdog import ACTION, BEGAN, HEARD, LAST, LIMIT, PAUSED, REPORT

DEADLINE_S = 20


class Knocks:
    """Counts knocks, and answers them as one that heard."""

    def __init__(self, folder: Path) -> None:
        self.count = 0
        about = {"run_id": "r", "worker": "w", "host": "h", "folder": str(folder / "incidents"), "run_error": None}
        self.watch = Watch(about, self._take)

    def _take(self, _: FrameType | None) -> None:
        self.count += 1
        self.watch.cells[HEARD] = monotonic_ns()

    def arm(self, limit_s: float) -> None:
        cells = self.watch.cells
        cells[LIMIT], cells[ACTION] = int(limit_s * 1e9), REPORT  # nothing ends this process
        cells[BEGAN] = cells[LAST] = monotonic_ns()


@pytest.fixture
def knocks(tmp_path: Path) -> Iterator[Knocks]:
    made = Knocks(tmp_path)
    made.watch.start()
    yield made
    made.watch.close()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline_s, "it has not happened"
        time.sleep(0.01)


def keep(knocks: Knocks, seconds: float, change: Callable[[], None]) -> None:
    """Go on for a while; time is what this is about."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        change()
        time.sleep(0.02)


def beat(knocks: Knocks) -> None:
    knocks.watch.cells[LAST] = monotonic_ns()


def test_it_knocks_once_for_each_silence(knocks: Knocks) -> None:
    knocks.arm(0.1)
    wait_for(lambda: knocks.count == 1)
    beat(knocks)
    wait_for(lambda: knocks.count == 2)


def test_it_does_not_knock_while_the_unit_goes_on_nor_between_units_nor_while_paused(knocks: Knocks) -> None:
    knocks.arm(0.4)
    keep(knocks, 0.9, lambda: beat(knocks))
    knocks.watch.cells[PAUSED] = 1
    keep(knocks, 0.9, lambda: None)
    knocks.watch.cells[PAUSED] = 0
    knocks.watch.cells[LAST] = 0
    keep(knocks, 0.9, lambda: None)
    assert knocks.count == 0


def test_a_limit_of_nothing_is_none(knocks: Knocks) -> None:
    knocks.arm(0)
    keep(knocks, 0.6, lambda: None)
    assert knocks.count == 0


def test_closing_ends_it_and_gives_the_signal_back(knocks: Knocks) -> None:
    pid = knocks.watch.pid
    assert psutil.pid_exists(pid)
    knocks.watch.close()
    assert not psutil.pid_exists(pid)
    assert signal.getsignal(KNOCK) is signal.SIG_DFL
    knocks.watch.cells[LAST] = 1  # a thread that outlives its unit may still write


def test_one_that_was_killed_is_started_again_and_knocks(knocks: Knocks) -> None:
    assert not knocks.watch.revive()
    killed = knocks.watch.pid
    os.kill(killed, signal.SIGKILL)
    wait_for(knocks.watch.revive)
    assert knocks.watch.pid != killed
    assert not knocks.watch.revive()
    knocks.arm(0.1)
    wait_for(lambda: knocks.count == 1)


def watchdogs_of(pid: int) -> list[psutil.Process]:
    """That and its relief, wherever they stand in the tree of processes."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if f'"pid": {pid},' in "".join(process.cmdline()[4:5]) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_one_that_was_killed_is_relieved_at_once_by_one_that_is_no_child(knocks: Knocks) -> None:
    adopt_orphans(is_on=True)
    try:
        for child in psutil.Process().children(recursive=True):
            child.kill()
            child.wait()
        knocks.arm(0.1)
        wait_for(lambda: knocks.count >= 1)  # twice where a third one was started meanwhile
        assert knocks.watch.revive()
        wait_for(lambda: len(watchdogs_of(os.getpid())) == 2)
        assert psutil.Process().children(recursive=True) == [psutil.Process(knocks.watch.pid)]
        before = knocks.count
        beat(knocks)
        wait_for(lambda: knocks.count > before)
    finally:
        adopt_orphans(is_on=False)


def test_another_is_started_when_both_were_killed(knocks: Knocks) -> None:
    wait_for(lambda: len(watchdogs_of(os.getpid())) == 2)
    killed = watchdogs_of(os.getpid())
    for process in killed:
        process.kill()
    knocks.arm(0.1)
    wait_for(lambda: knocks.count == 1)
    assert not {process.pid for process in killed} & {process.pid for process in watchdogs_of(os.getpid())}
    assert knocks.watch.revive()
    assert not knocks.watch.revive()


def test_one_that_was_suspended_is_made_to_go_on(knocks: Knocks) -> None:
    wait_for(lambda: len(watchdogs_of(os.getpid())) == 2)
    psutil.Process(knocks.watch.pid).suspend()
    knocks.arm(0.1)
    wait_for(lambda: knocks.count == 1)
    assert not knocks.watch.revive()


def test_no_relief_outlives_the_close(knocks: Knocks) -> None:
    wait_for(lambda: len(watchdogs_of(os.getpid())) == 2)
    knocks.watch.close()
    wait_for(lambda: watchdogs_of(os.getpid()) == [])


def test_nothing_is_stuck_because_the_watchdog_was_suspended_with_the_whole_run(knocks: Knocks) -> None:
    knocks.arm(0.1)
    wait_for(lambda: knocks.count == 1)  # by now it looks
    knocks.arm(2.0)
    watchdogs = watchdogs_of(os.getpid())
    for process in watchdogs:
        process.suspend()
    suspended_ns = monotonic_ns()
    keep(knocks, 5.5, lambda: None)
    for process in watchdogs:
        process.resume()
    wait_for(lambda: knocks.watch.cells[LAST] > suspended_ns)
    assert knocks.count == 1
    wait_for(lambda: knocks.count == 2)


def test_the_stacks_name_the_line_of_the_caller_last(knocks: Knocks) -> None:
    stacks = knocks.watch.stacks()
    assert "test_the_stacks_name_the_line_of_the_caller_last" in stacks.rpartition("\n\n")[2]


HANGS = """
import signal, sys, time
from pathlib import Path
from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.watch import Watch
from pytest_benchrun.world.watchdog import BEGAN, LAST, LIMIT

folder = sys.argv[1]
about = {"run_id": "r", "worker": "w", "host": "h", "folder": folder + "/incidents", "run_error": folder + "/error"}
watch = Watch(about, lambda frame: None)
watch.start()
watch.tell(sys.argv[2].encode())
watch.cells[LIMIT] = 200_000_000
watch.cells[BEGAN] = watch.cells[LAST] = monotonic_ns()
while True:
    time.sleep(600)
"""


@pytest.mark.parametrize("text", ['{"unit_id": "a", "attempt": 3, "note": "here"}', "no JSON", "x" * 20_000])
def test_one_that_does_not_answer_is_written_down_and_ended(tmp_path: Path, text: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", HANGS, str(tmp_path), text], env=environment)
    assert process.wait(DEADLINE_S) == -signal.SIGKILL
    [path] = (tmp_path / "incidents").iterdir()
    incident = orjson.loads(path.read_bytes())
    assert path.read_bytes() == (tmp_path / "error").read_bytes()
    assert (incident["ended"], incident["kind"], incident["pid"]) == ("worker", "stuck", process.pid)
    assert 'File "<string>"' in incident["stacks"]
    assert 2.0 < incident["silent_s"] < 10
    wait_for(lambda: watchdogs_of(process.pid) == [])
    if text.startswith("{"):
        assert (incident["unit_id"], incident["attempt"], incident["note"]) == ("a", 3, "here")


@pytest.mark.parametrize("disposition", ["SIG_IGN", "SIG_DFL"])
def test_one_that_would_not_hear_or_die_of_a_knock_is_ended_at_once(tmp_path: Path, disposition: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    code = HANGS.replace("watch.tell", f"signal.signal({int(KNOCK)}, signal.{disposition})\nwatch.tell")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), "{}"], env=environment)
    assert process.wait(DEADLINE_S) == -signal.SIGKILL
    [path] = (tmp_path / "incidents").iterdir()
    assert orjson.loads(path.read_bytes())["ended"] == "worker"


def test_a_folder_that_takes_no_record_does_not_save_the_process(tmp_path: Path) -> None:
    (tmp_path / "incidents").write_text("in the way")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", HANGS, str(tmp_path), "{}"], env=environment)
    assert process.wait(DEADLINE_S) == -signal.SIGKILL
