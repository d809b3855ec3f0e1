"""Numbers in their order of which only few are asked for: found by counting, in little memory and without sorting."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import overload

_AT_ONCE = 1 << 16
FEW = 1 << 18
"""Numbers of one key up to which they are sorted: 10 MB."""

_TOP_BITS = 43
_STEP = 10
"""Bits that one count tells apart: 1024 keys."""


class Ranked(Sequence[float]):
    """As the list of the values in ascending order, without making it.

    Args:
        values: finite numbers, at least one; they must not change while this is in use.
        few: of numbers that are still alike, how many are sorted and counted no further.
    """

    def __init__(self, values: array[float], few: int = FEW) -> None:
        self._bits = _Bits(memoryview(values).cast("B").cast("q"), _TOP_BITS, few)

    def __len__(self) -> int:
        return len(self._bits.numbers)

    @overload
    def __getitem__(self, rank: int) -> float: ...
    @overload
    def __getitem__(self, rank: slice) -> Sequence[float]: ...
    def __getitem__(self, rank: int | slice) -> float | Sequence[float]:
        if isinstance(rank, slice):
            return [self[one] for one in range(*rank.indices(len(self)))]
        bits = self._bits.at(range(len(self))[rank])
        return float(struct.unpack("<d", struct.pack("<q", bits))[0])


class _Bits:
    """Doubles as signed integers, counted by their first bits.

    Args:
        numbers: they.
        dropped: how many of the last bits are not looked at here; those before the counted ones are the same in all.
        few: how many are sorted.
    """

    def __init__(self, numbers: Sequence[int], dropped: int, few: int) -> None:
        self._few = few
        self.numbers = numbers
        self._dropped = dropped
        counts: Counter[int] = Counter()
        for some in self._pieces():
            counts.update([number >> dropped for number in some])
        self._keys = sorted(counts, key=_place)
        self._ends = list(accumulate(counts[key] for key in self._keys))
        self._parts: dict[int, _Bits | list[int]] = {}

    def _pieces(self) -> list[Sequence[int]]:
        return [self.numbers[first : first + _AT_ONCE] for first in range(0, len(self.numbers), _AT_ONCE)]

    def at(self, rank: int) -> int:
        """The one at this place in ascending order of the doubles."""
        place = bisect_right(self._ends, rank)
        key = self._keys[place]
        if not self._dropped:
            return key
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = self._part(key)
        inside = rank - self._ends[place - 1] if place else rank
        return part[inside] if isinstance(part, list) else part.at(inside)

    def _part(self, key: int) -> _Bits | list[int]:
        dropped = self._dropped
        found = ([number for number in some if number >> dropped == key] for some in self._pieces())
        numbers = array("q", chain.from_iterable(found))
        return (
            sorted(numbers, key=_place)
            if len(numbers) <= self._few
            else _Bits(numbers, max(dropped - _STEP, 0), self._few)
        )


def _place(bits: int) -> int:
    """Ascends as the doubles do: the further below zero one is, the larger are its bits but for the sign."""
    return bits if bits >= 0 else -bits - 2**64
