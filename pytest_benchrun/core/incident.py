"""What is written down when a unit is stuck or runs out of time: its fields, made safe and kept small."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.jsonsafe import safe_text, to_json
from pytest_benchrun.core.model import JsonValue, Outcome, UnitStatus
from pytest_benchrun.core.secrets import mask_text

MAX_TEXT = 1000
MAX_STACKS = 24_000
MAX_OUTPUT = 4000
MAX_LISTED = 50
_SECRET = re.compile(r"(?i)((?:password|passwd|secret|token|api[-_]?key|authorization)[\w-]*[\s=:]+)(\S+)")
_FRAME = re.compile(r'^  File "(?P<file>[^"\n]*)", line (?P<line>\d+|\?+) in (?P<function>.*)$', re.MULTILINE)
_OURS = ("pytest_benchrun/hooks/stuck.py", "pytest_benchrun/world/watch.py")


class ChildView(TypedDict):
    """A process that the unit had started."""

    pid: int
    command: str
    age_s: float


class BeaconView(TypedDict):
    """A proof of progress."""

    kind: str
    text: str
    age_s: float


class IncidentView(TypedDict):
    """`run_error.json` and each file in `incidents/`.

    `ended` is what had to be ended: `unit`, `worker` (its process), or None when it goes on. `where` is the
    line that the main thread was in. `is_wide` is set when a fixture of wider scope was torn down after the unit.
    """

    schema_version: int
    run_id: str
    kind: str
    action: str
    ended: str | None
    at: str
    unit_id: str
    params: dict[str, JsonValue]
    attempt: int
    is_wide: bool
    worker: str
    host: str
    pid: int
    stage: str | None
    note: str | None
    message: str
    where: str | None
    elapsed_s: float
    silent_s: float
    limit_s: float
    beacons: list[BeaconView]
    stacks: str
    children: list[ChildView]
    rss_bytes: int | None
    open_files: list[str]
    output_tail: str


_TEXTS = {"stacks": MAX_STACKS, "output_tail": MAX_OUTPUT}


def incident_view(facts: Mapping[str, Any]) -> IncidentView:
    """The facts as they are written: safe text, capped, secrets in command lines masked; what is missing is empty."""
    view: dict[str, Any] = {}
    for name in IncidentView.__annotations__:
        value = facts.get(name, _EMPTY.get(name))
        if isinstance(value, str):
            value = _middle_out(safe_text(value), _TEXTS.get(name, MAX_TEXT))
        elif isinstance(value, list):
            value = [_fit(one) for one in value[:MAX_LISTED]]
        elif isinstance(value, dict):
            value = to_json(value)
        view[name] = value
    if not isinstance(view["params"], dict):  # too large: kept as the beginning of its text
        view["params"] = {"": view["params"]}
    return IncidentView(**{**view, "schema_version": SCHEMA_VERSION})  # type: ignore[typeddict-item]  # made above


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("run_id", "at", "unit_id", "worker", "host", "message", "stacks", "output_tail"), ""),
    **dict.fromkeys(("attempt", "pid", "elapsed_s", "silent_s", "limit_s"), 0),
    "beacons": [],
    "children": [],
    "open_files": [],
    "kind": "stuck",
    "action": "fail",
    "is_wide": False,
    "params": {},
}


def _fit(value: object) -> object:
    if isinstance(value, dict):
        return {key: _fit(item) for key, item in value.items()}
    return mask_secrets(safe_text(value, MAX_TEXT)) if isinstance(value, str) else value


def mask_secrets(text: str) -> str:
    """A command line without what follows words like password and token."""
    return mask_text(_SECRET.sub(r"\1***", text))


def _middle_out(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n... {len(text) - length} characters left out ...\n{text[-half:]}"


def where_in(stacks: str) -> str | None:
    """`FILE:LINE in FUNCTION` of the main thread, the last of the stacks as faulthandler writes them."""
    last = stacks.rstrip().rpartition("\n\n")[2]
    for frame in _FRAME.finditer(last):
        if not frame["file"].endswith(_OURS):
            return f"{frame['file']}:{frame['line']} in {frame['function']}"
    return None


def message_of_incident(kind: str, limit_s: float, where: str | None) -> str:
    """One line for people."""
    said = "no sign of progress for" if kind == "stuck" else "still running after"
    return f"{'stuck' if kind == 'stuck' else 'timeout'}: {said} {limit_s:g} s{f', at {where}' if where else ''}"


def outcome_of(incident: IncidentView) -> Outcome:
    """What an attempt came to that was ended from outside."""
    status = UnitStatus.TIMEOUT
    return Outcome(status=status, kind="timeout", message=incident["message"], detail=incident["stacks"] or None)


def is_of(incident: IncidentView, unit_id: str, attempt: int) -> bool:
    """Whether the attempt itself was meant, and not a teardown after it; an id too long to be told is anybody's."""
    is_same = incident["unit_id"] in {"", safe_unit_id(unit_id)}
    return is_same and not incident["is_wide"] and incident["attempt"] in {0, attempt}


def safe_unit_id(unit_id: str) -> str:
    """An id as an incident has it."""
    return _middle_out(safe_text(unit_id), MAX_TEXT)
