"""Moments as text: aware UTC, ISO 8601, milliseconds, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime


def from_epoch_ms(epoch_ms: int) -> str:
    """The moment `epoch_ms` milliseconds after 1970-01-01 UTC."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def parse(at: str) -> datetime:
    """The moment as an aware datetime.

    Raises:
        ValueError: `at` is no ISO 8601 moment.
    """
    return datetime.fromisoformat(at)


def seconds_between(start_at: str, end_at: str) -> float:
    """Seconds from one moment to another; 0.0 where the end is before the start."""
    return max(0.0, round((parse(end_at) - parse(start_at)).total_seconds(), 3))
