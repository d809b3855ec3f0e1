"""The two ways in which the user's own limit rings, as pytest-timeout has them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


def set_alarm(run_out: Callable[[FrameType | None], None], timeout_s: float) -> Callable[[], None]:
    """As pytest-timeout does it."""

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def handle(_: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        run_out(frame)

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    return cancel


def set_thread(run_out: Callable[[], None], timeout_s: float) -> Callable[[], None]:
    """As pytest-timeout does it."""
    timer = threading.Timer(timeout_s, run_out)
    timer.name = "pytest_timeout benchrun"

    def cancel() -> None:
        timer.cancel()
        timer.join()

    timer.start()
    return cancel
