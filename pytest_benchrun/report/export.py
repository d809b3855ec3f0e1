"""A run as tables: units, attempts and metrics, one dict a row, from its events; and tables as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, SessionStarted, UnitEnded, UnitStarted, WorkerUp
from pytest_benchrun.core.jsonsafe import to_text
from pytest_benchrun.core.model import JsonValue

Row: TypeAlias = dict[str, JsonValue]
_FORMULA = ("=", "+", "-", "@", "\t")


def unit_rows(events: Iterable[Event]) -> list[Row]:
    """One row a unit, by its last attempt; parameters as `param.NAME`, metrics as `metric.NAME`.

    Every row has every column, None where a unit has no such parameter or metric.
    """
    records = Campaign.of(events).records.values()
    params = list(dict.fromkeys(name for record in records for name in record.unit.param_names))
    metrics = list(dict.fromkeys(name for record in records for name in record.metrics or ()))
    rows: list[Row] = []
    for record in records:
        unit = record.unit
        row: Row = {
            "unit_id": unit.unit_id,
            "function": unit.function,
            "group": unit.group,
            "phase": unit.phase,
            "status": record.status.value,
            "attempts": record.attempts,
            "elapsed_s": record.elapsed_s,
        }
        own, measured = unit.params, record.metrics or {}
        row |= {f"param.{name}": own.get(name) for name in params}
        row |= {f"metric.{name}": measured[name].value if name in measured else None for name in metrics}
        rows.append(row)
    return rows


def attempt_rows(events: Iterable[Event]) -> list[Row]:
    """One row an attempt, in the order of their starts; `ended_at` is None for one in flight."""
    rows: dict[tuple[str, int], Row] = {}
    hosts: dict[str, str] = {}
    session = 0
    for event in events:
        if isinstance(event, SessionStarted):
            session = event.session
        elif isinstance(event, WorkerUp):
            hosts[event.worker] = event.host
        elif isinstance(event, UnitStarted):
            rows[event.unit_id, event.attempt] = {
                "unit_id": event.unit_id,
                "attempt": event.attempt,
                "session": session,
                "worker": event.worker,
                "host": hosts.get(event.worker),
                "started_at": event.at,
                **dict.fromkeys(("ended_at", "ended", "status", "kind", "message", "elapsed_s")),
            }
        elif isinstance(event, UnitEnded) and (event.unit_id, event.attempt) in rows:
            rows[event.unit_id, event.attempt] |= {
                "ended_at": event.at,
                "ended": event.ended.value,
                "status": event.outcome.status.value,
                "kind": event.outcome.kind,
                "message": event.outcome.message,
                "elapsed_s": event.elapsed_s,
            }
    return list(rows.values())


def metric_rows(events: Iterable[Event]) -> list[Row]:
    """One row for each metric of each attempt that has ended."""
    return [
        {
            "unit_id": event.unit_id,
            "attempt": event.attempt,
            "status": event.outcome.status.value,
            "name": name,
            "value": metric.value,
            "unit": metric.unit,
            "better": metric.better,
        }
        for event in events
        if isinstance(event, UnitEnded)
        for name, metric in event.outcome.metrics.items()
    ]


TABLES: dict[str, Callable[[Iterable[Event]], list[Row]]] = {
    "units": unit_rows,
    "attempts": attempt_rows,
    "metrics": metric_rows,
}
"""What can be made of the events, by the name that `--what` takes; turns come from their own files."""


PIECE_BYTES = 64 * 1024


def columns_of(rows: Iterable[Row], first: Iterable[str] = ()) -> list[str]:
    """The columns of `first`, then every other that a row has, in the order of their first appearance."""
    columns = dict.fromkeys(first)
    for row in rows:
        columns.update(dict.fromkeys(row))
    return list(columns)


def as_jsonl(rows: Iterable[Row], first: Iterable[str] = ()) -> Iterator[bytes]:  # noqa: ARG001  # as the others
    """One JSON object a line."""
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def as_csv(rows: Iterable[Row], first: Iterable[str] = ()) -> Iterator[bytes]:
    """Comma separated, a line of names first; None is empty, and text that a spreadsheet would compute is not.

    Text that begins like a formula gets an apostrophe in front, as OWASP's page on CSV injection has it:
    ids and messages come from users' tests, and opening a table must run nothing.

    Args:
        rows: gone through twice, since the names come first.
        first: columns that are there in any case.
    """
    columns = columns_of(rows, first)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        if out.tell() >= PIECE_BYTES:
            yield out.getvalue().encode("utf-8")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8")


def _cell(value: JsonValue) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else to_text(orjson.dumps(value).decode())
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return text.replace("\r", "\\r")  # alone it ends a line for some readers, and the writer would not quote it
