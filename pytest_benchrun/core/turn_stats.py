"""Figures over turns: how long each timing took, per storage adapter too, and what the tokens come to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from pytest_benchrun.core.stats import Summary, summarize

_MS_PER_S = 1000
_FIXED = frozenset({"llm_ms", "storage_ms", "total_ms"})


class TurnSummary(TypedDict):
    """`turn_metrics_summary` of `runstats.json`: turns of completed units by their last attempt.

    Attributes:
        turns: how many there were; `errors` of them failed, `timed_turns` timed anything.
        events: lines that a unit wrote beside its turns.
        llm_ms: figures of one timing over the turns that have it, in ms, as `storage_ms` and `total_ms`.
        storage_ms_by: the same of `storage_ms` by adapter.
        other_ms: the same of every other timing, by its name.
        tokens_in: sum over all turns, as `tokens_out`.
    """

    turns: int
    events: int
    timed_turns: int
    errors: int
    llm_ms: Summary
    storage_ms: Summary
    storage_ms_by: dict[str, Summary]
    total_ms: Summary
    other_ms: dict[str, Summary]
    tokens_in: int
    tokens_out: int


class TurnStats:
    """Takes turn lines in any order; 8 bytes a value.

    Args:
        counts: whether the turns of this attempt of this unit count.
    """

    def __init__(self, counts: Callable[[str, int], bool]) -> None:
        self._counts = counts
        self._values: dict[str, array[float]] = {}
        self._by_adapter: dict[str, array[float]] = {}
        self._turns = self._events = self._timed = self._errors = 0
        self._tokens_in = self._tokens_out = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line in; one of an attempt that does not count is passed over."""
        if not self._counts(line["unit_id"], line["attempt"]):
            return
        if line.get("event") is not None:
            self._events += 1
            return
        self._turns += 1
        self._errors += line["status"] != "ok"
        self._tokens_in += line["tokens_in"] or 0
        self._tokens_out += line["tokens_out"] or 0
        is_timed = False
        for name, value in line.items():
            if name.endswith("_ms") and isinstance(value, int | float):
                self._values.setdefault(name, array("d")).append(value)
                is_timed = is_timed or name != "total_ms"
        for adapter, value in (line["storage_ms_by"] or {}).items():
            self._by_adapter.setdefault(adapter, array("d")).append(value)
        self._timed += is_timed

    @property
    def attributed_s(self) -> float:
        """Seconds inside the timers of all turns."""
        sums = (math.fsum(values) for name, values in self._values.items() if name != "total_ms")
        return math.fsum(sums) / _MS_PER_S

    def view(self) -> TurnSummary:
        """The figures of what was taken in."""
        others = sorted(self._values.keys() - _FIXED)
        return TurnSummary(
            turns=self._turns,
            events=self._events,
            timed_turns=self._timed,
            errors=self._errors,
            llm_ms=self._summary("llm_ms"),
            storage_ms=self._summary("storage_ms"),
            storage_ms_by={adapter: summarize(values) for adapter, values in sorted(self._by_adapter.items())},
            total_ms=self._summary("total_ms"),
            other_ms={name: self._summary(name) for name in others},
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
        )

    def _summary(self, name: str) -> Summary:
        return summarize(self._values.get(name, ()))
