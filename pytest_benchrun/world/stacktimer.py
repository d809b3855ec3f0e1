"""Has the stacks of a process that hangs written whatever it does: with no signal, and without the interpreter.

faulthandler keeps one thread in C that writes all stacks when its time has come. It is set in time, while the unit
still gives signs of progress: at most once a second, since each time costs a thread (30 us).
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Sequence
from weakref import WeakMethod

from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.watchdog import LIMIT, WALL

_getpid = os.getpid  # now: a unit may patch it
_start, _cancel = faulthandler.dump_traceback_later, faulthandler.cancel_dump_traceback_later  # for the same reason

RENEW_NS = 1_000_000_000
LATER_NS = 1_500_000_000
"""After the limit as the last renewal had it, up to a second too early: and yet within the watchdog's grace."""


class StackTimer:
    """Set anew by the beacons of the unit in flight, from any thread.

    Args:
        cells: where the limits of that unit stand, see `watchdog.py`.
        file: descriptor that takes the stacks.

    Attributes:
        renew_ns: from when on a beacon should set it anew.
    """

    def __init__(self, cells: Sequence[int] | memoryview[int], file: int) -> None:
        self._cells = cells
        self._file = file
        self._limit_ns = 0
        self._due_ns = 0
        self._pid = _getpid()
        self._is_forking = False
        self._is_open = True
        self.renew_ns = 0
        # A forked child would wait at its end for the thread that it has not got. What is registered stays for ever,
        # and must not keep the memory that the cells are a view of.
        before, after = WeakMethod(self._before_fork), WeakMethod(self._after_fork)
        os.register_at_fork(before=lambda: _call(before), after_in_parent=lambda: _call(after))

    def begin(self, now_ns: int) -> None:
        """Another unit begins, perhaps with another limit; without one nothing is to be written."""
        limit_ns = self._cells[LIMIT]
        if not limit_ns:
            self._forget()
        elif limit_ns != self._limit_ns or now_ns >= self.renew_ns:
            self.renew(now_ns)

    def expect_wall(self, now_ns: int) -> None:
        """The unit has a limit on the wall clock, which may come first."""
        if not self._due_ns or self._cells[WALL] < self._due_ns:
            self.renew(now_ns)

    def renew(self, now_ns: int) -> None:
        """Set it anew."""
        if self._is_forking or not self._is_open or _getpid() != self._pid:
            return
        self.renew_ns = now_ns + RENEW_NS
        limit_ns, wall_ns = self._cells[LIMIT], self._cells[WALL]
        due = [now_ns + limit_ns] if limit_ns else []
        due += [wall_ns] if wall_ns > now_ns else []
        if due:
            self._limit_ns, self._due_ns = limit_ns, min(due)
            _start((self._due_ns + LATER_NS - now_ns) / 1e9, file=self._file)

    def close(self) -> None:
        """Before the descriptor is closed."""
        self._forget()
        self._is_open = False

    def _forget(self) -> None:
        if self._due_ns and _getpid() == self._pid:
            self._due_ns = self._limit_ns = self.renew_ns = 0
            _cancel()

    def _before_fork(self) -> None:
        if self._due_ns and _getpid() == self._pid:
            self._is_forking = True
            _cancel()

    def _after_fork(self) -> None:
        if self._is_forking:
            self._is_forking = False
            self.renew(monotonic_ns())


def _call(weak: WeakMethod[Callable[[], None]]) -> None:
    method = weak()
    if method is not None:
        method()
