"""Numbers found by counting: the ones that sorting gives."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.ranked import Ranked
from pytest_benchrun.core.stats import OneByOne, summarize

FINITE = st.floats(allow_nan=False, allow_infinity=False)
CLOSE = st.integers(0, 40).map(lambda steps: 1 + steps * 2.0**-52)
TIED = st.sampled_from([0.0, 1.5, 1.5000001, -1.5, 5e-324, -5e-324, 1.7976931348623157e308])


@given(st.lists(FINITE | TIED, min_size=1) | st.lists(CLOSE, min_size=1), st.sampled_from([1, 3, 1000]))
def test_each_rank_is_the_one_of_the_sorted_list(values: list[float], few: int) -> None:
    ranked = Ranked(array("d", values), few)
    assert len(ranked) == len(values)
    assert list(ranked) == sorted(values)
    assert ranked[-1] == max(values)
    assert ranked[1:3] == sorted(values)[1:3]


def test_a_rank_beyond_them_is_an_error() -> None:
    with pytest.raises(IndexError):
        Ranked(array("d", [1.0]))[1]


@given(st.lists(FINITE | TIED, min_size=1, max_size=300))
def test_the_figures_are_those_of_sorted_numbers(values: list[float]) -> None:
    assert summarize(array("d", values), OneByOne(0)) == summarize(values)


def test_many_numbers_are_counted_and_have_the_same_figures() -> None:
    values = array("d", [(number * 7919) % 100_003 / 7 - 2000 for number in range(70_000)])
    assert isinstance(OneByOne(1000).ordered(values), Ranked)
    assert summarize(values, OneByOne(1000)) == summarize(values)
