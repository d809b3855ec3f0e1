"""`kill -9` of the owner while its units start processes in every way: none is left, and nobody else's is ended."""

from __future__ import annotations

import os
import random
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite

SEED = int(os.environ.get("BENCHRUN_ACCEPTANCE_SEED") or secrets.randbits(32))
"""Another one in every session; a failing test prints it, and the variable repeats it."""
LONGEST_S = 0.6
GO_WITHIN_S = 2.0

STARTS = """
import os, pathlib, subprocess, sys, time
import pytest

HERE = pathlib.Path(__file__).parent
LINGER = str(HERE / "linger")
TWICE = '''
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 256)
os.execve(sys.argv[1], [sys.argv[1], "300"], {})
'''

def cleared():
    subprocess.Popen([LINGER, "300"], env={}, start_new_session=True)

def children_of_children():
    subprocess.Popen(["/bin/sh", "-c", f"setsid env -i {LINGER} 300 & (setsid env -i {LINGER} 300 &) & wait"], env=PATH)

def forked():
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 256)
        os.execve(LINGER, [LINGER, "300"], {})

def daemon():
    subprocess.Popen([sys.executable, "-S", "-c", TWICE, LINGER], env={})

def spawned():
    os.posix_spawn(LINGER, [LINGER, "300"], {}, setsid=True)

PATH = {"PATH": os.environ["PATH"]}
if not (HERE / "mended").exists():
    cleared()  # before the first unit
WAYS = cleared, children_of_children, forked, daemon, spawned

@pytest.mark.parametrize("n", range(len(WAYS)))
def test_unit(n):
    turn = n
    while not (HERE / "mended").exists():
        WAYS[turn % len(WAYS)]()
        (HERE / f"started-{os.getpid()}").touch()
        turn += 1
        time.sleep(0.02)
"""


def _processes_of(suite: Suite) -> list[psutil.Process]:
    """All that live and name the campaign's folder in their command line, wherever they stand."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(suite.folder) in word for word in process.cmdline()):
                found.append(process)
    return found


def _say(processes: list[psutil.Process]) -> str:
    lines = []
    for process in processes:
        with suppress(psutil.Error):
            lines.append(f"{process.pid} below {process.ppid()}: {process.cmdline()}")
    return "\n".join(lines)


def _kill_after(suite: Suite, options: tuple[str, ...], pause_s: float) -> None:
    """Start or resume a session, and kill its owner so long after each process has started one from a unit.

    What the suite starts when it is imported, before the first unit and its watchdog, has until the next start.
    """
    for file in suite.folder.glob("started-*"):
        file.unlink()
    run = suite.start(*(("--bench-resume",) if suite.has_run() else ()), *options)
    processes = 2 if "-n2" in options else 1
    wait_until(
        lambda: len(list(suite.folder.glob("started-*"))) == processes or run.has_ended,
        "the first process of a unit in each process",
    )
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < pause_s:
        pass  # a kill at a point that no polling would hit
    assert not run.has_ended, run.output
    run.tell(signal.SIGKILL)
    wait_until(lambda: run.has_ended, "the end of the owner")


def _prepare(suite: Suite) -> None:
    suite.write("test_it.py", STARTS)
    sleep = shutil.which("sleep")
    assert sleep is not None
    (suite.folder / "linger").symlink_to(sleep)
    sys.stdout.write(f"BENCHRUN_ACCEPTANCE_SEED={SEED}\n")


@pytest.fixture
def campaign(suite: Suite) -> Iterator[Suite]:
    """Its units start processes until `mended` stands beside them; what is left of them goes with the test."""
    _prepare(suite)
    yield suite
    for process in _processes_of(suite):
        with suppress(psutil.Error):
            process.kill()


@pytest.mark.parametrize(("workers", "kills"), [((), 4), (("-n2",), 2)], ids=["bare", "n2"])
def test_nothing_lives_on_whenever_the_owner_is_killed(campaign: Suite, workers: tuple[str, ...], kills: int) -> None:
    chance = random.Random(f"{SEED}-{workers}")  # noqa: S311  # moments, no secrets
    for pause_s in (0.0, *(chance.uniform(0, LONGEST_S) for _ in range(kills - 1))):
        _kill_after(campaign, workers, pause_s)
        try:
            wait_until(lambda: not _processes_of(campaign), "the end of all that was started", within_s=GO_WITHIN_S)
        except pytest.fail.Exception:
            pytest.fail(
                f"killed after {pause_s:.3f} s, alive {GO_WITHIN_S:g} s later:\n{_say(_processes_of(campaign))}"
            )
    campaign.touch("mended")
    ended = campaign.run("--bench-resume", *workers)
    assert ended.code == 0, ended.output
    assert "left running" not in ended.output


LATE = """
import os, time
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
        time.sleep(600)
"""


def test_what_a_worker_has_started_before_its_first_unit_is_ended_by_the_next_start(campaign: Suite) -> None:
    campaign.write("conftest.py", LATE)
    run = campaign.start("-n2")
    wait_until(lambda: any(campaign.folder.glob("started-*")) or run.has_ended, "a unit of the one worker")
    run.tell(signal.SIGKILL)
    wait_until(lambda: run.has_ended, "the end of the owner")
    wait_until(lambda: len(_processes_of(campaign)) <= 1, "the end of all but what the other had started", within_s=5)
    campaign.touch("mended")
    campaign.write("conftest.py", "")
    assert campaign.run("--bench-resume", "-n2").code == 0
    assert not _processes_of(campaign), _say(_processes_of(campaign))


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_without_a_watchdog_the_next_start_ends_them(campaign: Suite, workers: tuple[str, ...]) -> None:
    chance = random.Random(f"{SEED}-{workers}-next")  # noqa: S311  # moments, no secrets
    _kill_after(campaign, ("--bench-stuck-timeout=0", *workers), chance.uniform(0, LONGEST_S))
    assert _processes_of(campaign)
    campaign.touch("mended")
    ended = campaign.run("--bench-resume", "--bench-stuck-timeout=0", *workers)
    assert ended.code == 0, ended.output
    assert "ended processes that a killed session had left running" in ended.output
    assert not _processes_of(campaign), _say(_processes_of(campaign))


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_processes_of_others_live_on(campaign: Suite, workers: tuple[str, ...]) -> None:
    """Whatever they look like: the same program, the same folder, another number in the same limit."""
    linger = [str(campaign.folder / "linger"), "300"]
    others = [subprocess.Popen(linger, cwd=campaign.folder, start_new_session=session) for session in (True, False)]
    for other, number in zip(others, (resource.RLIM_INFINITY, 12345), strict=True):
        resource.prlimit(other.pid, 10, (number, resource.RLIM_INFINITY))
    try:
        _kill_after(campaign, workers, 0.1)
        wait_until(lambda: len(_processes_of(campaign)) == 2, "the end of all others", within_s=GO_WITHIN_S)
        campaign.touch("mended")
        assert campaign.run("--bench-resume", *workers).code == 0
        assert [other.poll() for other in others] == [None, None]
    finally:
        for other in others:
            other.kill()
            other.wait()
