"""SIGINT, SIGTERM and SIGHUP as stops: the first is soft, the second hard, the third ends the process at once.

A stop may be made hard without a second signal. One that comes then changes nothing; the third still ends the process.

Handlers run in the main thread and live from the run's first unit to its last report; what was there
before is called at a hard stop, and put back at the end.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import FrameType
from typing import Any

STOPPING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
HARD = 2
AT_ONCE = 3


class StopSignals:
    """Counts what this process is told.

    Args:
        say: tells the user what the first signal has done; called inside the handler.

    Attributes:
        received: name of the first signal, or why the stop was made a hard one before any; None before that.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.received: str | None = None
        self._count = 0  # of those that came from elsewhere
        self._is_hard = False
        self._is_hardening = False
        self._shields = 0
        self._is_raise_due = False
        self._is_off = False
        self._previous: dict[signal.Signals, Any] = {}
        self._timer: threading.Timer | None = None
        self._grace_s: float | None = None
        self._hard_reason: str | None = None
        self._is_hardened = threading.Lock()  # taken once: a signal too many would end the process

    def install(self, grace_s: float | None = None) -> None:
        """Take the signals over; in another thread than the main one nothing happens.

        A signal that arrives ignored stays ignored: `nohup` and a shell's `&` mean that.

        Args:
            grace_s: seconds after which a soft stop becomes a hard one; None for never.
        """
        self._grace_s = grace_s
        if threading.current_thread() is not threading.main_thread():
            return
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put back what was there before."""
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._previous.items():
            with suppress(ValueError, TypeError):  # another thread, or a handler that Python did not set
                signal.signal(number, handler)
        self._previous = {}

    def forget(self) -> None:
        """In a forked child: signals mean there what they meant before, and no timer runs."""
        self._timer = None
        self.restore()

    def switch_off(self, *, is_off: bool) -> None:
        """While a debugger has the terminal, Ctrl-C is its."""
        self._is_off = is_off

    def harden(self, reason: str | None = None) -> None:
        """Make the stop a hard one from another thread, as a second signal would; nothing when it is one already.

        Args:
            reason: what the interrupt says; None for the name of the first signal.
        """
        handled = next(iter(self._previous), None)  # SIGINT may be one that arrived ignored
        if self._is_hard or handled is None or not self._is_hardened.acquire(blocking=False):
            return
        self._hard_reason = reason
        self.received = self.received or reason
        self._is_hardening = True
        with suppress(OSError):
            signal.pthread_kill(threading.main_thread().ident or 0, handled)

    def hold_back(self) -> None:
        """From here on nothing is interrupted any more: the end is being written."""
        self._shields += 1

    def shielded(self) -> AbstractContextManager[None]:
        """Hold a hard stop back while something is written that must be whole.

        Around every line of the journal: a generator made into a context manager would cost five times as much.
        """
        return self

    def __enter__(self) -> None:
        """Hold back."""
        self._shields += 1

    def __exit__(self, *raised: object) -> None:
        """What was held back comes now."""
        self._shields -= 1
        if self._is_raise_due and not self._shields:
            self._is_raise_due = False
            raise KeyboardInterrupt(self._hard_reason or self.received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_off:
            raise KeyboardInterrupt
        is_ours, self._is_hardening = self._is_hardening, False
        self._count += not is_ours
        self.received = self.received or signal.Signals(number).name
        if self._count >= AT_ONCE:
            os._exit(128 + number)  # what a shell says of a process that a signal ended; the journal is valid
        if self._is_hard:
            return  # the second one comes late where another process, or the grace, was faster: fixtures are torn down
        if self._count < HARD and not is_ours:
            self._say(f"{self.received}: units in flight finish, no further one starts; once more interrupts them")
            self._start_timer()
            return
        self._is_hard = True
        # Foreign handlers end their process as a rule (coverage's raises the signal again): never at a soft stop.
        self._chain(number, frame)
        if self._shields:
            self._is_raise_due = True
        else:
            raise KeyboardInterrupt(self._hard_reason or self.received)

    def _chain(self, number: int, frame: FrameType | None) -> None:
        previous: Callable[[int, FrameType | None], object] | Any = self._previous.get(signal.Signals(number))
        if callable(previous) and previous is not signal.default_int_handler:
            previous(number, frame)

    def _start_timer(self) -> None:
        if self._grace_s is not None:
            self._timer = threading.Timer(self._grace_s, self.harden)
            self._timer.daemon = True
            self._timer.start()
