"""Numbers taken from the text of lines: those that decoding every line gives, whatever has happened to the bytes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store import turnblocks
from pytest_benchrun.store.turntext import take_numbers
from tests.store.turnlines import event_line, turn_line

MS = st.integers(0, 10**9).map(lambda us: us / 1000)
ADAPTERS = st.lists(st.sampled_from(["L2", "fts5 recall", '"status":"ok"', "größe", "a,b}"]), unique=True)
RECORD = {"llm_ms": 1.0, "storage_ms": 2.0, "total_ms": 3.0, "unit_id": "a", "turn_index": 1, "status": "ok"}
ODD: list[dict[str, Any]] = [
    {"status": "error", "error": "ValueError: ,"},
    {"llm_ms": 1e-7},
    {"llm_ms": 1e22},
    {"llm_ms": None},
    {"llm_ms": -1.5},
    {"storage_ms": 7.5},
    {"tokens_in": 7.5},
    {"tokens_in": 7},
    {"storage_ms_by": {"other": 1.0}},
    {"storage_ms_by": {"fts5 recall": 1.0, "more": 2.0}},
    {"storage_ms_by": [1.0]},
    {"embed_ms": 3.0},
    {"embed_ms": True},
    {"copy": RECORD},
    {"note": "\n" + orjson.dumps(RECORD).decode()},
    {"role": "\u2028\\"},
    {"unit_id": "b"},
    {"attempt": 2},
]


def counts(unit_id: str, attempt: int) -> bool:
    return (unit_id, attempt) == ("a", 1)


def figures(lines: bytes) -> dict[str, Any]:
    """What the decoder makes of each line by itself."""
    stats = TurnStats(counts)
    for line in lines.split(b"\n"):
        try:
            stats.add(orjson.loads(line))
        except ValueError:
            continue
    return dict(stats.view())


def taken(block: bytes) -> tuple[dict[str, Any], bytes]:
    """The figures of what was taken from the text and, decoded, of the others; and these."""
    found = take_numbers(block, counts)
    assert found is not None
    numbers, others = found
    stats = TurnStats(counts)
    stats.add_numbers(numbers)
    for line in others.splitlines():
        stats.add(orjson.loads(line))
    return dict(stats.view()), others


@given(st.data())
def test_alike_lines_give_the_figures_of_the_decoded_ones(data: st.DataObject) -> None:
    adapters = data.draw(ADAPTERS)
    missing = data.draw(st.sets(st.sampled_from(["llm_ms", "storage_ms", "tokens_in", "tokens_out"])))
    own = data.draw(st.fixed_dictionaries({}, optional={"history": st.integers(-999, 999), "embed_ms": MS}))
    times: dict[str, Any] = {name: st.none() if name in missing else MS for name in ("llm_ms", "storage_ms")}
    numbers = {name: st.none() if name in missing else st.integers(0, 9999) for name in ("tokens_in", "tokens_out")}
    whose = {"unit_id": st.sampled_from(["a", "größe"]), "attempt": st.integers(1, 2)}
    fields = st.fixed_dictionaries(
        {
            "total_ms": MS,
            "storage_ms_by": st.fixed_dictionaries(dict.fromkeys(adapters, MS)),
            **times,
            **numbers,
            **whose,
        }
    )
    drawn = data.draw(st.lists(fields, min_size=1, max_size=6))
    for one in drawn:  # the adapters in one order, as a unit that does the same in each turn has them
        one["storage_ms_by"] = {name: one["storage_ms_by"][name] for name in adapters}
    block = b"".join(turn_line(**{**own, **one, "role": role}) for one, role in zip(drawn, "abcdef", strict=False))
    assert taken(block) == (figures(block), b"")


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("odd", ODD, ids=[next(iter(odd)) + str(number) for number, odd in enumerate(ODD)])
def test_a_line_unlike_the_others_is_never_taken_for_one_of_them(odd: dict[str, Any], place: int) -> None:
    lines = [turn_line(storage_ms_by={"fts5 recall": 2.5}) for _ in range(3)]
    lines[place] = turn_line(**{"storage_ms_by": {"fts5 recall": 2.5}, **odd})
    block = b"".join(lines)
    found, others = taken(block)
    assert found == figures(block)
    assert others in {b"", lines[place]}


def test_an_event_that_holds_a_turn_is_no_turn() -> None:
    event = event_line(copy=orjson.loads(turn_line()))
    assert taken(turn_line() + event + turn_line()) == (figures(turn_line() * 2 + event), event)


@pytest.mark.parametrize("own", [{"copy": RECORD}, {"list": [1, 2]}, {"text": "x" * 3000}])
def test_lines_that_are_hardly_ever_alike_are_left_to_the_decoder(own: dict[str, Any]) -> None:
    block = turn_line(**own) * 12
    with suppress(KeyError):
        assert take_numbers(block, counts) is None
    assert of_blocks(block, is_quick=True) == figures(block)


WHOLE = [
    turn_line(
        index=index,
        turn_index=10 + index,
        turn_id=f"0123456789-1-{index}",
        llm_ms=12.5 + index,
        storage_ms=2.25,
        storage_ms_by={"L2": 2.25},
        tokens_in=10 + index,
        role=role,
        attempt=1 if index < 14 else 2,
    )
    for index, role in enumerate(["user", "assistant", "größe"] * 6)
]
BLOCK = b"".join(WHOLE[:9]) + event_line() + b"".join(WHOLE[9:])


def of_blocks(block: bytes, *, is_quick: bool) -> dict[str, Any]:
    stats = TurnStats(counts)
    (turnblocks.add_block if is_quick else turnblocks.add_decoded)(stats, block)
    return dict(stats.view())


def check_damaged(damaged: bytes) -> None:
    """Whole, and cut into two blocks at each of some lines: a figure must not know where a block ends."""
    damaged = damaged[: damaged.rfind(b"\n") + 1]
    expected = figures(damaged)
    assert of_blocks(damaged, is_quick=True) == expected
    assert of_blocks(damaged, is_quick=False) == expected
    stats = TurnStats(counts)
    for line in damaged.splitlines(keepends=True):
        turnblocks.add_block(stats, line)
    if b"\r" not in damaged:  # which ends no line of ours, but one of splitlines
        assert dict(stats.view()) == expected


def test_the_lines_are_enough_to_be_read_from_their_text() -> None:
    found = take_numbers(BLOCK, counts)
    assert found is not None
    assert (found[0].turns, found[1]) == (14, event_line())
    assert len(BLOCK) > turnblocks.FEWEST


@given(
    st.integers(0, len(BLOCK) - 1), st.one_of(st.integers(0, 255), st.sampled_from(b'0123456789.,:"{}[]-+eE\\\n\r x'))
)
def test_any_byte_may_be_another_one(place: int, byte: int) -> None:
    check_damaged(BLOCK[:place] + bytes([byte]) + BLOCK[place + 1 :])


@pytest.mark.parametrize("byte", b'07.,:"{}[]-e\\\n\r\xff')
def test_each_byte_of_a_line_may_be_another_one(byte: int) -> None:
    begin = BLOCK.index(WHOLE[1])
    for place in range(begin, begin + len(WHOLE[1])):
        damaged = BLOCK[:place] + bytes([byte]) + BLOCK[place + 1 :]
        assert of_blocks(damaged, is_quick=True) == figures(damaged), BLOCK[begin:place]


@given(
    st.lists(st.tuples(st.integers(0, len(BLOCK)), st.integers(0, 400), st.binary(max_size=3)), min_size=1, max_size=4)
)
def test_any_bytes_may_be_gone_or_come_in(cuts: list[tuple[int, int, bytes]]) -> None:
    damaged = BLOCK
    for place, gone, come in cuts:
        damaged = damaged[:place] + come + damaged[place + gone :]
    check_damaged(damaged)


@given(st.integers(0, len(BLOCK)), st.integers(0, len(BLOCK)), st.integers(0, len(BLOCK)))
def test_any_piece_may_stand_in_a_wrong_place(first: int, last: int, place: int) -> None:
    check_damaged(BLOCK[:place] + BLOCK[min(first, last) : max(first, last)] + BLOCK[place:])


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"a":1},{"b":[{}', b"{}]}"],
        [b'{"a":1},{"a":2},{"b":[{}', b"{}]}"],
        [b'{"a":"x', b'y"},{"b":1}'],
        [b'"end of line"', b'{"a":1},"end of line"', b""],
        [b'{"a":1},"end of line",{"b":[1', b"2]}"],
    ],
)
def test_lines_never_lend_each_other_an_end(lines: list[bytes]) -> None:
    whole = turn_line()
    block = b"\n".join([whole[:-1] + b',{"a":1},{"b":[{}', b"{}]}", *lines, whole, *lines, whole])
    assert of_blocks(block, is_quick=False)["turns"] == 2
    block = b"\n".join([whole[:-1] + b',{"a":1},{"b":[{}', b"{}]}", whole])
    assert of_blocks(block, is_quick=False)["turns"] == 1
