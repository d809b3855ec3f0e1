"""Numbers taken from the text of lines: those that decoding every line gives, or none at all."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.turntext import end_of_unit, numbers_in
from tests.store.turnlines import event_line, turn_line

MS = st.integers(0, 10**9).map(lambda us: us / 1000)
ADAPTERS = st.lists(st.sampled_from(["L2", "fts5 recall", '"status":"ok"', "größe", "a,b}"]), unique=True)
RECORD = {"llm_ms": 1.0, "storage_ms": 2.0, "total_ms": 3.0, "unit_id": "a", "turn_index": 1, "status": "ok"}
ODD: list[dict[str, Any]] = [
    {"status": "error", "error": "ValueError: ,"},
    {"llm_ms": 1e-7},
    {"llm_ms": 1e22},
    {"llm_ms": None},
    {"storage_ms": 7.5},
    {"tokens_in": 7.5},
    {"storage_ms_by": {"other": 1.0}},
    {"storage_ms_by": {"fts5 recall": 1.0, "more": 2.0}},
    {"embed_ms": 3.0},
    {"copy": RECORD},
    {"note": "\n" + orjson.dumps(RECORD).decode()},
    {"unit_id": "b"},
    {"attempt": 2},
]


def figures(lines: bytes) -> dict[str, Any]:
    stats = TurnStats(lambda unit_id, attempt: (unit_id, attempt) == ("a", 1))
    for line in lines.splitlines():
        stats.add(orjson.loads(line))
    return dict(stats.view())


def taken(block: bytes) -> dict[str, Any] | None:
    numbers = numbers_in(block, orjson.loads(block.splitlines()[0]))
    if numbers is None:
        return None
    stats = TurnStats(lambda *_: True)
    stats.add_numbers(numbers)
    return dict(stats.view())


@given(st.data())
def test_alike_lines_give_the_figures_of_the_decoded_ones(data: st.DataObject) -> None:
    adapters = data.draw(ADAPTERS)
    missing = data.draw(st.sets(st.sampled_from(["llm_ms", "storage_ms", "tokens_in", "tokens_out"])))
    own = data.draw(st.fixed_dictionaries({}, optional={"history": st.integers(), "text": st.text()}))
    times: dict[str, Any] = {name: st.none() if name in missing else MS for name in ("llm_ms", "storage_ms")}
    counts = {name: st.none() if name in missing else st.integers(0, 9999) for name in ("tokens_in", "tokens_out")}
    fields = st.fixed_dictionaries(
        {"total_ms": MS, "storage_ms_by": st.fixed_dictionaries(dict.fromkeys(adapters, MS)), **times, **counts}
    )
    drawn = data.draw(st.lists(fields, min_size=1, max_size=6))
    for one in drawn:  # the adapters in one order, as a unit that does the same in each turn has them
        one["storage_ms_by"] = {name: one["storage_ms_by"][name] for name in adapters}
    lines = [turn_line("a", **own, **one) for one in drawn]
    assert taken(b"".join(lines)) == figures(b"".join(lines))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("odd", ODD, ids=[next(iter(odd)) + str(number) for number, odd in enumerate(ODD)])
def test_a_line_unlike_the_others_is_never_taken_for_one_of_them(odd: dict[str, Any], place: int) -> None:
    lines = [turn_line(storage_ms_by={"fts5 recall": 2.5}) for _ in range(3)]
    lines[place] = turn_line(**{"storage_ms_by": {"fts5 recall": 2.5}, **odd})
    block = b"".join(lines)
    try:
        found = taken(block)
    except (ValueError, TypeError):
        return
    assert found is None or found == figures(block)


def test_an_event_that_holds_a_turn_is_no_turn() -> None:
    block = turn_line() + event_line(copy=orjson.loads(turn_line())) + turn_line()
    assert taken(block) is None


def test_a_byte_that_has_changed_in_a_number_or_a_name_is_never_passed_over() -> None:
    block = turn_line(llm_ms=12.5) * 3
    first = block.index(b'"llm_ms"')
    last = block.index(b',"status"')
    for place in range(first, last):
        for byte in b'1e.,"':
            changed = block[:place] + bytes([byte]) + block[place + 1 :]
            try:
                expected = figures(changed)
                found = taken(changed)
            except (ValueError, TypeError, IndexError):
                continue
            assert found is None or found == expected, changed[first:last]


def test_a_unit_ends_where_its_last_turn_does() -> None:
    lines = [turn_line("a"), turn_line("a", text='"unit_id":"b"'), turn_line("b"), turn_line("b")]
    block = b"".join(lines)
    ends = [end_of_unit(b"".join(lines[first:]), orjson.loads(lines[first])) for first in range(4)]
    assert ends == [len(b"".join(lines[:2])), len(lines[1]), len(block) - len(b"".join(lines[:2])), len(lines[3])]
