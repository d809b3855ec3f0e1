"""Reads `timeseries/<host>.jsonl` back, and joins what hosts did to the rows of units and attempts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.moments import parse
from pytest_benchrun.core.series import NOTHING, STRETCH, Sample, Series
from pytest_benchrun.core.tables import Row, attempt_rows
from pytest_benchrun.store.rundir import RunDir


def attempts_with_machine(rundir: RunDir, events: Iterable[Event]) -> list[Row]:
    """`attempt_rows`, each with what its host did from its start to its end: `core.series.COLUMNS`.

    Raises:
        OSError: a series is there and cannot be read.
    """
    series = read_series(rundir)
    return [{**row, **_figures(series, row)} for row in attempt_rows(events)]


def add_machine(rundir: RunDir, events: Iterable[Event], rows: Iterable[Row]) -> list[Row]:
    """Rows of units, each with what the host of its last attempt did meanwhile; as above.

    Raises:
        OSError: a series is there and cannot be read.
    """
    series = read_series(rundir)
    last = {row["unit_id"]: row for row in attempt_rows(events)}
    return [{**row, **_figures(series, last.get(row["unit_id"], {}))} for row in rows]


def _figures(series: dict[str, Series], attempt: Row) -> dict[str, JsonValue]:
    started_at, ended_at, host = attempt.get("started_at"), attempt.get("ended_at"), attempt.get("host")
    if not (isinstance(started_at, str) and isinstance(ended_at, str) and isinstance(host, str) and host in series):
        return NOTHING
    return series[host].figures(_seconds(started_at), _seconds(ended_at))


def read_series(rundir: RunDir) -> dict[str, Series]:
    """The series of each host of the run; lines that are torn or no samples are left out.

    Raises:
        OSError: a file is there and cannot be read.
    """
    found: dict[str, list[Sample]] = {}
    for path in rundir.all_timeseries():
        for host, sample in _samples(path):
            found.setdefault(host, []).append(sample)
    return {host: Series(samples) for host, samples in found.items()}


def _samples(path: Path) -> Iterator[tuple[str, Sample]]:
    before_s, session = 0.0, None
    with path.open("rb") as file:
        for data in file:
            try:
                line: dict[str, Any] = orjson.loads(data)
                until_s, interval_s = _seconds(line["at"]), float(line["interval_s"])
                host = line.get("host", path.stem)  # the first versions wrote none
                is_next = line["session"] == session
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
            since_s = until_s - STRETCH * interval_s
            yield host, Sample(max(since_s, before_s) if is_next else since_s, until_s, line)
            before_s, session = until_s, line["session"]


def _seconds(at: str) -> float:
    return parse(at).timestamp()
