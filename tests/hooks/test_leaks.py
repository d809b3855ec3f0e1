"""What a unit leaves behind is named in its warnings and cleaned up; what wider fixtures have is left alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_benchrun.world.alive import process_started
from pytest_benchrun.world.cookie import VARIABLE, cookie_for, cookie_of
from pytest_benchrun.world.orphans import end_orphans, of_run, of_worker
from tests.hooks.campaigns import Campaign, Session

STATE = """
import os, signal
import pytest

@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("wide"))
    os.environ["WIDE"] = "1"
    yield os.getcwd()
    os.chdir(before)
    del os.environ["WIDE"]

@pytest.fixture
def narrow(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NARROW", "1")

def test_leaves(tmp_path):
    os.chdir(tmp_path)
    os.environ["LEFT"] = "1"
    os.umask(0o007)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM): signal.signal(number, signal.SIG_IGN)

def test_tidy(narrow): assert "LEFT" not in os.environ and os.path.exists("results") is False

def test_finds(): assert os.path.exists("results") and "NARROW" not in os.environ

def test_wide(wide): assert os.getcwd() == wide

@pytest.mark.parametrize("n", [1, 2])
def test_wide_again(wide, narrow, n): assert os.getcwd() != wide and os.environ["WIDE"] == "1"

def test_wide_at_last(wide): assert os.getcwd() == wide

class TestDynamic:
    @pytest.fixture(scope="class")
    def late(self):
        os.environ["LATE"] = "1"
        yield
        del os.environ["LATE"]
    def test_asks(self, request, narrow): request.getfixturevalue("late")
    def test_has(self): assert os.environ["LATE"] == "1" and "NARROW" not in os.environ
"""


def _warnings(session: Session) -> dict[str, list[str]]:
    """By test the warnings of its unit; those that have any."""
    ends = session.events("unit_ended")
    return {end["unit_id"].rpartition("::")[2]: said for end in ends if (said := end["outcome"].get("warnings"))}


def test_state_is_put_back_after_a_unit_and_stays_for_wider_fixtures(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": STATE})
    session = campaign.run("--dist=loadfile", engine=engine)
    assert set(session.ended().values()) == {"completed"}, session.text
    warnings = _warnings(session)
    assert list(warnings) == ["test_leaves"]
    assert [re.sub(r"'.*'", "'...'", said) for said in warnings["test_leaves"]] == [
        "left the working directory changed to '...'",
        "left the environment changed: LEFT",
        "left the umask changed to 007",
        *(f"left the handler of {name} changed" for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")),
    ]
    assert "left the environment changed: LEFT" in session.text


LIMITS = """
import resource
import unittest
import pytest

FIRST = resource.getrlimit(resource.RLIMIT_CPU)
LOWER = (4000, FIRST[1])

def lower(): resource.setrlimit(resource.RLIMIT_CPU, LOWER)
def limit(): return resource.getrlimit(resource.RLIMIT_CPU)

@pytest.fixture
def lowered():
    lower()
    yield
    assert limit() == LOWER
    resource.setrlimit(resource.RLIMIT_CPU, FIRST)

@pytest.fixture
def untidy():
    yield
    lower()

@pytest.mark.parametrize("x", [1])
def test_in_its_function(x): lower()

def test_in_a_fixture(lowered): assert limit() == LOWER

def test_in_its_teardown(untidy): assert limit() == FIRST

def test_in_a_finalizer(request): request.addfinalizer(lower)

class TestOld:
    def setup_method(self): lower()
    def test_in_its_setup(self): assert limit() == LOWER
    def teardown_method(self): resource.setrlimit(resource.RLIMIT_CPU, FIRST)

class Case(unittest.TestCase):
    def tearDown(self): lower()
    def test_in_a_case(self): assert limit() == FIRST

def test_last(): assert limit() == FIRST
"""


def test_limits_are_put_back_wherever_a_unit_has_changed_them(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": LIMITS})
    session = campaign.run("--dist=loadfile", engine=engine)
    assert set(session.ended().values()) == {"completed"}, session.text
    said = ["left the limit of CPU time changed to 4000"]
    names = ("test_in_its_function[1]", "test_in_its_teardown", "test_in_a_finalizer", "test_in_a_case")
    assert _warnings(session) == dict.fromkeys(names, said)


PROCESSES = """
import multiprocessing, os, pathlib, subprocess, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
import pytest

HERE = pathlib.Path(__file__).parent
FORK = multiprocessing.get_context("fork")
KEPT = []

def start(name, **options):
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(20)", name], **options)
    (HERE / f"pid.{name}").write_text(str(process.pid))
    return process

@pytest.fixture(scope="module")
def server():
    process = start("server")
    yield process
    assert process.poll() is None
    process.kill()
    process.wait()

@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=FORK) as pool: yield pool

def test_leaves(): start("left")

def test_leaves_a_daemon():
    script = "(setsid sleep 300 & echo $! > pid.daemon) & wait"
    subprocess.run(["sh", "-c", script], cwd=HERE, env={"PATH": os.environ["PATH"]})

def test_leaves_a_stubborn_one():
    code = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'x'); signal.pause()"
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.read(1) == b"x"
    (HERE / "pid.stubborn").write_text(str(process.pid))

