"""The watchdog process: looks at one process that runs units, and ends it when nothing inside it can.

Run as a script by `watch.py`, with the standard library alone: it starts in 10 ms and costs four looks a
second. First it knocks: the process fails its unit itself. When that has not helped after a grace, it has
the stacks written, and `postmortem.py` writes the record and ends the process and all that it has started.

A unit may end or suspend it. A second process, its relief, waits for the one and looks once a second for the other: it
does its work then, or has it go on.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

# Cells of the shared memory, nanoseconds of CLOCK_MONOTONIC where they are times.
LAST = 0
"""The last beacon of the unit in flight; 0 between units."""
LIMIT = 1
"""Silence that is allowed; 0 for any."""
ACTION = 2
"""0 ends the unit, 1 stops the run too, 2 only writes down."""
WALL = 3
"""When the user's own limit ends; 0 for none."""
HEARD = 4
"""When the process heard the last knock, or the user's limit ended inside it."""
BEGAN = 5
"""The start of the attempt."""
LENGTH = 6
"""Bytes of the text."""
PAUSED = 7
"""1 while a debugger has the terminal, or the owner writes."""
DUTY = 8
"""Which watchdog, with its relief, looks after the process: they count from 1; 0 when none should."""
HEAD = 128
TEXT_SIZE = 16_000
SIZE = HEAD + TEXT_SIZE

REPORT = 2
ACTIONS = ("fail", "stop", "report")

LOOK_S = 0.25
RELIEF_LOOK_S = 1.0
AWAY_NS = 5_000_000_000
"""Between two looks: whoever was suspended for so long was so with all of the run, as a batch system does it."""
GRACE_NS = 2_000_000_000
"""From the knock, or the end of the user's limit, to the end of the process."""
WALL_GRACE_NS = 10_000_000_000
"""The same when the user's limit was heard: a unit may clean up for longer than we have promised to wait."""
_START = 19
"""Where the start of a process stands in its `/proc/PID/stat`, after its name."""
TERM_GRACE_S = 0.3
LOCKS = 10
"""RLIMIT_LOCKS of asm-generic/resource.h, which Python does not name: the stamp, see `stamp.py`."""
HELPERS = "resource_tracker", "multiprocessing.forkserver", "pytest_benchrun/world/"
"""In the command line of helpers that a process has once for all its units, and of our own, which may be writing:
they end by themselves."""
DUMP_S = 1.0
RECORD_S = 20.0


