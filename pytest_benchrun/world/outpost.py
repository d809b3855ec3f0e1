"""What runs on another host while a run lasts: says its facts, then what it does over time, a line of JSON each.

Sent together with `machine.py` and `gpu.py` to the standard input of `python3`, version 3.8 or newer, by `hosts.py`;
standard library only, and nothing of ours. It leaves no file there, and ends when its standard input does, when nobody
takes its lines, or when it is told to: it never outlives its run.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

BEAT_S = 30.0
"""Longest silence on either side."""

UNHEARD_S = 4 * BEAT_S
"""After so long without an answer the connection is lost, even if the system does not know it yet."""

SECTOR_BYTES = 512
"""Of `/proc/diskstats`, whatever the disk's own are."""

_NS_PER_MS = 1_000_000


class Outpost:
    """The program.

    Args:
        marker: the beginning of its lines; anything else on the standard output is the greeting of a shell.
        facts: takes the facts, whole or basic; None when nobody wants them.
        read: takes a sample.
        interval_s: seconds between the first samples; 0 for none.
        pace: after so many samples the interval doubles.
    """

    def __init__(
        self,
        marker: str,
        facts: Callable[[bool], Any] | None,
        read: Callable[[], Any],
        interval_s: float,
        pace: int,
    ) -> None:
        self._marker = marker
        self._facts = facts
        self._read = read
        self._interval_s = interval_s
        self._pace = pace
        self._samples = self._since_ns = 0

    def work(self, *, is_basic: bool) -> None:
        """Until it is told to end, or nobody is there any more."""
        self._say("start", facts=self._look(is_basic=is_basic))
        now_s = heard_s = time.monotonic()
        due_s = now_s + self._pause_s()
        self._since_ns = time.process_time_ns()  # of the series alone, without what starting and the facts have cost
        while now_s - heard_s < UNHEARD_S:
            if select.select([0], [], [], max(0.0, min(due_s - now_s, BEAT_S)))[0]:
                said = os.read(0, 4096)
                if b"end" in said:
                    self._say("end", **self._sample(), facts=self._look(is_basic=True))
                if not said or b"end" in said:
                    return
                now_s = heard_s = time.monotonic()
                continue
            now_s = time.monotonic()
            if now_s < due_s:
                self._say("beat")
                continue
            self._say("sample", **self._sample())
            self._samples += 1
            due_s = now_s + self._pause_s()

    def _pause_s(self) -> float:
        return self._interval_s * 2.0 ** (self._samples // self._pace) or float("inf")

    def _look(self, *, is_basic: bool) -> Any:  # noqa: ANN401  # what JSON can hold
        return None if self._facts is None else self._facts(is_basic)

    def _sample(self) -> dict[str, Any]:
        if not self._interval_s:
            return {}
        sample = self._read()
        sample["sampler_cpu_ms"] = round((time.process_time_ns() - self._since_ns) / _NS_PER_MS, 3)
        return {"interval_s": self._pause_s(), "sample": sample}

    def _say(self, what: str, **more: Any) -> None:  # noqa: ANN401  # what JSON can hold
        line = f"{self._marker}{json.dumps({'what': what, **more})}\n".encode()
        while line:
            line = line[os.write(1, line) :]


class Gauge:
    """Reads the counters of the kernel; each reading is of the time since the one before.

    Args:
        memory: bytes of memory, as `machine.memory`.
        load_1min: as `machine.load_1min`.
        read_gpus: what the GPUs do; nothing where there are none.
    """

    def __init__(
        self,
        memory: Callable[[], Any],
        load_1min: Callable[[], float | None],
        read_gpus: Callable[[], dict[str, Any]],
    ) -> None:
        self._memory = memory
        self._load_1min = load_1min
        self._read_gpus = read_gpus
        self._at_s = time.monotonic()
        self._counters = _counters()
        self._cpus = _cpu_times()

    def read(self) -> dict[str, Any]:
        """As the series of the run's own host has it; what the kernel does not count is missing or None."""
        now_s, counters, cpus = time.monotonic(), _counters(), _cpu_times()
        elapsed_s = max(now_s - self._at_s, 1e-9)
        shares = [_share(self._cpus[name], cpus[name]) for name in self._cpus if name in cpus]
        memory = self._memory()
        total, available = memory["total_bytes"], memory["available_bytes"]
        sample = {
            "cpu_percent": round(sum(shares) / len(shares), 1) if shares else None,
            "busiest_cpu_percent": max(shares) if shares else None,
            "load_1min": self._load_1min(),
            "used_bytes": None if total is None or available is None else total - available,
            "available_bytes": available,
            "swap_used_bytes": memory["swap_used_bytes"],
        }
        for name, before in self._counters.items():
            if name in counters:
                grown = counters[name] - before
                sample[f"{name}_per_s"] = None if grown < 0 else round(grown / elapsed_s)
        sample.update(self._read_gpus())
        self._at_s, self._counters, self._cpus = now_s, counters, cpus
        return sample


def _share(before: tuple[int, int], now: tuple[int, int]) -> float:
    """Percent of the time in which a CPU was busy."""
    busy, whole = now[0] - before[0], now[1] - before[1]
    return round(min(100.0, max(0.0, 100.0 * busy / whole)), 1) if whole > 0 else 0.0


def _cpu_times() -> dict[str, tuple[int, int]]:
    """By CPU the ticks that it was busy, and all of them; proc(5) has the columns."""
    found = {}
    for line in _lines("/proc/stat"):
        name, *ticks = line.split()
        if name.startswith("cpu") and name != "cpu":
            times = [int(tick) for tick in ticks[:8]]  # those of guests are counted in `user` already
            found[name] = (sum(times) - times[3] - times[4], sum(times))
    return found


def _counters() -> dict[str, int]:
    """What only grows; nothing for what the host does not count."""
    found: dict[str, int] = {}
    whole = os.listdir("/sys/block") if os.path.isdir("/sys/block") else []  # noqa: PTH112, PTH208  # names only
    for line in _lines("/proc/diskstats"):
        fields = line.split()
        if fields[2].replace("/", "!") in whole:
            _add(found, "disk_read_bytes", int(fields[5]) * SECTOR_BYTES)
            _add(found, "disk_written_bytes", int(fields[9]) * SECTOR_BYTES)
    for line in _lines("/proc/net/dev")[2:]:
        fields = line.rpartition(":")[2].split()
        _add(found, "received_bytes", int(fields[0]))
        _add(found, "sent_bytes", int(fields[8]))
    return found


def _add(found: dict[str, int], name: str, count: int) -> None:
    found[name] = found.get(name, 0) + count


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # read every few seconds
            return file.read().splitlines()
    except OSError:
        return []


def main(machine: dict[str, Any], gpu: dict[str, Any], told: dict[str, Any]) -> None:
    """Run.

    Args:
        machine: the names of `machine.py`.
        gpu: those of `gpu.py`.
        told: `marker`, `level` of the facts, `interval_s`, `pace`.
    """
    gpus = None
    try:
        gpus = gpu["Gpus"]()
    except Exception:  # noqa: BLE001  # most hosts have none, and who has a broken one has the rest
        read_gpus = gpu["read_none"]
    else:
        read_gpus = gpus.read

    def facts(is_basic: bool) -> Any:  # noqa: ANN401, FBT001  # what JSON can hold
        found = machine["facts"](is_basic=is_basic)
        if gpus is not None and not is_basic and not found["gpus"]:
            found["gpus"] = gpus.facts()
        return found

    gauge = Gauge(machine["memory"], machine["load_1min"], read_gpus)
    wanted = None if told["level"] == "off" else facts
    Outpost(told["marker"], wanted, gauge.read, told["interval_s"], told["pace"]).work(
        is_basic=told["level"] == "basic"
    )
