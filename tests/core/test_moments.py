"""Moments as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.moments import from_epoch_ms, parse, seconds_between

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = st.integers(-2_000_000_000_000, 4_000_000_000_000)


@pytest.mark.parametrize(
    ("epoch_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_795_255_200_050, "2026-11-21T10:00:00.050Z"),
        (951_782_400_999, "2000-02-29T00:00:00.999Z"),
    ],
)
def test_a_moment_is_utc_with_milliseconds_and_z(epoch_ms: int, text: str) -> None:
    assert from_epoch_ms(epoch_ms) == text


@given(MS)
def test_a_moment_reads_back_to_the_millisecond(epoch_ms: int) -> None:
    assert parse(from_epoch_ms(epoch_ms)) == EPOCH + timedelta(milliseconds=epoch_ms)


@given(MS, st.integers(0, 10_000_000_000))
def test_seconds_between_moments_are_exact_to_the_millisecond(start_ms: int, later_ms: int) -> None:
    start_at, end_at = from_epoch_ms(start_ms), from_epoch_ms(start_ms + later_ms)
    assert seconds_between(start_at, end_at) == later_ms / 1000


@given(MS, MS)
def test_seconds_between_moments_are_never_negative(one_ms: int, other_ms: int) -> None:
    assert seconds_between(from_epoch_ms(one_ms), from_epoch_ms(other_ms)) >= 0


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        parse("yesterday")
