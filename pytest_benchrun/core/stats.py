"""Percentiles and moments, the same to the last bit with and without NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

METHOD = "linear"
"""Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", definition 7; NumPy's default."""

P95_NEEDS = 20
P99_NEEDS = 100


class Summary(TypedDict):
    """Figures of one set of numbers, in the numbers' own unit of measure.

    `mean` to `max` are None for n = 0, `std` (n - 1 in the denominator) also for n = 1.
    `low_n` names the percentiles that so few numbers cannot carry.
    """

    n: int
    mean: float | None
    std: float | None
    min: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    method: str
    low_n: list[str]


def percentile(ordered: Sequence[float], q: float) -> float:
    """Percentile by linear interpolation.

    Args:
        ordered: finite numbers, ascending, at least one.
        q: 0 to 100.

    Returns:
        With h = (n - 1) q / 100: x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]), taken from
        the nearer end as NumPy does, so that both give the same bits.
    """
    position = (len(ordered) - 1) * (q / 100)
    below = math.floor(position)
    if below >= len(ordered) - 1:
        return ordered[-1]
    low, high = ordered[below], ordered[below + 1]
    weight = position - below
    step = high - low
    if math.isinf(step):  # two numbers at both ends of what a double can hold
        return low * (1 - weight) + high * weight
    if weight >= 0.5:  # noqa: PLR2004  # the middle between two neighbours
        return high - step * (1 - weight)
    return low + step * weight


def summarize(values: Sequence[float]) -> Summary:
    """Figures of `values`, which need not be ordered."""
    n = len(values)
    low_n = [name for name, needs in (("p95", P95_NEEDS), ("p99", P99_NEEDS)) if n < needs]
    if not n:
        return Summary(
            n=0, mean=None, std=None, min=None, p50=None, p95=None, p99=None, max=None, method=METHOD, low_n=low_n
        )
    ordered = sorted(values)
    mean = _mean(ordered)
    return Summary(
        n=n,
        mean=mean,
        std=_std(ordered, mean) if n > 1 else None,
        min=ordered[0],
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        max=ordered[-1],
        method=METHOD,
        low_n=low_n,
    )


def _mean(values: Sequence[float]) -> float:
    n = len(values)
    try:
        return math.fsum(values) / n
    except OverflowError:
        scale = max(abs(value) for value in values)
        return scale * (math.fsum(value / scale for value in values) / n)


def _std(values: Sequence[float], mean: float) -> float | None:
    """Sample standard deviation; None when it is larger than a double can hold."""
    n = len(values)
    try:
        return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    except OverflowError:
        scale = max(abs(value - mean) for value in values)
        if math.isinf(scale):
            return None
        std = scale * math.sqrt(math.fsum(((value - mean) / scale) ** 2 for value in values) / (n - 1))
        return std if math.isfinite(std) else None
