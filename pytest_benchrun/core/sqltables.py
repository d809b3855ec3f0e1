"""The SQL tables of a run, and their rows: the same for `results.sqlite` and for a database of many runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.records import SessionRecord
from pytest_benchrun.core.tables import Row, unit_row
from pytest_benchrun.core.turns import TURN_FIELDS

SQL_VERSION = 1
"""Of the tables; a database that a newer version has made is left alone."""

SqlRow: TypeAlias = tuple[str | int | float | None, ...]

_LEAST, _MOST = -(2**63), 2**63 - 1
_EXACT = 2**53
"""Integers up to here are doubles, all of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: as in SQL.
        kind: `text`, `integer` (64 bits) or `real` (a double).
        about: what it holds.
    """

    name: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `indexes` are the columns of each index, after the table's name."""

    name: str
    about: str
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...]


RUN_ID = Column("run_id", "text", "the run")
UNIT_ID = Column("unit_id", "text", "the unit, by pytest's node id")

RUNS = Table(
    "runs",
    "One row a run.",
    (
        RUN_ID,
        Column("campaign", "text", "first part of the run's id"),
        Column("state", "text", "as the journal has it: `running` too for a run that was killed"),
        Column("reason", "text", "why it stopped or paused"),
        Column("started_at", "text", "beginning of its first session"),
        Column("updated_at", "text", "its last event"),
        Column("wall_s", "real", "seconds of all sessions"),
        Column("sessions", "integer", "how many there were"),
        Column("units", "integer", "how many it has; the next seven add up to it"),
        *(
            Column(status, "integer", f"units that are {status}")
            for status in ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")
        ),
        Column("config", "text", "the campaign's configuration, a JSON object"),
        Column("config_hash", "text", "SHA-256 of it"),
        Column("version", "text", "of pytest-benchrun that began the run"),
    ),
    (("run_id",), ("campaign", "started_at")),
)
SESSIONS = Table(
    "sessions",
    "One row a session: the first start and each resume.",
    (
        RUN_ID,
        Column("session", "integer", "from 1"),
        Column("started_at", "text", "its beginning"),
        Column("ended_at", "text", "its end; when it was last heard of, for one that was killed"),
        Column("state", "text", "what it left the run in; null for one that was killed or lives"),
        Column("exit_code", "integer", "of its process; null as above"),
        Column("engine", "text", "`bare` or `xdist`"),
        Column("workers", "integer", "how many were asked for"),
        Column("host", "text", "where it ran"),
        Column("pid", "integer", "of its process"),
        Column("command", "text", "a JSON list of words; passwords of databases are masked"),
        Column("cwd", "text", "the folder it was typed in"),
        Column("versions", "text", "of Python, the platform and packages, a JSON object"),
    ),
    (("run_id",),),
)
UNITS = Table(
    "units",
    "One row a unit, by its last attempt.",
    (
        RUN_ID,
        UNIT_ID,
        Column("function", "text", "the node id without parameters"),
        Column("group_name", "text", "its group; its own id when it is in none"),
        Column("phase", "text", "its phase"),
        Column("status", "text", "pending, running, completed, failed, timeout, skipped or interrupted"),
        Column("attempts", "integer", "how often it was executed; the last one is its result"),
        Column("elapsed_s", "real", "seconds of the last attempt that was measured"),
        Column("params", "text", "its parameters, a JSON object"),
        Column("is_warmup", "integer", "1 for a warm-up, which no statistic counts"),
        Column("is_removed", "integer", "1 when the suite has it no more"),
    ),
    (("run_id", "unit_id"), ("run_id", "status"), ("function", "run_id"), ("group_name", "run_id")),
)
ATTEMPTS = Table(
    "attempts",
    "One row an execution of a unit, in the order of their ends.",
    (
        RUN_ID,
        UNIT_ID,
        Column("attempt", "integer", "from 1"),
        Column("session", "integer", "in which it ran"),
        Column("worker", "text", "which ran it"),
        Column("host", "text", "of the worker"),
        Column("started_at", "text", "its beginning"),
        Column("ended_at", "text", "its end; null while it is in flight"),
        Column("ended", "text", "how its process ended: exited, killed, stuck or lost"),
        Column("status", "text", "what the benchmark said"),
        Column("kind", "text", "where or why it did not complete, such as `call`, `timeout`, `crash`"),
        Column("message", "text", "the error in one line"),
        Column("elapsed_s", "real", "seconds of setup, call and teardown"),
    ),
    (("run_id", "unit_id", "attempt"),),
)
METRICS = Table(
    "metrics",
    "One row for each metric of each attempt that has ended.",
    (
        RUN_ID,
        UNIT_ID,
        Column("attempt", "integer", "of the unit"),
        Column("status", "text", "of the attempt"),
        Column("name", "text", "of the metric"),
        Column("value", "real", "the number; null when it was not finite, or none"),
        Column("unit", "text", "of measure"),
        Column("better", "text", "`lower`, `higher` or null"),
        Column("exact", "text", "what no double holds: a larger integer, or a text"),
    ),
    (("run_id", "unit_id", "attempt"), ("name", "run_id")),
)
_TURN_KINDS = {
    "turn_index": "integer",
    "tokens_in": "integer",
    "tokens_out": "integer",
    "attempt": "integer",
    "llm_ms": "real",
    "storage_ms": "real",
    "total_ms": "real",
}
_TURN_ABOUT = {
    "timestamp": "its beginning",
    "session_id": "the dialogue, as the unit named it",
    "turn_index": "from 0 in the unit",
    "turn_id": "its own id",
    "role": "whose turn it was",
    "storage_ms_by": "milliseconds by adapter, a JSON object",
    "status": "ok, error or timeout",
    "error": "what went wrong",
    "attempt": "of the unit",
    "worker": "which ran it",
    "llm_ms": "milliseconds of the model",
    "storage_ms": "milliseconds of the store",
    "total_ms": "milliseconds from its beginning to its end",
    "tokens_in": "tokens read",
    "tokens_out": "tokens written",
}
TURNS = Table(
    "turns",
    "One row a turn, as `turn_metrics.jsonl` has it.",
    (
        *(
            {"run_id": RUN_ID, "unit_id": UNIT_ID}.get(name)
            or Column(name, _TURN_KINDS.get(name, "text"), _TURN_ABOUT[name])
            for name in TURN_FIELDS
        ),
        Column("fields", "text", "the user's own fields and timers, a JSON object; null when there are none"),
    ),
    (("run_id", "session_id"), ("run_id", "unit_id")),
)
SQL_TABLES = (RUNS, SESSIONS, UNITS, ATTEMPTS, METRICS, TURNS)

