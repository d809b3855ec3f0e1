"""The memory that a process that runs units shares with its watchdog, and the watchdog's start and end.

A beacon is one write to that memory. The watchdog is a process of its own (`watchdog.py`), so that nothing
a unit does can keep it from its work: it reads the memory, and knocks with a signal when it is time.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from pytest_benchrun.world import watchdog
from pytest_benchrun.world.alive import process_started
from pytest_benchrun.world.clock import monotonic_ns
from pytest_benchrun.world.leftovers import orphans_left_alone
from pytest_benchrun.world.stamp import stamp_for
from pytest_benchrun.world.watchdog import DUTY, HEAD, LAST, LENGTH, LIMIT, PAUSED, SIZE, TEXT_SIZE, WALL

_getpid, _Popen = os.getpid, subprocess.Popen  # now: a unit may patch them
_dump_traceback = faulthandler.dump_traceback  # likewise

_END_S = 2.0
_LOOK_S = 0.5
_STACKS_AFTER_NS = 1_000_000_000
"""A unit that hears the knock has ended by then, and the watchdog waits for two seconds."""
_SHELL = "/bin/sh"


def _signal(offset: int, other: str) -> signal.Signals | int:
    """A real-time signal, which hardly anybody uses; an ordinary one where there are none."""
    last = getattr(signal, "SIGRTMAX", None)
    return last - offset if last is not None else getattr(signal, other)  # type: ignore[no-any-return]  # a signal


KNOCK = _signal(3, "SIGUSR1")
"""Tells the process that its unit is stuck."""
DUMP = _signal(4, "SIGUSR2")
"""Makes it write the stacks of all its threads, in C: the interpreter may hang."""


class Watch:
    """One process's watchdog.

    Args:
        about: what its records say of this process, and `folder` where they go; `run_error` when this process
            owns the run.
        knocked: called in the main thread, between two instructions of the unit, when it is stuck.

    Attributes:
        cells: numbers that the watchdog reads; see `watchdog.py`.
        pid: of the watchdog; 0 when there is none.
    """

    def __init__(self, about: Mapping[str, Any], knocked: Callable[[FrameType | None], None]) -> None:
        self._about = about
        self._knocked = knocked
        self._slot = _shared_file("benchrun-watch")
        os.truncate(self._slot, SIZE)
        self._memory = mmap.mmap(self._slot, SIZE)
        self.cells = memoryview(self._memory)[:HEAD].cast("q")
        self._stacks = _shared_file("benchrun-stacks")
        self._written_ns = 0
        self._previous: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
        self._was_ended = False
        self._thread = threading.Thread(target=self._look_after, name="benchrun-watch", daemon=True)
        self._owner = _getpid()
        self.pid = 0

    def start(self) -> None:
        """Start the watchdog; in the main thread, which alone can take signals.

        Raises:
            OSError: no process can be started.
        """
        if threading.current_thread() is not threading.main_thread():
            message = "units do not run in the main thread"
            raise OSError(message)
        self._spawn()
        self._previous = signal.signal(KNOCK, self._hear)
        faulthandler.register(DUMP, file=self._stacks, all_threads=True)
        self._thread.start()

    def revive(self) -> bool:
        """Start the watchdog again if it was ended, by whomever; whether it was since the last call.

        Raises:
            OSError: no process can be started.
        """
        with self._lock:
            self._spawn_again()
            was_ended, self._was_ended = self._was_ended, False
        return was_ended

    def _look_after(self) -> None:
        """For a unit that hangs and has ended watchdog and relief, or hears no signal; in a thread."""
        while not self._is_closing.wait(_LOOK_S):
            with suppress(OSError, ValueError), self._lock:
                self._spawn_again()
            self._write_stacks(monotonic_ns())

    def _write_stacks(self, now_ns: int) -> None:
        """Once for a unit that is silent for too long, within the watchdog's grace.

        This thread has the interpreter's lock: nobody's frames change meanwhile. faulthandler's own timer has not, and
        can crash a run that goes on after it was suspended for longer than the limit.
        """
        cells = self.cells
        last_ns, limit_ns, wall_ns = cells[LAST], cells[LIMIT], cells[WALL]
        due_ns = [last_ns + limit_ns] if limit_ns else []
        due_ns += [wall_ns] if wall_ns > last_ns else []
        is_late = bool(due_ns) and now_ns >= min(due_ns) + _STACKS_AFTER_NS
        if last_ns and not cells[PAUSED] and is_late and last_ns != self._written_ns:
            self._written_ns = last_ns
            _dump_traceback(file=self._stacks, all_threads=True)

    def _spawn_again(self) -> None:
        if self._process is not None and self._process.poll() is not None and not self._is_closing.is_set():
            self._was_ended = True
            self._spawn()

    def _spawn(self) -> None:
        self.cells[DUTY] += 1
        told = {
            **self._about,
            "pid": _getpid(),
            "started": process_started(_getpid()),
            "stamp": stamp_for(self._about["run_id"], _getpid()),
            "duty": self.cells[DUTY],
            "slot": self._slot,
            "stacks": self._stacks,
            "knock": int(KNOCK),
            "dump": int(DUMP),
            "sys_path": [path or os.getcwd() for path in sys.path],  # noqa: PTH109  # what the empty entry means
        }
        argv = [sys.executable, "-I", "-S", str(Path(watchdog.__file__)), json.dumps(told)]
        try:
            self._process = self._start(argv)
        except OSError:
            self.cells[DUTY] -= 1  # its relief may still be there
            raise
        self.pid = self._process.pid
        with suppress(OSError, subprocess.TimeoutExpired), orphans_left_alone():
            # a child of the system's first process: who ends all children of this one, and theirs, does not find it
            self._start([_SHELL, "-c", '"$@" &', _SHELL, *argv, str(self.pid)]).wait(_END_S)

    def _start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        return _Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=(self._slot, self._stacks),
            start_new_session=True,  # a terminal's Ctrl-C and a group's end are not meant for it
        )

    def _hear(self, _: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        self._knocked(frame)

    def tell(self, text: bytes) -> None:
        """What the record should say of the unit, as JSON; too long a text is left out."""
        if len(text) > TEXT_SIZE:
            text = b"{}"
        self._memory[HEAD : HEAD + len(text)] = text
        self.cells[LENGTH] = len(text)

    def stacks(self) -> str:
        """The stacks of all threads now; the main thread's, or the caller's, is the last."""
        begin = os.lseek(self._stacks, 0, os.SEEK_END)
        faulthandler.dump_traceback(self._stacks, all_threads=True)
        size = os.lseek(self._stacks, 0, os.SEEK_END)
        return os.pread(self._stacks, size - begin, begin).decode("utf-8", "replace")

    def close(self) -> None:
        """End the watchdog and give the signals back. The memory stays: a thread may still write to it."""
        if self._process is None or _getpid() != self._owner:  # a child that a unit forked has none
            return
        self._is_closing.set()
        self._thread.join()
        process, self._process = self._process, None
        self.cells[DUTY] = 0
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        faulthandler.unregister(DUMP)
        signal.signal(KNOCK, self._previous)
        os.close(self._slot)
        os.close(self._stacks)


def _shared_file(name: str) -> int:
    """A descriptor of a file in memory, or of one without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
