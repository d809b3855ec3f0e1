"""A unit that hangs ends as `timeout` whatever it does, says where, leaves nothing behind, and costs nobody else."""

from __future__ import annotations

import json
import signal

import psutil
import pytest

from tests.acceptance.processes import Child, wait_until
from tests.acceptance.suite import Json, Suite

LIMIT_S = 1.0
UNLIMITED = ("--bench-max-failures=none", "--bench-max-consecutive-failures=none")
WITHIN_S = LIMIT_S + 5.0
HEALTHY = """
import pytest

@pytest.mark.parametrize("n", range(6))
def test_healthy(n): pass
"""
HEAD = """
import ctypes, os, pathlib, signal, subprocess, sys, threading, time
import pytest

HELD = ctypes.PyDLL(None)  # keeps the interpreter's lock while it is in C

def hold():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # else it would come back to Python
    while True:
        HELD.sleep(600)

def child():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code])
    with open(pathlib.Path(__file__).parent / "pids", "a") as file:
        file.write(f"{process.pid}\\n")
    return process

@pytest.fixture
def hangs_in_setup():
    time.sleep(600)

@pytest.fixture
def ignores_in_teardown():
    yield
    ignore()
    time.sleep(600)

@pytest.fixture
def hangs_in_teardown():
    yield
    time.sleep(600)

def ignore():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)

def forever():
    while True:
        try:
            time.sleep(600)
        except:
            pass
"""
UNITS = {
    "sleeps": "def test_it(): time.sleep(600)",
    "swallows": "def test_it(): forever()",
    "holds": "def test_it(): hold()",
    "blocks": "def test_it():\n    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n    forever()",
    "resets": "def test_it():\n    for name in ('SIGALRM', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT'):\n"
    "        signal.signal(getattr(signal, name), signal.SIG_IGN)\n    time.sleep(600)",
    "ignores": "def test_it(): ignore(); time.sleep(600)",
    "fails_and_ignores": "def test_it(ignores_in_teardown): assert False",
    "ignores_and_holds": "def test_it(): ignore(); hold()",
    "waits": "def test_it(): child().wait()",
    "waits_and_swallows": "def test_it():\n    child(); forever()",
    "sets_up": "def test_it(hangs_in_setup): pass",
    "tears_down": "def test_it(hangs_in_teardown): pass",
}


def _write(suite: Suite, *names: str) -> None:
    suite.write("test_a_healthy.py", HEALTHY)
    suite.write("test_z_healthy.py", HEALTHY)
    for name in names:
        suite.write(f"test_{name}.py", HEAD + "\n" + UNITS[name] + "\n")


