"""What an error says to type can be typed, also where the directory has spaces in its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_benchrun.cli import main
from tests.hooks.campaigns import Campaign
from tests.hooks.conftest import campaign  # noqa: F401  # the fixture

SUITE = "def test_a(): raise AssertionError\ndef test_b(): pass\n"


def _damage(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"{}\n", *lines[2:]]))


def test_paths_in_hints_are_quoted(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811  # same
    campaign.write({"test_it.py": SUITE})
    results = campaign.results = campaign.folder / "my results"
    assert f"(benchrun status '{results}' shows where it is)" in campaign.run("-x").text
    lock = results / ".benchrun.lock"
    other = {"host": "elsewhere", "pid": 1, "boot_id": "b", "process_started": "1", "started_at": "now"}
    lock.write_text(json.dumps({"schema_version": 1, **other}), "utf-8")
    assert f"rm '{lock}'   and start again" in campaign.run("--bench-resume").text
    lock.write_bytes(b"")
    capsys.readouterr()
    for command, hint in {
        "stop": f"-> benchrun status '{results}'\n",
        "start": f"-> leave it away: benchrun start '{results}' -- ...\n",
    }.items():
        assert main([command, str(results), *(["--", "--bench-results=x"] if command == "start" else [])]) == 4
        assert capsys.readouterr().err.endswith(hint)
    (results / "status.json").write_text("{", "utf-8")
    assert main(["status", str(results)]) == 4
    assert f"-> benchrun rebuild '{results}'   (makes" in capsys.readouterr().err
    _damage(results / "journal.jsonl")
    assert main(["stats", str(results)]) == 4
    assert f"-> benchrun rebuild '{results}' --salvage" in capsys.readouterr().err
    assert main(["status", str(results / "none")]) == 4
    assert f"-> start one: pytest --bench-results='{results}/none'\n" in capsys.readouterr().err
