"""Values that fight back: each raises where an ordinary value answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn, overload

import numpy as np


def _refuse(*_: object) -> NoReturn:
    message = "not today"
    raise RuntimeError(message)


def _has(bases: tuple[type, ...], **methods: object) -> Callable[..., object]:
    return type("Hostile", bases, methods)


NO_REPR = _has((), __repr__=_refuse)
NO_STR = _has((), __str__=_refuse, __repr__=_refuse)

HOSTILE: dict[str, Callable[[], object]] = {
    "repr raises": NO_REPR,
    "str and repr raise": NO_STR,
    "a key whose str raises": lambda: {NO_STR(): 1},
    "an attribute lookup that raises": _has((), __getattr__=_refuse),
    "a property item that raises": _has((), item=property(_refuse), shape=()),
    "a scalar whose item raises": _has((), item=_refuse, shape=()),
    "a scalar whose item is itself": _has((), item=lambda self: self, shape=()),
    "a shape that cannot be compared": _has((), item=_refuse, shape=np.zeros(3)),
    "bytes that cannot be had": _has((), tobytes=_refuse),
    "a class that lies": _has((), __class__=property(_refuse)),
    "a mapping whose items raise": lambda: _has((dict,), items=_refuse, __iter__=_refuse)(a=1),
    "a list that cannot be walked": lambda: _has((list,), __iter__=_refuse)([1, 2]),
    "a set that cannot be walked": lambda: _has((set,), __iter__=_refuse)([1, 2]),
    "a number without order": lambda: _has(
        (int,), __le__=_refuse, __ge__=_refuse, __lt__=_refuse, __gt__=_refuse, __repr__=_refuse
    )(3),
    "a number that is none": lambda: _has((int,), __int__=_refuse, __index__=_refuse, __repr__=_refuse)(3),
    "a float that is none": lambda: _has((float,), __float__=_refuse)(3.0),
    "a text that cannot be encoded": lambda: _has((str,), encode=_refuse, isascii=_refuse, __str__=_refuse)("ü"),
}
"""What it is, and how to make one; made anew for each test."""


class Walks:
    """Counts how often a value was walked into, or how far; gives up long before a test would hang."""

    LIMIT = 20_000

    def __init__(self) -> None:
        self.done = 0

    def count(self) -> None:
        """One more."""
        self.done += 1
        assert self.done <= self.LIMIT, f"more than {self.LIMIT} steps into one value"


class CountingList(list[object]):
    """Counts how often it is walked into, by its `repr` too."""

    def __init__(self, walks: Walks, items: Iterable[object] = ()) -> None:
        super().__init__(items)
        self._walks = walks

    def __iter__(self) -> Iterator[object]:
        self._walks.count()
        return super().__iter__()

    def __repr__(self) -> str:
        self._walks.count()
        return super().__repr__()


class Endless(Sequence[int]):
    """Counts upward for ever, as a very large `range` does."""

    def __init__(self, walks: Walks) -> None:
        self._walks = walks

    def __len__(self) -> int:
        return 10**12

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        self._walks.count()
        return index
