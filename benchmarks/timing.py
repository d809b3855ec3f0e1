"""Measures how long operations take: medians of repeats and latencies of single calls.

Both clocks below warm up first, run with the cyclic garbage collector paused (a
collection would be charged to whichever call triggers it, and its length depends on
the rest of the process), and read ``time.perf_counter``.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

# A sample this long is 10,000 times the resolution and the cost of reading the clock.
MIN_SAMPLE_S = 0.001
BYTES_PER_MB = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that calls of one operation took.

    Attributes:
        samples_s: Seconds per call, in the order measured; at least two.
        calls: How often the operation ran in all, warm-up included.
    """

    samples_s: tuple[float, ...]
    calls: int

    @property
    def median_s(self) -> float:
        """Median seconds per call."""
        return statistics.median(self.samples_s)

    @property
    def p95_s(self) -> float:
        """95th percentile of seconds per call, linearly interpolated."""
        return statistics.quantiles(self.samples_s, n=20, method="inclusive")[-1]

    @property
    def calls_per_s(self) -> float:
        """Calls per second over all samples, slow ones included."""
        return len(self.samples_s) / sum(self.samples_s)

    @property
    def spread_pct(self) -> float:
        """Interquartile range in percent of the median: how much the samples differ."""
        low, middle, high = statistics.quantiles(self.samples_s, n=4, method="inclusive")
        return 100.0 * (high - low) / middle

    def mb_per_s(self, size_bytes: int) -> float:
        """Give the throughput of a call that handles ``size_bytes`` bytes.

        Args:
            size_bytes: Bytes handled by one call.

        Returns:
            Millions of bytes per second at the median.
        """
        return size_bytes / BYTES_PER_MB / self.median_s


def time_repeats(operation: Callable[[], object], *, budget_s: float = 0.2, min_samples: int = 3) -> Timing:
    """Time an operation that can be repeated with the same outcome.

    Short operations are called many times in a sample, so that the clock itself does
    not count. What the operation returns is freed within the sample, as it would be
    in a program that goes on.

    Args:
        operation: What to time. It has run before, when its result was checked: a first call
            that imports or builds tables would pass for a long one here.
        budget_s: Stop after so many seconds of samples.
        min_samples: Take at least so many samples, whatever they cost; two or more.

    Returns:
        One mean duration of a call per sample.
    """
    samples_s: list[float] = []
    with _collector_paused():
        calls_per_sample, warmup_calls = _calibrate(operation)
        deadline = time.perf_counter() + budget_s
        while len(samples_s) < min_samples or time.perf_counter() < deadline:
            sample_s = _time_calls(operation, calls_per_sample)
            samples_s.append(sample_s / calls_per_sample)
    calls = warmup_calls + calls_per_sample * len(samples_s)
    return Timing(samples_s=tuple(samples_s), calls=calls)


def time_each(
    operation: Callable[[T], object],
    inputs: Iterable[T],
    *,
    budget_s: float = 0.3,
    min_samples: int = 20,
    warmup_calls: int = 3,
) -> Timing:
    """Time every single call of an operation that changes something.

    Args:
        operation: What to time; takes one input.
        inputs: One per call, made outside the timed part. When they end, so does the measurement.
        budget_s: Stop after so many seconds, the making of inputs included.
        min_samples: Take at least so many, whatever they cost; 20 is the fewest that carry a p95.
        warmup_calls: First calls that are made but not kept as samples.

    Returns:
        One duration per call after the warm-up.
    """
    samples_s: list[float] = []
    calls = 0
    source = iter(inputs)
    with _collector_paused():
        for value in islice(source, warmup_calls):
            operation(value)
            calls += 1
        deadline = time.perf_counter() + budget_s
        for value in source:
            started = time.perf_counter()
            operation(value)
            ended = time.perf_counter()
            samples_s.append(ended - started)
            if ended >= deadline and len(samples_s) >= min_samples:
                break
    return Timing(samples_s=tuple(samples_s), calls=calls + len(samples_s))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Collect garbage now, and not again before the block ends."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _calibrate(operation: Callable[[], object]) -> tuple[int, int]:
    """Warm up and find how many calls make a sample of at least ``MIN_SAMPLE_S``.

    Returns:
        Calls per sample, and the calls spent on finding out.
    """
    calls = spent = 1
    while _time_calls(operation, calls) < MIN_SAMPLE_S:
        calls *= 2
        spent += calls
    return calls, spent


def _time_calls(operation: Callable[[], object], calls: int) -> float:
    """Return the seconds that so many calls in a row take."""
    started = time.perf_counter()
    for _ in range(calls):
        operation()
    return time.perf_counter() - started
