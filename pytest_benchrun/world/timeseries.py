"""What this host did over time: a line every some seconds in `timeseries/<host>.jsonl`, from a thread of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
import psutil

from pytest_benchrun.core.settings import GpuUse
from pytest_benchrun.world.clock import WallClock, monotonic_s
from pytest_benchrun.world.gpu import Gpus, NoGpus, read_none

_dumps = orjson.dumps  # now: a unit may patch them

SAMPLES_AT_A_PACE = 4096
"""After so many the interval doubles: eleven hours of 10 s, then 23 of 20 s; a year is 25,000 lines, not 3 million."""

LAST_SAMPLE_S = 2.0
"""Most that the end of a session waits for it: a dead network disk must not hold it."""

_NS_PER_MS = 1_000_000


def interval_after(samples: int, interval_s: float) -> float:
    """Seconds until the next sample.

    Args:
        samples: taken so far in this session.
        interval_s: between the first ones.
    """
    return interval_s * 2.0 ** (samples // SAMPLES_AT_A_PACE)


class Gauge:
    """Reads this host's counters; each reading is of the time since the one before."""

    def __init__(self) -> None:
        self._at_s = monotonic_s()
        self._counters = _counters()
        psutil.cpu_percent(percpu=True)  # the first one only sets the mark

    def read(self) -> dict[str, float | int | None]:
        """Percent of all CPUs and of the busiest one; bytes of memory; bytes a second of disks and networks.

        None where the host does not count, or where a counter was set back.
        """
        now_s = monotonic_s()
        counters = _counters()
        elapsed_s = max(now_s - self._at_s, 1e-9)
        rates = {
            f"{name}_per_s": None if counters[name] < before else round((counters[name] - before) / elapsed_s)
            for name, before in self._counters.items()
            if name in counters
        }
        self._at_s, self._counters = now_s, counters
        cpus = psutil.cpu_percent(percpu=True)
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return {
            "cpu_percent": round(sum(cpus) / len(cpus), 1) if cpus else None,
            "busiest_cpu_percent": max(cpus, default=None),
            "load_1min": round(os.getloadavg()[0], 2),
            "used_bytes": memory.total - memory.available,
            "available_bytes": memory.available,
            "swap_used_bytes": swap.used,
            **rates,
        }


def _counters() -> dict[str, int]:
    """What only grows; nothing for what the host does not count, as in some containers."""
    found: dict[str, int] = {}
    disks = psutil.disk_io_counters()
    if disks is not None:
        found |= {"disk_read_bytes": disks.read_bytes, "disk_written_bytes": disks.write_bytes}
    networks = psutil.net_io_counters()
    if networks is not None:
        found |= {"received_bytes": networks.bytes_recv, "sent_bytes": networks.bytes_sent}
    return found


def line_of(at: str, session: int, host: str, interval_s: float, sample: Mapping[str, float | int | None]) -> bytes:
    """The line of a sample, with its line feed: a `SampleLine`."""
    line = {"at": at, "session": session, "host": host, "interval_s": interval_s, **sample}
    return _dumps(line, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a series of this host is to be.

    Attributes:
        host: its name.
        session: number of the session.
        interval_s: seconds between the first samples; 0 for none at all.
        gpu: whether GPUs are sampled where there are some (`auto`), or it is told why not (`on`), or never.
    """

    host: str
    session: int
    interval_s: float
    gpu: GpuUse = "off"


@contextmanager
def sampling(append: Callable[[bytes], None], pace: Pace, complain: Callable[[str], None]) -> Iterator[None]:
    """Sample this host until the block is left; then once more, so that a short session has a sample too.

    Args:
        append: takes the lines; may raise OSError, which ends the series.
        pace: of the series.
        complain: told, in any thread, why the series ends before the session does, or what it lacks; each once.
    """
    if pace.interval_s <= 0:
        yield
        return
    is_closing = threading.Event()
    read_gpus = gpus_of(pace.gpu, complain)  # here: what it opens must not look like something that a unit left open

    def work() -> None:
        try:
            _sample(append, pace, read_gpus, is_closing)
        except Exception as error:  # noqa: BLE001  # the observer never breaks the observed
            complain(f"the time series of this host ended: {error}")

    thread = threading.Thread(target=work, name="benchrun-timeseries", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_closing.set()
        thread.join(LAST_SAMPLE_S)


def gpus_of(use: GpuUse, complain: Callable[[str], None]) -> Callable[[], dict[str, float | int | None]]:
    """What reads the GPUs of this host; where there are none, or no more, it reads nothing.

    Args:
        use: as in `Pace`.
        complain: told once what is broken; and when GPUs were asked for, that there are none.
    """
    if use == "off":
        return read_none
    try:
        gpus = Gpus()
    except NoGpus as error:
        if error.is_broken or use == "on":
            complain(f"no GPU is sampled: {error}")
        return read_none
    read = gpus.read

    def read_on() -> dict[str, float | int | None]:
        nonlocal read
        try:
            return read()
        except Exception as error:  # noqa: BLE001  # the observer never breaks the observed
            complain(f"no GPU is sampled any more: {error}")
            read = read_none
            return {}

    return read_on


def _sample(
    append: Callable[[bytes], None],
    pace: Pace,
    read_gpus: Callable[[], dict[str, float | int | None]],
    is_closing: threading.Event,
) -> None:
    gauge, clock, samples, is_last = Gauge(), WallClock(), 0, False
    while not is_last:
        pause_s = interval_after(samples, pace.interval_s)
        is_last = is_closing.wait(pause_s)
        at, sample = clock.now_at(), {**gauge.read(), **read_gpus()}
        sample["sampler_cpu_ms"] = round(time.thread_time_ns() / _NS_PER_MS, 3)
        append(line_of(at, pace.session, pace.host, pause_s, sample))
        samples += 1
