"""`--bench-turn-metrics`: whether turns are kept at all."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

TURNS = """
def test_a(benchrun):
    for _ in range(3):
        with benchrun.turn(): pass
    benchrun.event("x")
"""


@pytest.mark.parametrize("where", ["typed", "ini"])
@pytest.mark.parametrize(("value", "lines"), [("on", 4), ("off", 0)])
def test_turns_are_kept_or_not(campaign: Campaign, engine: str, where: str, value: str, lines: int) -> None:
    campaign.write({"test_a.py": TURNS})
    typed = [f"--bench-turn-metrics={value}"] if where == "typed" else []
    campaign.ini(*([] if typed else [f"bench_turn_metrics = {value}"]))
    session = campaign.run(*typed, engine=engine)
    assert session.exit_code == 0, session.text
    kept = [data.count(b"\n") for name, data in campaign.files().items() if name.startswith("turn")]
    assert kept == ([lines] if lines else [])


def test_a_wrong_value_is_refused(campaign: Campaign) -> None:
    campaign.ini("bench_turn_metrics = maybe")
    campaign.write({"test_a.py": TURNS})
    session = campaign.run()
    assert session.exit_code == 4
    assert "bench_turn_metrics: --bench-turn-metrics='maybe' is not on or off" in session.text
