"""Runs a program to its end: its output into a file, its whole process tree ended with it, and what all of it used.

Each program has a keeper beside it (`world.keeper`): a small process that ends the tree when the unit wants that, when
time is up, and when the process of the unit dies, by whatever signal. The program writes into its log file itself;
nothing of what it says passes through this process, which only looks how long the file is.
"""

from __future__ import annotations

import errno
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_benchrun.core.argv import how_to_install, shown_command
from pytest_benchrun.core.errors import CommandProblem, ProgramMissing
from pytest_benchrun.world import keeper
from pytest_benchrun.world.clock import monotonic_s

DEFAULT_GRACE_S = 5.0
TAIL_LINES = 20
_TAIL_BYTES = 8192
_FIRST_LOOK_S = 0.02
_LONGEST_LOOK_S = 0.5
_COST_SHARE = 100  # a look at the tree may cost a hundredth of the time between two
_ANSWER_SPARE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run.

    Attributes:
        argv: the program and its arguments.
        log: where its output goes, both streams in the order they come.
        cwd: the directory that it runs in.
        env: its whole environment.
        timeout_s: seconds after which its tree is ended; None for no limit.
        grace_s: seconds between the signals TERM and KILL.
        max_memory_bytes: address space that each of its processes may have; None for no limit.
        max_cpu_s: seconds of CPU time that each of its processes may use, whole ones; None for no limit.
    """

    argv: tuple[str, ...] = field(repr=False)  # what a traceback shows must hold no secret
    log: Path
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    timeout_s: float | None = None
    grace_s: float = DEFAULT_GRACE_S
    max_memory_bytes: int | None = None
    max_cpu_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a program ended, and what it and all that it started have used.

    Attributes:
        argv: the program and its arguments.
        exit_code: what it exited with; None when a signal ended it.
        signal: name of the signal that ended it, `"SIGKILL"`; None when it exited.
        wall_s: seconds from its start to its end.
        cpu_s: seconds of CPU time, user and system, of the whole tree, counted by the kernel. On systems other than
            Linux without those that it left behind.
        rss_bytes: peak of the memory of the whole tree: the largest sum of resident sizes that was seen (pages that
            processes share count for each), and never less than the exact peak of the largest single process, which
            the kernel keeps; on systems other than Linux only that.
        log: the file with its output, both streams in the order they came.
        tail: the last 20 lines of it.
        is_timeout: whether it was ended because its time was up.
        left_behind: names of processes that outlived it and were ended.
    """

    argv: tuple[str, ...] = field(repr=False)
    exit_code: int | None
    signal: str | None
    wall_s: float
    cpu_s: float
    rss_bytes: int
    log: Path
    tail: str
    is_timeout: bool
    left_behind: tuple[str, ...]


