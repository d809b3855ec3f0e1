"""What controller and workers say to each other beside xdist's own messages, and how it is made fit to travel.

A unit's end goes as one piece of JSON: orjson packs it in a tenth of the time that execnet's own
serializer, which is Python, takes for the nested reports. Whatever a user's objects put into a
report that JSON or execnet cannot hold is replaced; it must never end the session.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import orjson

from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_scalar, to_text
from pytest_benchrun.core.model import Unit

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

WORK_LIST = "benchrun_work_list"
"""Worker to controller, once after collecting: `data`, an encoded `WorkList` (bytes), or what is wrong (text)."""

UNIT_DONE = "benchrun_unit_done"
"""Worker to controller, when a unit is over: `data`, packed; its keys are `index, elapsed_s, outcome, reports,
nodeid, location` and `stop` (why the session should stop, None when it should not)."""

PULSE = "benchrun_pulse"
"""Worker to controller, now and then while a unit runs: `data`, the fields of a `Pulse`."""

RUN_UNIT = "benchrun_run_unit"
"""Controller to worker: `index` into the worker's items, `attempt`."""

INTERRUPT = "benchrun_interrupt"
"""Controller to worker: interrupt the unit in flight."""

WORKER_INPUT = "benchrun"
"""Key in `workerinput`: `run_id`, `results_dir`, `group_by`, `phases`, `file` (the campaign file as
JSON), and the controller's `host` and `pid`."""

_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class WorkList:
    """What a worker collected.

    Attributes:
        units: in the order of the worker's items.
        groups: name of each unit's `xdist_group`; None where it has none.
        deselected: ids of units that were collected and then deselected.
    """

    units: list[Unit]
    groups: list[str | None]
    deselected: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        """As bytes that travel: columns, which cost the receiver a third of the memory of one object a unit."""
        units = self.units
        return _dumps(
            {
                "unit_ids": [unit.unit_id for unit in units],
                "functions": [unit.function for unit in units],
                "groups": [None if unit.group == unit.unit_id else unit.group for unit in units],
                "phases": [unit.phase for unit in units],
                "param_names": [unit.param_names for unit in units],
                "param_values": [unit.param_values for unit in units],
                "fingerprints": [unit.fingerprint for unit in units],
                "are_exclusive": [unit.is_exclusive for unit in units],
                "are_warmups": [unit.is_warmup for unit in units],
                "xdist_groups": self.groups,
                "deselected": self.deselected,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> WorkList:
        """From bytes that travelled."""
        raw = _loads(data)
        shared: dict[object, Any] = {}
        columns = zip(
            raw["unit_ids"],
            raw["functions"],
            raw["groups"],
            raw["phases"],
            map(tuple, raw["param_names"]),
            map(tuple, raw["param_values"]),
            raw["fingerprints"],
            raw["are_exclusive"],
            raw["are_warmups"],
            strict=True,
        )
        units = [
            Unit(
                unit_id=unit_id,
                function=shared.setdefault(function, function),
                group=unit_id if group is None else shared.setdefault(group, group),
                phase=shared.setdefault(phase, phase),
                param_names=shared.setdefault(names, names),
                param_values=values,
                fingerprint=shared.setdefault(fingerprint, fingerprint),
                is_exclusive=is_exclusive,
                is_warmup=is_warmup,
            )
            for unit_id, function, group, phase, names, values, fingerprint, is_exclusive, is_warmup in columns
        ]
        return cls(units, raw["xdist_groups"], raw["deselected"])


def pack(message: dict[str, Any]) -> bytes:
    """A message as JSON."""
    try:
        return _dumps(message)
    except TypeError:  # a NumPy scalar in a property, a lone surrogate in an assertion message, ...
        return _dumps(fit_to_travel(message), default=safe_repr, option=orjson.OPT_NON_STR_KEYS)


def plain_property(name: object, value: object) -> tuple[str, object]:
    """A user's property as JUnit would show it without workers: what JSON has not becomes its text."""
    if type(value) is float and math.isfinite(value):
        return to_text(name), value
    is_plain = type(value) is str or value is None or value is True or value is False
    if is_plain or (type(value) is int and -_INT64 <= value < _INT64):
        return to_text(name), value
    return to_text(name), to_text(value)


def unpack_reports(reports: list[dict[str, Any]], shared: dict[object, Any]) -> list[dict[str, Any]]:
    """Reports as pytest made them, where JSON has turned their tuples into lists.

    Args:
        reports: of one unit.
        shared: properties that all units have, kept once, as are keywords of a unit's reports: pytest keeps every
            report to the end.
    """
    own: dict[object, Any] = {}
    keywords: dict[str, Any] = {}
    for report in reports:
        keywords = report["keywords"] = keywords if report["keywords"] == keywords else report["keywords"]
        report["location"] = tuple(report["location"])
        report["user_properties"] = [_property(entry, own, shared) for entry in report["user_properties"]]
        report["sections"] = [tuple(entry) for entry in report["sections"]]
        if isinstance(report["longrepr"], list):
            report["longrepr"] = tuple(report["longrepr"])
    return reports


def _property(entry: list[Any], own: dict[object, Any], shared: dict[object, Any]) -> tuple[Any, ...]:
    name, value = entry
    if not isinstance(value, str):
        return name, value
    kept = shared if name in {"bench.run_id", "bench.attempt"} else own
    pair: tuple[Any, ...] = kept.setdefault((name, value), (name, value))
    return pair


def fit_to_travel(value: object) -> object:
    """`value` in exact builtin types, NumPy scalars as numbers, text without lone surrogates.

    What refuses to be read, or is too deep, becomes its `repr`.
    """
    try:
        return _fit(value)
    except Exception:  # noqa: BLE001  # a user's object may raise anything; its report must arrive all the same
        return safe_repr(value)


def _fit(value: object) -> object:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return safe_text(str.__str__(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: fit_to_travel(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {_fit_key(key): fit_to_travel(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(fit_to_travel(item) for item in value)
    return _exact(to_scalar(value))


def _fit_key(key: object) -> object:
    return safe_text(str.__str__(key)) if isinstance(key, str) else key if type(key) is int else safe_repr(key)


def _exact(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        number = int.__int__(value)
        return number if -_INT64 <= number < _INT64 else safe_repr(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, AbstractSet | Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        return [fit_to_travel(item) for item in value]
    return value if type(value) is str else safe_repr(value)
