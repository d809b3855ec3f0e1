"""Keeps one program and all that it starts: a process of its own between a unit and the program.

Started as a script, with the standard library alone and one thread, so that it may fork. Told on standard input: one
line of JSON, later `end`; the end of that file says that whoever asked is gone. Answers with one line of JSON on the
descriptor named on its command line, when nothing of the program lives any more.

On Linux it adopts what the program's children leave behind (PR_SET_CHILD_SUBREAPER, prctl(2)), so that nothing escapes
by forking twice, and what the kernel counts for its children is the CPU time of the whole tree.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
LINGER_S = 0.5
"""How long what outlives the program may take to end by itself, as the last `tee` of a shell's line does."""
KILL_S = 10.0
"""After so long a killed process is given up: it hangs in the kernel."""
_IS_LINUX = sys.platform == "linux"


class Keeper:
    """One program from its start to the end of its last descendant.

    Args:
        told: `program`, `argv`, `env`, `cwd`, `parent`, `timeout_s`, `grace_s`, `max_memory_bytes`, `max_cpu_s`.
        wake: descriptor that can be read when a child has ended.
        is_told_to_end: whether it was asked to end before it has begun.
    """

    def __init__(self, told: dict[str, Any], wake: int, *, is_told_to_end: bool) -> None:
        self._told = told
        self._wake = wake
        self._status: int | None = None
        self._started_ns = self._ended_ns = 0
        self._is_orphan = False
        self._is_told_to_end = is_told_to_end
        self._pid = 0

    def run(self) -> dict[str, Any]:
        """Run the program; what there is to say of it."""
        failed = self._start()
        if failed is not None:
            return failed
        timeout_s = self._told["timeout_s"]
        is_late = not self._wait(lambda: self._status is not None, timeout_s)
        left = []
        if is_late or self._is_told_to_end or self._is_orphan:
            self._end()
        elif not self._wait(self._is_alone, LINGER_S):
            left = self._names()
            self._end()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        largest = used.ru_maxrss * (1024 if _IS_LINUX else 1)  # getrusage(2): kilobytes there, bytes on macOS
        return {
            "status": self._status,
            "wall_ns": self._ended_ns - self._started_ns,
            "cpu_s": used.ru_utime + used.ru_stime,
            "largest_rss_bytes": largest,
            "is_late": is_late and not self._is_told_to_end and not self._is_orphan,
            "left": left,
            "unkillable": self._names(),
        }

    def _start(self) -> dict[str, Any] | None:
        read, write = os.pipe()
        self._started_ns = time.monotonic_ns()
        self._pid = os.fork()
        if self._pid == 0:
            step = "start"
            try:
                step = "limit"
                self._limit()
                step = "cwd"
                os.chdir(self._told["cwd"])
                step = "exec"
                os.execve(self._told["program"], self._told["argv"], self._told["env"])  # noqa: S606  # no shell
            except (OSError, ValueError) as error:
                os.write(write, json.dumps({"step": step, "errno": getattr(error, "errno", 0) or 0}).encode())
            finally:
                os._exit(127)
        os.close(write)
        with os.fdopen(read, "rb") as said:
            text = said.read()
        if not text:
            return None
        os.waitpid(self._pid, 0)
        return {"failed": json.loads(text)}

    def _limit(self) -> None:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for name, limit in (("max_memory_bytes", resource.RLIMIT_AS), ("max_cpu_s", resource.RLIMIT_CPU)):
            most = self._told[name]
            if most is not None:
                resource.setrlimit(limit, (most, most))

    def _wait(self, is_so: Callable[[], bool], within_s: float | None) -> bool:
        """Wait until `is_so`, until the time is up (False then), or until the keeper is told to end (True)."""
        deadline_s = None if within_s is None else time.monotonic() + within_s
        while True:
            self._reap()
            if is_so() or self._is_told_to_end or self._is_orphan:
                return True
            left_s = None if deadline_s is None else deadline_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            self._listen(left_s)

    def _listen(self, within_s: float | None) -> None:
        heard = [self._wake] if self._is_orphan else [0, self._wake]
        ready, _, _ = select.select(heard, [], [], within_s)
        if self._wake in ready:
            told = os.read(self._wake, 4096)
            self._is_orphan = self._is_orphan or signal.SIGTERM in told  # the parent-death signal
        if 0 in ready:
            is_gone = not os.read(0, 100)
            self._is_orphan = self._is_orphan or is_gone
            self._is_told_to_end = True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                self._status, self._ended_ns = status, time.monotonic_ns()

    def _end(self) -> None:
        """Ask politely and wait, unless nobody is there to wait for it; then make sure."""
        if not self._is_orphan:
            self._tell(signal.SIGTERM)
            self._await_nobody(self._told["grace_s"])
        deadline_s = time.monotonic() + KILL_S
        while not self._is_alone() and time.monotonic() < deadline_s:
            self._tell(signal.SIGKILL)
            self._listen(0.02)
            self._reap()

    def _await_nobody(self, within_s: float) -> None:
        deadline_s = time.monotonic() + within_s
        while not self._is_alone() and not self._is_orphan:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return
            self._listen(min(left_s, 0.1))  # not every end among the descendants is told
            self._reap()

    def _tell(self, number: int) -> None:
        if self._status is None or not _IS_LINUX:
            with suppress(OSError):
                os.killpg(self._pid, number)
        for pid in _descendants():
            with suppress(OSError):
                os.kill(pid, number)

    def _is_alone(self) -> bool:
        """Whether nothing of the program lives; on other systems, whether its process group has ended."""
        if _IS_LINUX:
            return self._status is not None and not _descendants()
        try:
            os.killpg(self._pid, 0)
        except OSError:
            return self._status is not None
        return False

    @staticmethod
    def _names() -> list[str]:
        names = []
        for pid in _descendants():
            with suppress(OSError), open(f"/proc/{pid}/comm", "rb") as file:  # noqa: PTH123  # pathlib costs start-up
                names.append(file.read().decode(errors="replace").strip())
        return names


def _descendants() -> list[int]:
    """All below this process, by one look at `/proc` (proc(5), field 4 of `stat`); empty where there is none."""
    if not _IS_LINUX:
        return []
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # as above
        if name.isdigit():
            with suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  # as above
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    children.setdefault(int(parent), []).append(int(name))
    found = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _prctl(option: int, value: int) -> None:
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _ring(number: int, frame: object) -> None:
    """Nothing: the wake-up descriptor says which signal came."""


def main() -> None:
    """Keep the program that standard input names."""
    answer = int(sys.argv[1])
    os.set_inheritable(answer, False)  # noqa: FBT003  # the standard library's signature
    read, write = os.pipe()
    for descriptor in (read, write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, _ring)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    line = b""
    while b"\n" not in line:
        part = os.read(0, 65536)
        if not part:
            return  # whoever asked died before it had said what
        line += part
    order, _, end = line.partition(b"\n")
    told = json.loads(order)
    if os.getppid() != told["parent"]:
        return
    said = Keeper(told, read, is_told_to_end=bool(end)).run()
    with suppress(OSError):  # nobody listens any more
        os.write(answer, json.dumps(said).encode())


if __name__ == "__main__":
    main()