class Running:
    """A program that runs; `wait` for it in the thread that asked for it.

    Args:
        order: what to run.

    Raises:
        ProgramMissing: there is no such program.
        CommandProblem: it could not be started.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._peak_bytes = 0
        self._guard = threading.Lock()
        program = _find(order)
        read, write = os.pipe()
        log = _open_log(order.log)
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(write)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[write],
                start_new_session=True,
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
            os.close(log)
        self._answer = os.fdopen(read, "rb")
        self._send(json.dumps(_told(order, program)).encode() + b"\n")

    def wait(self, note_output: Callable[[], None]) -> CommandResult:
        """Wait for its end; whatever comes between ends it, tree and all, before it is passed on.

        Args:
            note_output: called, at most twice a second, when there is new output.

        Raises:
            CommandProblem: it could not be started.
        """
        try:
            self._look_on(note_output)
        except BaseException:
            self.end()
            raise
        finally:
            said = self._take_answer()
        return self._result(said)

    def end(self) -> None:
        """End it and all that it has started: SIGTERM, the grace, SIGKILL; from any thread, any number of times."""
        self._send(b"end\n")

    def _send(self, data: bytes) -> None:
        with self._guard, suppress(OSError, ValueError):  # it has ended, and its pipe is gone or closed
            stream = self._keeper.stdin
            if stream is not None:
                stream.write(data)
                stream.flush()

    def _look_on(self, note_output: Callable[[], None]) -> None:
        length, interval_s = 0, _FIRST_LOOK_S
        while not select.select([self._answer], [], [], interval_s)[0]:
            started_s = monotonic_s()
            self._peak_bytes = max(self._peak_bytes, _tree_bytes(self._keeper.pid))
            cost_s = monotonic_s() - started_s
            interval_s = max(min(interval_s * 1.5, _LONGEST_LOOK_S), cost_s * _COST_SHARE)
            now = _length(self._order.log)
            if now != length:
                length = now
                note_output()

    def _take_answer(self) -> dict[str, Any] | None:
        """What the keeper says at the end; None when it was killed, and then its tree is ended from here."""
        try:
            ready, _, _ = select.select([self._answer], [], [], self._order.grace_s + _ANSWER_SPARE_S)
            text = self._answer.read() if ready else b""
        finally:
            with self._guard:
                if self._keeper.stdin is not None:
                    with suppress(OSError):
                        self._keeper.stdin.close()
            self._answer.close()
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(_ANSWER_SPARE_S)
        said: dict[str, Any] | None = json.loads(text) if text else None
        return said

    def _result(self, said: dict[str, Any] | None) -> CommandResult:
        order = self._order
        if said is None:
            problem = f"{shown_command(order.argv)}: the process that kept it was ended from outside"
            raise CommandProblem(problem, hint="see what ends processes here: dmesg | grep -i kill")
        if "failed" in said:
            raise _not_started(order, said["failed"]["step"], said["failed"]["errno"])
        status = said["status"]
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None
        return CommandResult(
            argv=order.argv,
            exit_code=os.WEXITSTATUS(status) if status is not None and number is None else None,
            signal=None if number is None else _signal_name(number),
            wall_s=said["wall_ns"] / 1e9,
            cpu_s=said["cpu_s"],
            rss_bytes=max(self._peak_bytes, said["largest_rss_bytes"]),
            log=order.log,
            tail=tail_of(order.log),
            is_timeout=said["is_late"],
            left_behind=tuple(said["left"]),
        )


def tail_of(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a file; `""` when it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            length = file.tell()
            file.seek(max(0, length - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    kept = text.splitlines()
    if length > _TAIL_BYTES:
        kept = kept[1:] or kept
    return "\n".join(kept[-lines:])


def _told(order: Order, program: str) -> dict[str, Any]:
    return {
        "program": program,
        "argv": order.argv,
        "env": dict(order.env),
        "cwd": str(order.cwd),
        "parent": os.getpid(),
        "timeout_s": order.timeout_s,
        "grace_s": order.grace_s,
        "max_memory_bytes": order.max_memory_bytes,
        "max_cpu_s": order.max_cpu_s,
    }


def _find(order: Order) -> str:
    """The program's path, looked for as the program's own environment and directory have it."""
    name = order.argv[0]
    if not order.cwd.is_dir():
        problem = f"{shown_command(order.argv)}: cwd={str(order.cwd)!r} is no directory"
        raise CommandProblem(problem, hint="make it first, or leave cwd= away")
    wanted = str(order.cwd / name) if "/" in name else name
    found = shutil.which(wanted, path=order.env.get("PATH", os.defpath))
    if found is None:
        is_there = "/" in name and Path(wanted).exists()
        why = "may not be run" if is_there else f"is not in {wanted!r}" if "/" in name else "is not on PATH"
        raise ProgramMissing(name, why, f"chmod +x {name}" if is_there else how_to_install(name))
    return str(Path(found).absolute())


def _open_log(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)


def _not_started(order: Order, step: str, number: int) -> CommandProblem:
    shown = shown_command(order.argv)
    if number == errno.E2BIG:
        size = sum(len(os.fsencode(word)) + 1 for word in order.argv)
        problem = f"{shown}: its arguments ({size} bytes) and environment are more than the system takes"
        return CommandProblem(problem, hint="write the long ones into a file that the program reads")
    if number == errno.ENOEXEC:
        return CommandProblem(f"{shown}: it is no program that this system can run", hint="begin a script with #!")
    hints = {
        "cwd": f"see to the directory: ls -ld {order.cwd}",
        "limit": "leave max_memory_bytes= and max_cpu_s= away, or set lower ones than the system's: ulimit -a",
    }
    problem = f"{shown}: could not be started: {os.strerror(number)}"
    return CommandProblem(problem, hint=hints.get(step, f"see whether it may be run: ls -l {order.argv[0]}"))


def _tree_bytes(pid: int) -> int:
    """Resident memory of all below a process; 0 when there is nobody, nobody may look, or the system has no lists."""
    return sum(map(_resident_bytes, _below(pid)))


def _below(pid: int) -> list[int]:
    """The processes below `pid`, by the lists that the kernel keeps (proc(5)): psutil would read all of `/proc`."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for path in glob.iglob(f"/proc/{waiting.pop()}/task/*/children"):  # noqa: PTH207  # as above
            with suppress(OSError), open(path, encoding="ascii") as file:  # noqa: PTH123  # as above
                children = [int(word) for word in file.read().split()]
                found += children
                waiting += children
    return found


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # real-time signals have no names of their own


def environment(changes: Mapping[str, str | None] | None, base: Mapping[str, str]) -> dict[str, str]:
    """`base` with some variables set, and those that are None taken out."""
    merged = dict(base)
    for name, value in (changes or {}).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def run(order: Order, note_output: Callable[[], None] = lambda: None) -> CommandResult:
    """Run a program to its end; see `Running`."""
    return Running(order).wait(note_output)


def words(argv: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The words of a command line as text, paths among them too."""
    return tuple(os.fspath(word) for word in argv)
