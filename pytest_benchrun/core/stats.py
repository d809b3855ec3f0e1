"""Percentiles and moments, the same to the last bit whoever computes them; percentiles are NumPy's."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NotRequired, Protocol, TypedDict, TypeVar

from pytest_benchrun.core.ranked import Ranked

Number = TypeVar("Number", int, float)

METHOD = "linear"
"""Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", definition 7; NumPy's default."""

DROPPED_BITS = 43
"""Of the 52 of a double's fraction: 9 are left, 512 buckets for the numbers from one power of 2 to the next."""

LARGE = 1_000_000
"""Numbers from which on a list of them all, 32 bytes each, would be large."""

_AT_ONCE = 1 << 16
_LEASTS = 1 << 1074
"""How many of the least number that a double holds make 1: each one is a multiple of it."""

P95_NEEDS = 20
P99_NEEDS = 100


class Summary(TypedDict):
    """Figures of one set of numbers, in the numbers' own unit of measure.

    `mean` to `max` are None for n = 0, `std` (n - 1 in the denominator) also for n = 1.
    `low_n` names the percentiles that so few numbers cannot carry. `error` is there where `method` is no exact one:
    the most that a percentile or the mean is off, as a share of itself.
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
    error: NotRequired[float]


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


class Arithmetic(Protocol):
    """How much is computed at once: the figures are the same bits whoever does it."""

    def ordered(self, values: Iterable[float]) -> Sequence[float]:
        """The values, ascending, to be used at once; those of an `array` may be put in order where they are."""

    def total(self, values: Sequence[float]) -> float:
        """Their exact sum, rounded once as `math.fsum` does: it does not depend on the order."""

    def squares(self, values: Sequence[float], mean: float) -> float:
        """The sum of the squared distances from `mean`, each rounded as a double, likewise."""

    def buckets(self, values: array[float]) -> dict[int, int]:
        """How many of the values have the same first bits: the double as a signed integer without `DROPPED_BITS`."""


class OneByOne:
    """Plain Python.

    Args:
        large: how many numbers are put in order by a list of them all; more are counted.
    """

    def __init__(self, large: int = LARGE) -> None:
        self._large = large

    def ordered(self, values: Iterable[float]) -> Sequence[float]:
        """As in `Arithmetic`; leaves the values as they are."""
        return Ranked(values) if isinstance(values, array) and len(values) > self._large else sorted(values)

    def total(self, values: Sequence[float]) -> float:
        """As in `Arithmetic`."""
        try:
            return math.fsum(values)
        except OverflowError:  # perhaps only on its way, which depends on the order
            ratios = map(float.as_integer_ratio, map(float, values))
            return sum(ratio[0] * (_LEASTS // ratio[1]) for ratio in ratios) / _LEASTS

    def squares(self, values: Sequence[float], mean: float) -> float:
        """As in `Arithmetic`; a product and no power, which another library of C may round otherwise."""
        squares = ([(value - mean) * (value - mean) for value in some] for some in _pieces(values))
        return math.fsum(chain.from_iterable(squares))

    def buckets(self, values: array[float]) -> dict[int, int]:
        """As in `Arithmetic`."""
        counts: Counter[int] = Counter()
        for some in _pieces(memoryview(values).cast("B").cast("q")):
            counts.update([bits >> DROPPED_BITS for bits in some])
        return counts


def _pieces(values: Sequence[Number]) -> Iterable[Sequence[Number]]:
    """The values in pieces: a list of what is computed of all of them would be large."""
    if len(values) <= _AT_ONCE:
        return [values]
    return (values[first : first + _AT_ONCE] for first in range(0, len(values), _AT_ONCE))


ONE_BY_ONE = OneByOne()


def summarize(values: Sequence[float], arithmetic: Arithmetic = ONE_BY_ONE) -> Summary:
    """Figures of `values`, which need not be ordered."""
    n = len(values)
    if not n:
        return Summary(
            n=0, mean=None, std=None, min=None, p50=None, p95=None, p99=None, max=None, method=METHOD, low_n=low_n(0)
        )
    ordered = arithmetic.ordered(values)
    mean = _mean(values, arithmetic)
    return Summary(
        n=n,
        mean=mean,
        std=_std(values, mean, arithmetic) if n > 1 else None,
        # + 0.0: which of two equal zeros stands first is nobody's to say
        min=ordered[0] + 0.0,
        p50=percentile(ordered, 50) + 0.0,
        p95=percentile(ordered, 95) + 0.0,
        p99=percentile(ordered, 99) + 0.0,
        max=ordered[-1] + 0.0,
        method=METHOD,
        low_n=low_n(n),
    )


def low_n(n: int) -> list[str]:
    """The percentiles that `n` numbers cannot carry."""
    return [name for name, needs in (("p95", P95_NEEDS), ("p99", P99_NEEDS)) if n < needs]


def _mean(values: Sequence[float], arithmetic: Arithmetic) -> float:
    n = len(values)
    try:
        return arithmetic.total(values) / n
    except OverflowError:
        scale = max(abs(value) for value in values)
        return scale * (math.fsum(value / scale for value in values) / n)


def _std(values: Sequence[float], mean: float, arithmetic: Arithmetic) -> float | None:
    """Sample standard deviation; None when it is larger than a double can hold."""
    n = len(values)
    try:
        squares = arithmetic.squares(values, mean)
    except OverflowError:
        squares = math.inf
    if math.isfinite(squares):
        return math.sqrt(squares / (n - 1))
    scale = max(abs(value - mean) for value in values)
    if math.isinf(scale):
        return None
    std = scale * math.sqrt(math.fsum(((value - mean) / scale) ** 2 for value in values) / (n - 1))
    return std if math.isfinite(std) else None
