"""What the core is told by the world, made by hand: a clock, a journal, a listener."""

from __future__ import annotations

from collections.abc import Callable

from pytest_benchrun.core.errors import DiskFull
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.moments import from_epoch_ms

START_MS = 1_795_255_200_000
"""2026-11-21T10:00:00Z, when every story begins."""


def moment(seconds: float) -> str:
    """The moment so many seconds after the beginning."""
    return from_epoch_ms(START_MS + round(seconds * 1000))


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0

    def now_at(self) -> str:
        """The moment it was told."""
        return moment(self._elapsed_s)

    def monotonic_s(self) -> float:
        """Seconds since the beginning."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Go on."""
        self._elapsed_s += seconds


class MemoryJournal:
    """Keeps events in a list.

    Attributes:
        events: what was kept.
        is_full: whether the next append fails, as on a full disk.
    """

    def __init__(self, on_append: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self.is_full = False
        self._on_append = on_append

    def append(self, event: Event) -> None:
        """Keep one event, or fail and keep nothing."""
        if self.is_full:
            raise DiskFull("cannot write journal.jsonl: No space left on device", hint="make room")
        self.events.append(event)
        if self._on_append is not None:
            self._on_append(event)


class ListListener:
    """Keeps what it was told.

    Args:
        look: called with each event, to see the state that a listener sees.
    """

    def __init__(self, look: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self._look = look

    def on_event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)
        if self._look is not None:
            self._look(event)
