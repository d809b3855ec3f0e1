"""`--bench-db`: the database of many runs that a session adds its run to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {"test_it.py": "import pytest\n@pytest.mark.parametrize('x', range(3))\ndef test_it(x): assert x\n"}


def runs_in(path: Path) -> list[tuple[str, int, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT state, completed, failed FROM runs ORDER BY run_id").fetchall()


def test_each_run_is_one_row_also_after_a_resume(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    database = campaign.folder / "all.sqlite"
    campaign.run(f"--bench-db={database}", engine=engine)
    assert runs_in(database) == [("complete", 2, 1)]
    campaign.run(f"--bench-db={database}", "--bench-resume", engine=engine)
    assert runs_in(database) == [("complete", 2, 1)]
    campaign.run(f"--bench-db={database}", engine=engine)
    assert runs_in(database) == [("complete", 2, 1)] * 2


def test_a_database_that_cannot_be_written_fails_no_run(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": "def test_it(): pass\n", "all.sqlite": "no database " * 999})
    session = campaign.run(f"--bench-db={campaign.folder / 'all.sqlite'}", engine=engine)
    assert session.exit_code == 0
    assert session.status()["state"] == "complete"
    assert "benchrun record" in session.text


def test_command_line_configuration_file_and_environment_are_asked_in_this_order(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign.write(SUITE)
    places = {name: campaign.folder / f"{name}.sqlite" for name in ("line", "file", "environment")}
    monkeypatch.setenv("BENCHRUN_DB", str(places["environment"]))
    campaign.run()
    assert runs_in(places["environment"]) == [("complete", 2, 1)]
    campaign.ini(f"bench_db = {places['file']}")
    campaign.run()
    assert runs_in(places["file"]) == [("complete", 2, 1)]
    campaign.run(f"--bench-db={places['line']}")
    assert runs_in(places["line"]) == [("complete", 2, 1)]
    assert len(runs_in(places["file"])) == len(runs_in(places["environment"])) == 1


def test_an_address_of_another_kind_is_refused(campaign: Campaign) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-db=mysql://host/runs")
    assert session.exit_code == 4
    assert "'mysql://host/runs'" in session.text
    assert not campaign.results.exists()
