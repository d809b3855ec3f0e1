"""Time that a unit cannot bend: taken before user code can patch it, safe in any thread.

`CLOCK_BOOTTIME` and `CLOCK_MONOTONIC` through `clock_gettime_ns` are what freezegun and
time-machine leave alone; the wall clock is read once and carried on from there.
"""

from __future__ import annotations

import time
from functools import partial

from pytest_benchrun.core.moments import from_epoch_ms

_clock_gettime_ns = time.clock_gettime_ns
_MONOTONIC = time.CLOCK_MONOTONIC
# Goes on while the machine sleeps, so that a laptop's lid does not shift every later moment.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_MS = 1_000_000
_SECOND_MS = 1000
_SECOND_NS = 1_000_000_000
_ENDS = tuple(f"{milliseconds:03d}Z" for milliseconds in range(_SECOND_MS))
"""How a moment ends; to format it costs four times what looking it up does."""

monotonic_ns = partial(_clock_gettime_ns, _MONOTONIC)
"""Nanoseconds since some fixed point; for durations. In C: a function of our own would cost twice as much."""


def monotonic_s() -> float:
    """Seconds since some fixed point; for durations."""
    return _clock_gettime_ns(_MONOTONIC) / 1e9


class WallClock:
    """Moments of this process, anchored when it is made."""

    def __init__(self) -> None:
        self._offset_ns = _clock_gettime_ns(time.CLOCK_REALTIME) - _clock_gettime_ns(_ELAPSED)
        self._cached = -_SECOND_MS, ""  # of one piece: threads read and replace it
        self._second = -_SECOND_NS, ""  # likewise

    def now_at(self) -> str:
        """Aware UTC, ISO 8601, milliseconds, `Z`."""
        epoch_ms = (_clock_gettime_ns(_ELAPSED) + self._offset_ns) // _MS
        second_ms, prefix = self._cached
        milliseconds = epoch_ms - second_ms
        if not 0 <= milliseconds < _SECOND_MS:  # formatting a date costs ten times what the rest of this does
            milliseconds = epoch_ms % _SECOND_MS
            prefix = from_epoch_ms(epoch_ms - milliseconds)[:-4]
            self._cached = epoch_ms - milliseconds, prefix
        return prefix + _ENDS[milliseconds]

    def moment_at(self, at_ns: int) -> str:
        """The moment at which `monotonic_ns` gave `at_ns`; as `now_at`."""
        second_ns, prefix = self._second
        if not 0 <= at_ns - second_ns < _SECOND_NS:
            second_ns, prefix = self._second = self.second_of(at_ns)
        return prefix + _ENDS[(at_ns - second_ns) // _MS]

    def second_of(self, at_ns: int) -> tuple[int, str]:
        """When the second began in which `monotonic_ns` gave `at_ns`, and the moments in it without their ends."""
        shift_ns = _clock_gettime_ns(_ELAPSED) + self._offset_ns - monotonic_ns()  # grows while the machine sleeps
        second_ns = at_ns - (at_ns + shift_ns) % _SECOND_NS
        return second_ns, from_epoch_ms((second_ns + shift_ns) // _MS)[:-4]

    def monotonic_s(self) -> float:
        """Seconds since some fixed point; for durations."""
        return monotonic_s()
