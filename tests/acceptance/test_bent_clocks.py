"""A unit that freezes time or travels in it gets true durations and true moments, and so do the units after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.suite import Suite
from tests.schemas import lines_of

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
LIBRARIES = pytest.mark.parametrize("library", ["freezegun", "time_machine"])
UNITS = """
    import time
    import pytest

    real_sleep = time.sleep

    def a_turn(benchrun):
        with benchrun.turn() as turn:
            with turn.time("llm_ms"):
                real_sleep(0.02)
        benchrun.event("seen")

    def test_frozen(benchrun, frozen):
        with frozen("2001-01-01"):
            assert time.time() < 1e9
            a_turn(benchrun)

    def test_in_the_middle_of_a_turn(benchrun, frozen):
        with benchrun.turn() as turn:
            with turn.time("llm_ms"):
                real_sleep(0.02)
                with frozen("2050-01-01"):
                    real_sleep(0.02)

    def test_moves(benchrun, moving):
        moving(lambda: a_turn(benchrun))

    def test_left_frozen(benchrun, frozen, request):
        here = frozen("1999-12-31")
        here.__enter__()
        request.addfinalizer(lambda: here.__exit__(None, None, None))
        a_turn(benchrun)

    def test_ordinary(benchrun):
        a_turn(benchrun)
"""
FIXTURES = {
    "freezegun": """
    import freezegun

    @pytest.fixture
    def frozen():
        return lambda at: freezegun.freeze_time(at)

    @pytest.fixture
    def moving():
        def run(do):
            with freezegun.freeze_time("2030-01-01") as clock:
                clock.tick(86400)
                do()
                clock.move_to("2010-01-01")
        return run
""",
    "time_machine": """
    import time_machine

    @pytest.fixture
    def frozen():
        class Frozen:
            def __init__(self, at): self.travel = time_machine.travel(at, tick=False)
            def __enter__(self): return self.travel.start()
            def __exit__(self, *_): self.travel.stop()
        return Frozen

    @pytest.fixture
    def moving():
        def run(do):
            with time_machine.travel("2030-01-01T00:00:00Z", tick=True) as clock:
                clock.shift(86400)
                do()
                clock.move_to("2010-01-01T00:00:00Z")
        return run
""",
}


def moments_in(value: Any, name: str = "") -> list[str]:  # noqa: ANN401  # JSON
    """Every moment of a document, wherever it stands."""
    if isinstance(value, dict):
        return [one for key, part in value.items() for one in moments_in(part, key)]
    if isinstance(value, list):
        return [one for part in value for one in moments_in(part)]
    return [value] if isinstance(value, str) and (name == "at" or name.endswith(("_at", "timestamp"))) else []


@ENGINES
@LIBRARIES
def test_moments_and_durations_are_true(suite: Suite, library: str, engine: tuple[str, ...]) -> None:
    pytest.importorskip(library)
    suite.append("conftest.py", FIXTURES[library])
    suite.write("test_it.py", UNITS)
    before = datetime.now(UTC) - timedelta(seconds=1)  # noqa: TID251  # of the machine, from outside
    ended = suite.run(*engine)
    after = datetime.now(UTC) + timedelta(seconds=1)  # noqa: TID251  # as above
    assert ended.code == 0, ended.output
    lines = lines_of(suite.results / "turn_metrics.jsonl")
    documents = [*suite.journal(), *lines, suite.status()]
    moments = [datetime.fromisoformat(moment) for moment in moments_in(documents)]
    assert len(moments) > 30
    assert [moment for moment in moments if not before <= moment <= after] == []
    took_s = (after - before).total_seconds()
    turns = [line for line in lines if "event" not in line]
    assert len(turns) == 5
    for turn in turns:
        assert 20 <= turn["llm_ms"] <= turn["total_ms"] <= took_s * 1000, turn["unit_id"]
    elapsed = {event["unit_id"]: event["elapsed_s"] for event in suite.events("unit_ended")}
    assert len(elapsed) == 5
    assert all(0.02 <= seconds <= took_s for seconds in elapsed.values()), elapsed
    assert 0 < suite.status()["avg_calc_time_seconds"] <= took_s
