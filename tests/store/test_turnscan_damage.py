"""Damaged turns read as text: the figures of each line decoded by itself, whatever has happened to the bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store import turnblocks
from tests.store.turnlines import event_line, turn_line
from tests.store.turnscans import counts, figures, left_of, quick

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


def slow(block: bytes) -> dict[str, Any]:
    stats = TurnStats(counts)
    turnblocks.add_decoded(stats, block)
    return dict(stats.view())


def check_damaged(damaged: bytes) -> None:
    """Whole, cut into blocks at each line, and behind a whole one: a figure must not know where a block ends."""
    damaged = damaged[: damaged.rfind(b"\n") + 1]
    expected = figures(damaged)
    assert quick(damaged) == expected
    assert slow(damaged) == expected
    assert quick(*(line + b"\n" for line in damaged.split(b"\n")[:-1])) == expected
    assert quick(BLOCK, damaged) == figures(BLOCK + damaged)


def test_whole_lines_are_read() -> None:
    turns = b"".join(WHOLE)
    assert left_of(turns) == b""
    assert left_of(BLOCK) == event_line()


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
        assert quick(BLOCK, damaged) == figures(BLOCK + damaged), BLOCK[begin:place]


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
        [b'"\x7f"', b'{"a":1},"\x7f"', b""],
        [b'{"a":1},"\x7f",{"b":[1', b"2]}"],
        [b'{"a":1},"\\u007f",{"b":[1', b"2]}"],
        [b'{"a":1},"\\u007F",{"b":["x', b'y"]}'],
        [b'""', b'{"a":1},""', b""],
    ],
)
def test_lines_never_lend_each_other_an_end(lines: list[bytes]) -> None:
    whole = turn_line()
    block = b"\n".join([whole[:-1] + b',{"a":1},{"b":[{}', b"{}]}", *lines, whole, *lines, whole])
    assert slow(block)["turns"] == quick(block)["turns"] == 2
    assert quick(whole * 20, block) == figures(whole * 20 + block)
    block = b"\n".join([whole[:-1] + b',{"a":1},{"b":[{}', b"{}]}", whole])
    assert slow(block)["turns"] == 1
