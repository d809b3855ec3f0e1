"""Percentiles are NumPy's to the last bit; figures of no, one and many numbers."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.stats import METHOD, percentile, summarize

# + 0.0: which of two equal zeros stands first is not a percentile's to say
NUMBERS = st.lists(st.floats(-1e300, 1e300).map(lambda number: number + 0.0), min_size=1, max_size=60)


@given(NUMBERS, st.sampled_from([0, 1, 5, 25, 50, 75, 90, 95, 99, 99.9, 100]) | st.floats(0, 100))
def test_a_percentile_is_numpys_to_the_last_bit(values: list[float], q: float) -> None:
    ordered = sorted(values)
    expected = np.percentile(np.array(ordered), q, method="linear")
    assert percentile(ordered, q).hex() == float(expected).hex()


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1), st.sampled_from([50, 95, 99]))
def test_a_percentile_of_integers_is_numpys_too(values: list[int], q: float) -> None:
    ordered = sorted(values)
    assert percentile(ordered, q) == np.percentile(np.array(ordered, dtype=float), q, method="linear")


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [([7.0], 50, 7.0), ([1.0, 2.0], 50, 1.5), ([1.0, 2.0], 95, 1.95), ([1.0, 2.0, 4.0], 50, 2.0), ([1, 2, 3], 100, 3)],
)
def test_a_percentile_lies_between_its_neighbours(values: list[float], q: float, expected: float) -> None:
    assert percentile(values, q) == expected


def test_no_numbers_have_no_figures() -> None:
    assert summarize([]) == {
        "n": 0,
        "mean": None,
        "std": None,
        "min": None,
        "p50": None,
        "p95": None,
        "p99": None,
        "max": None,
        "method": METHOD,
        "low_n": ["p95", "p99"],
    }


def test_one_number_has_every_figure_but_the_deviation() -> None:
    assert summarize([3.0]) == {
        "n": 1,
        "mean": 3.0,
        "std": None,
        "min": 3.0,
        "p50": 3.0,
        "p95": 3.0,
        "p99": 3.0,
        "max": 3.0,
        "method": METHOD,
        "low_n": ["p95", "p99"],
    }


def test_two_numbers_in_any_order_have_every_figure() -> None:
    assert summarize([4.0, 2.0]) == {
        "n": 2,
        "mean": 3.0,
        "std": math.sqrt(2),
        "min": 2.0,
        "p50": 3.0,
        "p95": 3.9,
        "p99": 3.98,
        "max": 4.0,
        "method": METHOD,
        "low_n": ["p95", "p99"],
    }


@pytest.mark.parametrize(("n", "low_n"), [(19, ["p95", "p99"]), (20, ["p99"]), (99, ["p99"]), (100, []), (101, [])])
def test_percentiles_that_so_few_numbers_cannot_carry_are_named(n: int, low_n: list[str]) -> None:
    assert summarize([1.0] * n)["low_n"] == low_n


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_mean_and_deviation_are_those_of_the_standard_library(values: list[float]) -> None:
    figures = summarize(values)
    assert figures["mean"] == pytest.approx(statistics.fmean(values))
    assert figures["std"] == pytest.approx(statistics.stdev(values), abs=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_figures_do_not_depend_on_the_order(values: list[float]) -> None:
    assert summarize(sorted(values)) == summarize(values) == summarize(values[::-1])


LARGEST = 1.7976931348623157e308


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([LARGEST] * 2, LARGEST),
        ([LARGEST] * 3, LARGEST),
        ([-LARGEST] * 3, -LARGEST),
        ([LARGEST, -LARGEST], 0.0),
        ([LARGEST, LARGEST, -LARGEST], LARGEST / 3),
        ([1e200, 2e200, 3e200], 2e200),
    ],
)
def test_numbers_at_the_end_of_what_a_double_can_hold_have_figures(values: list[float], mean: float) -> None:
    figures = summarize(values)
    assert figures["mean"] == pytest.approx(mean)
    assert (figures["min"], figures["max"]) == (min(values), max(values))
    std = figures["std"]
    assert std is None or math.isfinite(std)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_any_finite_numbers_have_figures_in_order(values: list[float]) -> None:
    figures = summarize(values)
    low, p50, p95, p99, high = (figures["min"], figures["p50"], figures["p95"], figures["p99"], figures["max"])
    assert low is not None
    assert p50 is not None
    assert p95 is not None
    assert p99 is not None
    assert high is not None
    assert low <= p50 <= p95 <= p99 <= high
    assert all(math.isfinite(number) for number in (low, p50, p95, p99, high))
