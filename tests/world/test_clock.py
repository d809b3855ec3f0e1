"""Clocks that a unit cannot bend."""

from __future__ import annotations

import re
import time
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.moments import from_epoch_ms, parse
from pytest_benchrun.world.clock import WallClock, monotonic_s


def test_a_moment_is_utc_with_milliseconds_and_z() -> None:
    clock = WallClock()
    for _ in range(1000):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now_at())


def test_moments_never_go_back() -> None:
    clock = WallClock()
    moments = [clock.now_at() for _ in range(20_000)]
    assert all(before <= after for before, after in pairwise(moments))


def test_a_moment_is_now() -> None:
    before = time.clock_gettime(time.CLOCK_REALTIME)
    now = parse(WallClock().now_at()).timestamp()
    after = time.clock_gettime(time.CLOCK_REALTIME)
    assert before - 0.002 <= now <= after + 0.002  # a moment is cut to milliseconds


def test_seconds_never_go_backwards() -> None:
    clock = WallClock()
    seconds = [read() for _ in range(1000) for read in (clock.monotonic_s, monotonic_s)]
    assert all(before <= after for before, after in pairwise(seconds))


@pytest.mark.parametrize(
    "name", ["time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "clock_gettime", "clock_gettime_ns"]
)
def test_a_unit_that_freezes_time_does_not_freeze_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WallClock()
    before_at, before_s = clock.now_at(), clock.monotonic_s()
    monkeypatch.setattr(time, name, lambda *_: 0)
    after_at, after_s = clock.now_at(), clock.monotonic_s()
    monkeypatch.undo()
    assert before_at <= after_at
    assert before_s <= after_s
    assert before_s > 0


@given(st.lists(st.integers(0, 5_000_000_000), min_size=1))
def test_milliseconds_do_not_stick_when_the_second_changes(steps_ns: list[int]) -> None:
    moments_ns = list(accumulate(steps_ns, initial=1_795_255_200_000_000_000))
    with pytest.MonkeyPatch.context() as patch:
        # the wall clock is read first, at the making
        readings = iter([moments_ns[0], moments_ns[0], *moments_ns])
        patch.setattr("pytest_benchrun.world.clock._clock_gettime_ns", lambda _: next(readings))
        clock = WallClock()
        told = [clock.now_at() for _ in moments_ns]
    assert told == [from_epoch_ms(moment_ns // 1_000_000) for moment_ns in moments_ns]
