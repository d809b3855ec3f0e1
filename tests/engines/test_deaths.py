"""How a worker died is told with its unit: the signal or exit code, and the stacks where it could write them."""

from __future__ import annotations

import re

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign

CRASHES = """
import ctypes, faulthandler, mmap, os, resource, signal, sys
import pytest

def exits(): os._exit(7)
def exits_0(): os._exit(0)
def segfaults(): ctypes.string_at(0)
def aborts(): os.abort()
def bus(): os.kill(os.getpid(), signal.SIGBUS)
def ill(): os.kill(os.getpid(), signal.SIGILL)
def fpe(): os.kill(os.getpid(), signal.SIGFPE)
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def overflows(): faulthandler._stack_overflow()

@pytest.mark.parametrize("name", NAMES)
def test_crash(name): globals()[name]()

def test_memory():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**31, before[1]))
    try: bytearray(2**33)
    finally: resource.setrlimit(resource.RLIMIT_AS, before)

@pytest.mark.parametrize("n", range(4))
def test_fine(n): pass
"""

HOW = {
    "exits": "ended with exit code 7",
    "exits_0": "ended with exit code 0",
    "segfaults": "killed by SIGSEGV",
    "aborts": "killed by SIGABRT",
    "bus": "killed by SIGBUS",
    "ill": "killed by SIGILL",
    "fpe": "killed by SIGFPE",
    "killed": "killed by SIGKILL",
    "overflows": "killed by SIGSEGV",
}


@pytest.mark.parametrize("names", [list(HOW)[:3], list(HOW)[3:6], list(HOW)[6:]], ids=lambda names: names[0])
def test_a_crash_names_its_signal_or_exit_code_and_the_line(campaign: Campaign, names: list[str]) -> None:
    campaign.write({"test_a.py": CRASHES.replace("NAMES", repr(names))})
    session = campaign.run(*UNLIMITED, engine="n2")
    failed = {name for name, status in session.ended().items() if status != "completed"}
    assert failed == {"test_a.py::test_memory", *(f"test_a.py::test_crash[{name}]" for name in names)}
    for name in names:
        ends = [end for end in session.events("unit_ended") if end["unit_id"].endswith(f"[{name}]")]
        assert [(end["attempt"], end["outcome"]["kind"]) for end in ends] == [(1, "crash"), (2, "crash")]
        outcome = ends[-1]["outcome"]
        assert HOW[name] in outcome["message"]
        if name not in {"exits", "exits_0", "killed"}:
            assert re.search(rf"File .*test_a.py\", line \d+ in {name}\n", outcome["detail"])
            assert f" in {name}\n" in session.text
    assert list(session.results.glob("stacks.*")) == []
    assert session.status()["state"] == "complete"


def test_a_child_that_outlives_its_worker_does_not_hide_the_crash(campaign: Campaign) -> None:
    source = """
import os, time
import pytest
def test_crash():
    if not os.fork():
        time.sleep(60)
        os._exit(0)
    os._exit(3)
@pytest.mark.parametrize("n", range(4))
def test_fine(n): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run("--durations=0", engine="n2")
    assert session.status()["state"] == "complete"
    assert (session.status()["completed"], session.status()["failed"]) == (4, 1)
    assert "ended with exit code 3" in session.text


def test_workers_that_die_again_and_again_pause_the_run(campaign: Campaign) -> None:
    conftest = """
import os, pathlib
def pytest_runtestloop():
    flag = pathlib.Path(__file__).parent / "broken"
    if os.environ.get("PYTEST_XDIST_WORKER") and flag.exists(): os._exit(9)
"""
    source = """
import os, pathlib, time
import pytest
@pytest.mark.parametrize("n", range(14))
def test_it(n):
    (pathlib.Path(__file__).parent / "broken").touch()
    os._exit(9)
"""
    campaign.write({"conftest.py": conftest, "test_a.py": source})
    session = campaign.run(*UNLIMITED, engine="n2")
    status = session.status()
    assert status["state"] == "paused"
    assert "10 workers died in a row" in status["reason"]
    assert "ended with exit code 9" in status["reason"]
    assert session.exit_code == 1


def test_an_internal_error_of_a_worker_costs_its_unit_alone_and_is_told(campaign: Campaign) -> None:
    conftest = """
import os
def pytest_runtest_logreport(report):
    if "broken" in report.nodeid and os.environ.get("PYTEST_XDIST_WORKER"): raise ValueError("in the hook")
"""
    source = """
import pytest
def test_broken(): pass
@pytest.mark.parametrize("n", range(4))
def test_fine(n): pass
"""
    campaign.write({"conftest.py": conftest, "test_a.py": source})
    session = campaign.run(*UNLIMITED, engine="n2")
    assert "INTERNALERROR" not in session.text
    assert session.exit_code == 1
    assert (session.status()["completed"], session.status()["failed"]) == (4, 1)
    last = [end for end in session.events("unit_ended") if end["unit_id"].endswith("test_broken")][-1]
    assert "ended with exit code 70" in last["outcome"]["message"]
    assert "ValueError: in the hook" in last["outcome"]["detail"]
