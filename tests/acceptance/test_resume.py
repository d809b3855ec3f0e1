"""What DIR holds decides: nothing to do changes no byte, a live run is left alone, an unfinished one is not lost."""

from __future__ import annotations

import json
import platform
import re
import time

import pytest

from tests.acceptance.processes import PYTEST, wait_until
from tests.acceptance.suite import Suite, bytes_of, state_of

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
LOCK = ".benchrun.lock"
GREEN = """
    import pytest

    @pytest.mark.parametrize("n", range(12))
    def test_it(benchrun, n):
        benchrun.artifact("out.txt").write_text(str(n))
        benchrun.metric("n", n)
"""
STOPS = """
    import pathlib, pytest

    @pytest.mark.parametrize("n", range(12))
    def test_it(benchrun, n):
        benchrun.artifact("out.txt").write_text(str(n))
        if n == 4:
            (pathlib.Path(__file__).parent / "results" / "STOP").touch()
"""
HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(until, n):
        if n == 2:
            until("go")
"""

OF_PROCESSES = (".benchrun-tmp-", "stacks.")
"""Beginnings of the names of files that go with their process and not with the run."""


def test_a_resume_with_nothing_to_do_settles_what_a_dead_owner_left(suite: Suite) -> None:
    suite.write("test_it.py", GREEN)
    assert suite.run().code == 0
    owner = suite.events("session_started")[0]["owner"]
    lock = suite.results / LOCK
    lock.write_text(json.dumps(owner), "utf-8")
    found = suite.benchrun("verify")
    assert suite.run("--bench-resume").code == 0
    mended = suite.benchrun("verify")
    assert (found.code, mended.code) == (1, 0), mended.output


@ENGINES
def test_a_resume_with_nothing_to_do_changes_no_byte(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", GREEN)
    assert suite.run(*engine).code == 0
    before = state_of(suite.results)
    marks = suite.marks()
    assert len(before) == 12 + 8, "artifacts, journal, six views, the host's series, lock"
    for resume in ("--bench-resume", "--bench-resume=unfinished"):
        ended = suite.run(resume, *engine)
        assert ended.code == 0, ended.output
        assert "nothing to do" in ended.output
    after = state_of(suite.results)
    # the lock is taken while the session looks, and given back as it was; its time alone tells of that
    assert {name: (file.size, file.sha256) for name, file in after.items()} == {
        name: (file.size, file.sha256) for name, file in before.items()
    }
    del before[LOCK], after[LOCK]
    assert after == before
    assert suite.marks() == marks


@ENGINES
def test_a_second_owner_is_refused_before_it_collects_and_harms_nobody(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", HELD)
    suite.append(
        "conftest.py",
        """
        def pytest_collection(session):
            with (HERE / "collections").open("a") as file:
                file.write(f"{os.getpid()}\\n")
        """,
    )
    first = suite.start(*engine)
    wait_until(lambda: "test_it.py::test_it[2]" in {mark.unit_id for mark in suite.marks()}, "the held unit")
    journal = (suite.results / "journal.jsonl").read_bytes()

    begun_s = time.monotonic()
    suite.children.start([*PYTEST, "--collect-only", "-q"], suite.folder).wait()
    looking_s = time.monotonic() - begun_s
    collections = (suite.folder / "collections").read_text("utf-8")
    took_s = []
    for options in ((), ("--bench-resume",), ("--bench-fresh",), ("-n2",)):
        begun_s = time.monotonic()
        second = suite.run(*options)
        took_s.append(time.monotonic() - begun_s)
        assert second.code == 4, second.output
        assert f"pid {first.pid} on host {platform.node()!r}" in second.output
        assert "Traceback" not in second.output
    assert min(took_s) < looking_s + 0.5, "beyond what pytest itself takes to start and look"
    assert (suite.folder / "collections").read_text("utf-8") == collections
    assert (suite.results / "journal.jsonl").read_bytes().startswith(journal)

    suite.touch("go")
    ended = first.wait()
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == len(suite.marks()) == 6


def test_of_owners_that_start_at_once_one_gets_the_directory(suite: Suite) -> None:
    suite.write("test_it.py", 'def test_it(until): until("go")')
    started = [suite.start() for _ in range(5)]
    wait_until(lambda: sum(child.has_ended for child in started) == 4, "four of five are refused")
    suite.touch("go")
    ended = [child.wait() for child in started]
    assert sorted(end.code for end in ended) == [0, 4, 4, 4, 4], [end.output for end in ended]
    assert len(suite.marks()) == len(suite.events("session_started")) == 1


def _unfinished(suite: Suite, how: str) -> None:
    """Leave an unfinished run in the directory."""
    if how == "stopped":
        suite.write("test_it.py", STOPS)
        assert suite.run().code == 2
        return
    suite.write("test_it.py", HELD)
    child = suite.start(*(("-n2",) if how == "killed-n2" else ()))
    wait_until(lambda: "test_it.py::test_it[2]" in {mark.unit_id for mark in suite.marks()}, "the held unit")
    child.kill()
    suite.touch("go")
    wait_until(lambda: not child.descendants(), "the end of the workers")


@pytest.mark.parametrize("how", ["stopped", "killed", "killed-n2"])
def test_an_unfinished_run_is_refused_and_nothing_of_it_changes(suite: Suite, how: str) -> None:
    _unfinished(suite, how)
    before = bytes_of(suite.results)
    marks = suite.marks()
    for engine in ((), ("-n2",)):
        refused = suite.run(*engine)
        assert refused.code == 4, refused.output
        assert "--bench-resume" in refused.output
        assert "--bench-fresh" in refused.output
        assert "Traceback" not in refused.output
    after = bytes_of(suite.results)
    del before[LOCK], after[LOCK]
    assert after == before
    assert suite.marks() == marks


def test_a_refused_start_leaves_the_record_of_a_killed_owner_alone(suite: Suite) -> None:
    """It is what `benchrun status` and the note of the takeover go by."""
    _unfinished(suite, "killed")
    before = (suite.results / LOCK).read_bytes()
    assert suite.run().code == 4
    assert (suite.results / LOCK).read_bytes() == before
    ended = suite.run("--bench-resume")
    assert "took the directory over from pid" in ended.output


@pytest.mark.parametrize("how", ["stopped", "killed", "killed-n2"])
def test_fresh_moves_an_unfinished_run_whole_to_the_history(suite: Suite, how: str) -> None:
    _unfinished(suite, how)
    (suite.results / "notes-of-mine.txt").write_text("not yours", "utf-8")
    before = {name: data for name, data in bytes_of(suite.results).items() if not name.startswith(OF_PROCESSES)}
    run_id = suite.events("run_created")[0]["run_id"]
    ended = suite.run("--bench-fresh")
    assert f"history/{run_id}" in ended.output
    moved = bytes_of(suite.results / "history" / run_id)
    del before[LOCK]
    assert {**moved, "notes-of-mine.txt": before["notes-of-mine.txt"]} == before
    assert suite.events("run_created")[0]["run_id"] != run_id


@ENGINES
def test_a_finished_run_moves_to_the_history_by_itself_and_a_line_says_so(
    suite: Suite, engine: tuple[str, ...]
) -> None:
    suite.write("test_it.py", GREEN)
    assert suite.run(*engine).code == 0
    before = bytes_of(suite.results)
    run_id = suite.status()["run_id"]
    ended = suite.run(*engine)
    assert ended.code == 0, ended.output
    assert re.search(rf"moved to \S*history/{re.escape(run_id)}", ended.output)
    del before[LOCK]
    assert bytes_of(suite.results / "history" / run_id) == before
    assert suite.status()["run_id"] != run_id
    assert len(suite.marks()) == 24


def test_resume_runs_what_failed_and_unfinished_leaves_it_alone(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_it(n, until):
            assert n != 3 or (__import__("pathlib").Path(__file__).parent / "mended").exists()
        """,
    )
    assert suite.run().code == 1
    suite.touch("mended")
    before = state_of(suite.results)
    ended = suite.run("--bench-resume=unfinished")
    assert ended.code == 1, "nothing ran, and a failed unit is still there"
    assert len(suite.marks()) == 6
    del before[LOCK]
    after = state_of(suite.results)
    assert {name: after[name] for name in before} == before
    ended = suite.run("--bench-resume")
    assert ended.code == 0, ended.output
    assert [mark.unit_id for mark in suite.marks()[6:]] == ["test_it.py::test_it[3]"]
    assert suite.marks()[6].attempt == 2


@pytest.mark.parametrize("journal", ["", '{"schema_version":1,"seq":1,"ev'], ids=["empty", "torn"])
def test_a_run_that_died_before_its_first_line_is_no_obstacle(suite: Suite, journal: str) -> None:
    """The journal was made, and the process killed before it could say anything."""
    suite.write("test_it.py", GREEN)
    suite.results.mkdir()
    (suite.results / "journal.jsonl").write_text(journal, "utf-8")
    ended = suite.run("--bench-resume")
    if ended.code == 4:  # nothing to resume: also an answer
        assert "Traceback" not in ended.output
        ended = suite.run()
    assert ended.code == 0, ended.output
    assert suite.run("--bench-resume").code == 0
    run_id = suite.status()["run_id"]
    assert suite.benchrun("rebuild").code == 0
    assert (suite.status()["completed"], suite.status()["run_id"]) == (12, run_id)
    assert [event["event"] for event in suite.journal()].count("run_created") == 1
