"""What turns come to in `runstats.json` and on the screen: of completed units, by their last attempt."""

from __future__ import annotations

from tests.hooks.campaigns import Campaign

TURNS = """
import os, pytest

@pytest.mark.parametrize("n", range(4))
def test_dialogue(benchrun, n):
    for step in range(5):
        with benchrun.turn(session_id=f"s{n}", role="user") as turn:
            with turn.time("llm_ms"):
                sum(range(20_000))
            with turn.time("storage_ms", adapter="L1" if step % 2 else "L2"):
                pass
            with turn.time("embed_ms"):
                pass
            turn.tokens(input=10, output=2)
    benchrun.event("done")
    assert n != 3 or os.path.exists("mended")
"""


def test_turns_of_completed_units_are_counted_and_timed(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": TURNS})
    session = campaign.run(engine=engine)
    turns = session.stats()["turn_metrics_summary"]
    assert (turns["turns"], turns["timed_turns"], turns["events"], turns["errors"]) == (15, 15, 3, 0)
    assert (turns["tokens_in"], turns["tokens_out"]) == (150, 30)
    assert {name: turns[name]["n"] for name in ("llm_ms", "storage_ms", "total_ms")} == {
        "llm_ms": 15,
        "storage_ms": 15,
        "total_ms": 15,
    }
    assert {adapter: summary["n"] for adapter, summary in turns["storage_ms_by"].items()} == {"L1": 6, "L2": 9}
    assert turns["other_ms"]["embed_ms"]["n"] == 15
    assert turns["llm_ms"]["low_n"] == ["p95", "p99"]
    assert 0 < session.stats()["attributed_s"] < session.stats()["busy_s"]
    assert "turns: 15, 15 timed, tokens 150 in, 30 out" in session.text


def test_a_unit_that_ran_again_counts_by_its_last_attempt(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": TURNS})
    campaign.run(engine=engine)
    campaign.write({"mended": ""})
    session = campaign.run("--bench-resume", engine=engine)
    turns = session.stats()["turn_metrics_summary"]
    assert (turns["turns"], turns["events"], turns["tokens_in"]) == (20, 4, 200)


def test_a_run_without_turns_says_nothing_of_them(campaign: Campaign) -> None:
    campaign.write({"test_it.py": "def test_it(): pass\n"})
    session = campaign.run()
    assert session.stats()["turn_metrics_summary"]["turns"] == 0
    assert session.stats()["attributed_s"] == 0
    assert "turns:" not in session.text
