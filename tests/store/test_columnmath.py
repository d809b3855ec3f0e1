"""Compiled arithmetic gives the same bits as plain Python."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.columns import Column
from pytest_benchrun.core.stats import ONE_BY_ONE, Summary, summarize

columnmath = pytest.importorskip("pytest_benchrun.store.columnmath", reason="needs the compiled part")

FEW = 1 << 14
"""Numbers up to which Python computes."""

NUMBERS = st.lists(
    st.floats(-1e12, 1e12) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e-3]),
    min_size=1,
    max_size=40,
)


def as_bits(values: Sequence[object]) -> list[object]:
    return [value.hex() if isinstance(value, float) else value for value in values]


def figures(values: Summary) -> list[object]:
    return as_bits(list(values.values()))


def much_of(values: list[float]) -> array[float]:
    """So many of these numbers that they are computed in compiled code."""
    return array("d", values * (FEW // len(values) + 1))


@given(NUMBERS)
def test_figures_are_the_same_bits(values: list[float]) -> None:
    column = much_of(values)
    before = column.tobytes()
    assert figures(summarize(column, columnmath.ColumnMath())) == figures(summarize(column))
    assert column.tobytes() == before, "it does not change them"


@given(NUMBERS)
def test_the_sum_is_the_exact_one_rounded_once(values: list[float]) -> None:
    column = much_of(values)
    try:
        exact = ONE_BY_ONE.total(column)
    except OverflowError:
        with pytest.raises(OverflowError):
            columnmath.ColumnMath().total(column)
        return
    assert columnmath.ColumnMath().total(column).hex() == exact.hex()


@pytest.mark.parametrize("large", [1.7976931348623157e308, 1e308])
def test_a_sum_that_is_too_large_only_on_its_way_is_the_same_too(large: float) -> None:
    column = array("d", [large, large, -large, -large, 1.5] * FEW)
    assert columnmath.ColumnMath().total(column) == ONE_BY_ONE.total(column) == 1.5 * FEW


@given(NUMBERS, st.floats(allow_nan=False, allow_infinity=False))
def test_the_sum_of_squares_is_the_same(values: list[float], mean: float) -> None:
    column = much_of(values)
    try:
        exact = ONE_BY_ONE.squares(column, mean)
    except OverflowError:
        exact = math.inf
    try:
        found = columnmath.ColumnMath().squares(column, mean)
    except OverflowError:
        found = math.inf
    assert found.hex() == exact.hex()


@given(NUMBERS)
def test_buckets_are_the_same(values: list[float]) -> None:
    column = much_of(values)
    assert columnmath.ColumnMath().buckets(column) == ONE_BY_ONE.buckets(column)


@given(st.lists(NUMBERS, min_size=1, max_size=3), st.lists(st.integers(-FEW, FEW - 1), max_size=9))
def test_each_rank_holds_what_a_sorted_list_does(values: list[list[float]], ranks: list[int]) -> None:
    column = much_of([number for some in values for number in some])
    ordered, expected = columnmath.ColumnMath().ordered(column), sorted(column)
    assert len(ordered) == len(expected)
    for rank in (0, -1, FEW // 2, *ranks, 0):
        assert ordered[rank] == expected[rank]


def test_numbers_of_many_equal_digits_are_told_apart() -> None:
    column = array("d", [1 + number % 50_001 * 2**-52 for number in range(150_003)] + [-1.0] * 70_000)
    ordered, expected = columnmath.ColumnMath().ordered(column), sorted(column)
    for rank in (*range(0, len(column), 997), 69_999, 70_000, -1):
        assert ordered[rank] == expected[rank]
    with pytest.raises(IndexError):
        ordered[len(column)]


@pytest.mark.parametrize("seed", [1, 2])
def test_many_random_numbers_have_the_same_bits_and_numpys_percentiles(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(3, 2, 200_001)
    column = array("d", values.tobytes())
    found = summarize(column, columnmath.ColumnMath())
    assert figures(found) == figures(summarize(values.tolist()))
    assert [found["p50"], found["p95"], found["p99"]] == np.percentile(values, [50, 95, 99]).tolist()
    rough = [Column(arithmetic, limit=100) for arithmetic in (columnmath.ColumnMath(), ONE_BY_ONE)]
    for one in rough:
        one.extend(column)
    assert figures(rough[0].summary()) == figures(rough[1].summary())
