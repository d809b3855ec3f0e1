"""`benchrun resume`: the recorded command once more, from any folder and for a directory that was moved."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from pytest_benchrun.cli.resume import resumed
from tests.acceptance.processes import BENCHRUN, Child, Ended, wait_until
from tests.acceptance.suite import Suite, assert_refused, bytes_of

HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(until, n):
        if n == 2:
            until("go")
"""


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (["--bench-results=x"], []),
        (["--bench-results", "x", "tests"], ["tests"]),
        (["-x", "--bench-results", "x"], ["-x"]),
        (["--bench-results"], []),
        (["--bench-fresh", "--bench-results=x", "--bench-results=y"], []),
        (["--bench-resume", "a.py", "--bench-resume=unfinished"], ["a.py"]),
        (
            ["--bench-time-limit", "8h", "--bench-budget", "cost=5"],
            ["--bench-time-limit", "8h", "--bench-budget", "cost=5"],
        ),
        (["-k", "a or b", "-n4"], ["-k", "a or b", "-n4"]),
        (["--bench-accept-drift", "--bench-to", "run"], ["--bench-to", "run"]),
        (["--bench-results-of=x", "--bench-keep-stale"], ["--bench-results-of=x", "--bench-keep-stale"]),
    ],
)
def test_only_what_says_where_and_how_to_start_is_replaced(recorded: list[str], expected: list[str]) -> None:
    assert resumed(recorded, "/r", ["-v"]) == [*expected, "--bench-results=/r", "--bench-resume", "-v"]


@pytest.mark.parametrize("extra", [["--bench-from=score"], ["--bench-from", "score"], ["-x", "--bench-only=score"]])
def test_phases_that_are_named_anew_take_the_place_of_all_recorded_ones(extra: list[str]) -> None:
    recorded = ["--bench-to", "run", "a.py", "--bench-only=run", "--bench-force-phase"]
    assert resumed(recorded, "/r", extra) == ["a.py", "--bench-results=/r", "--bench-resume", *extra]


def test_what_follows_bare_dashes_is_a_path_whatever_it_looks_like() -> None:
    made = resumed(["-x", "--", "--bench-fresh"], "/r", ["-v"])
    assert made == ["-x", "--bench-results=/r", "--bench-resume", "-v", "--", "--bench-fresh"]


def hold(suite: Suite, *options: str) -> Child:
    """A run whose third unit waits."""
    suite.write("test_it.py", HELD)
    child = suite.start(*options)
    wait_until(lambda: len(suite.started()) == 3, "the held unit")
    return child


def stop(suite: Suite, child: Child) -> None:
    assert suite.benchrun("stop").code == 0
    suite.touch("go")
    assert child.wait().code == 2


def resume(suite: Suite, *extra: str) -> Ended:
    """The command, from a folder that has nothing to do with the suite."""
    folder = suite.folder.parent / "elsewhere"
    folder.mkdir(exist_ok=True)
    words = [*BENCHRUN, "resume", str(suite.results), *(["--", *extra] if extra else [])]
    return suite.children.start(words, folder).wait()


def test_a_stopped_run_is_completed_from_another_folder(suite: Suite) -> None:
    stop(suite, hold(suite, "--bench-durability=flush", "test_it.py"))
    ended = resume(suite)
    assert ended.code == 0, ended.output
    assert f"benchrun: in {suite.folder}: pytest " in ended.output
    view = suite.status()
    assert (view["state"], view["completed"], view["session"]) == ("complete", 6, 2)
    first, second = suite.events("session_started")
    ours = f"--bench-results={suite.results}"
    assert second["command"] == [*(word for word in first["command"] if word != ours), ours, "--bench-resume"]
    assert (first["cwd"], second["cwd"]) == (str(suite.folder), str(suite.folder))
    again = resume(suite)
    assert (again.code, "nothing to do" in again.output) == (0, True), again.output


def test_a_killed_run_goes_on_with_more_arguments(suite: Suite) -> None:
    hold(suite).kill()
    suite.touch("go")
    ended = resume(suite, "--junitxml=junit.xml", "-v")
    assert ended.code == 0, ended.output
    assert len(suite.junit()) == 4
    assert suite.benchrun("verify").code == 0


def test_the_exit_code_is_that_of_pytest(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): assert 0\ndef test_other(): pass\n")
    assert suite.run("-x").code == 1
    ended = resume(suite)
    assert (ended.code, suite.status()["state"]) == (1, "stopped"), "-x is repeated too"


def test_a_run_that_was_moved_goes_on_where_it_is_now(suite: Suite) -> None:
    stop(suite, hold(suite))
    old, suite.results = suite.results, suite.folder.parent / "moved here" / "results"
    suite.results.parent.mkdir()
    shutil.move(old, suite.results)
    ended = resume(suite)
    assert ended.code == 0, ended.output
    assert (suite.status()["completed"], suite.status()["results_dir"]) == (6, str(suite.results))
    assert not old.exists()


def test_signals_reach_pytest_itself(suite: Suite) -> None:
    hold(suite).kill()
    child = suite.children.start([*BENCHRUN, "resume", str(suite.results)], suite.folder)
    wait_until(lambda: len(suite.started()) == 4, "the held unit again")
    child.tell(signal.SIGTERM)
    wait_until(lambda: "SIGTERM" in child.output, "the answer to the signal")
    suite.touch("go")
    assert child.wait().code == 2
    assert suite.status()["state"] == "stopped"


def test_a_live_owner_is_named(suite: Suite) -> None:
    child = hold(suite)
    assert_refused(resume(suite), f"pid {child.pid}", f"benchrun stop {suite.results}")
    stop(suite, child)


def test_a_folder_that_is_gone_is_named_with_the_command(suite: Suite) -> None:
    suite.results = suite.folder.parent / "results"
    stop(suite, hold(suite))
    suite.folder.rename(suite.folder.with_name("renamed"))
    before = bytes_of(suite.results)
    ended = resume(suite)
    assert_refused(ended, f"{str(suite.folder)!r}", f"--bench-results={suite.results} --bench-resume")
    assert bytes_of(suite.results) == before


@pytest.mark.parametrize("what", ["missing", "empty", "a file", "no session", "damaged", "a directory for a journal"])
def test_what_cannot_be_resumed_is_named(suite: Suite, what: str) -> None:
    journal = suite.results / "journal.jsonl"
    said = str(suite.results)
    if what == "a file":
        suite.results.write_text("a file", "utf-8")
    elif what != "missing":
        suite.results.mkdir()
    if what == "no session":
        journal.touch()
    elif what == "damaged":
        journal.write_bytes(b"#\n")
        said = f"benchrun rebuild {suite.results} --salvage"
    elif what == "a directory for a journal":
        journal.mkdir()
    assert_refused(resume(suite), said, "-> ")


def test_other_commands_take_nothing_after_the_dashes(suite: Suite) -> None:
    ended = suite.benchrun("status", "--", "-x")
    assert (ended.code, "status takes nothing after --, and got '-x'" in ended.output) == (2, True)


def test_a_folder_with_a_name_of_many_words_is_repeated_as_it_is(suite: Suite, tmp_path: Path) -> None:
    suite.results = tmp_path / 'it\'s $HOME; "here"'
    stop(suite, hold(suite))
    ended = resume(suite)
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == 6
