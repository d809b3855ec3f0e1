"""Columns of numbers: exact to ten million values, beyond that counted in buckets.

Both are pure functions of the values: neither their order nor how they came together from parts, sessions and
shards changes a bit, and the change from one to the other depends on their number alone.
"""

from __future__ import annotations

import math
import struct
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import overload

from pytest_benchrun.core.stats import DROPPED_BITS, ONE_BY_ONE, Arithmetic, Summary, low_n, percentile, summarize

EXACT = 10_000_000
"""Values that a column keeps one by one, 80 MB."""

ERROR = 0.001
"""A bucket is as wide as 1/512 of the power of 2 below it and stands for its middle: off by 1/1024 at most."""

_AT_ONCE = 1 << 20
_METHOD = "buckets"
_NEGATIVE = 1 << (63 - DROPPED_BITS)


class Column:
    """Numbers that are summed up together; 8 bytes each, from `limit` on a bucket of each size.

    Args:
        arithmetic: computes.
        limit: how many are kept one by one.
    """

    def __init__(self, arithmetic: Arithmetic = ONE_BY_ONE, limit: int = EXACT) -> None:
        self._arithmetic = arithmetic
        self._limit = limit
        self._values: array[float] = array("d")
        self._buckets: _Buckets | None = None
        self._summary: Summary | None = None

    def __len__(self) -> int:
        return len(self._values) + (0 if self._buckets is None else len(self._buckets))

    def extend(self, values: array[float]) -> None:
        """Take more in."""
        self._summary = None
        self._values.extend(values)
        if len(self._values) > (self._limit if self._buckets is None else _AT_ONCE):
            self._count()

    def merge(self, other: Column) -> None:
        """Take in what another column of the same limit has; the figures do not depend on who took what."""
        if other._buckets is not None:  # so they are too many for this one too
            self._count().merge(other._buckets)
        self.extend(other._values)

    def summary(self) -> Summary:
        """The figures; computed once."""
        if self._summary is None:
            buckets = self._counted()
            self._summary = summarize(self._values, self._arithmetic) if buckets is None else buckets.summary()
        return self._summary

    def total(self) -> float:
        """The sum; of buckets within `ERROR`."""
        buckets = self._counted()
        return self._arithmetic.total(self._values) if buckets is None else buckets.total()

    def _counted(self) -> _Buckets | None:
        """All of them in buckets; None where each one is kept."""
        return None if self._buckets is None else self._count()

    def _count(self) -> _Buckets:
        """Put those into buckets that are not there yet: many at once, as it takes a while to begin."""
        buckets = _Buckets() if self._buckets is None else self._buckets
        for first in range(0, len(self._values), _AT_ONCE):  # in three times the memory of what is counted
            some = self._values[first : first + _AT_ONCE]
            buckets.add(self._arithmetic.buckets(some), min(some), max(some))
        self._buckets, self._values = buckets, array("d")
        return buckets


class _Buckets(Sequence[float]):
    """Numbers that have only their size left; as a sequence, the middle of each one's bucket, ascending."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._low = math.inf
        self._high = -math.inf
        self._middles: list[float] = []
        self._ends: list[int] = []

    def add(self, counts: dict[int, int], low: float, high: float) -> None:
        """Take in more of them, the least and the largest of which are `low` and `high`."""
        self._counts.update(counts)
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._ends = []

    def merge(self, other: _Buckets) -> None:
        """Take in what others have counted."""
        self.add(other._counts, other._low, other._high)

    def __len__(self) -> int:
        return self._counts.total()

    @overload
    def __getitem__(self, rank: int) -> float: ...
    @overload
    def __getitem__(self, rank: slice) -> Sequence[float]: ...
    def __getitem__(self, rank: int | slice) -> float | Sequence[float]:
        if isinstance(rank, slice):
            return [self[one] for one in range(*rank.indices(len(self)))]
        self._put_in_order()
        return self._middles[bisect_right(self._ends, rank % len(self))]

    def _put_in_order(self) -> None:
        if self._ends:
            return
        ordered = sorted((_middle(key), count) for key, count in self._counts.items())
        self._middles = [min(max(middle, self._low), self._high) for middle, _ in ordered]
        self._ends = list(accumulate(count for _, count in ordered))

    def total(self) -> float:
        """The sum of all."""
        return math.fsum(_middle(key) * count for key, count in self._counts.items())

    def summary(self) -> Summary:
        """The figures; `min` and `max` are exact."""
        n = len(self)
        mean = self.total() / n
        squares = math.fsum((_middle(key) - mean) ** 2 * count for key, count in self._counts.items())
        return Summary(
            n=n,
            mean=mean,
            std=math.sqrt(squares / (n - 1)) if n > 1 else None,
            min=self._low + 0.0,
            p50=percentile(self, 50),
            p95=percentile(self, 95),
            p99=percentile(self, 99),
            max=self._high + 0.0,
            method=_METHOD,
            low_n=low_n(n),
            error=ERROR,
        )


def _middle(key: int) -> float:
    """What stands for the numbers of a bucket; they differ from it by 1/1024 of themselves at most."""
    if key < 0:
        return 0.0 - _middle(key + _NEGATIVE)  # of two kinds of zero, one would come first by chance
    if not key:
        return 0.0
    low, high = (struct.unpack("<d", struct.pack("<q", edge << DROPPED_BITS))[0] for edge in (key, key + 1))
    return float(low if math.isinf(high) else low + (high - low) / 2)
