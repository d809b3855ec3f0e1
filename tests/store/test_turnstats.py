"""Figures of large columns, in threads and without: the same bits."""

from __future__ import annotations

import threading
from array import array

import orjson
import pytest

from pytest_benchrun.core.turn_stats import TurnNumbers, TurnStats
from pytest_benchrun.store.turnstats import LARGE, best_arithmetic, sum_up
from tests.store.turnlines import turn_line

FACTORS = (("llm_ms", 7919), ("storage_ms", 104729), ("embed_ms", 1299709))


def large() -> TurnStats:
    """Three columns that are worth a thread, and one that is not."""
    stats = TurnStats(lambda *_: True, best_arithmetic())
    times = {name: array("d", [number * factor % 1009 / 7 for number in range(LARGE)]) for name, factor in FACTORS}
    stats.add_numbers(TurnNumbers(turns=LARGE, times=times, by_adapter={}, tokens_in=0, tokens_out=0))
    stats.add(orjson.loads(turn_line(llm_ms=None, small_ms=2.5)))
    return stats


@pytest.mark.parametrize("threads", [1, 2, 9])
def test_threads_change_no_digit(threads: int) -> None:
    alone, together = large(), large()
    sum_up(together, threads)
    assert together.view() == alone.view()
    assert together.attributed_s.hex() == alone.attributed_s.hex()


def test_where_no_thread_can_be_started_one_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    alone, together = large(), large()
    sum_up(together, 4)
    assert together.view() == alone.view()


def test_what_comes_later_is_in_the_figures() -> None:
    stats = large()
    sum_up(stats, 2)
    before = stats.view()["llm_ms"]
    stats.add(orjson.loads(turn_line(llm_ms=1e9)))
    after = stats.view()["llm_ms"]
    assert (after["n"], after["max"]) == (before["n"] + 1, 1e9)
