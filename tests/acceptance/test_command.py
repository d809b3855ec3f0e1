"""`benchrun` on whatever a directory can be: a sentence and a code, never a traceback, never a file made."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
import pytest

from tests.acceptance.processes import BENCHRUN, Child, wait_until
from tests.acceptance.suite import Suite, assert_refused, state_of

HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(8))
    def test_it(until, n):
        if n >= 2:
            until("go")
"""


def _hold(suite: Suite, *engine: str) -> Child:
    """A run whose third unit waits."""
    suite.write("test_it.py", HELD)
    child = suite.start("--junitxml=junit.xml", *engine)
    wait_until(lambda: "test_it.py::test_it[2]" in {mark.unit_id for mark in suite.marks()}, "the held unit")
    wait_until(lambda: suite.status()["running"] > 0, "a status that shows it")
    return child


@pytest.mark.parametrize("command", ["status", "stop", "rebuild"])
@pytest.mark.parametrize("what", ["empty", "foreign", "missing", "a file", "below a file", "a link to nothing"])
def test_what_is_no_results_directory_is_named_and_left_alone(suite: Suite, what: str, command: str) -> None:
    place = suite.results
    if what == "empty":
        place.mkdir()
    elif what == "foreign":
        place.mkdir()
        (place / "status").write_text("of something else", "utf-8")
        (place / "STOP").write_text("a sign", "utf-8")
    elif what == "a file":
        place.write_text("a file", "utf-8")
    elif what == "below a file":
        place.write_text("a file", "utf-8")
        suite.results = place / "results"
    elif what == "a link to nothing":
        place.symlink_to(suite.folder / "nothing")
    before = state_of(suite.folder)
    assert_refused(suite.benchrun(command), str(suite.results), "-> ")
    assert state_of(suite.folder) == before
    assert not (suite.folder / "nothing").exists()


def test_what_the_system_refuses_is_said_without_a_traceback(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass")
    assert suite.run().code == 0
    lock = suite.results / ".benchrun.lock"
    lock.unlink()
    lock.mkdir()
    assert_refused(suite.benchrun("rebuild"), "cannot rebuild", str(lock), "-> see to its permissions")


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_stop_on_a_live_run_says_so_once_and_then_that_it_is_asked(suite: Suite, engine: tuple[str, ...]) -> None:
    run = _hold(suite, *engine)
    first = suite.benchrun("stop", "--reason=the cluster is needed")
    assert (first.code, first.output.startswith("Stop requested. ")) == (0, True), first.output
    again = suite.benchrun("stop")
    assert (again.code, again.output) == (0, "Stop already requested.\n")
    suite.touch("go")
    ended = run.wait()
    assert ended.code == 2, ended.output
    assert "stop requested: the cluster is needed" in ended.output
    ran = suite.started()
    skipped = [case for case in suite.junit() if case.outcome == "skipped"]
    assert {case.message for case in skipped} == {"benchrun: stop requested: the cluster is needed"}
    assert len(skipped) == 8 - len(ran)
    assert suite.status()["state"] == "stopped"

    before = state_of(suite.results)
    assert_refused(suite.benchrun("stop"), "nothing to stop", "stopped")
    assert state_of(suite.results) == before
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert len(suite.marks()) == 8


def test_stop_without_a_live_run_is_refused_and_makes_no_file(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass")
    assert suite.run().code == 0
    before = state_of(suite.results)
    assert_refused(suite.benchrun("stop"), "nothing to stop", "complete")
    assert state_of(suite.results) == before


def test_status_of_a_live_run_is_running_and_of_a_killed_one_dead_with_its_pid(suite: Suite) -> None:
    run = _hold(suite)
    alive = suite.benchrun("status", "--exit-code")
    assert alive.code == 15, alive.output
    assert "running" in alive.output
    assert "test_it.py::test_it[2]" in alive.output
    assert "2/8" in alive.output
    run.kill()
    dead = suite.benchrun("status", "--exit-code")
    assert dead.code == 13, dead.output
    assert "dead" in dead.output
    assert str(run.pid) in dead.output
    assert suite.benchrun("status").code == 0
    as_json = suite.benchrun("status", "--json")
    assert orjson.loads(as_json.output)["state"] == "dead"
    before = state_of(suite.results)
    assert_refused(suite.benchrun("stop"), "nothing to stop", "dead")
    assert state_of(suite.results) == before


def test_status_of_a_run_that_was_killed_while_it_waited_for_room_is_dead(suite: Suite) -> None:
    run = _hold(suite)
    view = suite.status()
    run.kill()
    (suite.results / "status.json").write_bytes(orjson.dumps({**view, "state": "paused", "reason": "waiting for room"}))
    ended = suite.benchrun("status", "--exit-code")
    assert ended.code == 13, ended.output
    assert str(run.pid) in ended.output


def test_rebuild_makes_the_same_views_again_and_leaves_a_live_run_alone(suite: Suite) -> None:
    run = _hold(suite)
    assert_refused(suite.benchrun("rebuild"), f"pid {run.pid}", "-> ")
    suite.touch("go")
    assert run.wait().code == 0
    views = {name: (suite.results / name).read_bytes() for name in ("status.json", "runstats.json")}
    for name in views:
        (suite.results / name).unlink()
    assert suite.benchrun("rebuild").code == 0
    assert {name: (suite.results / name).read_bytes() for name in views} == views


def test_status_tells_a_clean_end_from_one_with_failures(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass")
    suite.run()
    assert suite.benchrun("status", "--exit-code").code == 0
    suite.write("test_it.py", "def test_it(): assert 0, 'no result'")
    suite.run()
    ended = suite.benchrun("status", "--exit-code")
    assert ended.code == 10
    assert "no result" in ended.output


def test_the_module_and_the_script_are_the_same_command(suite: Suite) -> None:
    script = Path(sys.executable).with_name("benchrun")
    if not script.exists():
        pytest.skip(f"the package is not installed beside {sys.executable}")
    said = [suite.children.start([*argv, "--help"], suite.folder).wait() for argv in ([str(script)], BENCHRUN)]
    assert [ended.code for ended in said] == [0, 0]
    assert said[0].output == said[1].output
    for command in ("status", "stop", "rebuild"):
        assert command in said[0].output
        ended = suite.children.start([*BENCHRUN, command, "--help"], suite.folder).wait()
        assert ended.code == 0
        assert "DIR" in ended.output


@pytest.mark.parametrize("words", [[], ["statsu", "DIR"], ["status"]], ids=" ".join)
def test_a_wrong_command_line_is_a_usage_message(suite: Suite, words: list[str]) -> None:
    ended = suite.children.start([*BENCHRUN, *words], suite.folder).wait()
    assert ended.code in {2, 4}, ended.output
    assert "usage: benchrun" in ended.output or "DIR" in ended.output
    assert "Traceback" not in ended.output
