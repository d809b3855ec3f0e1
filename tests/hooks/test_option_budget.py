"""`--bench-budget`: no unit starts once a metric has summed up to what may be spent."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign

SPENDS = """
import pytest

@pytest.mark.parametrize("x", range({total}))
def test_unit(benchrun, x):
    benchrun.metric("cost_usd", 1.5)
    benchrun.metric("calls", 1)
    {body}
"""


def spends(campaign: Campaign, total: int = 20, body: str = "pass") -> None:
    """A suite in which each unit costs 1.5 and one call."""
    campaign.write({"test_unit.py": SPENDS.format(total=total, body=body)})


def test_the_run_pauses_when_it_is_spent(campaign: Campaign) -> None:
    spends(campaign)
    session = campaign.run("--bench-budget=cost_usd=6")
    assert session.outcomes == {"passed": 4, "skipped": 16}
    assert session.status()["state"] == "paused"
    assert session.status()["reason"] == "budget spent: cost_usd is 6 of 6"
    assert session.exit_code == 1


def test_with_workers_only_units_in_flight_are_more(campaign: Campaign) -> None:
    spends(campaign)
    session = campaign.run("--bench-budget=cost_usd=6", engine="n2")
    assert 4 <= session.outcomes["passed"] <= 5
    assert session.status()["state"] == "paused"


def test_of_several_the_first_that_is_spent_counts(campaign: Campaign) -> None:
    spends(campaign)
    session = campaign.run("--bench-budget=cost_usd=1e9", "--bench-budget", "calls=3")
    assert session.outcomes["passed"] == 3
    assert "calls is 3 of 3" in session.status()["reason"]


def test_failed_units_have_spent_too(campaign: Campaign) -> None:
    spends(campaign, body="raise AssertionError")
    assert campaign.run("--bench-budget=calls=2", *UNLIMITED).status()["failed"] == 2


def test_earlier_sessions_have_spent_too(campaign: Campaign) -> None:
    spends(campaign)
    campaign.run("--bench-budget=calls=3")
    assert len(campaign.run("--bench-resume", "--bench-budget=calls=3").executions()) == 3
    assert len(campaign.run("--bench-resume", "--bench-budget=calls=5").executions()) == 5
    session = campaign.run("--bench-resume")
    assert session.exit_code == 0
    assert session.status()["completed"] == 20


def test_values_that_are_no_numbers_cost_nothing(campaign: Campaign) -> None:
    source = "import pytest\n@pytest.mark.parametrize('x', [float('nan'), float('inf'), None, 'text', -1.0])\n"
    source += "def test_unit(benchrun, x): benchrun.metric('m', x)\n"
    campaign.write({"test_unit.py": source})
    assert campaign.run("--bench-budget=m=1").status()["state"] == "complete"


def test_a_metric_that_nobody_records_is_never_spent(campaign: Campaign, engine: str) -> None:
    spends(campaign, total=3)
    assert campaign.run("--bench-budget=other=1", engine=engine).status()["state"] == "complete"


@pytest.mark.parametrize(
    "text", ["", "cost_usd", "=5", "cost_usd=", "cost_usd=much", "cost_usd=-1", "cost_usd=nan", "a=0"]
)
def test_other_values_are_refused_with_an_example(campaign: Campaign, text: str) -> None:
    spends(campaign, total=1)
    session = campaign.run(f"--bench-budget={text}")
    assert session.exit_code == 4
    assert f"--bench-budget={text!r} is not a metric and the most it may sum up to" in session.text
    assert "  -> for example: --bench-budget=cost_usd=50" in session.text
    assert not campaign.results.exists()
