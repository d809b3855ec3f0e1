"""Turns as data: the fields of their lines, what is wrong with a line, and which of them a sample keeps."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal, TypedDict

from pytest_benchrun.core.turns_left_out import LeftOutView


class TurnLine(TypedDict):
    """A turn in `turn_metrics.jsonl`; the user's fields and timers follow.

    What was not timed or counted is None. Milliseconds; `timestamp` is the turn's beginning.
    """

    timestamp: str
    run_id: str
    session_id: str | None
    unit_id: str
    turn_index: int
    turn_id: str
    role: str | None
    llm_ms: float | None
    storage_ms: float | None
    storage_ms_by: dict[str, float]
    total_ms: float
    tokens_in: int | None
    tokens_out: int | None
    status: Literal["ok", "error", "timeout"]
    error: str | None
    attempt: int
    worker: str


class EventLine(TypedDict):
    """An event of a unit in `turn_metrics.jsonl`; the user's fields follow.

    `turn_index` is of the turn that was open, None outside.
    """

    event: str
    timestamp: str
    run_id: str
    unit_id: str
    turn_index: int | None
    attempt: int
    worker: str


class LeftOutLine(TypedDict):
    """The numbers of turns that a sample has left out, in `turn_metrics.jsonl`; figures count them."""

    sampled_out: LeftOutView
    timestamp: str
    run_id: str
    unit_id: str
    attempt: int
    worker: str


TURN_FIELDS = tuple(TurnLine.__annotations__)
"""What every line of a turn has, in this order; the user's fields follow."""

EVENT_FIELDS = tuple(EventLine.__annotations__)
"""What every line of an event has, in this order; it is known by its first field, which no turn has."""

SAMPLED_OUT = "sampled_out"
"""The first field of a line that holds the numbers of turns which a sample has left out; no turn has it."""

_NUMBER = (float, int)
_NONE = type(None)
_TYPES: dict[str, tuple[type, ...]] = {
    "sampled_out": (dict,),
    "event": (str,),
    "timestamp": (str,),
    "run_id": (str,),
    "session_id": (str, _NONE),
    "unit_id": (str,),
    "turn_index": (int,),
    "turn_id": (str,),
    "role": (str, _NONE),
    "llm_ms": (*_NUMBER, _NONE),
    "storage_ms": (*_NUMBER, _NONE),
    "storage_ms_by": (dict,),
    "total_ms": _NUMBER,
    "tokens_in": (int, _NONE),
    "tokens_out": (int, _NONE),
    "status": (str,),
    "error": (str, _NONE),
    "attempt": (int,),
    "worker": (str,),
}
_STATUSES = frozenset({"ok", "error", "timeout"})


def is_turn_line(line: dict[str, Any]) -> bool:
    """Whether a decoded line is a turn: no event, and no numbers of many turns."""
    return "event" not in line and SAMPLED_OUT not in line


def fault_of_line(line: Any) -> str | None:  # noqa: ANN401  # decoded JSON
    """What is wrong with the fields of one decoded line; None when nothing is."""
    if not isinstance(line, dict):
        return "it is no object"
    is_event, is_turn = "event" in line, is_turn_line(line)
    for name in TURN_FIELDS if is_turn else EVENT_FIELDS if is_event else LeftOutLine.__annotations__:
        if name not in line:
            return f"it has no {name!r}"
        value = line[name]
        if type(value) not in _TYPES[name] and not (is_event and name == "turn_index" and value is None):
            return f"its {name!r} is {str(value)[:60]!r}"
    if (line.get("turn_index") or 0) < 0 or line["attempt"] < 1:
        return "its 'turn_index' or 'attempt' is below the first one"
    return _fault_of_turn(line) if is_turn else None


def _fault_of_turn(line: dict[str, Any]) -> str | None:
    if line["status"] not in _STATUSES:
        return f"its 'status' is {line['status'][:60]!r}"
    if any(type(value) not in _NUMBER for value in line["storage_ms_by"].values()):
        return "its 'storage_ms_by' holds what is no number"
    return None


_STEPS = 2**64


class Sample:
    """Which turns of one unit are kept: by a hash, so that every run keeps the same ones.

    Args:
        unit_id: the unit.
        share: of all turns, 0 to 1.
    """

    def __init__(self, unit_id: str, share: float) -> None:
        self._hash = blake2b(unit_id.encode("utf-8", "backslashreplace") + b"\n", digest_size=8)
        self._limit = share * _STEPS

    def keeps(self, turn_index: int) -> bool:
        """Whether the turn is kept; a larger share keeps all that a smaller one does."""
        turn_hash = self._hash.copy()
        turn_hash.update(b"%d" % turn_index)
        return int.from_bytes(turn_hash.digest(), "big") < self._limit
