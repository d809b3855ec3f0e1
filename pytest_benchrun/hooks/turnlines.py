"""What the turns of one attempt share, and how what they are given becomes values of a line."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any, Protocol

import orjson

from pytest_benchrun.core.jsonsafe import REPR_LENGTH, TEXT_LENGTH, safe_repr, safe_text, to_json, to_name, to_text
from pytest_benchrun.core.slug import slug
from pytest_benchrun.core.turns import EVENT_FIELDS, TURN_FIELDS, Sample
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.world.clock import WallClock

MS_FIELDS = frozenset({"llm_ms", "storage_ms"})
RESERVED = frozenset(TURN_FIELDS) | frozenset(EVENT_FIELDS)
"""Names that no field of the user's can have."""

_PLAIN = frozenset({int, float, bool, type(None)})
_TIMEOUT = "from pytest-timeout"


class TakesLines(Protocol):
    """Where lines go."""

    def append(self, line: bytes, at_ns: int) -> None:
        """Keep a line."""


class UnitTurns:
    """What the turns of one attempt share.

    Args:
        run_id: of the run.
        beacons: of the attempt.
        attempt: its number.
        worker: where it runs.
        share: of the turns to be kept.
        file: where the lines go.
        clock: the time of turns.
    """

    def __init__(
        self,
        *,
        run_id: str,
        beacons: Beacons,
        attempt: int,
        worker: str,
        share: float,
        file: TakesLines,
        clock: WallClock,
    ) -> None:
        self.run_id = run_id
        self.unit_id = unit_id = beacons.unit_id
        self.attempt = attempt
        self.worker = worker
        self.id_prefix = f"{slug(unit_id)[-10:]}-{attempt}-"  # the digits that end the name of its artifacts too
        self.numbers = count()
        self.lock = threading.Lock()
        self.now_at = clock.now_at
        self.timer_names = set(MS_FIELDS)
        self.sample = Sample(unit_id, share) if share < 1 else None
        self.end_turn = beacons.end_turn
        self._file = file

    def write(self, record: dict[str, Any], now_ns: int) -> None:
        """Keep one record as a line; what JSON has not becomes text."""
        try:
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        except (TypeError, ValueError):  # a lone surrogate, an integer beyond 64 bits
            record = {to_name(name): _mend(name, value) for name, value in record.items()}
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        self._file.append(line, now_ns)

    def check_timer(self, name: str) -> None:
        """Learn the name of a timer.

        Raises:
            ValueError: it does not end in `_ms`, or means something else.
        """
        if name in self.timer_names:
            return
        if not name.endswith("_ms") or name in RESERVED:
            message = f"a timer of unit {self.unit_id!r} is called {safe_repr(name, 60)}, which is no name for one"
            raise ValueError(f"{message}\n  -> a name of your own that ends in _ms, like turn.time('embed_ms')")
        self.timer_names.add(name)


def status_of(error: BaseException) -> tuple[str, str]:
    """Status and error text of a turn that ended by this exception."""
    text = safe_text(f"{type(error).__name__}: {to_text(error)}", TEXT_LENGTH)
    return "timeout" if _TIMEOUT in text else "error", text


def to_label(value: object) -> str:
    """Text for a name of the user's, whatever type it is."""
    if type(value) is str and len(value) <= TEXT_LENGTH:
        return value
    return safe_text(to_text(value), TEXT_LENGTH)


def to_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The values as they are now: what is a list today may be longer when the turn ends."""
    return {name: value if type(value) in _PLAIN else to_json(value) for name, value in fields.items()}


def _mend(name: str, value: Any) -> Any:  # noqa: ANN401  # JSON, of whatever shape
    """A value of a line that could not be encoded; texts are not cut, a long unit id must stay itself."""
    if type(value) is str:
        return safe_text(value)
    return value if name == "storage_ms_by" else to_json(value)


def check_adapter(name: str, adapter: object) -> str:
    """The name of a store as a key.

    Raises:
        ValueError: the timer has no adapters.
    """
    if name != "storage_ms":
        message = f"adapter={safe_repr(adapter, 60)} is for storage_ms, not for {name!r}"
        raise ValueError(f"{message}\n  -> turn.time({name!r})")
    return (
        adapter if type(adapter) is str and adapter.isprintable() and len(adapter) <= REPR_LENGTH else to_name(adapter)
    )


def refuse_reserved(fields: dict[str, Any], where: str) -> None:
    """Refuse a field that every line has already.

    Raises:
        ValueError: names the field and `where` it was given.
    """
    taken = next((name for name in fields if name in RESERVED), None)
    if taken is not None:
        message = f"{where} is given a field {taken!r}, which every line has already"
        raise ValueError(f"{message}\n  -> another name, like my_{taken}={safe_repr(fields[taken], 40)}")
