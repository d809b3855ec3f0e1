"""`--bench-environment`: what `environment.json` says of the host, and when nothing."""

from __future__ import annotations

import json

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {"test_it.py": "def test_it(): pass\n"}


def test_the_host_is_recorded_at_start_and_end(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    assert campaign.run(engine=engine).exit_code == 0
    view = json.loads((campaign.results / "environment.json").read_text())
    (host,) = view["hosts"].values()
    assert host["start"]["python"]["packages"]["pytest"] == pytest.__version__
    assert host["end"]["python"]["packages"] == {}, "the end asks for nothing that costs time"
    assert host["end"]["memory"]["available_bytes"] > 0
    assert (host["drift"], view["drift"]) == ([], [])


def test_a_change_is_in_the_summary_and_in_the_file(campaign: Campaign) -> None:
    wide = "@pytest.fixture(scope='session')\ndef threads(): os.environ['OMP_NUM_THREADS'] = '7'\n"
    campaign.write({"test_it.py": f"import os, pytest\n{wide}def test_it(threads): pass\n"})
    session = campaign.run(plugins=())
    assert "the host changed: " in session.text
    assert "variable OMP_NUM_THREADS not set -> 7" in session.text
    (host,) = json.loads((campaign.results / "environment.json").read_text())["hosts"].values()
    assert host["drift"][0]["units"] == ["test_it.py::test_it"]


def test_basic_leaves_out_what_costs_time(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.run("--bench-environment=basic")
    (host,) = json.loads((campaign.results / "environment.json").read_text())["hosts"].values()
    assert "git" not in host["start"]
    assert host["start"]["cpu"]["threads"] > 0


@pytest.mark.parametrize("where", ["typed", "ini"])
def test_off_records_nothing(campaign: Campaign, where: str) -> None:
    campaign.write(SUITE)
    if where == "ini":
        campaign.ini("bench_environment = off")
    session = campaign.run(*(["--bench-environment=off"] if where == "typed" else []))
    assert session.exit_code == 0
    assert not (campaign.results / "environment.json").exists()
    assert session.events("host_seen") == []


def test_another_word_is_refused(campaign: Campaign) -> None:
    campaign.write(SUITE)
    assert campaign.run("--bench-environment=all").exit_code == 4
    campaign.ini("bench_environment = all")
    session = campaign.run()
    assert session.exit_code == 4
    assert "'all' is not full, basic or off" in session.text
