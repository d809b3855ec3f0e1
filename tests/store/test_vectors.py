"""NumPy gives the same bits as plain Python."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.columns import Column
from pytest_benchrun.core.stats import ONE_BY_ONE, Summary, summarize
from pytest_benchrun.store.vectors import Vectors

NUMBERS = st.lists(
    st.floats(-1e12, 1e12) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e-3]),
    min_size=1,
)


def as_bits(summary: Summary) -> list[object]:
    return [value.hex() if isinstance(value, float) else value for value in summary.values()]


@given(NUMBERS)
def test_figures_are_the_same_bits(values: list[float]) -> None:
    assert as_bits(summarize(array("d", values), Vectors(large=0))) == as_bits(summarize(values))


@given(NUMBERS)
def test_the_sum_is_that_of_fsum(values: list[float]) -> None:
    try:
        exact = math.fsum(values)
    except OverflowError:
        with pytest.raises(OverflowError):
            Vectors(large=0).total(array("d", values))
        return
    assert Vectors(large=0).total(array("d", values)).hex() == exact.hex()


@given(NUMBERS)
def test_buckets_are_the_same(values: list[float]) -> None:
    column = array("d", values)
    assert Vectors(large=0).buckets(column) == ONE_BY_ONE.buckets(column)


@pytest.mark.parametrize("seed", [1, 2])
def test_many_random_numbers_have_the_same_bits(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(3, 2, 200_001)
    column = array("d", values.tobytes())
    figures = summarize(column, Vectors())
    assert as_bits(figures) == as_bits(summarize(values.tolist()))
    assert [figures["p50"], figures["p95"], figures["p99"]] == np.percentile(values, [50, 95, 99]).tolist()
    rough = [Column(arithmetic, limit=100) for arithmetic in (Vectors(), ONE_BY_ONE)]
    for one in rough:
        one.extend(column)
    assert as_bits(rough[0].summary()) == as_bits(rough[1].summary())
