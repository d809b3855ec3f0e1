"""Turns that a sample has left out, as numbers: what one line says of many of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from pytest_benchrun.core.jsonsafe import to_name

_LEAST, _MOST = -(2**63), 2**64 - 1
"""Integers that a line can hold."""


class LeftOutView(TypedDict):
    """The numbers of `turns` turns, none of which failed: what figures need, each single time among it."""

    turns: int
    timed_turns: int
    tokens_in: int
    tokens_out: int
    times: dict[str, list[float]]
    storage_ms_by: dict[str, list[float]]


def sum_up(records: Iterable[Mapping[str, Any]]) -> LeftOutView:
    """The numbers of turns, from what their lines would have been."""
    times: dict[str, list[float]] = {}
    by_adapter: dict[str, list[float]] = {}
    turns = timed = tokens_in = tokens_out = 0
    for record in records:
        turns += 1
        tokens_in += record["tokens_in"] or 0
        tokens_out += record["tokens_out"] or 0
        numbers = {name: value for name, value in record.items() if name.endswith("_ms") and _is_number(value)}
        timed += len(numbers) > 1  # `total_ms` is one
        for name, value in numbers.items():
            times.setdefault(name, []).append(value)
        for adapter, value in (record["storage_ms_by"] or {}).items():
            by_adapter.setdefault(adapter, []).append(value)
    return LeftOutView(
        turns=turns,
        timed_turns=timed,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        times={to_name(name): values for name, values in times.items()},
        storage_ms_by=by_adapter,
    )


def _is_number(value: object) -> bool:
    """Whether a line would have it as a number."""
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, int) and _LEAST <= value <= _MOST
