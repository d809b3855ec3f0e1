"""What the samples of a host say of the time that a unit took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.series import COLUMNS, FIELDS, NOTHING, Sample, Series


def _series(*cpu: float | None, interval_s: float = 10.0) -> Series:
    """One sample an interval, the first one of the time from 0 on."""
    return Series(
        Sample(interval_s * number, interval_s * (number + 1), {"cpu_percent": value, "used_bytes": number})
        for number, value in enumerate(cpu)
    )


@pytest.mark.parametrize(
    ("since_s", "until_s", "samples", "mean", "largest"),
    [
        (0, 30, 3, 30.0, 60.0),
        (0, 10, 1, 10.0, 10.0),
        (5, 15, 2, 15.0, 20.0),
        (8, 11, 2, (2 * 10 + 1 * 20) / 3, 20.0),
        (12, 13, 1, 20.0, 20.0),
        (12, 12, 1, 20.0, 20.0),
        (25, 99, 1, 60.0, 60.0),
        (30, 40, 0, None, None),
        (-9, -5, 0, None, None),
    ],
)
def test_a_sample_counts_by_the_time_that_it_shares(
    since_s: float, until_s: float, samples: int, mean: float | None, largest: float | None
) -> None:
    found = _series(10.0, 20.0, 60.0).figures(since_s, until_s)
    assert found["machine.samples"] == samples
    assert found["machine.cpu_percent_mean"] == (mean if mean is None else pytest.approx(mean))
    assert found["machine.cpu_percent_max"] == largest


def test_a_gap_is_nobodys_time() -> None:
    series = Series([Sample(0, 10, {"cpu_percent": 1.0}), Sample(3590, 3600, {"cpu_percent": 3.0})])
    assert series.figures(100, 200) == NOTHING
    assert series.figures(0, 3600)["machine.cpu_percent_mean"] == 2.0


def test_what_a_sample_does_not_have_weighs_nothing() -> None:
    found = _series(10.0, None, 30.0).figures(0, 30)
    assert (found["machine.samples"], found["machine.cpu_percent_mean"]) == (3, 20.0)
    assert found["machine.gpu_percent_mean"] is None
    assert found["machine.memory_used_bytes_max"] == 2


def test_a_host_without_samples_has_every_column() -> None:
    assert tuple(NOTHING) == COLUMNS
    assert Series([]).figures(0, 1) == NOTHING
    assert "cpu_percent" in FIELDS


def test_what_is_no_number_is_nothing() -> None:
    values: dict[str, JsonValue] = {"cpu_percent": "1", "load_1min": True, "used_bytes": [1]}
    found = Series([Sample(0, 10, values)]).figures(0, 10)
    assert found == {**NOTHING, "machine.samples": 1}


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9), st.floats(0, 90), st.floats(0, 90))
def test_a_mean_lies_between_least_and_most(cpu: list[float], since_s: float, length_s: float) -> None:
    found = _series(*cpu).figures(since_s, since_s + length_s)
    mean = found["machine.cpu_percent_mean"]
    if mean is None:
        assert found["machine.samples"] == 0
    else:
        assert isinstance(mean, float)
        assert min(cpu) - 1e-6 <= mean <= max(cpu) + 1e-6
