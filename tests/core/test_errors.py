"""Errors say what is wrong and what to type."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.errors import BenchrunError, JournalDamaged, NewerSchema, nearest


def test_an_error_shows_its_hint_after_an_arrow() -> None:
    error = BenchrunError("'x' is no number", hint="--bench-max-failures=5")
    assert str(error) == "'x' is no number\n  -> --bench-max-failures=5"
    assert (error.problem, error.hint) == ("'x' is no number", "--bench-max-failures=5")


def test_a_damaged_journal_names_file_line_and_the_way_on() -> None:
    error = JournalDamaged("results/journal.jsonl", 7, "its checksum does not match", directory="results")
    assert (error.file, error.line) == ("results/journal.jsonl", 7)
    assert "results/journal.jsonl, line 7: its checksum does not match" in error.problem
    assert error.hint.startswith("benchrun rebuild results --salvage")


def test_a_newer_file_shows_both_versions_and_how_to_upgrade() -> None:
    error = NewerSchema("status.json", 3, 1)
    assert str(error) == (
        "status.json has schema_version 3; this version reads up to 1\n  -> pip install --upgrade pytest-benchrun"
    )


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("grop", "group"),
        ("GROUP", "group"),
        ("verison", "version"),
        ("input", "inputs"),
        ("", "group"),
        ("group", "group"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_known_one(wrong: str, name: str) -> None:
    assert nearest(wrong, ["group", "inputs", "version"]) == name
