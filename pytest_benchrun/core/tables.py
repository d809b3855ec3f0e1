"""A run as tables: units, attempts and metrics, one dict a row, from its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, SessionStarted, UnitEnded, UnitStarted, WorkerUp
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.records import UnitRecord

Row: TypeAlias = dict[str, JsonValue]


def unit_row(record: UnitRecord) -> Row:
    """What every unit has, by its last attempt."""
    unit = record.unit
    return {
        "unit_id": unit.unit_id,
        "function": unit.function,
        "group": unit.group,
        "phase": unit.phase,
        "status": record.status.value,
        "attempts": record.attempts,
        "elapsed_s": record.elapsed_s,
    }


def wide_rows(campaign: Campaign) -> list[Row]:
    """One row a unit, by its last attempt; parameters as `param.NAME`, metrics as `metric.NAME`.

    Every row has every column, None where a unit has no such parameter or metric.
    """
    records = campaign.records.values()
    params = list(dict.fromkeys(name for record in records for name in record.unit.param_names))
    metrics = list(dict.fromkeys(name for record in records for name in record.metrics or ()))
    rows: list[Row] = []
    for record in records:
        row = unit_row(record)
        own, measured = record.unit.params, record.metrics or {}
        row |= {f"param.{name}": own.get(name) for name in params}
        row |= {f"metric.{name}": measured[name].value if name in measured else None for name in metrics}
        rows.append(row)
    return rows


def unit_rows(events: Iterable[Event]) -> list[Row]:
    """`wide_rows` of what the events come to."""
    return wide_rows(Campaign.of(events))


class Attempts:
    """Makes a row of each attempt as it ends; memory holds those in flight and no more."""

    def __init__(self) -> None:
        self._in_flight: dict[tuple[str, int], tuple[int, Row]] = {}
        self._hosts: dict[str, str] = {}
        self._session = 0
        self._started = 0

    def take(self, event: Event) -> tuple[int, Row] | None:
        """The row of the attempt that ends with `event`, and the number of its start; None when none does."""
        if isinstance(event, UnitStarted):
            self._started += 1
            self._in_flight[event.unit_id, event.attempt] = (
                self._started,
                {
                    "unit_id": event.unit_id,
                    "attempt": event.attempt,
                    "session": self._session,
                    "worker": event.worker,
                    "host": self._hosts.get(event.worker),
                    "started_at": event.at,
                    "ended_at": None,
                    "ended": None,
                    "status": None,
                    "kind": None,
                    "message": None,
                    "elapsed_s": None,
                },
            )
        elif isinstance(event, UnitEnded):
            numbered = self._in_flight.pop((event.unit_id, event.attempt), None)
            if numbered is not None:
                _end(numbered[1], event)
            return numbered
        elif isinstance(event, SessionStarted):
            self._session = event.session
        elif isinstance(event, WorkerUp):
            self._hosts[event.worker] = event.host
        return None

    def in_flight(self) -> list[tuple[int, Row]]:
        """The rows of attempts without an end, in the order of their starts."""
        return list(self._in_flight.values())


def _end(row: Row, event: UnitEnded) -> None:
    outcome = event.outcome
    row["ended_at"] = event.at
    row["ended"] = event.ended.value
    row["status"] = outcome.status.value
    row["kind"] = outcome.kind
    row["message"] = outcome.message
    row["elapsed_s"] = event.elapsed_s


def attempt_rows(events: Iterable[Event]) -> list[Row]:
    """One row an attempt, in the order of their starts; `ended_at` is None for one in flight."""
    attempts = Attempts()
    rows = [numbered for event in events if (numbered := attempts.take(event)) is not None]
    rows += attempts.in_flight()
    return [row for _, row in sorted(rows, key=lambda numbered: numbered[0])]


def metrics_of(event: UnitEnded) -> Iterator[Row]:
    """One row for each metric of an attempt that has ended."""
    for name, metric in event.outcome.metrics.items():
        yield {
            "unit_id": event.unit_id,
            "attempt": event.attempt,
            "status": event.outcome.status.value,
            "name": name,
            "value": metric.value,
            "unit": metric.unit,
            "better": metric.better,
        }


def metric_rows(events: Iterable[Event]) -> list[Row]:
    """One row for each metric of each attempt that has ended."""
    return [row for event in events if isinstance(event, UnitEnded) for row in metrics_of(event)]


TABLES: dict[str, Callable[[Iterable[Event]], list[Row]]] = {
    "units": unit_rows,
    "attempts": attempt_rows,
    "metrics": metric_rows,
}
"""What can be made of the events, by the name that `--what` takes; turns come from their own files."""
