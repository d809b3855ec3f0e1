"""Makes the JSON Schema files of the package from the types that write the documents.

Run as a script it writes them into `pytest_benchrun/schemas`; a test compares them with what it would write.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pytest_benchrun.core import events
from pytest_benchrun.core.environment import EnvironmentView
from pytest_benchrun.core.events import SCHEMA_VERSION, Event
from pytest_benchrun.core.model import Owner, RunState, UnitStatus
from pytest_benchrun.core.phases import PhaseStatus
from pytest_benchrun.core.run_state import RunStateView
from pytest_benchrun.core.runstats import RunStatsView
from pytest_benchrun.core.series import SampleLine
from pytest_benchrun.core.turns import SAMPLED_OUT, EventLine, LeftOutLine, TurnLine
from pytest_benchrun.core.views import StatusView
from pytest_benchrun.report.plan import PlanView
from pytest_benchrun.store.checkpoints import CheckpointRecord
from pytest_benchrun.store.stopfile import StopRequest

FOLDER = Path(__file__).resolve().parents[1] / "pytest_benchrun" / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
_CRC = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}$",
    "description": "CRC-32 of the bytes before it, as eight hex digits",
}
_VERSION = {"const": SCHEMA_VERSION}
_PLAIN: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    Any: {},
}
_LATER = frozenset({"schema_version"})
"""What the first versions did not write into STOP and the lock."""

_WORDS: dict[tuple[str, str], type[Enum]] = {
    ("StatusView", "state"): RunState,
    ("RunStatsView", "state"): RunState,
    ("PhaseView", "status"): PhaseStatus,
    ("SlowView", "status"): UnitStatus,
}
"""Fields whose text is one of these."""


class _Maker:
    """Makes one file: the objects that others hold become its `$defs`."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}

    def object_of(self, kind: type, optional: Iterable[str] = ()) -> dict[str, Any]:
        """The schema of a TypedDict or a dataclass; fields that have a default need not be there."""
        hints = get_type_hints(kind, localns={"JsonValue": Any, "JsonScalar": Any})
        may_miss = {*optional, *_with_default(kind), *_not_required(kind)}
        names = [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else list(hints)
        return {
            "description": inspect.getdoc(kind),
            "type": "object",
            "properties": {name: self._field(kind, name, hints[name]) for name in names},
            "required": [name for name in names if name not in may_miss],
        }

    def _field(self, kind: type, name: str, hint: object) -> dict[str, Any]:
        if name == "schema_version":
            return dict(_VERSION)
        if (kind.__name__, name) in _WORDS:
            return _enum(_WORDS[kind.__name__, name])
        schema = self._schema(hint)
        if name == "at" or name.endswith(("_at", "timestamp")):
            schema = _with_moment(schema)
        return schema

    def _schema(self, hint: object) -> dict[str, Any]:
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        if inspect.isclass(hint) and issubclass(hint, Enum):
            return _enum(hint)
        if inspect.isclass(hint) and (is_typeddict(hint) or dataclasses.is_dataclass(hint)):
            if hint.__name__ not in self.definitions:
                self.definitions[hint.__name__] = self.object_of(hint)
            return {"$ref": f"#/$defs/{hint.__name__}"}
        return self._made_of_others(get_origin(hint), get_args(hint))

    def _made_of_others(self, origin: object, args: tuple[Any, ...]) -> dict[str, Any]:
        if origin in {Union, UnionType}:
            return _any_of([self._schema(arg) for arg in args])
        if origin is Literal:
            return {"enum": list(args)}
        if origin is dict:
            return {"type": "object", "additionalProperties": self._schema(args[1])}
        if origin in {list, tuple}:
            return {"type": "array", "items": self._schema(args[0])}
        message = f"no schema for {origin!r} of {args!r}"
        raise TypeError(message)


def _enum(kind: type[Enum]) -> dict[str, Any]:
    return {"enum": [member.value for member in kind]}


def _with_default(kind: type) -> set[str]:
    if not dataclasses.is_dataclass(kind):
        return set()
    missing = dataclasses.MISSING
    return {f.name for f in dataclasses.fields(kind) if f.default is not missing or f.default_factory is not missing}


def _with_moment(schema: dict[str, Any]) -> dict[str, Any]:
    if schema == _PLAIN[str]:
        return dict(_MOMENT)
    return {"anyOf": [_MOMENT, {"type": "null"}]} if schema == {"type": ["string", "null"]} else schema


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if {} in schemas:
        return {}
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _file(name: str, title: str, maker: _Maker, schema: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": _DIALECT, "$id": f"urn:pytest-benchrun:{name}:{SCHEMA_VERSION}", "title": title}
    definitions = {"$defs": dict(sorted(maker.definitions.items()))} if maker.definitions else {}
    return {**head, **schema, **definitions}


def _document(name: str, title: str, kind: type, *, optional: Iterable[str] = ()) -> dict[str, Any]:
    maker = _Maker()
    return _file(name, title, maker, maker.object_of(kind, optional))


def _checkpoint() -> dict[str, Any]:
    schema = _document("checkpoint", "checkpoints/<unit>.json", CheckpointRecord)
    schema["properties"]["crc"] = _CRC
    schema["required"].append("crc")
    return schema


def _owner() -> dict[str, Any]:
    schema = _document("owner", ".benchrun.lock, while somebody owns the run", Owner)
    schema["properties"] = {"schema_version": _VERSION, **schema["properties"]}
    return schema


def _journal() -> dict[str, Any]:
    maker = _Maker()
    kinds = sorted(_kinds(Event), key=lambda kind: list(vars(events)).index(kind.__name__))
    schema = {"description": "One line: one event.", "oneOf": [_event(maker, kind) for kind in kinds]}
    return _file("journal", "a line of journal.jsonl", maker, schema)


def _not_required(kind: type) -> set[str]:
    hints = get_type_hints(kind, localns={"JsonValue": Any, "JsonScalar": Any}, include_extras=True)
    return {name for name, hint in hints.items() if get_origin(hint) is NotRequired}


def _kinds(kind: type[Event]) -> list[type[Event]]:
    return [one for below in kind.__subclasses__() for one in (below, *_kinds(below))]


def _event(maker: _Maker, kind: type[Event]) -> dict[str, Any]:
    schema = maker.object_of(kind)
    head = {"schema_version": _VERSION, "seq": {"type": "integer", "minimum": 1}, "event": {"const": kind.name}}
    return {
        **schema,
        "properties": {**head, **schema["properties"], "crc": _CRC},
        "required": [*head, *schema["required"], "crc"],
    }


def _turns() -> dict[str, Any]:
    maker = _Maker()
    event, turn, left_out = (maker.object_of(kind) for kind in (EventLine, TurnLine, LeftOutLine))
    turn["not"] = {"anyOf": [{"required": ["event"]}, {"required": [SAMPLED_OUT]}]}
    for schema in (event, turn, left_out):
        schema["properties"]["attempt"] = {"type": "integer", "minimum": 1}
    turn["properties"]["turn_index"] = {"type": "integer", "minimum": 0}
    for name in ("tokens_in", "tokens_out"):
        turn["properties"][name] = {"type": ["integer", "null"], "minimum": 0}
    line: dict[str, Any] = {
        "description": "One line: a turn, an event of a unit, or the numbers of turns that a sample has left out."
    }
    line["oneOf"] = [turn, event, left_out]
    return _file("turn_metrics", "a line of turn_metrics.jsonl", maker, line)


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by the name of its file."""
    return {
        "status.json": _document("status", "status.json", StatusView),
        "run_state.json": _document("run_state", "run_state.json", RunStateView),
        "runstats.json": _document("runstats", "runstats.json", RunStatsView),
        "environment.json": _document("environment", "environment.json", EnvironmentView),
        "plan.json": _document("plan", "what --bench-plan=json prints", PlanView),
        "stop.json": _document("stop", "STOP, when benchrun stop wrote it", StopRequest, optional=_LATER),
        "owner.json": _owner(),
        "checkpoint.json": _checkpoint(),
        "journal.json": _journal(),
        "turn_metrics.json": _turns(),
        "timeseries.json": _document("timeseries", "a line of timeseries/<host>.jsonl", SampleLine),
    }


def text_of(schema: dict[str, Any]) -> str:
    """The content of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, made in schemas().items():
        (FOLDER / file_name).write_text(text_of(made), "utf-8")
        print(FOLDER / file_name)
