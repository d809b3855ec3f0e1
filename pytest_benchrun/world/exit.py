"""The end of the process, after pytest's own: what a unit has left to be awaited there must not keep it for ever."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from contextlib import suppress
from types import FrameType

from pytest_benchrun.core.jsonsafe import to_name

_exit, _write, _sleep = os._exit, os.write, threading.Event().wait  # before a unit can replace them


def expect_exit() -> None:
    """To be called before any unit: what they register with `atexit` is called before what is registered here."""
    atexit.register(_silence)


def bound_exit(code: int, within_s: float) -> None:
    """From the moment this process begins to exit, give it so long.

    The interpreter first awaits threads that are no daemons, then calls what was registered with `atexit`.
    A program that goes on after pytest's session is left alone.

    Args:
        code: what it exits with.
        within_s: for the threads, and then for the functions.
    """
    pid = os.getpid()
    atexit.register(_bound_functions, pid, code, within_s)  # the last to be registered is the first to be called
    awaited = [one for one in threading.enumerate() if not one.daemon and one is not threading.main_thread()]
    if awaited:
        threading.Thread(
            target=_bound_threads, args=(awaited, code, within_s), name="benchrun-exit", daemon=True
        ).start()


def _bound_threads(awaited: list[threading.Thread], code: int, within_s: float) -> None:
    threading.main_thread().join()  # it has ended as soon as the interpreter begins to exit
    _sleep(within_s)
    names = ", ".join(to_name(one.name) for one in awaited if one.is_alive())
    if names:
        _end(f"threads that units have left did not end in {within_s:g} s: {names}", code)


def _bound_functions(pid: int, code: int, within_s: float) -> None:
    if os.getpid() != pid:  # a forked child
        return

    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGALRM, _Ring(code, within_s))
        signal.setitimer(signal.ITIMER_REAL, within_s)


class _Ring:
    def __init__(self, code: int, within_s: float) -> None:
        self._code = code
        self._within_s = within_s

    def __call__(self, _: int, frame: FrameType | None) -> None:
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "C"
        _end(f"a function registered with atexit did not end in {self._within_s:g} s, at {where}", self._code)


def _silence() -> None:
    """The interpreter drops all handlers next: the alarm would then end it by its signal."""
    if isinstance(signal.getsignal(signal.SIGALRM), _Ring):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _end(why: str, code: int) -> None:
    with suppress(OSError):
        _write(2, f"benchrun: the process was ended: {why}\n".encode("utf-8", "backslashreplace"))
    _exit(code)