class Watchdog:
    """Looks after one process.

    Args:
        told: what `watch.py` says: the process, the descriptors, the signals, and what records say.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._pid: int = told["pid"]
        self._cells = memoryview(mmap.mmap(told["slot"], SIZE))[:HEAD].cast("q")
        self._pidfd = _pidfd_of(self._pid)
        self._knocked_ns = 0
        self._silence_ns = -1
        self._seen_ns = 0
        self._seen_size = 0

    def work(self) -> None:
        """Until the process is gone, or has another watchdog."""
        wait_s, looked_ns = LOOK_S, time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        while self._cells[DUTY] == self._told["duty"] and not self._is_gone(wait_s):
            now_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            if self._cells[LAST] and now_ns > looked_ns + AWAY_NS:
                self._cells[LAST] = now_ns
            wait_s = self._look(now_ns)
            looked_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if self._cells[DUTY] == self._told["duty"]:  # it was killed, and has not ended as it should
            end_stamped(self._told["stamp"])

    def _call(self, module: str, function: str, order: dict[str, Any]) -> None:
        """Have a process of its own do what needs more than the standard library."""
        program = "import json, sys; told = json.load(sys.stdin); sys.path[:] = told['sys_path']; "
        program += f"from pytest_benchrun.world.{module} import {function}; {function}(told)"
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", program],
                input=json.dumps({**self._told, **order}).encode(),
                pass_fds=(self._told["slot"], self._told["stacks"]),
                timeout=RECORD_S,
                check=False,
            )

    def relieve(self, pid: int) -> None:
        """Do the work of another watchdog once that has ended."""
        if self._pidfd is None:
            return
        other = _pidfd_of(pid)
        while other is not None:
            ended = select.select([self._pidfd, other], [], [], RELIEF_LOOK_S)[0]
            if _state_of(pid)[0] == "T":
                with suppress(OSError):
                    os.kill(pid, signal.SIGCONT)
            if other in ended:
                break
            if ended:
                return
        self.work()

    def _is_gone(self, wait_s: float) -> bool:
        """Wait, and say whether the process has ended meanwhile."""
        if self._pidfd is None:
            time.sleep(wait_s)
            return os.getppid() != self._pid
        return bool(select.select([self._pidfd], [], [], wait_s)[0])

    def _look(self, now_ns: int) -> float:
        """Do what is due.

        Returns:
            Seconds to the next look.
        """
        cells = self._cells
        last_ns, limit_ns, wall_ns = cells[LAST], cells[LIMIT], cells[WALL]
        if last_ns != self._seen_ns:
            self._seen_ns, self._seen_size = last_ns, self._size_of_stacks()
        if not last_ns or cells[PAUSED]:
            return LOOK_S
        is_due = limit_ns > 0 and now_ns >= last_ns + limit_ns
        if limit_ns and self._is_suspended(is_debugged_too=is_due):
            cells[LAST] = now_ns
            return LOOK_S
        if wall_ns and wall_ns > last_ns and now_ns >= wall_ns:
            grace_ns = WALL_GRACE_NS if cells[HEARD] >= wall_ns else GRACE_NS
            if now_ns >= wall_ns + grace_ns:
                self._end("timeout", last_ns)
        elif is_due:
            return self._knock(now_ns, last_ns)
        due_ns = [last_ns + limit_ns] if limit_ns else []
        due_ns += [wall_ns + GRACE_NS] if wall_ns else []
        return min([LOOK_S, *((due - now_ns) / 1e9 for due in due_ns if due > now_ns)]) + 0.001

    def _knock(self, now_ns: int, last_ns: int) -> float:
        if last_ns != self._silence_ns:
            self._silence_ns, self._knocked_ns = last_ns, now_ns
            if self._hears(self._told["knock"]):
                os.kill(self._pid, self._told["knock"])
            return LOOK_S  # also when it hears nothing: its stacks come within the grace, see `watch.py`
        if self._knocked_ns and now_ns >= self._knocked_ns + GRACE_NS:
            is_heard = self._cells[HEARD] >= self._knocked_ns
            if not (self._cells[ACTION] == REPORT and is_heard):
                self._end("stuck", last_ns)
            self._knocked_ns = 0
        return LOOK_S

    def _hears(self, number: int) -> bool:
        """Whether the process has a handler for the signal: without one it would die of it."""
        try:
            with open(f"/proc/{self._pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123  # lean
                caught = next(line for line in file if line.startswith("SigCgt:"))
        except (OSError, StopIteration):
            return not os.path.exists("/proc/self/status")  # noqa: PTH110  # as above
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)

    def _is_suspended(self, *, is_debugged_too: bool) -> bool:
        """Whether people have stopped the run (Ctrl-Z) or debug it; a unit that stops its own worker has not."""
        state, parent = _state_of(self._pid)
        if state != "T":
            return is_debugged_too and state == "t"
        return bool(self._told["run_error"]) or _state_of(parent)[0] == "T"

    def _end(self, kind: str, last_ns: int) -> None:
        """Have the record written and the process ended; only written when nothing is to be ended."""
        begin = self._seen_size  # what the process has written by itself, see `watch.py`
        if self._hears(self._told["dump"]):
            before = self._size_of_stacks()
            os.kill(self._pid, self._told["dump"])
            begin = before if self._wait_for_stacks(before) else begin
        if self._cells[LAST] != last_ns:
            return  # it goes on after all
        ends = kind == "timeout" or self._cells[ACTION] != REPORT
        order = {"kind": kind, "last_ns": last_ns, "begin": begin, "watchdog": os.getpid()}
        self._call("postmortem", "examine", order)
        if ends and self._cells[LAST] == last_ns:  # no record could be made: it must end all the same
            self._kill()

    def _kill(self) -> None:
        with suppress(OSError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif os.getppid() == self._pid:
                os.kill(self._pid, signal.SIGKILL)

    def _size_of_stacks(self) -> int:
        return os.fstat(self._told["stacks"]).st_size

    def _wait_for_stacks(self, begin: int) -> bool:
        """Until the stacks are written and grow no more; whether there are any."""
        deadline_s = time.monotonic() + DUMP_S
        size = begin
        while time.monotonic() < deadline_s:
            time.sleep(0.05)
            now = self._size_of_stacks()
            if now == size > begin:
                return True
            size = now
        return size > begin


def stamp_of(pid: int) -> int | None:
    """The stamp of a process; None when it has none, has ended, or is somebody else's."""
    with suppress(AttributeError, OSError, ValueError):  # Linux only
        limit = resource.prlimit(pid, LOCKS)[0]
        return None if limit == resource.RLIM_INFINITY else limit
    return None


def end_stamped(stamp: int) -> None:
    """End all that carries the stamp, and what it starts meanwhile: SIGTERM, a grace, SIGKILL."""
    begun_s, asked = time.monotonic(), set[int]()
    while (found := _stamped(stamp)) and time.monotonic() < begun_s + RECORD_S:
        is_over = time.monotonic() >= begun_s + TERM_GRACE_S
        for pid in found:
            if is_over or pid not in asked:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL if is_over else signal.SIGTERM)
        asked.update(found)
        time.sleep(0.01)


def _stamped(stamp: int) -> list[int]:
    """Those that live; helpers are left alone."""
    found = []
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208  # lean
        if name.isdigit() and stamp_of(int(name)) == stamp and _fields_of(int(name))[0] not in {"Z", "X", ""}:
            with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:  # noqa: PTH123  # as above
                command = file.read().decode("utf-8", "replace")
                if not any(word in command for word in HELPERS):
                    found.append(int(name))
    return found


def _pidfd_of(pid: int) -> int | None:
    """None when it has ended, or on a system that has no such thing."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def _state_of(pid: int) -> tuple[str, int]:
    """The letter of the process's state and its parent."""
    fields = _fields_of(pid)
    return fields[0], int(fields[1])


def _fields_of(pid: int) -> list[str]:
    """Those of `/proc/PID/stat` from the third on, see proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # lean
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        fields = []
    return fields if len(fields) > _START else ["", "0", *[""] * _START]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if stamp_of(os.getpid()) is not None:  # it is not one of those that it ends
        resource.setrlimit(LOCKS, (resource.RLIM_INFINITY, resource.getrlimit(LOCKS)[1]))
    order, *before = sys.argv[1:]
    if before:
        Watchdog(json.loads(order)).relieve(int(before[0]))
    else:
        Watchdog(json.loads(order)).work()
