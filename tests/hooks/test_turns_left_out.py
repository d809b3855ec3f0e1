"""Turns that a sample leaves out: their numbers come through threads, late ends, and names that JSON has not."""

from __future__ import annotations

import threading

from pytest_benchrun.core.turn_stats import TurnStats, TurnSummary
from pytest_benchrun.hooks.turnlines import UnitTurns
from pytest_benchrun.hooks.turns import Turn
from tests.hooks.test_turns import ListFile, a_unit


def figures_of(file: ListFile) -> TurnSummary:
    stats = TurnStats(lambda _unit_id, _attempt: True)
    stats.add_all(file.lines)
    return stats.view()


def take(unit: UnitTurns, turns: int) -> None:
    for number in range(turns):
        with Turn(unit, None, None, {}) as turn:
            turn.add_ns("llm_ms", None, number * 1_000_000)


def test_turns_of_many_threads_are_all_counted() -> None:
    file = ListFile()
    unit = a_unit(file, share=0.1)
    threads = [threading.Thread(target=take, args=(unit, 1700)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unit.end()
    figures = figures_of(file)
    assert (figures["turns"], figures["timed_turns"], figures["llm_ms"]["n"]) == (6800, 6800, 6800)
    assert (figures["llm_ms"]["p50"], figures["llm_ms"]["max"]) == (849.5, 1699.0)


def test_lines_hold_no_more_than_a_thousand_turns() -> None:
    file = ListFile()
    unit = a_unit(file, share=0)
    take(unit, 2500)
    assert [line["sampled_out"]["turns"] for line in file.lines] == [1000, 1000]
    unit.end()
    assert [line["sampled_out"]["turns"] for line in file.lines] == [1000, 1000, 500]


def test_a_turn_that_ends_after_its_unit_is_written_at_once() -> None:
    file = ListFile()
    unit = a_unit(file, share=0)
    take(unit, 3)
    unit.end()
    take(unit, 2)
    unit.end()
    assert [line["sampled_out"]["turns"] for line in file.lines] == [3, 1, 1]


def test_names_that_json_has_not_lose_no_number() -> None:
    file = ListFile()
    unit = a_unit(file, unit_id="test_\ud800.py::test_a", share=0)
    for _ in range(1500):
        with Turn(unit, None, None, {}) as turn:
            turn.add_ns("odd\ud800_ms", None, 1000)
    unit.end()
    ((name, summary),) = figures_of(file)["other_ms"].items()
    assert (name.startswith("odd"), summary["n"], summary["max"]) == (True, 1500, 0.001)


def test_without_turns_there_is_no_line() -> None:
    file = ListFile()
    a_unit(file, share=0).end()
    assert file.lines == []
