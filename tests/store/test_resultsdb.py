"""`results.sqlite`: the same files give the same bytes, a fault leaves the old one, and what differs is found."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.events import SessionStarted
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import Metric
from pytest_benchrun.core.sqltables import METRICS, SqlRow, Table
from pytest_benchrun.store import resultsdb
from pytest_benchrun.store.journal import encode_line
from pytest_benchrun.store.results_check import check_results
from pytest_benchrun.store.resultsdb import MOST_TURNS, is_of_last_event, makes_results, write_results
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.sqlrows import PIECE_ROWS, insert_run
from pytest_benchrun.store.turnread import has_more_lines
from tests.hooks.hostile_texts import HOSTILE_TEXTS
from tests.store.faulty import FaultyDisk
from tests.store.turnlines import event_line, turn_line
from tests.stories import FAILED, Story


def told() -> Story:
    """Two units in one session that made the file."""
    story = Story().begin("a", "b")
    story.run("a", metrics={"recall": Metric(value=0.5)})
    story.run("b", FAILED, message="wrong \0 sum")
    story.finish()
    return story


def fill(rundir: RunDir, story: Story) -> Story:
    """The journal and turns of a run whose sessions were to make the file."""
    story.events[:] = [
        replace(event, makes=["results.sqlite"]) if isinstance(event, SessionStarted) else event
        for event in story.events
    ]
    again = Story()
    for event in story.events:
        again.tell(event)
    rundir.journal.write_bytes(b"".join(encode_line(seq, event) for seq, event in enumerate(story.events, 1)))
    rundir.turns.write_bytes(turn_line("a") + event_line("a") + turn_line("a", turn_index=1, mood="\u2603"))
    return again


@pytest.fixture
def rundir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def test_the_run_can_be_asked_in_sql(rundir: RunDir) -> None:
    write_results(rundir, fill(rundir, told()).campaign)
    assert ask(rundir.results, "SELECT unit_id, status FROM units") == [("a", "completed"), ("b", "failed")]
    assert ask(rundir.results, "SELECT message FROM attempts WHERE status = 'failed'") == [("wrong \0 sum",)]
    assert ask(rundir.results, "SELECT name, value FROM metrics") == [("recall", 0.5)]
    assert ask(rundir.results, "SELECT turn_index, fields FROM turns") == [(0, None), (1, '{"mood":"\u2603"}')]


def test_the_same_files_give_the_same_bytes(rundir: RunDir) -> None:
    campaign = fill(rundir, told()).campaign
    write_results(rundir, campaign)
    first = rundir.results.read_bytes()
    write_results(rundir, campaign)
    assert rundir.results.read_bytes() == first


def test_turns_are_the_same_whether_workers_turns_are_joined_or_not(rundir: RunDir) -> None:
    campaign = fill(rundir, told()).campaign
    write_results(rundir, campaign)
    joined = rundir.results.read_bytes()
    first, second, third = rundir.turns.read_bytes().splitlines(keepends=True)
    rundir.turns.write_bytes(first)
    rundir.turn_part("gw0").write_bytes(second + third)
    write_results(rundir, campaign)
    assert rundir.results.read_bytes() == joined


@pytest.mark.parametrize("fails_at", range(1, 4))
def test_a_fault_leaves_the_old_file_and_nothing_else(tmp_path: Path, fails_at: int) -> None:
    rundir = RunDir(tmp_path)
    campaign = fill(rundir, told()).campaign
    rundir.results.write_bytes(b"old")
    before = sorted(path.name for path in tmp_path.iterdir())
    disk = FaultyDisk(fails_at)
    with pytest.raises(OSError, match="Input/output"):
        write_results(RunDir(tmp_path, disk), campaign)
    assert disk.has_failed
    is_replaced = "replace" in disk.done[:-1]
    assert (rundir.results.read_bytes() == b"old") is not is_replaced
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_sqlite_says_is_an_error_of_the_file(rundir: RunDir, tmp_path: Path) -> None:
    campaign = fill(rundir, told()).campaign
    rundir.results.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_results(rundir, campaign)
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"this is no database, and long enough for SQLite to see that it is none" * 20)
    with pytest.raises(OSError, match="SQLite: file is not a database"):
        resultsdb.fill_results(rundir, campaign, [], blocked)


def test_turns_that_cannot_be_read_are_said(rundir: RunDir) -> None:
    campaign = fill(rundir, told()).campaign
    rundir.turns.with_name("turn_metrics.1.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DirectoryProblem, match="cannot read the turns"):
        write_results(rundir, campaign)
    assert not rundir.results.exists()


def test_rows_are_handed_on_in_pieces(rundir: RunDir) -> None:
    story = Story().begin("a")
    names = [f"m{number}" for number in range(PIECE_ROWS)]
    for _ in range(3):
        story.run("a", metrics={name: Metric(value=1) for name in names})
    pieces: list[int] = []

    def insert(table: Table, rows: Iterable[SqlRow]) -> None:
        if table is METRICS:
            pieces.append(len(list(rows)))

    insert_run(rundir, story.campaign, iter(story.events), insert)
    assert pieces == [PIECE_ROWS, PIECE_ROWS, PIECE_ROWS, 0]


def test_a_file_of_an_earlier_event_is_known(rundir: RunDir) -> None:
    story = fill(rundir, told())
    assert makes_results(rundir, story.campaign)
    assert not is_of_last_event(rundir, story.campaign)
    write_results(rundir, story.campaign)
    assert is_of_last_event(rundir, story.campaign)
    story.begin(run=["b"])
    assert not is_of_last_event(rundir, story.campaign)


def problems(rundir: RunDir, story: Story) -> list[str]:
    return [finding.problem for finding in check_results(rundir, story.campaign)]


def test_a_file_that_is_right_or_not_to_be_made_is_no_finding(rundir: RunDir) -> None:
    story = told()
    assert problems(rundir, story) == []
    story = fill(rundir, story)
    assert problems(rundir, story) == ["is missing"]
    write_results(rundir, story.campaign)
    assert problems(rundir, story) == []


def test_the_same_rows_in_other_bytes_are_right(rundir: RunDir) -> None:
    story = fill(rundir, told())
    write_results(rundir, story.campaign)
    before = rundir.results.read_bytes()
    ask(rundir.results, "VACUUM")
    with closing(sqlite3.connect(rundir.results)) as connection:
        connection.executescript("PRAGMA page_size = 8192; VACUUM")
    assert rundir.results.read_bytes() != before
    assert problems(rundir, story) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE metrics SET value = 0.75", "in table 'metrics'"),
        ("DELETE FROM turns WHERE turn_index = 1", "in table 'turns'"),
        ("INSERT INTO units (unit_id) VALUES ('c')", "in table 'units'"),
        ("UPDATE benchrun_schema SET version = 9", "has tables of version 9"),
        ("DROP TABLE attempts", "is damaged: no such table: attempts"),
    ],
)
def test_what_differs_is_found(rundir: RunDir, change: str, said: str) -> None:
    story = fill(rundir, told())
    write_results(rundir, story.campaign)
    with closing(sqlite3.connect(rundir.results)) as connection:
        connection.executescript(change)
    (problem,) = problems(rundir, story)
    assert said in problem


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_database_is_found(rundir: RunDir, content: bytes) -> None:
    story = fill(rundir, told())
    rundir.results.write_bytes(content)
    (problem,) = problems(rundir, story)
    assert "is damaged" in problem


def test_a_folder_in_its_place_is_found(rundir: RunDir) -> None:
    story = fill(rundir, told())
    rundir.results.mkdir()
    (finding,) = check_results(rundir, story.campaign)
    assert finding.problem == "is a directory"
    assert "benchrun rebuild" in finding.hint


def test_the_file_of_an_unfinished_session_need_only_be_whole(rundir: RunDir) -> None:
    story = fill(rundir, told())
    write_results(rundir, story.campaign)
    story.begin(run=["b"])
    assert problems(rundir, story) == []
    rundir.results.write_bytes(rundir.results.read_bytes()[:5000])
    assert "is damaged" in problems(rundir, story)[0]


def test_a_file_without_too_many_turns_says_so_and_how_to_get_them(rundir: RunDir) -> None:
    campaign = fill(rundir, told()).campaign
    rundir.turns.write_bytes(turn_line("a") * MOST_TURNS)
    assert not has_more_lines(rundir, MOST_TURNS)
    part = rundir.turn_part("gw0")
    part.write_bytes(turn_line("b"))
    write_results(rundir, campaign)
    assert ask(rundir.results, "SELECT count(*) FROM turns") == [(0,)]
    [(table, why, command)] = ask(rundir.results, "SELECT * FROM left_out")
    assert (table, command) == ("turns", "benchrun record DIR --db FILE.sqlite")
    assert str(MOST_TURNS) in str(why)
    assert check_results(rundir, campaign) == []
    part.unlink()
    write_results(rundir, campaign)
    assert ask(rundir.results, "SELECT count(*) FROM turns") == [(MOST_TURNS,)]


def test_lines_of_full_files_are_counted_too(rundir: RunDir) -> None:
    (rundir.path / "turn_metrics.1.jsonl.gz").write_bytes(gzip.compress(turn_line() * 3))
    (rundir.path / "turn_metrics.2.jsonl.gz").write_bytes(gzip.compress(turn_line() * 3)[:-9])
    rundir.turns.write_bytes(turn_line() * 2 + b'{"torn')
    assert has_more_lines(rundir, 4)
    assert not has_more_lines(rundir, 8)


def test_every_text_is_a_value_and_no_statement(rundir: RunDir) -> None:
    texts = list(dict.fromkeys(safe_text(text) or "none" for text in HOSTILE_TEXTS))
    story = Story().begin(*texts)
    for number, text in enumerate(texts):
        story.run(text, FAILED, message=text, metrics={text: Metric(value=number, unit=text)})
    story.finish()
    write_results(rundir, fill(rundir, story).campaign)
    assert [row[0] for row in ask(rundir.results, "SELECT unit_id FROM units ORDER BY rowid")] == texts
    assert [row[0] for row in ask(rundir.results, "SELECT message FROM attempts ORDER BY rowid")] == texts
    assert ask(rundir.results, "SELECT name, unit FROM metrics ORDER BY rowid") == [(text, text) for text in texts]
