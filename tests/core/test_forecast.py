"""How long units will take: their own last time, else their function's mean, else the mean of all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.forecast import Forecast
from tests.stories import make_unit

READ, WRITE, NEW = make_unit("read[1]"), make_unit("write[1]"), make_unit("erase[1]")
FORECAST = Forecast(
    {"read[1]": 2.0, "read[2]": 4.0, "write[9]": 12.0},
    {"read[1]": "read", "read[2]": "read", "write[9]": "write"},
)


@pytest.mark.parametrize(
    ("unit_id", "expected"),
    [("read[1]", 2.0), ("read[3]", 3.0), ("write[1]", 12.0), ("erase[1]", 6.0)],
)
def test_the_nearest_measurement_counts(unit_id: str, expected: float) -> None:
    assert FORECAST.of(make_unit(unit_id)) == expected


def test_nothing_measured_is_nothing_known() -> None:
    forecast = Forecast({}, {"read[1]": "read"})
    assert (forecast.of(READ), forecast.total_s([READ], 2)) == (None, None)


def test_a_unit_that_took_no_time_is_not_one_that_was_never_measured() -> None:
    assert Forecast({"read[1]": 0.0, "write[1]": 4.0}, {}).of(READ) == 0.0


def test_a_measurement_of_an_unknown_function_counts_for_the_mean_of_all_only() -> None:
    forecast = Forecast({"gone[1]": 8.0, "read[1]": 2.0}, {"read[1]": "read"})
    assert (forecast.of(make_unit("read[2]")), forecast.of(NEW)) == (2.0, 5.0)


@pytest.mark.parametrize(("workers", "expected"), [(1, 20.0), (2, 10.0), (0, 20.0)])
def test_workers_share_the_time(workers: int, expected: float) -> None:
    assert FORECAST.total_s([READ, WRITE, NEW], workers) == expected


def test_no_units_take_no_time() -> None:
    assert FORECAST.total_s([], 4) == 0.0


@given(st.dictionaries(st.sampled_from(["a[1]", "a[2]", "b[1]"]), st.floats(0, 1e9), min_size=1))
def test_an_expectation_lies_within_what_was_measured(seconds: dict[str, float]) -> None:
    forecast = Forecast(seconds, {unit_id: unit_id.partition("[")[0] for unit_id in seconds})
    for unit_id in ("a[1]", "a[3]", "b[1]", "c[1]"):
        expected = forecast.of(make_unit(unit_id))
        assert expected is not None
        assert min(seconds.values()) <= expected * (1 + 1e-12)
        assert expected <= max(seconds.values()) * (1 + 1e-12)
