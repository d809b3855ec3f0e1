"""Columns: exact to a limit, then within a stated bound; never a matter of order, of parts, or of who computes."""

from __future__ import annotations

import math
import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.columns import ERROR, Column
from pytest_benchrun.core.stats import OneByOne, Summary, summarize

TIMES = st.lists(
    st.floats(0, 1e12, allow_subnormal=False) | st.integers(0, 10**9).map(lambda us: us / 1000), min_size=1
)
NUMBERS = st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1)
LIMIT = 8


def column_of(values: list[float], limit: int = LIMIT) -> Column:
    column = Column(limit=limit)
    column.extend(array("d", values))
    return column


@given(TIMES)
def test_figures_beyond_the_limit_keep_their_bound(values: list[float]) -> None:
    exact, rough = summarize(values), column_of(values, limit=0).summary()
    assert (rough["method"], rough["error"]) == ("buckets", ERROR)
    for name in ("p50", "p95", "p99", "mean"):
        true, found = exact[name], rough[name]
        assert true is not None
        assert found is not None
        assert abs(found - true) <= ERROR * abs(true), name
    assert [rough[name] for name in ("n", "min", "max", "low_n")] == [
        exact[name] for name in ("n", "min", "max", "low_n")
    ]


@given(NUMBERS)
def test_the_deviation_beyond_the_limit_is_off_by_a_share_of_the_size_of_the_numbers(values: list[float]) -> None:
    exact, rough = summarize(values)["std"], column_of(values, limit=0).summary()["std"]
    if exact is None or rough is None:
        assert exact == rough
        return
    assert abs(rough - exact) <= 2 * ERROR * max(map(abs, values))


@given(NUMBERS)
def test_negative_numbers_have_the_figures_of_positive_ones_turned_round(values: list[float]) -> None:
    there, back = (column_of([sign * value for value in values], limit=0).summary() for sign in (1, -1))
    assert there["mean"] == pytest.approx(-(back["mean"] or 0), rel=1e-12, abs=1e-9)
    assert there["min"] == -(back["max"] or 0) + 0.0


@pytest.mark.parametrize("n", [LIMIT, LIMIT + 1])
def test_the_number_of_values_alone_says_which_method(n: int) -> None:
    values = [float(value) for value in range(n)]
    one_by_one = Column(limit=LIMIT)
    for value in reversed(values):
        one_by_one.extend(array("d", [value]))
    assert one_by_one.summary() == column_of(values).summary()
    assert one_by_one.summary()["method"] == ("linear" if n == LIMIT else "buckets")


def test_the_two_zeros_are_one() -> None:
    ones = [sign * 1.0 for sign in (1, -1) for _ in range(6)]
    there, back = (column_of([*ones, *zeros]).summary() for zeros in ([0.0, 0.0, -0.0, -0.0], [-0.0, -0.0, 0.0, 0.0]))
    assert as_bits(there) == as_bits(back)


@given(st.lists(NUMBERS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_parts_in_any_order_have_the_figures_of_the_whole(parts: list[list[float]], chance: random.Random) -> None:
    whole = column_of([value for part in parts for value in part])
    chance.shuffle(parts)
    column = column_of(parts[0])
    for part in parts[1:]:
        column.extend(array("d", part))
    assert as_bits(column.summary()) == as_bits(whole.summary())
    assert column.total().hex() == whole.total().hex()


@given(st.lists(NUMBERS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_columns_merged_in_any_order_have_the_figures_of_the_whole(
    parts: list[list[float]], chance: random.Random
) -> None:
    """As those of workers, sessions and shards are, kept one by one or counted."""
    whole = column_of([value for part in parts for value in part])
    columns = [column_of(part) for part in parts]
    while len(columns) > 1:
        into = columns.pop(chance.randrange(len(columns)))
        into.merge(columns.pop(chance.randrange(len(columns))))
        columns.append(into)
    assert (len(columns[0]), columns[0].total().hex()) == (len(whole), whole.total().hex())
    assert as_bits(columns[0].summary()) == as_bits(whole.summary())


def as_bits(summary: Summary) -> list[object]:
    return [value.hex() if isinstance(value, float) else value for value in summary.values()]


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 2.2e-308, 1.7e308, -1.7e308, 1.0, -3.25])
def test_any_number_has_a_bucket(value: float) -> None:
    figures = column_of([value] * 3, limit=0).summary()
    for name in ("min", "p50", "max"):
        assert (figures[name], math.copysign(1, figures[name] or 1)) == (value, math.copysign(1, value or 1))


def test_memory_beyond_the_limit_does_not_grow_with_the_values() -> None:
    counts = OneByOne().buckets(array("d", [us / 1000 for us in range(1, 1_000_000, 7)]))
    assert len(counts) <= 512 * 20


def test_a_column_knows_how_many_it_has_and_computes_anew_when_there_are_more() -> None:
    column = Column(limit=3)
    for count in range(1, 6):
        column.extend(array("d", [float(count)]))
        assert (len(column), column.summary()["n"], column.summary()["max"]) == (count, count, count)
