"""`--bench-max-consecutive-failures`: a run in which nothing succeeds pauses."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

PATTERN = """
import pytest

@pytest.mark.parametrize("x", range({total}))
def test_unit(x):
    kind = {pattern!r}[x % len({pattern!r})]
    if kind == "s":
        pytest.skip()
    assert kind == "."
"""
ANY_NUMBER = "--bench-max-failures=none"


def pattern(campaign: Campaign, text: str, total: int | None = None) -> None:
    """A suite in which each letter is a unit: `.` passes, `F` fails, `s` skips."""
    campaign.write({"test_unit.py": PATTERN.format(pattern=text, total=total or len(text))})


@pytest.mark.parametrize("limit", [1, 3])
def test_the_run_pauses_after_so_many_in_a_row(campaign: Campaign, limit: int) -> None:
    pattern(campaign, "FFFFFF")
    session = campaign.run(f"--bench-max-consecutive-failures={limit}", ANY_NUMBER)
    assert session.outcomes == {"failed": limit, "skipped": 6 - limit}
    assert session.exit_code == 1
    status = session.status()
    assert (status["state"], status["held_back"]) == ("paused", 6 - limit)
    assert status["reason"] == f"{limit} failures in a row with no success between"


def test_with_workers_only_units_in_flight_are_more(campaign: Campaign) -> None:
    pattern(campaign, "F", total=40)
    session = campaign.run("--bench-max-consecutive-failures=3", ANY_NUMBER, engine="n2")
    assert 3 <= session.outcomes["failed"] <= 4
    assert session.status()["state"] == "paused"


def test_a_success_between_starts_the_count_anew(campaign: Campaign) -> None:
    pattern(campaign, "FF.FF.FF.")
    session = campaign.run("--bench-max-consecutive-failures=3", ANY_NUMBER)
    assert session.status()["state"] == "complete"


def test_with_workers_a_success_of_any_of_them_does(campaign: Campaign) -> None:
    pattern(campaign, "F.", total=16)  # two workers can end three failures in a row, never five
    session = campaign.run("--bench-max-consecutive-failures=5", ANY_NUMBER, engine="n2")
    assert session.status()["state"] == "complete"


def test_a_skip_between_is_no_success(campaign: Campaign) -> None:
    pattern(campaign, "FsFsFs.")
    session = campaign.run("--bench-max-consecutive-failures=3", ANY_NUMBER)
    assert session.status()["state"] == "paused"


def test_none_never_pauses(campaign: Campaign, engine: str) -> None:
    pattern(campaign, "F", total=30)
    session = campaign.run("--bench-max-consecutive-failures=none", ANY_NUMBER, engine=engine)
    assert session.status()["failed"] == 30


def test_ten_is_the_default(campaign: Campaign) -> None:
    pattern(campaign, "F", total=30)
    assert campaign.run(ANY_NUMBER).status()["failed"] == 10


def test_the_configuration_file_sets_it(campaign: Campaign) -> None:
    campaign.ini("bench_max_consecutive_failures = 2")
    pattern(campaign, "FFFF")
    assert campaign.run(ANY_NUMBER).status()["failed"] == 2
    assert campaign.run(ANY_NUMBER, "--bench-fresh", "--bench-max-consecutive-failures=3").status()["failed"] == 3


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1.5", "10%"])
def test_other_values_are_refused_with_an_example(campaign: Campaign, text: str) -> None:
    pattern(campaign, ".")
    session = campaign.run(f"--bench-max-consecutive-failures={text}")
    assert session.exit_code == 4
    assert f"--bench-max-consecutive-failures={text!r} is not" in session.text
    assert "  -> for example: --bench-max-consecutive-failures=10" in session.text
    assert not campaign.results.exists()


def test_a_resume_counts_anew(campaign: Campaign) -> None:
    pattern(campaign, "FFFF")
    assert campaign.run("--bench-max-consecutive-failures=3", ANY_NUMBER).status()["failed"] == 3
    pattern(campaign, "FF.F")
    session = campaign.run("--bench-resume", "--bench-max-consecutive-failures=3", ANY_NUMBER)
    assert session.status()["state"] == "complete"
