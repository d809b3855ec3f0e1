"""The same with a real PostgreSQL: hostile strings, many writers, a server that is down, and a password nobody sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.sqltables import SQL_TABLES
from pytest_benchrun.store.database import DatabaseProblem, deliver, record, recorded_runs
from pytest_benchrun.store.dbplace import check_database
from tests.acceptance.suite import Suite
from tests.postgres import Server, programs
from tests.store.test_database import HOSTILE, directory, put, put_ten_at_once, told

FOLDER = programs()
psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="PostgreSQL is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that runs; a test that stops it starts it again."""
    assert FOLDER is not None
    made = Server(FOLDER)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> str:
    """An empty database for each test."""
    return server.make(f"db{abs(hash(request.node.nodeid))}")


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(question).fetchall()
        return rows


def everything(url: str) -> list[list[tuple[Any, ...]]]:
    return [sorted(ask(url, f"SELECT * FROM {table.name}"), key=repr) for table in SQL_TABLES]  # noqa: S608  # ours


def test_twice_changes_nothing(url: str, tmp_path: Path) -> None:
    put(url, tmp_path / "run")
    once = everything(url)
    put(url, tmp_path / "run")
    assert everything(url) == once
    assert [len(rows) for rows in once] == [1, 1, 2, 2, 3, 1]


def test_hostile_strings_come_back_as_they_were_but_for_nul(url: str, tmp_path: Path) -> None:
    put(url, tmp_path / "run")
    shown = HOSTILE.replace("\0", "\u2400")
    assert ask(url, "SELECT unit_id, message FROM attempts WHERE status = 'failed'") == [(shown, shown)]
    metrics = ask(url, "SELECT name, exact, unit FROM metrics WHERE status = 'failed'")
    assert metrics == [(shown, str(2**63 - 1), shown)]
    assert ask(url, "SELECT error, tokens_in, llm_ms FROM turns") == [(shown, 2**63 - 1, float(2**64 - 1))]


def test_ten_runs_recorded_at_once_are_all_there(url: str, tmp_path: Path) -> None:
    put_ten_at_once(url, tmp_path)
    assert sorted(run["run_id"] for run in recorded_runs(url)) == [f"demo-{number}" for number in range(10)]
    assert [len(rows) for rows in everything(url)] == [10, 10, 20, 20, 30, 10]


def test_a_newer_database_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    put(url, tmp_path / "run")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE benchrun_schema SET version = 9")
    before = everything(url)
    with pytest.raises(DatabaseProblem, match="has schema_version 9; this version knows 1") as caught:
        put(url, tmp_path / "run", 5)
    assert "geheim" not in str(caught.value)
    assert everything(url) == before


def test_a_run_that_cannot_be_read_to_its_end_is_not_recorded_in_part(url: str, tmp_path: Path) -> None:
    rundir = directory(tmp_path / "run")
    rundir.turns.with_name("turn_metrics.1.jsonl.gz").write_bytes(b"no gzip")
    assert "cannot read the turns" in deliver(url, rundir, Campaign.of(told()))[0]
    assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


@pytest.mark.parametrize("password", ["geheim", "g%40h%2Feim", "se%20cret"])
def test_a_server_that_is_down_is_one_warning_without_the_password(
    server: Server, tmp_path: Path, password: str
) -> None:
    url = server.address("nothing", password)
    (said,) = deliver(url, directory(tmp_path / "run"), Campaign.of(told()))
    assert "does not exist" in said
    assert f"--db '{server.address('nothing', '***')}'" in said
    assert password not in said


def test_a_server_that_does_not_answer_is_left_alone(url: str, tmp_path: Path) -> None:
    put(url, tmp_path / "run", 1)
    rundir, campaign = directory(tmp_path / "run"), Campaign.of(told())
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE runs")
        (said,) = deliver(url, rundir, campaign, within_s=0.2)
    assert "no answer in 0.2 s -> benchrun record" in said
    assert deliver(url, rundir, campaign) == []
    assert [run["run_id"] for run in recorded_runs(url)] == ["demo-0", "demo-1"]


@pytest.mark.parametrize("url", ["postgresql://a:geheim/x@db/x", "postgresql://a:geheim@db/x?nonsense=1"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageProblem, match="is no address of a") as caught:
        check_database(url, "--bench-db")
    assert "geheim" not in str(caught.value)


UNITS = """
    import pytest

    @pytest.mark.parametrize("n", range(3))
    def test_it(benchrun, n):
        benchrun.metric("energy", n / 2)
        assert n != 1
"""


def test_down_at_the_end_of_a_run_it_gets_the_run_later(server: Server, url: str, suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    server.stop()
    try:
        ended = suite.run(f"--bench-db={url}")
    finally:
        server.start()
    assert ended.code == 1
    assert ended.output.count("the run is not in the database") == 1, ended.output
    assert suite.status()["state"] == "complete"
    assert suite.benchrun("record", "--db", url).code == 0
    once = everything(url)
    assert suite.benchrun("record", "--db", url).code == 0
    assert everything(url) == once
    assert len(once[3]) == 3
    secret = [path for path in suite.results.rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert (secret, "geheim" in ended.output) == ([], False)


def test_a_resume_takes_the_address_from_the_environment(url: str, suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    assert suite.run(f"--bench-db={url}").code == 1
    assert len(everything(url)[3]) == 3
    without = suite.benchrun("resume")
    assert without.code == 1
    assert "export BENCHRUN_DB=URL" in without.output
    assert "***" not in without.output
    assert len(everything(url)[3]) == 3
    command = ["env", f"BENCHRUN_DB={url}", sys.executable, "-m", "pytest_benchrun", "resume", str(suite.results)]
    assert suite.children.start(command, suite.folder).wait().code == 1
    assert len(everything(url)[3]) == 5


def test_recording_from_events_in_memory_is_the_same(url: str, tmp_path: Path) -> None:
    rundir, events = directory(tmp_path / "run"), told()
    record(url, rundir, Campaign.of(events), iter(events))
    assert [run["units"] for run in recorded_runs(url)] == [2]
