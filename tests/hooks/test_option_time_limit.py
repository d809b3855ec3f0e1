"""`--bench-time-limit` and `--bench-grace`: how long a session may start units, and how long it awaits them."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.hooks.options import GRACE, TIME_LIMIT
from pytest_benchrun.hooks.parsers import parse_time
from tests.hooks.campaigns import Campaign

UNITS = "import pytest\n@pytest.mark.parametrize('x', range(6))\ndef test_unit(x): pass\n"


def test_when_time_is_up_no_unit_starts(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_unit.py": UNITS})
    session = campaign.run("--bench-time-limit=0s", engine=engine)
    assert session.outcomes == {"skipped": 6}
    assert session.exit_code == 2
    status = session.status()
    assert (status["state"], status["held_back"]) == ("stopped", 6)
    assert "time limit of 0 s reached" in status["reason"]


def test_within_it_nothing_changes(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_unit.py": UNITS})
    session = campaign.run("--bench-time-limit=8h", "--bench-grace=30s", engine=engine)
    assert session.exit_code == 0
    assert session.status()["state"] == "complete"


def test_a_resume_has_its_own_time(campaign: Campaign) -> None:
    campaign.write({"test_unit.py": UNITS})
    campaign.run("--bench-time-limit=0s")
    assert campaign.run("--bench-resume", "--bench-time-limit=1h").status()["state"] == "complete"


def test_the_configuration_file_sets_both(campaign: Campaign) -> None:
    campaign.ini("bench_time_limit = 0s", "bench_grace = 5")
    campaign.write({"test_unit.py": UNITS})
    assert campaign.run().status()["state"] == "stopped"
    assert campaign.run("--bench-resume", "--bench-time-limit=1h").status()["state"] == "complete"


@pytest.mark.parametrize("flag", ["--bench-time-limit", "--bench-grace"])
@pytest.mark.parametrize("text", ["x", "-1", "5 parsecs", "1h30m", "nan", "inf"])
def test_other_values_are_refused_with_an_example(campaign: Campaign, flag: str, text: str) -> None:
    campaign.write({"test_unit.py": UNITS})
    session = campaign.run(f"{flag}={text}")
    assert session.exit_code == 4
    assert f"{flag}={text!r} is not a time" in session.text
    assert f"  -> for example: {flag}=" in session.text
    assert not campaign.results.exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("90m", 5400.0), ("8h", 28800.0), ("2d", 172800.0), ("0.5h", 1800.0), ("15", 900.0), ("0", 0.0)],
)
def test_a_time_has_a_unit_or_is_in_minutes(text: str, seconds: float) -> None:
    assert parse_time(TIME_LIMIT, text, bare_s=60) == seconds


def test_a_bare_grace_is_in_seconds(campaign: Campaign) -> None:
    assert parse_time(GRACE, "15", bare_s=1) == 15.0


@pytest.mark.parametrize("text", ["", "s", "1w", "1 h", "1,5h", "1e3", "+1"])
def test_no_other_text_is_a_time(text: str) -> None:
    with pytest.raises(UsageProblem, match="is not a time"):
        parse_time(TIME_LIMIT, text, bare_s=60)
