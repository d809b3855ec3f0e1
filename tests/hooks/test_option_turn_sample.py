"""`--bench-turn-sample`: the same turns in every run and under every engine, and all that failed."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_benchrun.core.turns import Sample
from tests.hooks.campaigns import Campaign, strict_json

TURNS = """
def test_a(benchrun):
    for number in range(200):
        try:
            with benchrun.turn():
                1 / (number % 50)
        except ZeroDivisionError:
            benchrun.event("failed")
"""
UNIT = "test_a.py::test_a"


def kept_of(campaign: Campaign) -> list[dict[str, Any]]:
    return [strict_json(line) for line in (campaign.results / "turn_metrics.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("share", ["0", "0.1", "1"])
def test_the_sample_and_all_that_failed_are_kept(campaign: Campaign, engine: str, share: str) -> None:
    campaign.write({"test_a.py": TURNS})
    campaign.run(f"--bench-turn-sample={share}", engine=engine)
    sample = Sample(UNIT, float(share))
    lines = kept_of(campaign)
    turns = [line["turn_index"] for line in lines if not {"event", "sampled_out"} & line.keys()]
    assert turns == [index for index in range(200) if sample.keeps(index) or index % 50 == 0]
    left_out = [line["sampled_out"]["turns"] for line in lines if "sampled_out" in line]
    assert len(turns) + sum(left_out) == 200
    assert len(lines) - len(turns) - len(left_out) == 4


MEASURED = """
import pytest

@pytest.mark.parametrize("unit", range(3))
def test_a(benchrun, unit):
    for number in range(1500):
        with benchrun.turn(user_ms=number / 7, odd_ms=float("nan") if number % 3 else 10**30, topic="t") as turn:
            turn.tokens(input=number)
            if number % 2:
                turn.add_ns("storage_ms", "L%d" % (number % 3), 1000 * number)
                turn.add_ns("own_ms", None, 2000 * number)
"""


@pytest.mark.parametrize("share", ["0", "0.3"])
def test_the_figures_are_those_of_all_turns(campaign: Campaign, engine: str, share: str) -> None:
    campaign.write({"test_a.py": MEASURED})
    campaign.run(engine=engine)
    everything = figures_of(campaign)
    campaign.run(f"--bench-turn-sample={share}", engine=engine)
    assert figures_of(campaign) == everything
    assert everything["turns"] == 4500
    assert everything["storage_ms_by"]["L1"]["n"] == 750


def figures_of(campaign: Campaign) -> dict[str, Any]:
    """Of everything that is the same in every run."""
    figures: dict[str, Any] = strict_json((campaign.results / "runstats.json").read_text())["turn_metrics_summary"]
    del figures["total_ms"]
    return figures


def test_the_configuration_file_sets_it(campaign: Campaign, engine: str) -> None:
    campaign.ini("bench_turn_sample = 0")
    campaign.write({"test_a.py": TURNS})
    campaign.run(engine=engine)
    assert sorted("sampled_out" in line for line in kept_of(campaign)) == [False] * 8 + [True]


def test_the_campaign_file_sets_it_and_the_command_line_wins(campaign: Campaign, engine: str) -> None:
    campaign.ini("bench_turn_sample = 1")
    campaign.write({"test_a.py": TURNS, "c.toml": "[campaign]\nturn_sample = 0\n"})
    campaign.run("--bench-config=c.toml", engine=engine)
    assert len([line for line in kept_of(campaign) if "sampled_out" not in line]) == 8
    campaign.run("--bench-config=c.toml", "--bench-turn-sample=1", engine=engine)
    assert len(kept_of(campaign)) == 204


def test_what_is_no_share_in_the_campaign_file_is_named_with_its_place(campaign: Campaign) -> None:
    campaign.write({"test_a.py": TURNS, "c.toml": "[campaign]\nturn_sample = 2\n"})
    session = campaign.run("--bench-config=c.toml")
    assert session.exit_code == 4
    assert "c.toml, [campaign] turn_sample: --bench-turn-sample='2' is not a share" in session.text


@pytest.mark.parametrize("value", ["2", "-0.1", "nan", "half", "10%"])
def test_what_is_no_share_is_refused(campaign: Campaign, value: str) -> None:
    campaign.write({"test_a.py": TURNS})
    session = campaign.run(f"--bench-turn-sample={value}")
    assert session.exit_code == 4
    assert f"--bench-turn-sample={value!r} is not a share from 0 to 1" in session.text
    assert not campaign.results.exists()
