"""Figures over turns: how long each timing took, per storage adapter too, and what the tokens come to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypedDict

from pytest_benchrun.core.columns import Column
from pytest_benchrun.core.stats import ONE_BY_ONE, Arithmetic, Summary
from pytest_benchrun.core.turns import SAMPLED_OUT, TURN_FIELDS
from pytest_benchrun.core.turns_left_out import LeftOutView

_MS_PER_S = 1000
_FIXED = frozenset({"llm_ms", "storage_ms", "total_ms"})
_whose = itemgetter("unit_id", "attempt")
_NUMBERS = ("llm_ms", "storage_ms", "total_ms", "storage_ms_by", "tokens_in", "tokens_out", "status")
_numbers_of = itemgetter(*_NUMBERS)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnNumbers:
    """Numbers of turns that count.

    Attributes:
        turns: how many; `errors` of them failed, `timed` timed anything. None: all, where there are times.
        times: of each timing, those of the turns that have it, in ms.
        by_adapter: the same of `storage_ms_by`.
    """

    turns: int
    times: dict[str, array[float]]
    by_adapter: dict[str, array[float]]
    tokens_in: int
    tokens_out: int
    errors: int = 0
    timed: int | None = None


class TurnStats:
    """Takes turn lines in any order; 8 bytes a value.

    Args:
        counts: whether the turns of this attempt of this unit count.
        arithmetic: computes the figures.
    """

    def __init__(self, counts: Callable[[str, int], bool], arithmetic: Arithmetic = ONE_BY_ONE) -> None:
        self._counts = counts
        self._arithmetic = arithmetic
        self._values: dict[str, Column] = {}
        self._by_adapter: dict[str, Column] = {}
        self._turns = self._events = self._timed = self._errors = 0
        self._tokens_in = self._tokens_out = 0

    def add_all(self, lines: Sequence[Any]) -> None:
        """Take many decoded lines in; one that is no line of ours is passed over."""
        try:
            attempts = set(map(_whose, lines))
            if all(self._counts(*attempt) for attempt in attempts) and set(map(tuple, lines)) == {TURN_FIELDS}:
                self._add_plain(list(map(_numbers_of, lines)))
                return
        except (KeyError, TypeError, ValueError, OverflowError):
            pass  # somewhere among them: one by one
        for line in lines:
            self.add(line)

    def _add_plain(self, rows: list[tuple[Any, ...]]) -> None:
        """Take turns in that have no fields but those of every turn; all of them or, when it raises, none."""
        llm, storage, total, by_adapter, tokens_in, tokens_out, status = zip(*rows, strict=True)
        columns = {name: _numbers(values) for name, values in (("llm_ms", llm), ("storage_ms", storage))}
        columns["total_ms"] = _numbers(total)
        by = _by_adapter(by_adapter)
        tokens = total_of(tokens_in), total_of(tokens_out)
        untimed = 0
        if len(columns["llm_ms"]) < len(rows):
            untimed = sum(not (_is_number(a) or _is_number(b)) for a, b in zip(llm, storage, strict=True))
        self._turns += len(rows)
        self._timed += len(rows) - untimed
        self._errors += len(rows) - status.count("ok")
        self._tokens_in += tokens[0]
        self._tokens_out += tokens[1]
        for name, values in columns.items():
            self._extend(self._values, name, values)
        for adapter, values in by.items():
            self._extend(self._by_adapter, adapter, values)

    def counts(self, unit_id: str, attempt: int) -> bool:
        """Whether the turns of this attempt of this unit count."""
        return self._counts(unit_id, attempt)

    def add_numbers(self, numbers: TurnNumbers) -> None:
        """Take turns in whose attempts count."""
        self._turns += numbers.turns
        every = numbers.turns if numbers.times.keys() - {"total_ms"} else 0
        self._timed += every if numbers.timed is None else numbers.timed
        self._errors += numbers.errors
        self._tokens_in += numbers.tokens_in
        self._tokens_out += numbers.tokens_out
        for name, values in numbers.times.items():
            self._extend(self._values, name, values)
        for adapter, values in numbers.by_adapter.items():
            self._extend(self._by_adapter, adapter, values)

    def add(self, line: Any) -> None:  # noqa: ANN401  # a decoded line, whatever it is
        """Take one line in; one of an attempt that does not count, or that is none of ours, is passed over."""
        try:
            self._add(line)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return

    def _add(self, line: Mapping[str, Any]) -> None:
        if not self._counts(line["unit_id"], line["attempt"]):
            return
        if line.get("event") is not None:
            self._events += 1
            return
        if SAMPLED_OUT in line:
            self._add_left_out(line[SAMPLED_OUT])
            return
        times = {
            name: array("d", [value]) for name, value in line.items() if name.endswith("_ms") and _is_number(value)
        }
        by = _by_adapter([line["storage_ms_by"]])
        tokens = total_of([line["tokens_in"]]), total_of([line["tokens_out"]])
        self._errors += line["status"] != "ok"
        self._turns += 1
        self._timed += any(name != "total_ms" for name in times)
        self._tokens_in += tokens[0]
        self._tokens_out += tokens[1]
        for name, values in times.items():
            self._extend(self._values, name, values)
        for adapter, values in by.items():
            self._extend(self._by_adapter, adapter, values)

    def _add_left_out(self, view: LeftOutView) -> None:
        times = {name: _numbers(values) for name, values in view["times"].items()}
        by = {adapter: _numbers(values) for adapter, values in view["storage_ms_by"].items()}
        counts = [total_of([view[name]]) for name in ("turns", "timed_turns", "tokens_in", "tokens_out")]
        self._turns += counts[0]
        self._timed += counts[1]
        self._tokens_in += counts[2]
        self._tokens_out += counts[3]
        for name, values in times.items():
            self._extend(self._values, name, values)
        for adapter, values in by.items():
            self._extend(self._by_adapter, adapter, values)

    def _extend(self, columns: dict[str, Column], name: str, values: array[float]) -> None:
        if values:
            columns.setdefault(name, Column(self._arithmetic)).extend(values)

    def columns(self) -> list[Column]:
        """The times of each kind; whoever asks them for their figures before `view` does saves it the work."""
        return [*self._values.values(), *self._by_adapter.values()]

    @property
    def attributed_s(self) -> float:
        """Seconds inside the timers of all turns."""
        sums = (column.total() for name, column in self._values.items() if name != "total_ms")
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
            storage_ms_by={adapter: column.summary() for adapter, column in sorted(self._by_adapter.items())},
            total_ms=self._summary("total_ms"),
            other_ms={name: self._summary(name) for name in others},
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
        )

    def _summary(self, name: str) -> Summary:
        return self._values.get(name, Column()).summary()


def _numbers(values: Iterable[Any]) -> array[float]:
    """Those of the values that are numbers."""
    try:
        return array("d", values)
    except TypeError:
        return array("d", [value for value in values if _is_number(value)])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def total_of(counts: Sequence[Any]) -> int:
    """The sum of what was counted; None where nothing was.

    Raises:
        TypeError: one of them is no integer; the sum of others would depend on their order.
    """
    try:
        total = sum(counts)
    except TypeError:
        total = sum(count for count in counts if count is not None)
    if type(total) is not int:
        message = "a count is no integer"
        raise TypeError(message)
    return total


def _by_adapter(values: Iterable[Any]) -> dict[str, array[float]]:
    """The numbers of each adapter."""
    found: list[dict[str, Any]] = [by for by in values if by]
    if set(map(type, found)) - {dict}:
        message = "adapters and their times are no object"
        raise TypeError(message)
    return {name: _numbers([by[name] for by in found if name in by]) for name in set().union(*found)}
