"""`--bench-sqlite`: whether `results.sqlite` is made when the session ends."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {"test_it.py": "import pytest\n@pytest.mark.parametrize('x', range(3))\ndef test_it(x): assert x\n"}


def test_the_run_is_there_as_tables(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    campaign.run(engine=engine)
    with closing(sqlite3.connect(campaign.results / "results.sqlite")) as connection:
        found = connection.execute("SELECT status, count(*) FROM units GROUP BY status ORDER BY status").fetchall()
    assert found == [("completed", 2), ("failed", 1)]


def test_off_makes_none(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-sqlite=off", engine=engine)
    assert session.exit_code == 1
    assert not (campaign.results / "results.sqlite").exists()


def test_the_configuration_file_counts_and_the_command_line_comes_first(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.ini("bench_sqlite = off")
    campaign.run()
    assert not (campaign.results / "results.sqlite").exists()
    campaign.run("--bench-sqlite=on", "--bench-fresh")
    assert (campaign.results / "results.sqlite").exists()


@pytest.mark.parametrize("how", ["line", "file"])
def test_another_word_is_refused(campaign: Campaign, how: str) -> None:
    campaign.write(SUITE)
    if how == "file":
        campaign.ini("bench_sqlite = some")
    session = campaign.run(*(["--bench-sqlite=some"] if how == "line" else []))
    assert session.exit_code == 4
    assert "'some'" in session.text
    assert not campaign.results.exists()
