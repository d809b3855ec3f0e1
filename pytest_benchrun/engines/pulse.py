"""Tells the controller where this worker's unit is, in a thread of its own: no unit waits for the channel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from pytest_benchrun.core.pulse import Pulse

QUIET_S = 5.0
"""Between two messages of a unit that says nothing but that it goes on."""

PAUSE_S = 0.5
"""Between two messages at least."""


class PulseSender:
    """Sends a unit's pulse when it has changed: its words within half a second, bare beacons every five.

    Args:
        find: the pulse of the unit in flight; None between units.
        send: takes a message.
    """

    def __init__(self, find: Callable[[], Pulse | None], send: Callable[[dict[str, str | int | None]], None]) -> None:
        self._find = find
        self._send = send
        self._has_news = threading.Event()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="benchrun-pulse", daemon=True)

    def start(self) -> None:
        """From here on the controller hears of every unit."""
        self._thread.start()

    def note_news(self) -> None:
        """There is something new to tell; in any thread."""
        if not self._has_news.is_set():
            self._has_news.set()

    def close(self) -> None:
        """Send nothing more."""
        self._is_closing.set()
        self._has_news.set()
        self._thread.join()

    def _work(self) -> None:
        sent: Pulse | None = None
        while not self._is_closing.is_set():
            self._has_news.wait(QUIET_S)
            self._has_news.clear()
            pulse = self._find()
            if pulse is not None and pulse != sent:
                with suppress(OSError):  # the controller is gone, and this process goes with it
                    self._send(asdict(pulse))
                sent = pulse
            self._is_closing.wait(PAUSE_S)
