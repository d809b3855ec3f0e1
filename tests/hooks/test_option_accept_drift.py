"""`--bench-accept-drift`: a resume under another configuration."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

FILE = '[campaign]\nname = "nmr"\n[matrix]\nx = [1, 2]\n[parameters]\nbasis = "sz"\nlong = ""\n'
SUITE = """
import os
import pytest

@pytest.mark.benchrun_matrix("x")
def test_a(x, benchrun):
    print(benchrun.config["basis"])
    assert x == 1 or os.path.exists("mended")
"""
CONFIG = "--bench-config=nmr.toml"


@pytest.fixture
def failed(campaign: Campaign) -> Campaign:
    """A run of two units, one of which failed; it would pass now."""
    campaign.write({"nmr.toml": FILE, "test_a.py": SUITE})
    campaign.run(CONFIG)
    campaign.write({"mended": ""})
    return campaign


def unlocked(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.endswith(".lock")}


@pytest.mark.parametrize(
    ("before", "after", "args", "said"),
    [
        ('"sz"', '"tz"', (), "parameters.basis was 'sz', is now 'tz'"),
        ('"sz"', "3", (), "parameters.basis was 'sz', is now 3"),
        ("[matrix]", "group_by = 'x'\n[matrix]", (), "group_by was not set, is now 'x'"),
        ("[matrix]", "phases = ['run', 'score']\n[matrix]", (), "phases was not set, is now ['run', 'score']"),
        (
            '""',
            f'"{"y" * 300}"',
            ("--bench-group-by=x",),
            "group_by was not set, is now 'x'; parameters.long was '', is",
        ),
        ("", "", ("--bench-phases=run",), "phases was not set, is now ['run']"),
    ],
)
def test_another_configuration_is_refused_with_both_values_and_accepted_when_asked(
    failed: Campaign, engine: str, before: str, after: str, args: tuple[str, ...], said: str
) -> None:
    failed.write({"nmr.toml": FILE.replace(before, after)})
    files = failed.files()
    session = failed.run("--bench-resume", CONFIG, *args, engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert "--bench-accept-drift" in session.text
    assert session.shown == []
    assert unlocked(failed.files()) == unlocked(files)

    session = failed.run("--bench-resume", "--bench-accept-drift", CONFIG, *args, engine=engine)
    assert session.exit_code == 0
    assert said in session.text
    [accepted] = session.events("config_accepted")
    assert session.status()["config_hash"] == accepted["config_hash"] != session.events("run_created")[0]["config_hash"]
    assert said in session.events("noted")[-1]["text"]
    assert session.executions().count("test_a.py::test_a[1]") == 1

    assert failed.run("--bench-resume", CONFIG, *args, engine=engine).exit_code == 0
    if before != after:
        failed.write({"nmr.toml": FILE})
    assert failed.run("--bench-resume", CONFIG, engine=engine).exit_code == 4


def test_a_value_that_differs_only_behind_what_is_shown_is_drift(failed: Campaign) -> None:
    failed.write({"nmr.toml": FILE.replace('""', f'"{"y" * 400}a"')})
    failed.run("--bench-resume", "--bench-accept-drift", CONFIG)
    failed.write({"nmr.toml": FILE.replace('""', f'"{"y" * 400}b"')})
    session = failed.run("--bench-resume", CONFIG)
    assert session.exit_code == 4
    assert "parameters.long was 'yyy" in session.text


def test_without_drift_nothing_is_accepted(failed: Campaign, engine: str) -> None:
    session = failed.run("--bench-resume", "--bench-accept-drift", CONFIG, engine=engine)
    assert session.exit_code == 0
    assert session.events("config_accepted") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('name = "nmr"', 'name = "other"\nmax_failures = 3\ntime_limit = "8h"\ndurability = "flush"\n'),
        ("[1, 2]", "[2, 1]"),
        ('basis = "sz"\nlong = ""', 'long = ""  # a comment\nbasis = "sz"'),
    ],
)
def test_what_does_not_make_the_measured_values_is_no_drift(
    failed: Campaign, engine: str, before: str, after: str
) -> None:
    failed.write({"nmr.toml": FILE.replace(before, after)})
    session = failed.run("--bench-resume", CONFIG, engine=engine)
    assert session.exit_code == 0
    assert set(session.ended().values()) == {"completed"}


def test_a_new_value_in_the_matrix_is_a_new_unit_and_no_drift(failed: Campaign, engine: str) -> None:
    failed.write({"nmr.toml": FILE.replace("[1, 2]", "[1, 2, 3]")})
    session = failed.run("--bench-resume", CONFIG, engine=engine)
    assert session.exit_code == 0
    assert session.status()["total_tasks"] == 3


def test_a_new_run_has_the_configuration_of_its_start(failed: Campaign) -> None:
    failed.write({"nmr.toml": FILE.replace('"sz"', '"tz"')})
    session = failed.run("--bench-fresh", CONFIG)
    assert session.exit_code == 0
    assert session.events("run_created")[0]["config"]["parameters"]["basis"] == "tz"
