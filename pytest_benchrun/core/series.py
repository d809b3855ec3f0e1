"""What a host did over time: the line of a sample, and what the samples say of the time that a unit took."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from pytest_benchrun.core.model import JsonValue

STRETCH = 1.5
"""A line speaks for at most so many of its intervals: nobody looked while the machine slept."""


class SampleLine(TypedDict):
    """A line of `timeseries/<host>.jsonl`: rates and shares are of the time since the line before.

    Attributes:
        at: when it was taken; for another host, when it came, by the clock of the run.
        session: number of the session.
        host: as `environment.json` names it.
        interval_s: the pace at that time.
        sampler_cpu_ms: what the series itself has cost so far in this session, in CPU time.
        gpu_percent: how busy the GPUs were, on average of all.
        gpu_power_w: of all GPUs together.
        gpu_temperature_c: of the hottest one.
    """

    at: str
    session: int
    host: NotRequired[str]
    interval_s: float
    cpu_percent: NotRequired[float | None]
    busiest_cpu_percent: NotRequired[float | None]
    load_1min: NotRequired[float | None]
    used_bytes: NotRequired[int | None]
    available_bytes: NotRequired[int | None]
    swap_used_bytes: NotRequired[int | None]
    disk_read_bytes_per_s: NotRequired[float | None]
    disk_written_bytes_per_s: NotRequired[float | None]
    received_bytes_per_s: NotRequired[float | None]
    sent_bytes_per_s: NotRequired[float | None]
    gpu_percent: NotRequired[float | None]
    busiest_gpu_percent: NotRequired[float | None]
    gpu_memory_used_bytes: NotRequired[int | None]
    gpu_power_w: NotRequired[float | None]
    gpu_temperature_c: NotRequired[float | None]
    sampler_cpu_ms: NotRequired[float]


FIELDS = tuple(name for name in SampleLine.__annotations__ if name not in {"at", "session", "host", "interval_s"})
"""The numbers of a line, in its order."""

PREFIX = "machine."
_FIGURES: tuple[tuple[str, str, str], ...] = (
    ("cpu_percent_mean", "cpu_percent", "mean"),
    ("cpu_percent_max", "cpu_percent", "max"),
    ("busiest_cpu_percent_max", "busiest_cpu_percent", "max"),
    ("load_1min_mean", "load_1min", "mean"),
    ("memory_used_bytes_max", "used_bytes", "max"),
    ("swap_used_bytes_max", "swap_used_bytes", "max"),
    ("disk_read_bytes_per_s_mean", "disk_read_bytes_per_s", "mean"),
    ("disk_written_bytes_per_s_mean", "disk_written_bytes_per_s", "mean"),
    ("received_bytes_per_s_mean", "received_bytes_per_s", "mean"),
    ("sent_bytes_per_s_mean", "sent_bytes_per_s", "mean"),
    ("gpu_percent_mean", "gpu_percent", "mean"),
    ("gpu_percent_max", "busiest_gpu_percent", "max"),
    ("gpu_memory_used_bytes_max", "gpu_memory_used_bytes", "max"),
    ("gpu_power_w_mean", "gpu_power_w", "mean"),
)
SAMPLES = f"{PREFIX}samples"
COLUMNS = (SAMPLES, *(PREFIX + name for name, _, _ in _FIGURES))
"""What exports say of the machine while a unit ran, by its name in the row."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line, and the time it speaks for.

    Attributes:
        since_s: end of the line before, seconds of some clock that all lines and units share.
        until_s: its own moment.
        values: its numbers.
    """

    since_s: float
    until_s: float
    values: Mapping[str, JsonValue]


class Series:
    """The samples of one host, by time.

    Args:
        samples: in any order.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = sorted(samples, key=lambda sample: sample.until_s)
        self._ends = [sample.until_s for sample in self._samples]
        self._alone: dict[int, dict[str, JsonValue]] = {}

    def figures(self, since_s: float, until_s: float) -> dict[str, JsonValue]:
        """What the machine did in a time, a value for each of `COLUMNS`; None where no sample speaks for it.

        A sample counts by the part of the time that it speaks for: a mean is weighted with it, and a unit shorter
        than the interval has the figures of the one or two samples that speak for it.
        """
        first = bisect_right(self._ends, since_s)
        end = first
        while end < len(self._samples) and (
            self._samples[end].since_s < until_s or (end == first and self._samples[end].since_s <= since_s)
        ):
            end += 1
        if end - first != 1:
            return _figures([(_shared_s(one, since_s, until_s), one) for one in self._samples[first:end]])
        if first not in self._alone:  # so have all short units, and there are many of them
            self._alone[first] = _figures([(1.0, self._samples[first])])
        return self._alone[first]


def _shared_s(sample: Sample, since_s: float, until_s: float) -> float:
    return max(0.0, min(until_s, sample.until_s) - max(since_s, sample.since_s))


def _figures(weighted: list[tuple[float, Sample]]) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {SAMPLES: len(weighted)}
    for name, field, how in _FIGURES:
        known = [
            (weight, value)
            for weight, sample in weighted
            if isinstance(value := sample.values.get(field), int | float) and not isinstance(value, bool)
        ]
        row[PREFIX + name] = _mean(known) if how == "mean" else max((value for _, value in known), default=None)
    return row


def _mean(known: list[tuple[float, float | int]]) -> float | None:
    """The weighted mean; None of nothing."""
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total > 0 else None


NOTHING: dict[str, JsonValue] = {SAMPLES: 0, **dict.fromkeys(COLUMNS[1:])}
"""The figures of a host without samples."""