@pytest.mark.parametrize("n", [1, 2])
def test_server(server, n): assert server.poll() is None

@pytest.mark.parametrize("n", [1, 2])
def test_pool_of_the_module(pool, n): assert list(pool.map(abs, [-1, -2])) == [1, 2]

def test_pools():
    with FORK.Pool(2) as pool: assert pool.map(abs, [-1]) == [1]
    with ProcessPoolExecutor(2, mp_context=FORK) as pool: assert list(pool.map(abs, [-1, -2])) == [1, 2]

def test_terminates():
    process = FORK.Process(target=time.sleep, args=(20,))
    process.start()
    process.terminate()
    process.join()
    assert process.exitcode == -15

def test_leaves_a_thread(): threading.Thread(target=time.sleep, args=(60,), name="mine", daemon=True).start()

def test_has_a_bar_of_its_own():
    from tqdm import tqdm
    for _ in tqdm(range(3)): pass
    assert any(thread.name == "tqdm_monitor" for thread in threading.enumerate())

def test_leaves_a_file(): KEPT.append(open(__file__))

def test_tidy(): pass
"""


def _lives(path: Path) -> bool:
    return process_started(int(path.read_text("ascii"))) is not None


def test_processes_are_ended_threads_and_files_named_and_pools_work(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": PROCESSES})
    session = campaign.run("--dist=loadfile", engine=engine)
    assert set(session.ended().values()) == {"completed"}, session.text
    assert {path.name for path in campaign.folder.glob("pid.*") if _lives(path)} == set()
    warnings = _warnings(session)
    for name, word in (("", ") left (pid"), ("_a_daemon", "sleep 300"), ("_a_stubborn_one", "signal.pause()")):
        (said,) = [said for said in warnings.pop(f"test_leaves{name}") if "processes" in said]
        assert said.startswith("left processes running, which were ended: ")
        assert word in said
    assert warnings.pop("test_leaves_a_thread") == ["left threads running: mine"]
    (said,) = warnings.pop("test_leaves_a_file")
    assert re.fullmatch(r"left files open: .*/test_a\.py \(descriptor \d+\)", said)
    warnings.pop("test_pool_of_the_module[1]", None)  # the pool's own thread and pipes begin with it
    warnings.pop("test_pool_of_the_module[2]", None)
    assert warnings == {}


FORKS = """
import os, pathlib, signal
import pytest

HERE = pathlib.Path(__file__).parent

def mark(name):
    with open(HERE / "marks", "a") as file: file.write(name + chr(10))

def wait(pid): return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def test_returns():
    pid = os.fork()
    if pid: assert wait(pid) == 1

def test_raises():
    pid = os.fork()
    if not pid: raise ValueError("in the child")
    assert wait(pid) == 1

@pytest.fixture
def forks():
    pid = os.fork()
    if pid: wait(pid)
    yield
    pid = os.fork()
    if pid: wait(pid)

def test_fixture(forks): mark("fixture")

def test_skips():
    pid = os.fork()
    if not pid: pytest.skip("in the child")
    assert wait(pid) == 1

def test_after(): mark("after")
"""


def test_a_forked_child_that_comes_back_into_pytest_ends_there(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": FORKS})
    session = campaign.run(engine=engine)
    assert set(session.ended().values()) == {"completed"}, session.text
    assert sorted((campaign.folder / "marks").read_text().split()) == ["after", "fixture"]
    assert len(session.events("unit_started")) == len(session.events("unit_ended")) == 5


@pytest.fixture
def marked() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes with marks in their environment: of a run, of another one, and without."""
    processes = [
        subprocess.Popen([sys.executable, "-S", "-c", "input()", name], env=env, stdin=subprocess.PIPE)
        for name, env in {
            "unit": {VARIABLE: cookie_for("run-1", "gw0", "test_a.py::test_it", 1)},
            "wide": {"OTHER": "1", VARIABLE: cookie_for("run-1", "gw1")},
            "other run": {VARIABLE: cookie_for("run-11", "gw0")},
            "none": {"NOT": f"{VARIABLE}=run-1/gw0"},
        }.items()
    ]
    yield processes
    for process in processes:
        with suppress(OSError):
            process.kill()
        process.communicate()


def test_children_are_spared_when_they_are_not_meant(marked: list[subprocess.Popen[bytes]]) -> None:
    assert end_orphans(of_run("run-1"), spares_children=True) == []
    assert all(process.poll() is None for process in marked)


def test_orphans_of_a_run_are_found_by_their_mark_alone(marked: list[subprocess.Popen[bytes]]) -> None:
    assert cookie_of(marked[1].pid) == "run-1/gw1"
    assert [cookie_of(marked[3].pid), cookie_of(2**22 + 1)] == [None, None]
    assert end_orphans(of_worker("run-1", "gw0", None)) == [
        f"{sys.executable} -S -c input() unit (pid {marked[0].pid})"
    ]
    assert len(end_orphans(of_run("run-1"))) == 1
    assert [process.poll() is None for process in marked] == [False, False, True, True]


def test_a_mark_is_short_whatever_the_id() -> None:
    cookie = cookie_for("run", "main", "x" * 140_000 + "\ud800\0=", 7)
    assert re.fullmatch(r"run/main/[0-9a-f]{10}/7", cookie)
    assert os.fsencode(cookie).isascii()
