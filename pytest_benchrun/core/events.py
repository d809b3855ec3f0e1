"""What can happen to a run: one frozen class per kind of journal line.

The journal stores exactly these fields; a changed meaning needs a new `SCHEMA_VERSION`.
Every `at` is aware UTC, ISO 8601 with milliseconds and `Z`. Events have no slots, other than our other
types: they live for a moment, and orjson writes an object with a `__dict__` in a quarter of the time
(0.23 against 1.1 us).
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, ClassVar

from pytest_benchrun.core import schema
from pytest_benchrun.core.model import COMPLETED, Ending, JsonValue, Metric, Outcome, Owner, RunState, Unit, UnitStatus

SCHEMA_VERSION = schema.SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events.

    Attributes:
        at: when it happened.
    """

    name: ClassVar[str] = ""
    at: str


@dataclass(frozen=True, kw_only=True)
class RunCreated(Event):
    """The first line of a run."""

    name: ClassVar[str] = "run_created"
    run_id: str
    campaign: str
    config: dict[str, JsonValue]
    config_hash: str
    version: str


@dataclass(frozen=True, kw_only=True)
class SessionStarted(Event):
    """A pytest process took the run.

    Attributes:
        session: 1 for the first start, one more for each resume.
        engine: `bare` or `xdist`.
        workers: how many were asked for.
        group_by: parameter that makes the groups; None when the marker or the unit itself does.
        phases: names of the phases in the order in which they run.
        makes: names of files that a session may be told not to make, and that this one makes at its end.
    """

    name: ClassVar[str] = "session_started"
    session: int
    owner: Owner
    engine: str
    workers: int
    command: list[str]
    cwd: str
    versions: dict[str, str]
    group_by: str | None
    phases: list[str] = field(default_factory=list)
    makes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class HostSeen(Event):
    """What a host was like when a session began or ended.

    Attributes:
        moment: `start` or `end` of the session.
        facts: as `world.machine` takes them.
    """

    name: ClassVar[str] = "host_seen"
    host: str
    moment: str
    facts: dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class ConfigAccepted(Event):
    """The run goes on under another configuration, as its user asked."""

    name: ClassVar[str] = "config_accepted"
    config: dict[str, JsonValue]
    config_hash: str


@dataclass(frozen=True, kw_only=True)
class UnitsAdded(Event):
    """Units joined the frozen work list, or changed in it; at most 1,000 a line so that it stays small."""

    name: ClassVar[str] = "units_added"
    units: list[Unit]


@dataclass(frozen=True, kw_only=True)
class UnitsRemoved(Event):
    """Units that the suite has no more; they stay in the run, and what they have measured too.

    Attributes:
        units: half-open ranges over the units in the order they were added.
    """

    name: ClassVar[str] = "units_removed"
    units: list[list[int]]


@dataclass(frozen=True, kw_only=True)
class SessionPlanned(Event):
    """Which units this session will run.

    Attributes:
        run: half-open ranges over the units in the order they were added.
        failure_limit: groups that may fail before the run pauses; None for no threshold.
    """

    name: ClassVar[str] = "session_planned"
    run: list[list[int]]
    failure_limit: int | None


@dataclass(frozen=True, kw_only=True)
class UnitStarted(Event):
    """Recorded before the unit is handed out, so that every execution is visible."""

    name: ClassVar[str] = "unit_started"
    unit_id: str
    attempt: int
    worker: str


@dataclass(frozen=True, kw_only=True)
class UnitResult(Event):
    """The test function has spoken and pytest is about to show it; teardown is still to come.

    After a kill in between, this is the unit's result.
    """

    name: ClassVar[str] = "unit_result"
    unit_id: str
    attempt: int
    worker: str
    elapsed_s: float
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class UnitEnded(Event):
    """The attempt is over, teardown of its own fixtures included.

    Attributes:
        ended: how the process that ran it ended.
        elapsed_s: seconds of setup, call and teardown; None when nobody lived to measure them.
    """

    name: ClassVar[str] = "unit_ended"
    unit_id: str
    attempt: int
    worker: str
    ended: Ending
    elapsed_s: float | None
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class LateError(Event):
    """A fixture of wider scope failed in its teardown after the unit had ended."""

    name: ClassVar[str] = "late_error"
    unit_id: str
    message: str
    detail: str | None


@dataclass(frozen=True, kw_only=True)
class WorkerUp(Event):
    """A worker can take units."""

    name: ClassVar[str] = "worker_up"
    worker: str
    host: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class WorkerDown(Event):
    """A worker is gone.

    Attributes:
        error: why, when it was not asked to go; else None.
    """

    name: ClassVar[str] = "worker_down"
    worker: str
    error: str | None


@dataclass(frozen=True, kw_only=True)
class StopAsked(Event):
    """From here on no unit starts.

    Attributes:
        source: `stop-file`, `max-failures`, `max-consecutive-failures`, `maxfail`, `exit`, `engine`.
        reason: the sentence shown with every unit that is skipped for it.
        target: the state the run ends in once the units in flight are done.
    """

    name: ClassVar[str] = "stop_asked"
    source: str
    reason: str
    target: RunState