VERSION_TABLE = "benchrun_schema"


def create_table(table: Table, types: dict[str, str], *, if_missing: bool = False) -> str:
    """The statement that makes a table.

    Args:
        table: which.
        types: a database's name of each kind.
        if_missing: whether it may be there already.
    """
    columns = ", ".join(f"{column.name} {types[column.kind]}" for column in table.columns)
    return f"CREATE TABLE {'IF NOT EXISTS ' if if_missing else ''}{table.name} ({columns})"


def create_indexes(table: Table, *, if_missing: bool = False) -> list[str]:
    """The statements that make its indexes; none is unique, so that no odd value can refuse a run."""
    return [
        f"CREATE INDEX {'IF NOT EXISTS ' if if_missing else ''}{table.name}_by_{'_'.join(columns)} "
        f"ON {table.name} ({', '.join(columns)})"
        for columns in table.indexes
    ]


def run_row(campaign: Campaign) -> SqlRow:
    """The row of the run."""
    created, counts = campaign.created, campaign.shown_counts()
    return (
        campaign.run_id,
        created.campaign if created else None,
        campaign.state.value,
        campaign.reason,
        campaign.sessions[0].started.at if campaign.sessions else None,
        campaign.last_at,
        campaign.wall_s,
        len(campaign.sessions),
        len(campaign.records),
        *(counts[column.name] for column in RUNS.columns[9:16]),
        _json(campaign.config),
        campaign.config_hash,
        created.version if created else None,
    )


def session_rows(campaign: Campaign) -> Iterator[SqlRow]:
    """The rows of its sessions."""
    for record in campaign.sessions:
        yield campaign.run_id, *_session(record)


def _session(record: SessionRecord) -> SqlRow:
    started = record.started
    return (
        started.session,
        started.at,
        record.ended_at,
        record.state.value if record.state else None,
        record.exit_code,
        started.engine,
        started.workers,
        started.owner.host,
        started.owner.pid,
        _json(started.command),
        started.cwd,
        _json(started.versions),
    )


def sql_units(campaign: Campaign) -> Iterator[SqlRow]:
    """The rows of its units, in the order of the work list."""
    run_id = campaign.run_id
    for record in campaign.records.values():
        unit = record.unit
        params = _json(unit.params) if unit.param_names else "{}"
        yield run_id, *_values(unit_row(record)), params, int(unit.is_warmup), int(record.is_removed)


def sql_attempt(run_id: str, row: Row) -> SqlRow:
    """The row of an attempt, from what `Attempts` makes."""
    return run_id, *_values(row)


def sql_metric(run_id: str, row: Row) -> SqlRow:
    """The row of a metric, from what `metrics_of` makes."""
    value = row["value"]
    if isinstance(value, str):
        row["value"] = None
        return run_id, *_values(row), value
    exact = str(value) if isinstance(value, int) and abs(value) > _EXACT else None
    row["value"] = None if value is None else float(value)  # type: ignore[arg-type]  # a metric is a number here
    return run_id, *_values(row), exact


def sql_turn(line: dict[str, Any]) -> SqlRow:
    """The row of a turn, from its decoded line."""
    values = [line[name] for name in TURN_FIELDS]
    values[_BY] = _json(values[_BY]) if values[_BY] else "{}"
    for place in _COUNTS:
        if values[place] is not None and values[place] > _MOST:
            values[place] = _MOST
    for place in _REALS:
        if type(values[place]) is int:
            values[place] = float(values[place])
    if len(line) == len(TURN_FIELDS):
        return *values, None
    return *values, _json({name: value for name, value in line.items() if name not in _TURN_NAMES})


_TURN_NAMES = frozenset(TURN_FIELDS)
_BY = TURN_FIELDS.index("storage_ms_by")
_COUNTS = tuple(place for place, name in enumerate(TURN_FIELDS) if _TURN_KINDS.get(name) == "integer")
_REALS = tuple(place for place, name in enumerate(TURN_FIELDS) if _TURN_KINDS.get(name) == "real")


def _values(row: Row) -> SqlRow:
    return tuple(row.values())  # type: ignore[arg-type]  # no value of a table's row is a list or a dict


def _json(value: object) -> str:
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # made once: `dumps` makes one each time
