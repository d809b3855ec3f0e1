"""Waits for room on a full disk: tells people once, looks again every second, gives up in the end.

Runs in the thread that owns the run; another thread that meets the full disk must not stand still with it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from pytest_benchrun.core.conductor import Clock

LOOK_AGAIN_S = 1.0


class Patience:
    """The wait of one session.

    Args:
        limit_s: seconds that one wait may last; 0 for none.
        directory: the results directory, as people are told.
        clock: measures the wait.
        say: tells people at once.
        show: puts the reason into the status, and None when it is over.
        sleep: lets seconds pass; by default for real.
    """

    def __init__(
        self,
        limit_s: float,
        directory: str,
        clock: Clock,
        say: Callable[[str], None],
        show: Callable[[str | None], None],
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._limit_s = limit_s
        self._directory = directory
        self._clock = clock
        self._say = say
        self._show = show
        # Not time.sleep, which a unit may have patched; a signal's handler runs in the middle of it all the same.
        self._sleep = sleep or threading.Event().wait
        self._thread = threading.get_ident()
        self._since_s: float | None = None
        self._alarm = 0.0, 0.0

    def wait(self, problem: str) -> bool:
        """Let a second pass, so that the line can be tried again.

        Args:
            problem: what could not be written, and why.

        Returns:
            False when the wait is over without room: it has lasted too long, or is not this thread's.
        """
        if threading.get_ident() != self._thread:
            return False
        now_s = self._clock.monotonic_s()
        left_s = self._limit_s - (now_s - (now_s if self._since_s is None else self._since_s))
        if left_s <= 0:
            return False
        if self._since_s is None:
            self._since_s = now_s
            self._begin(problem)
        self._sleep(min(LOOK_AGAIN_S, left_s))
        return True

    def end(self) -> None:
        """There is room, or the run gives up."""
        if self._since_s is None or threading.get_ident() != self._thread:
            return
        self._since_s = None
        self._show(None)
        if self._alarm[0]:
            signal.setitimer(signal.ITIMER_REAL, *self._alarm)

    def _begin(self, problem: str) -> None:
        # A time limit of the unit in flight is not there for the disk; its alarm would end the session from in here.
        self._alarm = signal.setitimer(signal.ITIMER_REAL, 0)
        self._show(f"waiting for room on the disk of {self._directory} ({problem})")
        self._say(
            f"the disk of {self._directory!r} is full ({problem}): the run waits and goes on by itself\n"
            f"  -> make room there, or stop it with Ctrl-C or kill {os.getpid()}; it can be resumed"
        )
