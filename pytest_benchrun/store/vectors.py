"""The arithmetic of figures by NumPy, where it is installed and there is much to compute: the same bits, sooner."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from pytest_benchrun.core.stats import DROPPED_BITS, ONE_BY_ONE, Arithmetic

LARGE = 100_000
"""Numbers from which on NumPy is worth its import, a tenth of a second."""

_BLOCK = 1 << 13
"""Numbers that are summed up at once: 64 kB, in half the time of the eightfold, as the nearest caches hold them."""

_PART_BITS = 34
_HUGE = 2.0**900
_TINY = 2.0**-900


class Vectors:
    """Computes by NumPy what is large, one by one what is not."""

    def __init__(self, large: int = LARGE) -> None:
        self._large = large

    def ordered(self, values: Iterable[float]) -> Sequence[float]:
        """As in `Arithmetic`; a large array is put in order where it is."""
        if not isinstance(values, array) or len(values) < self._large:
            return ONE_BY_ONE.ordered(values)
        _numpy().frombuffer(values).sort()
        return values

    def total(self, values: Sequence[float]) -> float:
        """As in `Arithmetic`."""
        if not isinstance(values, array) or len(values) < self._large:
            return ONE_BY_ONE.total(values)
        numbers = _numpy().frombuffer(values)
        return _exact_sum(numbers[first : first + _BLOCK] for first in range(0, len(numbers), _BLOCK))

    def squares(self, values: Sequence[float], mean: float) -> float:
        """As in `Arithmetic`."""
        if not isinstance(values, array) or len(values) < self._large:
            return ONE_BY_ONE.squares(values, mean)
        numbers = _numpy().frombuffer(values)
        with _numpy().errstate(over="ignore"):  # an infinite sum says enough
            blocks = (numbers[first : first + _BLOCK] - mean for first in range(0, len(numbers), _BLOCK))
            return _exact_sum(block * block for block in blocks)

    def buckets(self, values: array[float]) -> dict[int, int]:
        """As in `Arithmetic`."""
        if len(values) < self._large:
            return ONE_BY_ONE.buckets(values)
        numpy = _numpy()
        keys, counts = numpy.unique(numpy.frombuffer(values, "i8") >> DROPPED_BITS, return_counts=True)
        return dict(zip(keys.tolist(), counts.tolist(), strict=True))


def best_arithmetic() -> Arithmetic:
    """NumPy's where it is installed; it is imported at the first large column."""
    return Vectors() if "numpy" in sys.modules or find_spec("numpy") is not None else ONE_BY_ONE


def _numpy() -> Any:  # noqa: ANN401  # a module that need not be there has no types
    import numpy as np  # it need not be there, and a small run has no use for it

    return np


def _exact_sum(blocks: Iterable[Any]) -> float:
    """The exact sum, rounded once.

    Each block is taken apart into multiples of ever smaller powers of 2, of 34 bits each, whose sums have no more than
    the 53 bits of a double and are therefore exact in whatever order they are taken (Rump, Ogita and Oishi (2008),
    "Accurate floating-point summation", algorithm 3.3).
    """
    parts: list[float] = []
    for block in blocks:
        rest = block
        while top := float(max(rest.max(), -rest.min())):
            if not _TINY < top < _HUGE:
                parts += rest.tolist()
                break
            unit = math.ldexp(1.0, math.frexp(top)[1] - _PART_BITS)
            shift = 1.5 * 2.0**52 * unit
            part = (rest + shift) - shift
            parts.append(float(part.sum()))
            rest = rest - part
    return math.fsum(parts)
