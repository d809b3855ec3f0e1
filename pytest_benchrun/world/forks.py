"""Children that a unit forks without starting another program: they must hold nothing of ours, and not live on."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

from pytest_benchrun.world.signals import STOPPING

_getpid = os.getpid  # now: a unit may patch it, and must not look like a child for that
_PR_SET_PDEATHSIG = 1  # linux/prctl.h; see prctl(2)


class Forks:
    """Watches this process for forks, while it is alive.

    Such a child has copies of all our descriptors and handlers. A pipe to the controller that it holds would hide
    the end of its worker; a handler that counts signals would make it outlive `Process.terminate()`.

    Attributes:
        let_go: called in the child, before anything else runs there: gives up what is not the child's.
    """

    def __init__(self) -> None:
        self.let_go: Callable[[], None] = _keep_all
        self._pid = _getpid()
        self._is_on = True
        self._from_main = False
        self._forker = 0
        # loaded here: in a forked child the loader may be locked by a thread that is not there
        self._prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
        self._of_thread = threading.local()
        os.register_at_fork(before=self._before, after_in_parent=self._unblock, after_in_child=self._in_child)

    def close(self) -> None:
        """Watch no more; what is registered cannot be taken back."""
        self._is_on = False

    def exit_child(self) -> None:
        """End this process at once where it is a forked child that came back into pytest."""
        if _getpid() != self._pid:
            os._exit(1)

    def _before(self) -> None:
        """Hold signals back: one that comes to the child before it has let go would be taken by our handler."""
        self._from_main = threading.current_thread() is threading.main_thread()
        self._forker = _getpid()
        self._of_thread.mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING) if self._is_on else None

    def _unblock(self) -> None:
        mask = getattr(self._of_thread, "mask", None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _in_child(self) -> None:
        is_first = self._is_on and self._forker == self._pid
        if is_first:
            self.let_go()
        self._unblock()
        if not is_first:
            return  # a child of a child: a daemon in the making, whose parent is meant to end
        if self._from_main and self._prctl is not None:  # the signal comes with the end of the thread that forked
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != self._pid:  # it has ended before we had said so
                os._exit(1)


def _keep_all() -> None:
    """Until an engine says what is its own."""
