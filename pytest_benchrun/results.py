"""A run as Python objects: one `BenchmarkResult` a unit, and the run around them; reads only, at any time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any, Self

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DirectoryProblem, UsageProblem
from pytest_benchrun.core.events import Event, UnitEnded
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_scalar
from pytest_benchrun.core.model import JsonValue, UnitStatus
from pytest_benchrun.core.records import UnitRecord
from pytest_benchrun.core.runstats import RunStatsView
from pytest_benchrun.core.sequence import BAD_VALUES, LIVE_STATES
from pytest_benchrun.core.tables import Attempts, Row, wide_rows
from pytest_benchrun.core.usage import without_usage
from pytest_benchrun.core.views import StatusView, status_view
from pytest_benchrun.report.words import clean, seconds
from pytest_benchrun.store.journal import all_events
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.seriesread import add_machine
from pytest_benchrun.store.turnstats import figures_of
from pytest_benchrun.world.process import is_alive

BenchmarkStatus = UnitStatus
"""What the benchmark said of a unit: `PENDING`, `RUNNING`, `COMPLETED`, `FAILED`, `TIMEOUT`, `SKIPPED`,
`INTERRUPTED`."""

_SHOWN_METRICS, _LINE_LENGTH = 5, 500
_NOT_STARTED = frozenset({UnitStatus.PENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """A unit and what its last attempt came to.

    Attributes:
        run_id: the run.
        unit_id: pytest's node id, relative to rootdir.
        config: its parameters by name.
        status: what the benchmark said.
        start_time: aware, in UTC; None before it has started.
        end_time: as above; None before it has ended.
        duration_seconds: of setup, call and teardown, by a clock that only goes forward; None where nobody measured.
        metrics: values by name; None for one that was not finite, a text for one that was no number.
        errors: why it did not complete, a line each; empty when it did.
        warnings: what was wrong with recorded values.
        metadata: function, group, phase, attempts, session, worker, host, kind of failure, traceback, and of each
            metric its unit of measure and direction.
    """

    run_id: str
    unit_id: str
    config: dict[str, JsonValue] = field(default_factory=dict)
    status: BenchmarkStatus = BenchmarkStatus.PENDING
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration_seconds: float | None = None
    metrics: dict[str, JsonValue] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    metadata: dict[str, JsonValue] = field(default_factory=dict)

    def summary(self) -> str:
        """One line for people."""
        took = f" in {seconds(self.duration_seconds)}" if self.duration_seconds is not None else ""
        parts = [f"{self.unit_id}: {self.status.value}{took}"]
        measured = without_usage(self.metrics)
        shown = [f"{name} = {_shown(value)}" for name, value in list(measured.items())[:_SHOWN_METRICS]]
        more = len(measured) - len(shown)
        if shown:
            parts.append(", ".join(shown) + (f" and {more} more" if more else ""))
        return clean("; ".join([*parts, *self.errors]), _LINE_LENGTH)

    def to_dict(self) -> dict[str, Any]:
        """Every field as JSON has it: times in ISO 8601, what is not finite as None; `from_dict` reads it."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_yaml(self) -> str:
        """`to_dict` as YAML.

        Raises:
            UsageProblem: PyYAML is not installed.
        """
        is_safe = r"\u0085" not in self.to_json()  # PyYAML writes it as it is, and reads it as the end of a line
        text: str = _yaml().safe_dump(self.to_dict(), sort_keys=False, allow_unicode=is_safe)
        return text

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `to_dict` has made.

        Raises:
            UsageProblem: a field is missing or unknown, or the status or a time cannot be one.
        """
        known = {entry.name for entry in fields(cls)}
        wrong = sorted(known.symmetric_difference(values))
        if wrong:
            problem = f"{wrong[0]!r} is {'missing' if wrong[0] in known else 'no field'} of a result"
            raise UsageProblem(problem, hint=f"give what to_dict() gives: {', '.join(sorted(known))}")
        times = {name: values[name] for name in ("start_time", "end_time")}
        try:
            parsed = {name: datetime.fromisoformat(text) if text else None for name, text in times.items()}
            return cls(**{**values, **parsed, "status": BenchmarkStatus(values["status"])})
        except (ValueError, TypeError) as error:
            raise UsageProblem(f"this is no result: {error}", hint="give what to_dict() gives") from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` has made.

        Raises:
            UsageProblem: it is something else.
        """
        try:
            return cls.from_dict(_object(json.loads(text)))
        except ValueError as error:
            raise UsageProblem(f"this is no JSON: {error}", hint="give what to_json() gives") from error

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """What `to_yaml` has made; no tag in it runs anything.

        Raises:
            UsageProblem: it is something else, or PyYAML is not installed.
        """
        yaml = _yaml()
        try:
            return cls.from_dict(_object(yaml.safe_load(text)))
        except yaml.YAMLError as error:
            raise UsageProblem(f"this is no YAML: {error}", hint="give what to_yaml() gives") from error


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise UsageProblem(f"{safe_repr(value, 60)} is no result", hint="give what to_dict() gives")


def _yaml() -> Any:  # noqa: ANN401  # a module
    try:
        import yaml  # an extra
    except ImportError as error:
        raise UsageProblem("YAML needs PyYAML, which is not installed", hint=_pip("yaml")) from error
    return yaml


def _pip(extra: str) -> str:
    return f"pip install 'pytest-benchrun[{extra}]'"