@dataclass(frozen=True, kw_only=True)
class RestSkipped(Event):
    """The units that this session will not start any more.

    Attributes:
        units: half-open ranges over the units in the order they were added.
    """

    name: ClassVar[str] = "rest_skipped"
    units: list[list[int]]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """Something people should know later: a takeover, a torn tail, an ignored STOP file."""

    name: ClassVar[str] = "noted"
    text: str


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """The last line of a session that lived to its end."""

    name: ClassVar[str] = "session_ended"
    state: RunState
    reason: str | None
    exit_code: int


def _metrics(raw: dict[str, dict[str, Any]]) -> dict[str, Metric]:
    return {name: Metric(**metric) for name, metric in raw.items()}


def outcome_from_json(raw: dict[str, Any]) -> Outcome:
    """An outcome from its JSON object."""
    if raw == _PLAIN:
        return COMPLETED
    return Outcome(
        status=UnitStatus(raw["status"]),
        kind=raw["kind"],
        message=raw["message"],
        detail=raw["detail"],
        metrics=_metrics(raw["metrics"]) if raw["metrics"] else {},
        warnings=raw["warnings"],
    )


_PLAIN = asdict(COMPLETED)
"""What nearly every unit of a large campaign comes to: one object for all of them."""


def unit_from_json(raw: dict[str, Any], shared: dict[object, Any]) -> Unit:
    """A unit from its JSON object.

    Args:
        raw: the object.
        shared: what many units have in common, by itself: kept once (memory at 100,000 units).
    """
    unit_id, names = raw["unit_id"], tuple(raw["param_names"])
    function, group, phase = raw["function"], raw["group"], raw["phase"]
    return Unit(
        unit_id=unit_id,
        function=shared.setdefault(function, function),
        group=unit_id if group == unit_id else shared.setdefault(group, group),
        phase=shared.setdefault(phase, phase),
        param_names=shared.setdefault(names, names),
        param_values=tuple(raw["param_values"]),
        fingerprint=shared.setdefault(raw["fingerprint"], raw["fingerprint"]),
        is_exclusive=raw.get("is_exclusive", False),  # earlier versions wrote neither
        is_warmup=raw.get("is_warmup", False),
    )


def _units(raw: list[Any]) -> list[Any]:
    shared: dict[object, Any] = {}
    return [unit_from_json(unit, shared) if isinstance(unit, dict) else unit for unit in raw]


_DECODE: dict[str, Any] = {
    "outcome": outcome_from_json,
    "units": _units,
    "owner": lambda raw: Owner(**raw),
    "ended": Ending,
    "state": RunState,
    "target": RunState,
}

_KINDS: dict[str, type[Event]] = {
    kind.name: kind
    for kind in (
        RunCreated,
        SessionStarted,
        HostSeen,
        ConfigAccepted,
        UnitsAdded,
        UnitsRemoved,
        SessionPlanned,
        UnitStarted,
        UnitResult,
        UnitEnded,
        LateError,
        WorkerUp,
        WorkerDown,
        StopAsked,
        RestSkipped,
        Noted,
        SessionEnded,
    )
}
EVENT_NAMES = tuple(_KINDS)
"""Of all kinds of events, as their lines have them."""

_FIELDS = {name: tuple(f.name for f in fields(kind)) for name, kind in _KINDS.items()}
_DECODED = {name: tuple(key for key in keys if key in _DECODE) for name, keys in _FIELDS.items()}


def event_from_json(record: dict[str, Any]) -> Event:
    """The event of one decoded journal line.

    Args:
        record: the JSON object, with `event` and the fields of that kind; other keys are ignored.

    Raises:
        ValueError: an unknown kind, or a field that is missing or has an impossible value.
    """
    name = record.get("event")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        message = f"unknown event {name!r}"
        raise ValueError(message)
    values = {key: record[key] for key in _FIELDS[kind.name] if key in record}
    if len(values) < len(_FIELDS[kind.name]):
        _complete(values, kind)
    for key in _DECODED[kind.name]:
        try:
            values[key] = _DECODE[key](values[key])
        except (TypeError, KeyError, AttributeError) as error:
            message = f"event {name!r} has an impossible {key!r}: {error}"
            raise ValueError(message) from error
    # What a frozen class's __init__ does field by field; a resume of 100,000 units makes 300,000 events.
    event: Event = object.__new__(kind)
    event.__dict__.update(values)
    return event


def _complete(values: dict[str, Any], kind: type[Event]) -> None:
    """Add what lines of earlier versions have not."""
    for f in fields(kind):
        if f.name in values:
            continue
        if f.default_factory is MISSING:
            message = f"event {kind.name!r} has no field {f.name!r}"
            raise ValueError(message)
        values[f.name] = f.default_factory()