def _incidents(suite: Suite) -> dict[str, Json]:
    """By unit the last one."""
    found = sorted((suite.results / "incidents").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    read = [json.loads(path.read_bytes()) for path in found]
    return {incident["unit_id"]: incident for incident in read}


def _ends(suite: Suite) -> dict[str, tuple[str, str]]:
    return {event["unit_id"]: (event["ended"], event["outcome"]["status"]) for event in suite.events("unit_ended")}


def _assert_nothing_lives(suite: Suite, child: Child) -> None:
    path = suite.folder / "pids"
    pids = [int(line) for line in path.read_text().splitlines()] if path.exists() else []
    wait_until(lambda: not any(map(_lives, pids)) and not child.descendants(), "the end of all processes")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_with_workers_each_ends_in_time_and_all_others_complete(suite: Suite) -> None:
    _write(suite, *UNITS)
    child = suite.start("-n2", f"--bench-stuck-timeout={LIMIT_S}s", *UNLIMITED)
    ended = child.wait()
    assert ended.code == 1, ended.output
    ends, incidents = _ends(suite), _incidents(suite)
    for name in UNITS:
        unit_id = f"test_{name}.py::test_it"
        assert ends[unit_id][1] == "timeout", (unit_id, ends[unit_id])
        incident = incidents[unit_id]
        assert incident["elapsed_s"] < WITHIN_S
        if name != "ignores_and_holds":  # nobody can ask it, and nobody in its process has the lock
            assert f"test_{name}.py" in incident["stacks"], incident
            assert f"test_{name}.py:" in incident["where"] or name == "waits", incident
        assert len([one for one in suite.started() if one == unit_id]) == 1
    seconds = [event["elapsed_s"] for event in suite.events("unit_ended") if event["unit_id"] in incidents]
    assert all(value < WITHIN_S for value in seconds)
    assert "time.sleep(600)" in "".join(one["command"] for one in incidents["test_waits.py::test_it"]["children"])
    assert ends["test_sleeps.py::test_it"][0] == "exited"
    assert ends["test_swallows.py::test_it"][0] == "stuck"
    assert ends["test_holds.py::test_it"][0] == "stuck"
    view = suite.status()
    assert (view["state"], view["timeout"], view["completed"]) == ("complete", len(UNITS), 12)
    _assert_nothing_lives(suite, child)
    assert suite.benchrun("verify").code == 0


@pytest.mark.parametrize(
    ("scope", "how"),
    [("module", "time.sleep(600)"), ("module", "hold()"), ("session", "hold()")],
    ids=["module-sleeps", "module-holds", "session-holds"],
)
def test_a_wide_fixture_that_hangs_in_its_end_fails_the_run(suite: Suite, scope: str, how: str) -> None:
    _write(suite)
    source = f'@pytest.fixture(scope="{scope}")\ndef wide():\n    yield\n    {how}\n\ndef test_it(wide): pass\n'
    suite.write("test_m_wide.py", HEAD + source)
    child = suite.start("-n2", f"--bench-stuck-timeout={LIMIT_S}s")
    ended = child.wait()
    assert ended.code == 1, ended.output
    [late] = suite.events("late_error")
    assert "test_m_wide.py" in late["detail"]
    assert scope == "session" or late["unit_id"] == "test_m_wide.py::test_it"  # else the last that ran there
    assert suite.status()["completed"] == 13
    incident = _incidents(suite)[late["unit_id"]]
    assert incident["is_wide"]
    assert incident["elapsed_s"] < WITHIN_S
    _assert_nothing_lives(suite, child)


def test_bare_a_unit_that_can_be_interrupted_fails_alone(suite: Suite) -> None:
    _write(suite, "sleeps", "waits", "sets_up", "tears_down")
    child = suite.start(f"--bench-stuck-timeout={LIMIT_S}s")
    ended = child.wait()
    assert ended.code == 1, ended.output
    assert (suite.status()["timeout"], suite.status()["completed"]) == (4, 12)
    assert {end for end in _ends(suite).values() if end[1] == "timeout"} == {("exited", "timeout")}
    _assert_nothing_lives(suite, child)


@pytest.mark.parametrize("name", ["holds", "waits_and_swallows"])
def test_bare_the_last_step_ends_the_run_and_a_resume_goes_on_after_the_unit(suite: Suite, name: str) -> None:
    _write(suite, name)
    unit_id = f"test_{name}.py::test_it"
    child = suite.start(f"--bench-stuck-timeout={LIMIT_S}s")
    assert child.wait().code == -signal.SIGKILL
    _assert_nothing_lives(suite, child)
    incident = _incidents(suite)[unit_id]
    assert f"test_{name}.py" in incident["stacks"]
    assert (suite.results / "run_error.json").exists()
    said = suite.benchrun("status", "--exit-code")
    assert said.code == 11
    assert "failed" in said.output
    assert unit_id in said.output
    again = suite.start("--bench-resume", f"--bench-stuck-timeout={LIMIT_S}s")
    assert again.wait().code == -signal.SIGKILL  # it hangs again, after all others have run
    assert suite.started()[-1] == unit_id
    last = suite.run("--bench-resume=unfinished")
    assert last.code == 1, last.output
    assert (suite.status()["state"], suite.status()["completed"], suite.status()["timeout"]) == ("complete", 12, 1)
    attempts = [event for event in suite.events("unit_ended") if event["unit_id"] == unit_id]
    assert [(one["ended"], one["outcome"]["status"]) for one in attempts] == [("stuck", "timeout")] * 2
    assert suite.benchrun("verify").code == 0


def test_bare_a_wide_fixture_that_cannot_be_interrupted_is_an_error_of_the_resume(suite: Suite) -> None:
    _write(suite)
    source = '@pytest.fixture(scope="session")\ndef wide():\n    yield\n    hold()\n\ndef test_it(wide): pass\n'
    suite.write("test_zz_wide.py", HEAD + source)
    assert suite.run(f"--bench-stuck-timeout={LIMIT_S}s").code == -signal.SIGKILL
    assert suite.benchrun("status", "--exit-code").code == 11
    again = suite.run("--bench-resume")
    assert again.code == 1, again.output
    assert [event["unit_id"] for event in suite.events("late_error")] == ["test_zz_wide.py::test_it"]
    assert (suite.status()["state"], suite.status()["completed"]) == ("complete", 13)


def test_a_run_that_people_have_suspended_is_not_stuck(suite: Suite) -> None:
    suite.write("test_it.py", "def test_waits(until): until('go')\n")
    child = suite.start("--bench-stuck-timeout=2s")
    wait_until(lambda: bool(suite.marks()), "the unit")
    child.tell(signal.SIGSTOP)
    with pytest.raises(pytest.fail.Exception):
        wait_until(lambda: child.has_ended, "nothing: it must live for longer than the limit and the grace", within_s=6)
    suite.touch("go")
    child.tell(signal.SIGCONT)
    assert child.wait().code == 0


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["bare", "n2"])
def test_a_unit_that_goes_on_may_take_ten_times_the_limit(suite: Suite, options: tuple[str, ...]) -> None:
    suite.write(
        "test_it.py",
        """
        import time, pytest

        @pytest.mark.parametrize("how", ["beat", "note", "metric", "turn"])
        def test_goes_on(benchrun, how):
            deadline = time.monotonic() + (5 if how == "turn" else 1)
            while time.monotonic() < deadline:
                time.sleep(0.2)
                if how == "turn":
                    with benchrun.turn():
                        pass
                else:
                    {"beat": benchrun.beat, "note": lambda: benchrun.note("here"),
                     "metric": lambda: benchrun.metric("m", 1)}[how]()
        """,
    )
    ended = suite.run("--bench-stuck-timeout=0.5s", *options)
    assert ended.code == 0, ended.output
    assert not (suite.results / "run_error.json").exists()


def test_no_watchdog_outlives_a_killed_owner(suite: Suite) -> None:
    _write(suite, "sleeps")
    child = suite.start("--bench-stuck-timeout=10m")
    wait_until(lambda: any("test_sleeps" in one for one in suite.started()), "the unit that sleeps")
    assert any("watchdog.py" in " ".join(one.cmdline()) for one in child.descendants())
    child.kill()
    wait_until(lambda: not child.descendants(), "the end of the watchdog", within_s=2)


def test_a_stop_at_once_ends_a_stuck_unit_before_its_time(suite: Suite) -> None:
    _write(suite, "sleeps")
    child = suite.start("--bench-stuck-timeout=10m")
    wait_until(lambda: any("test_sleeps" in one for one in suite.started()), "the unit that sleeps")
    child.tell(signal.SIGTERM)
    wait_until(lambda: "once more interrupts" in child.output, "the soft stop")
    child.tell(signal.SIGTERM)
    wait_until(lambda: child.has_ended, "the end", within_s=5)
    assert suite.status()["state"] == "interrupted"
