"""Measures what a unit uses: CPU time, memory and I/O of its process and of all below it.

Read at the start of every unit, so this is all that a short one pays: two calls of `getrusage`, a read of a file in
`/proc` that stays open, and one write. Elsewhere than on Linux only the CPU time is known.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pytest_benchrun.core.usage import SHORT_NS, Usage
from pytest_benchrun.world.clock import monotonic_ns

_OURS = b"pytest_benchrun"
_LENGTH = 65536
_KB = 1024
_MARGIN = 1024 * 1024  # the kernel counts pages a CPU at a time, and adds them up later
_FORGET_PEAK = b"5"  # /proc/PID/clear_refs, see proc(5): the peak begins anew at what is resident now


@dataclass(frozen=True, slots=True)
class _Live:
    """A process below ours that lives, or has ended and was not waited for; its waited-for children included."""

    cpu_s: float
    io: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Start:
    """Everything as it was when the unit began."""

    at_ns: int
    cpu_s: float
    children_cpu_s: float
    children_peak: int
    io: tuple[int, int] | None
    has_peak: bool
    live: dict[int, _Live]


class Meter:
    """Measures the units of this process, one after the other; made in its main thread.

    Args:
        short_ns: a unit that took less has nothing measured.
    """

    def __init__(self, short_ns: int = SHORT_NS) -> None:
        self._short_ns = short_ns
        self._pid = os.getpid()
        self._io = _open("/proc/self/io")
        self._children = _open(f"/proc/self/task/{threading.get_native_id()}/children")
        self._idle = b""
        self._start: _Start | None = None

    def begin(self) -> None:
        """A unit begins."""
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        self._start = _Start(
            monotonic_ns(),
            own.ru_utime + own.ru_stime,
            children.ru_utime + children.ru_stime,
            children.ru_maxrss,
            _io_of(self._io),
            _forget_peak(),
            self._live_below(),
        )

    def used(self) -> Usage | None:
        """What has been used since `begin`; None for a short unit, and in a child that was forked since."""
        start = self._start
        if start is None or os.getpid() != self._pid or monotonic_ns() - start.at_ns < self._short_ns:
            return None
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        live, peaks = self._live_below(), []
        peak = _peak_of("self")
        # else it is that of an earlier unit; or our own, as a child has it that was not yet a program of its own
        if children.ru_maxrss * _KB > max(
            start.children_peak * _KB, own.ru_maxrss * _KB + _MARGIN, (peak or 0) + _MARGIN
        ):
            peaks.append(children.ru_maxrss * _KB)
        peaks += [found for pid in live.keys() - start.live.keys() if (found := _peak_of(str(pid))) is not None]
        before_s = start.children_cpu_s + sum(one.cpu_s for one in start.live.values())
        after_s = children.ru_utime + children.ru_stime + sum(one.cpu_s for one in live.values())
        read, written = self._moved(start, live)
        return Usage(
            cpu_s=round(own.ru_utime + own.ru_stime - start.cpu_s, 6),
            cpu_children_s=round(max(0.0, after_s - before_s), 6),
            peak_rss_bytes=peak if start.has_peak else None,
            peak_rss_children_bytes=max(peaks, default=None),
            read_bytes=read,
            write_bytes=written,
        )

    def close(self) -> None:
        """Measure no more."""
        self._start = None
        for descriptor in (self._io, self._children):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)
        self._io = self._children = -1

    def _moved(self, start: _Start, live: dict[int, _Live]) -> tuple[int | None, int | None]:
        """Bytes read and written; the kernel adds those of a process to its parent's once it is waited for."""
        now = _io_of(self._io)
        if now is None or start.io is None:
            return None, None
        before = [start.io, *(one.io for one in start.live.values())]
        after = [now, *(one.io for one in live.values())]
        read, written = (max(0, sum(one[way] for one in after) - sum(one[way] for one in before)) for way in (0, 1))
        return read, written

    def _live_below(self) -> dict[int, _Live]:
        """All below this process but our own helpers; nothing is looked at while the list of children stays the same.

        The list is of those that the main thread has started: what another one starts and leaves is not seen.
        """
        with suppress(OSError, ValueError):
            said = os.pread(self._children, _LENGTH, 0) if self._children >= 0 else b""
            if said != self._idle:
                own = [pid for pid in said.split() if _OURS not in _read(f"/proc/{int(pid)}/cmdline")]
                if own:
                    return dict(_looks(own))
                self._idle = said
        return {}


def meter_for(resources: str) -> Meter | None:
    """Measures as `--bench-resources` says: `auto`, `on`, or `off`, which is None."""
    return None if resources == "off" else Meter(0 if resources == "on" else SHORT_NS)


def _looks(pids: Iterable[bytes]) -> Iterable[tuple[int, _Live]]:
    waiting = list(pids)
    while waiting:
        pid = int(waiting.pop())
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            ticks = sum(map(int, fields[11:15]))  # utime, stime, and those of the children it has waited for
            io = _io_said(_read(f"/proc/{pid}/io")) or (0, 0)
            yield pid, _Live(ticks / os.sysconf("SC_CLK_TCK"), io)
            waiting += _read(f"/proc/{pid}/task/{pid}/children").split()


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # another system, or one that hides it
        return -1


def _read(path: str) -> bytes:
    """A file of the kernel; empty when there is none, or we may not look."""
    descriptor = _open(path)
    if descriptor < 0:
        return b""
    try:
        return os.read(descriptor, _LENGTH)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _io_of(descriptor: int) -> tuple[int, int] | None:
    try:
        return _io_said(os.pread(descriptor, _LENGTH, 0))
    except OSError:  # there is none, or a unit has closed it
        return None


def _io_said(text: bytes) -> tuple[int, int] | None:
    """The bytes read from storage and sent there, of the text of `/proc/PID/io`."""
    words = text.split()
    try:
        return int(words[words.index(b"read_bytes:") + 1]), int(words[words.index(b"write_bytes:") + 1])
    except (ValueError, IndexError):
        return None


def _forget_peak() -> bool:
    """Have the kernel begin this process's peak anew; opened each time, since a unit may close and reuse numbers."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(descriptor, _FORGET_PEAK) == len(_FORGET_PEAK)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _peak_of(pid: str) -> int | None:
    words = _read(f"/proc/{pid}/status").split()
    try:
        return int(words[words.index(b"VmHWM:") + 1]) * _KB
    except (ValueError, IndexError):
        return None
