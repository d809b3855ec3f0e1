"""A database of many runs: each once, whatever is recorded how often and by how many at a time."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.events import Event, RunCreated
from pytest_benchrun.core.model import Metric
from pytest_benchrun.core.sqltables import SQL_TABLES
from pytest_benchrun.store.database import DatabaseProblem, deliver, record, recorded_runs
from pytest_benchrun.store.dbplace import check_database
from pytest_benchrun.store.journal import encode_line
from pytest_benchrun.store.rundir import RunDir
from tests.store.turnlines import turn_line
from tests.stories import FAILED, Story

HOSTILE = "it's \"; DROP TABLE units; -- \0 \u202e \\ \t\n \U0001f600 %s ? $1"


def told(number: int = 0) -> list[Event]:
    """A run of its own for each number, with strings that mean harm."""
    story = Story().begin(HOSTILE, "b")
    story.run(HOSTILE, FAILED, message=HOSTILE, metrics={HOSTILE: Metric(value=2**63 - 1, unit=HOSTILE)})
    story.run("b", metrics={"recall": Metric(value=None), "odd": Metric(value=HOSTILE)})
    story.finish()
    return [
        RunCreated(**{**vars(event), "run_id": f"demo-{number}"}) if isinstance(event, RunCreated) else event
        for event in story.events
    ]


def directory(path: Path, number: int = 0) -> RunDir:
    """A results directory of run `number`."""
    path.mkdir(parents=True, exist_ok=True)
    rundir = RunDir(path)
    lines = [encode_line(seq, event) for seq, event in enumerate(told(number), 1)]
    rundir.journal.write_bytes(b"".join(lines))
    turn = turn_line("b", run_id=f"demo-{number}", error=HOSTILE, note=HOSTILE, tokens_in=2**64 - 1, llm_ms=2**64 - 1)
    rundir.turns.write_bytes(turn)
    return rundir


def put(url: str, path: Path, number: int = 0) -> None:
    """Record run `number`."""
    rundir, events = directory(path, number), told(number)
    record(url, rundir, Campaign.of(events), events)


def put_in_process(url: str, path: Path, number: int) -> int:
    """As `put`, from a process of a pool."""
    put(url, path, number)
    return number


def put_ten_at_once(url: str, path: Path) -> None:
    """Ten runs, each recorded by two processes of four; spawned, so that each opens the database anew."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        jobs = [(url, path / f"{job}", job % 10) for job in range(20)]
        assert len(pool.starmap(put_in_process, jobs, chunksize=1)) == 20


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_twice_changes_nothing(tmp_path: Path) -> None:
    put(str(tmp_path / "h.sqlite"), tmp_path / "run")
    once = dump(tmp_path / "h.sqlite")
    put(f"sqlite:///{tmp_path}/h.sqlite", tmp_path / "run")
    assert dump(tmp_path / "h.sqlite") == once


def test_a_run_leaves_others_alone(tmp_path: Path) -> None:
    url = str(tmp_path / "h.sqlite")
    for number in (1, 2, 1):
        put(url, tmp_path / "run", number)
    assert [run["run_id"] for run in recorded_runs(url)] == ["demo-1", "demo-2"]


def test_hostile_strings_come_back_as_they_were(tmp_path: Path) -> None:
    put(str(tmp_path / "h.sqlite"), tmp_path / "run")
    with closing(sqlite3.connect(tmp_path / "h.sqlite")) as connection:
        rows = connection.execute("SELECT unit_id, message FROM attempts WHERE status = 'failed'").fetchall()
        metrics = connection.execute("SELECT name, exact FROM metrics ORDER BY name").fetchall()
    assert rows == [(HOSTILE, HOSTILE)]
    assert metrics == [(HOSTILE, str(2**63 - 1)), ("odd", HOSTILE), ("recall", None)]


def test_ten_runs_recorded_at_once_are_all_there(tmp_path: Path) -> None:
    url = str(tmp_path / "h.sqlite")
    put_ten_at_once(url, tmp_path)
    assert sorted(run["run_id"] for run in recorded_runs(url)) == [f"demo-{number}" for number in range(10)]
    with closing(sqlite3.connect(url)) as connection:
        counts = [len(connection.execute(f"SELECT * FROM {table.name}").fetchall()) for table in SQL_TABLES]  # noqa: S608
    assert counts == [10, 10, 20, 20, 30, 10]


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = str(tmp_path / "h.sqlite")
    put(url, tmp_path / "run")
    with closing(sqlite3.connect(url)) as connection:
        connection.executescript("UPDATE benchrun_schema SET version = 9")
    before = dump(Path(url))
    with pytest.raises(DatabaseProblem, match="has schema_version 9; this version knows 1"):
        put(url, tmp_path / "run", 5)
    with pytest.raises(DatabaseProblem, match="schema_version 9"):
        recorded_runs(url)
    assert dump(Path(url)) == before


def test_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "h.sqlite")) as connection:
        connection.executescript("CREATE TABLE units (metre TEXT)")
    with pytest.raises(DatabaseProblem, match="a table 'units' of another program"):
        put(str(tmp_path / "h.sqlite"), tmp_path / "run")


def test_a_run_that_cannot_be_recorded_is_one_warning_with_what_to_type(tmp_path: Path) -> None:
    rundir = directory(tmp_path / "run")
    (tmp_path / "h.sqlite").write_bytes(b"this is no database, and long enough for SQLite to see that it is none" * 20)
    (said,) = deliver(str(tmp_path / "h.sqlite"), rundir, Campaign.of(told()))
    assert "file is not a database" in said
    assert f"-> benchrun record {rundir.path} --db {tmp_path / 'h.sqlite'}" in said


def test_turns_that_cannot_be_read_are_a_warning_and_nothing_is_recorded(tmp_path: Path) -> None:
    rundir = directory(tmp_path / "run")
    rundir.turns.with_name("turn_metrics.1.jsonl.gz").write_bytes(b"no gzip")
    (said,) = deliver(str(tmp_path / "h.sqlite"), rundir, Campaign.of(told()))
    assert "cannot read the turns" in said
    assert dump(tmp_path / "h.sqlite") == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_the_runs_own_file_is_no_database_of_many(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem, match="is a file of the run itself"):
        put(str(tmp_path / "run" / "results.sqlite"), tmp_path / "run")


def test_without_a_database_nothing_is_said(tmp_path: Path) -> None:
    assert deliver(None, directory(tmp_path / "run"), Campaign.of(told())) == []


@pytest.mark.parametrize("name", ["missing/h.sqlite", "."])
def test_a_folder_that_is_missing_or_named_is_refused_before_any_unit(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match="--bench-db="):
        check_database(str(tmp_path / name), "--bench-db")


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem, match="there is no database"):
        recorded_runs(str(tmp_path / "h.sqlite"))
    assert list(tmp_path.iterdir()) == []
