"""Figures over turns: which lines count, and that the sums and percentiles are those of the values."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.stats import summarize
from pytest_benchrun.core.turn_stats import TurnNumbers, TurnStats

TIMES = st.none() | st.floats(0, 1e6)
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "unit_id": st.sampled_from(["a", "b"]),
            "attempt": st.integers(1, 2),
            "llm_ms": TIMES,
            "storage_ms": TIMES,
            "storage_ms_by": st.none() | st.dictionaries(st.sampled_from(["L1", "L2"]), st.floats(0, 1e6)),
            "total_ms": st.floats(0, 1e6),
            "tokens_in": st.none() | st.integers(0, 10**6),
            "tokens_out": st.none() | st.integers(0, 10**6),
            "status": st.sampled_from(["ok", "error", "timeout"]),
        },
        optional={"embed_ms": TIMES},
    )
)


def line(**fields: object) -> dict[str, Any]:
    """A turn of unit `a` that timed nothing."""
    return {
        "unit_id": "a",
        "attempt": 1,
        **dict.fromkeys(("llm_ms", "storage_ms", "storage_ms_by", "tokens_in", "tokens_out")),
        "total_ms": 5.0,
        "status": "ok",
        **fields,
    }


def stats_of(*lines: dict[str, Any]) -> TurnStats:
    """Figures of lines of which the second attempts count."""
    stats = TurnStats(lambda _, attempt: attempt == 2)
    for one in lines:
        stats.add(one)
    return stats


@given(LINES)
def test_the_figures_are_those_of_the_lines_that_count(lines: list[dict[str, Any]]) -> None:
    view = stats_of(*lines).view()
    counted = [one for one in lines if one["attempt"] == 2]
    assert view["turns"] == len(counted)
    assert view["errors"] == sum(one["status"] != "ok" for one in counted)
    assert view["tokens_in"] == sum(one["tokens_in"] or 0 for one in counted)
    for name in ("llm_ms", "storage_ms", "total_ms"):
        assert view[name] == summarize([one[name] for one in counted if one[name] is not None])
    embed = [one["embed_ms"] for one in counted if one.get("embed_ms") is not None]
    assert view["other_ms"] == ({"embed_ms": summarize(embed)} if embed else {})
    for adapter, summary in view["storage_ms_by"].items():
        values = [one["storage_ms_by"][adapter] for one in counted if adapter in (one["storage_ms_by"] or {})]
        assert summary == summarize(values)


@given(LINES)
def test_the_order_of_the_lines_changes_nothing(lines: list[dict[str, Any]]) -> None:
    assert stats_of(*lines).view() == stats_of(*reversed(lines)).view()


@given(LINES)
def test_attributed_seconds_are_those_of_all_timers(lines: list[dict[str, Any]]) -> None:
    timers = ("llm_ms", "storage_ms", "embed_ms")
    values = [one[name] for one in lines if one["attempt"] == 2 for name in timers if one.get(name) is not None]
    assert math.isclose(stats_of(*lines).attributed_s, sum(values) / 1000, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("fields", "timed"), [({}, 0), ({"llm_ms": 1.0}, 1), ({"embed_ms": 0}, 1), ({"note_ms": "x"}, 0)]
)
def test_a_turn_is_timed_when_a_timer_ran_in_it(fields: dict[str, object], timed: int) -> None:
    assert stats_of(line(attempt=2, **fields)).view()["timed_turns"] == timed


def test_a_line_of_an_event_is_no_turn() -> None:
    view = stats_of({"event": "retry", "unit_id": "a", "attempt": 2}, line(attempt=2)).view()
    assert (view["events"], view["turns"]) == (1, 1)


@pytest.mark.parametrize(("own", "timed"), [({}, 3), ({"timed": 1, "errors": 2}, 1)])
def test_numbers_of_many_turns_are_taken_in_at_once(own: dict[str, int], timed: int) -> None:
    stats = TurnStats(lambda *_: True)
    times = {"llm_ms": array("d", [1.0, 2.0]), "total_ms": array("d", [1.0, 2.0, 3.0])}
    numbers = TurnNumbers(turns=3, times=times, by_adapter={"L2": array("d", [4.0])}, tokens_in=5, tokens_out=6, **own)
    stats.add_numbers(numbers)
    view = stats.view()
    assert (view["turns"], view["timed_turns"], view["errors"]) == (3, timed, own.get("errors", 0))
    assert (view["tokens_in"], view["tokens_out"], view["storage_ms_by"]["L2"]["n"]) == (5, 6, 1)
    assert sorted(map(len, stats.columns())) == [1, 2, 3]
