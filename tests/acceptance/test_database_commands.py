"""`results.sqlite`, `--bench-db`, `benchrun record` and `benchrun history`, as their users meet them."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.processes import BENCHRUN, wait_until
from tests.acceptance.suite import Suite, assert_refused, bytes_of

UNITS = """
    import pytest

    @pytest.mark.parametrize("size", range(6))
    def test_it(benchrun, until, size):
        for _ in range(2):
            with benchrun.turn(session_id=f"d{size}") as turn:
                turn.tokens(output=3)
        benchrun.metric("recall", size / 2, better="higher")
        assert size != 1
        if size == 4:
            until("go")
"""
QUESTIONS = re.findall(
    r"```sql\n(.*?)```", (Path(__file__).parents[2] / "docs" / "database.md").read_text("utf-8"), re.DOTALL
)


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_rebuild_gives_the_same_bytes_and_nothing_is_wrong(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    assert suite.run(*workers).code == 1
    before = bytes_of(suite.results)
    assert ask(suite.results / "results.sqlite", "SELECT count(*) FROM turns") == [(12,)]
    assert suite.benchrun("verify").code == 0
    (suite.results / "results.sqlite").unlink()
    verified = suite.benchrun("verify")
    assert (verified.code, "results.sqlite: is missing" in verified.output) == (1, True)
    assert suite.benchrun("rebuild").code == 0
    assert bytes_of(suite.results) == before


def test_a_killed_run_can_be_recorded_and_again_when_it_has_ended(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start("--bench-db=history.sqlite")
    wait_until(lambda: len(suite.marks()) == 5 or child.has_ended, "the fifth unit")
    database = suite.folder / "history.sqlite"
    question = "SELECT state, completed, failed, running, pending FROM runs"
    assert suite.benchrun("record", "--db", "history.sqlite").code == 0
    assert ask(database, question) == [("running", 3, 1, 1, 1)]
    child.kill()
    assert suite.benchrun("record", "--db", "history.sqlite").code == 0
    assert "dead" in suite.benchrun("history").output
    suite.touch("go")
    assert suite.benchrun("resume").code == 1
    assert ask(database, question) == [("complete", 5, 1, 0, 0)]
    assert ask(database, "SELECT count(*) FROM attempts") == [(8,)]
    assert suite.benchrun("verify").code == 0


def test_history_lists_a_directory_and_a_database_alike(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    for _ in range(2):
        assert suite.run("--bench-db=sqlite:///history.sqlite").code == 1
    listed = json.loads(suite.benchrun("history", "--json").output)
    assert [(run["state"], run["units"], run["completed"]) for run in listed] == [("complete", 6, 5)] * 2
    command = [*BENCHRUN, "history", "history.sqlite"]
    assert json.loads(suite.children.start([*command, "--json"], suite.folder).wait().output) == listed
    table = suite.children.start(command, suite.folder).wait().output
    assert table == suite.benchrun("history").output
    assert table.splitlines()[0].split() == ["run", "state", "started", "wall", "units", "completed", "failed"]


def test_the_questions_of_the_documentation_have_answers(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    assert suite.run("--bench-db=history.sqlite").code == 1
    portable = [question for question in QUESTIONS if "::" not in question]
    assert len(portable) == 6
    for question in portable:
        assert ask(suite.results / "results.sqlite", question) == ask(suite.folder / "history.sqlite", question) != []


def test_without_sqlite_there_is_no_file_and_nothing_is_missed(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    assert suite.run("--bench-sqlite=off").code == 1
    assert not (suite.results / "results.sqlite").exists()
    assert suite.benchrun("verify").code == 0


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--bench-db=mysql://anna:geheim@db/x", "'mysql://anna:***@db/x': there is no kind of database 'mysql'"),
        ("--bench-db=missing/history.sqlite", "is no folder"),
        ("--bench-db=", "names no database"),
    ],
)
def test_a_database_that_cannot_be_is_refused_before_any_unit(suite: Suite, option: str, said: str) -> None:
    suite.write("test_it.py", UNITS)
    ended = suite.run(option)
    assert_refused(ended, said, "-> ")
    assert "geheim" not in ended.output
    assert suite.marks() == []


def test_a_database_that_fails_at_the_end_is_one_warning(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    (suite.folder / "history.sqlite").write_bytes(b"no database " * 500)
    ended = suite.run("--bench-db=history.sqlite")
    assert ended.code == 1
    assert ended.output.count("the run is not in the database") == 1
    (suite.folder / "history.sqlite").unlink()
    assert suite.benchrun("record", "--db", "history.sqlite").code == 0


@pytest.mark.parametrize("where", ["ini", "campaign", "environment"])
def test_the_database_may_be_named_elsewhere(suite: Suite, where: str) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    suite.write("pytest.ini", "[pytest]\n" + ("bench_db = history.sqlite\n" if where == "ini" else ""))
    suite.write("campaign.toml", '[campaign]\ndb = "history.sqlite"\n')
    words = [f"--bench-results={suite.results}", *(["--bench-config=campaign.toml"] if where == "campaign" else [])]
    before = ["env", "BENCHRUN_DB=history.sqlite"] if where == "environment" else []
    start = [*before, *BENCHRUN[:2], "pytest", *words]
    assert suite.children.start(start, suite.folder).wait().code == 1
    assert ask(suite.folder / "history.sqlite", "SELECT units FROM runs") == [(6,)]


def test_what_record_and_history_refuse(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    assert_refused(suite.benchrun("record", "--db", "history.sqlite"), "there is no run")
    assert_refused(suite.benchrun("history"), "there is no run")
    suite.run()
    assert_refused(suite.benchrun("record"), "no database is named", "BENCHRUN_DB=URL")
    assert_refused(suite.benchrun("record", "--db", "missing/x.sqlite"), "is no folder")