def _plain(value: object) -> Any:  # noqa: ANN401  # JSON
    """A value as JSON and YAML have it; what they have not becomes its `repr`, and what is not finite None."""
    if isinstance(value, UnitStatus):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds")
    if isinstance(value, Mapping):
        return {safe_text(key if isinstance(key, str) else str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _scalar(to_scalar(value))


def _scalar(value: object) -> JsonValue:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return safe_text(str(value))
    return value if value is None or isinstance(value, bool | int) else safe_repr(value)


def _shown(value: JsonValue) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class RunResults:
    """A run as it was when it was loaded; goes through its results in the order of the work list.

    Attributes:
        path: the results directory.
        run_id: the run.
        state: where it is; `dead` when its process was killed.
        results: one for each unit.
        stats: what `runstats.json` holds, computed anew.
        status: what `status.json` holds, as of the last event.
    """

    def __init__(self, rundir: RunDir, campaign: Campaign, events: list[Event], state: str) -> None:
        self.path = rundir.path
        self.run_id = campaign.run_id
        self.state = state
        self.results = list(_results(campaign, events))
        self.stats: RunStatsView = figures_of(rundir, campaign)
        self.status: StatusView = status_view(
            campaign, results_dir=safe_text(str(rundir.path)), now_at=campaign.last_at
        )
        self._rows = add_machine(rundir, events, wide_rows(campaign))

    def __repr__(self) -> str:
        return f"<RunResults {self.run_id}: {self.status['message']}>"

    def __iter__(self) -> Iterator[BenchmarkResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, unit_id: str) -> BenchmarkResult:
        for result in self.results:
            if result.unit_id == unit_id:
                return result
        raise KeyError(unit_id)

    def to_rows(self) -> list[Row]:
        """One dict a unit, as `benchrun export` has it.

        Parameters are `param.NAME`, metrics `metric.NAME`, and what the machine did meanwhile `machine.NAME`.
        """
        return [dict(row) for row in self._rows]

    def to_pandas(self) -> Any:  # noqa: ANN401  # of a library that need not be there
        """`to_rows` as a pandas `DataFrame`.

        Raises:
            UsageProblem: pandas is not installed.
        """
        try:
            import pandas as pd  # who asks for it has it
        except ImportError as error:
            raise UsageProblem("pandas is not installed", hint="pip install pandas") from error
        return pd.DataFrame(self._rows)

    def to_polars(self) -> Any:  # noqa: ANN401  # as above
        """`to_rows` as a polars `DataFrame`.

        Raises:
            UsageProblem: polars is not installed.
        """
        try:
            import polars as pl  # as above
        except ImportError as error:
            raise UsageProblem("polars is not installed", hint="pip install polars") from error
        return pl.DataFrame(self._rows, infer_schema_length=None, strict=False)


def load_run(directory: str | Path) -> RunResults:
    """The run in a results directory, also while it goes on and after a kill.

    Raises:
        DirectoryProblem: there is no run, or its journal cannot be read.
    """
    rundir = RunDir(Path(directory))
    if not rundir.has_run():
        hint = "name the directory given to --bench-results"
        raise DirectoryProblem(f"there is no run in {str(rundir.path)!r}", hint=hint)
    try:
        events = all_events(rundir)
        campaign = Campaign.of(events)
        state = campaign.state.value
        if campaign.state in LIVE_STATES and not _is_live(rundir):
            state = "dead"
        return RunResults(rundir, campaign, events, state)
    except (OSError, *BAD_VALUES) as error:
        problem = f"the run in {str(rundir.path)!r} cannot be read: {error}"
        raise DirectoryProblem(
            problem, hint=f"benchrun verify {quote(str(rundir.path))}   (says what is wrong)"
        ) from error


def _is_live(rundir: RunDir) -> bool:
    owner = read_owner(rundir.lock)
    return owner is not None and is_alive(owner) is not False


def _results(campaign: Campaign, events: Iterable[Event]) -> Iterator[BenchmarkResult]:
    made = Attempts()
    last: dict[str, tuple[Row, UnitEnded | None]] = {}
    for event in events:
        ended = made.take(event)
        if ended is not None and isinstance(event, UnitEnded):
            last[event.unit_id] = ended[1], event
    for _, row in made.in_flight():
        last[str(row["unit_id"])] = row, None
    for record in campaign.records.values():
        is_open = record.status in _NOT_STARTED
        row, end = ({}, None) if is_open else last.get(record.unit.unit_id, ({}, None))
        yield _result(campaign.run_id, record, row, end)


def _result(run_id: str, record: UnitRecord, row: Row, end: UnitEnded | None) -> BenchmarkResult:
    unit, outcome = record.unit, end.outcome if end else None
    metrics = outcome.metrics if outcome else {}
    is_bad = outcome is not None and record.status is not UnitStatus.COMPLETED and outcome.message
    metadata: dict[str, JsonValue] = {
        "function": unit.function,
        "group": unit.group,
        "phase": unit.phase,
        "attempts": record.attempts,
        **{name: row.get(name) for name in ("session", "worker", "host", "kind")},
        "traceback": outcome.detail if outcome else None,
        "metrics": {name: {"unit": metric.unit, "better": metric.better} for name, metric in metrics.items()},
    }
    return BenchmarkResult(
        run_id=run_id,
        unit_id=unit.unit_id,
        config=unit.params,
        status=record.status,
        start_time=_time(row.get("started_at")),
        end_time=_time(row.get("ended_at")),
        duration_seconds=end.elapsed_s if end else None,
        metrics={name: metric.value for name, metric in metrics.items()},
        errors=[f"{outcome.kind or record.status.value}: {outcome.message}"] if is_bad and outcome else [],
        warnings=list(outcome.warnings) if outcome else [],
        metadata=metadata,
    )


def _time(at: JsonValue) -> datetime | None:
    return datetime.fromisoformat(at) if isinstance(at, str) else None
