"""What the turns of one attempt share, and how what they are given becomes values of a line."""

from __future__ import annotations

import threading
from itertools import count
from math import isfinite
from typing import Any, Protocol, TypeAlias

import orjson

from pytest_benchrun.core.jsonsafe import (
    REPR_LENGTH,
    TEXT_LENGTH,
    TOO_LONG,
    safe_repr,
    safe_text,
    to_json,
    to_json_with_loss,
    to_name,
    to_scalar,
    to_text,
)
from pytest_benchrun.core.slug import slug
from pytest_benchrun.core.turns import EVENT_FIELDS, SAMPLED_OUT, TURN_FIELDS, Sample
from pytest_benchrun.core.turns_left_out import sum_up
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.world.clock import WallClock, monotonic_ns

MS_FIELDS = frozenset({"llm_ms", "storage_ms"})
RESERVED = frozenset({*TURN_FIELDS, *EVENT_FIELDS, SAMPLED_OUT})
"""Names that no field of the user's can have."""

_LEFT_OUT = 1000
_NUMBERS = frozenset({"storage_ms_by", SAMPLED_OUT})
MAX_FIELDS = 1000
"""Fields of the user's that a line can have; whoever has more wants a file of their own."""

MAX_LOSSES = 20
"""Fields of one attempt whose losses are told one by one."""

MAX_TOKENS = 2**53
"""From here on what reads JSON elsewhere has no exact integers."""

_INT64 = 2**63
_dumps, _NEWLINE = orjson.dumps, orjson.OPT_APPEND_NEWLINE  # now: a unit may patch them
_TIMEOUT = "from pytest-timeout"


class TakesLines(Protocol):
    """Where lines go."""

    def append(self, line: bytes) -> None:
        """Keep a line."""


Times: TypeAlias = tuple[float | None, float | None, dict[str, float], dict[str, float] | None]
"""Milliseconds of `llm_ms`, of `storage_ms`, of its adapters and of other timers; None for what was not timed."""


class EndedTurn(Protocol):
    """A turn as it is written down.

    Attributes:
        turn_index: in its unit.
        started_ns: its beginning, by `monotonic_ns`.
        session_id: as the user gave it, and so `role`.
        tokens_in: None where they were not counted, as `tokens_out`.
        fields: the user's own; None without any.
    """

    turn_index: int
    started_ns: int
    session_id: object
    role: object
    tokens_in: int | None
    tokens_out: int | None
    fields: dict[str, Any] | None

    def times(self) -> Times:
        """What was timed in it."""


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

    Attributes:
        fast: what makes compiled turns of this attempt; None before the first, and where there are none.
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
        self.moment_at = clock.moment_at
        self.timer_names = set(MS_FIELDS)
        self.adapters: set[str] = set()
        self.left_out = LeftOut(self, share) if share < 1 else None
        self.beacons = beacons
        self.end_turn = beacons.end_turn
        self.clock = clock
        self.file = file
        self.fast: object = None
        self._losses: dict[tuple[str, str], int] = {}
        self._more_losses = 0

    def end(self) -> None:
        """The unit is about to end: write what waits; from here on nothing does."""
        if self.left_out is not None:
            self.left_out.end()

    def keep(self, turn: EndedTurn, now_ns: int, error: BaseException | None) -> None:
        """Write a turn down that has ended; the sample may leave it out."""
        record = self._record(turn, now_ns, error)
        if error is not None or self.left_out is None or not self.left_out.takes(record, now_ns):
            self.write(record)

    def _record(self, turn: EndedTurn, now_ns: int, error: BaseException | None) -> dict[str, Any]:
        session_id, role, started_ns = turn.session_id, turn.role, turn.started_ns
        llm_ms, storage_ms, by, others = turn.times()
        status, text = ("ok", None) if error is None else status_of(error)
        record: dict[str, Any] = {
            "timestamp": self.moment_at(started_ns),
            "run_id": self.run_id,
            "session_id": session_id if session_id is None else self.to_label("session_id", session_id),
            "unit_id": self.unit_id,
            "turn_index": turn.turn_index,
            "turn_id": f"{self.id_prefix}{turn.turn_index}",
            "role": role if role is None else self.to_label("role", role),
            "llm_ms": llm_ms,
            "storage_ms": storage_ms,
            "storage_ms_by": by,
            "total_ms": (now_ns - started_ns) // 1000 / 1000,
            "tokens_in": turn.tokens_in,
            "tokens_out": turn.tokens_out,
            "status": status,
            "error": text,
            "attempt": self.attempt,
            "worker": self.worker,
        }
        if turn.fields is not None:
            record |= turn.fields
        return record if others is None else record | others

    def write(self, record: dict[str, Any]) -> None:
        """Keep one record as a line; what JSON has not becomes text."""
        try:
            line = _dumps(record, None, _NEWLINE)
        except (TypeError, ValueError):  # a lone surrogate, an integer beyond 64 bits
            record = {to_name(name): _mend(name, value) for name, value in record.items()}
            line = _dumps(record, None, _NEWLINE)
        self.file.append(line)

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

    def to_label(self, field: str, value: object) -> str:
        """Text for a name of the user's, whatever type it is."""
        if type(value) is str and len(value) <= TEXT_LENGTH:
            return value
        text = to_text(value)
        if len(text) > TEXT_LENGTH:
            self._lost(field, TOO_LONG)
        return safe_text(text, TEXT_LENGTH)

    def to_fields(self, fields: dict[str, Any], known: int) -> dict[str, Any]:
        """The values as they are now: what is a list today may be longer when the turn ends.

        Args:
            fields: as they were given.
            known: how many the line has already.
        """
        kept = {name: value if _is_plain(value) else self._kept(name, value) for name, value in fields.items()}
        if known + len(kept) > MAX_FIELDS:
            extra = list(kept)[max(MAX_FIELDS - known, 0) :]
            self._lost(extra[0], f"is beyond {MAX_FIELDS} fields of a line: left out")
            for name in extra:
                del kept[name]
        return kept

    def _kept(self, name: str, value: object) -> object:
        kept, loss = to_json_with_loss(value)
        if loss is not None:
            self._lost(name, loss)
        return kept

    def _lost(self, field: str, loss: str) -> None:
        key = field, loss
        if key in self._losses or len(self._losses) < MAX_LOSSES:
            self._losses[key] = self._losses.get(key, 0) + 1
        else:
            self._more_losses += 1

    def take_warnings(self) -> list[str]:
        """What of the user's values could not be kept since the last call, a sentence a field."""
        told = [
            f"field {to_name(field)!r} of a turn or event {loss}" + (f" ({count} times)" if count > 1 else "")
            for (field, loss), count in list(self._losses.items())
        ]
        if self._more_losses:
            told.append(f"{self._more_losses} more values of turns and events could not be kept as they are")
        self._losses, self._more_losses = {}, 0
        return told


def _is_plain(value: object) -> bool:
    """Whether it can stand in a line as it is; what is odd in a text is mended when the line is written."""
    if type(value) is str:
        return len(value) <= TEXT_LENGTH
    if type(value) is int:
        return -_INT64 <= value < _INT64
    return isfinite(value) if type(value) is float else value is None or type(value) is bool


class LeftOut:
    """Turns that a sample leaves out: their numbers, which the figures are to have all the same.

    A line has those of up to a thousand turns, some 25 bytes a turn: a tenth of what a line of each would take.
    They wait till then or till the end of the unit: an attempt that is killed before has no part in any figure.

    Args:
        turns: of the attempt.
        share: of all turns that is kept.
    """

    def __init__(self, turns: UnitTurns, share: float) -> None:
        self._turns = turns
        self._sample = Sample(turns.unit_id, share)
        self._waiting: list[dict[str, Any]] = []
        self._most = _LEFT_OUT

    def takes(self, record: dict[str, Any], now_ns: int) -> bool:
        """Take the numbers of a turn, unless the sample keeps its line."""
        if self._sample.keeps(record["turn_index"]):
            return False
        self._waiting.append(record)
        if len(self._waiting) >= self._most:
            self._write(now_ns)
        return True

    def end(self) -> None:
        """Write what waits; of a thread that outlives the unit each turn at once."""
        self._most = 1
        self._write(monotonic_ns())

    def _write(self, now_ns: int) -> None:
        with self._turns.lock:
            count = len(self._waiting)  # threads go on appending behind them
            taken, self._waiting[:count] = self._waiting[:count], []
        if taken:
            turns = self._turns
            record: dict[str, Any] = {
                SAMPLED_OUT: sum_up(taken),
                "timestamp": turns.moment_at(now_ns),
                "run_id": turns.run_id,
            }
            record |= {"unit_id": turns.unit_id, "attempt": turns.attempt, "worker": turns.worker}
            turns.write(record)


def status_of(error: BaseException) -> tuple[str, str]:
    """Status and error text of a turn that ended by this exception."""
    text = safe_text(f"{type(error).__name__}: {to_text(error)}", TEXT_LENGTH)
    return "timeout" if _TIMEOUT in text else "error", text


def _mend(name: str, value: Any) -> Any:  # noqa: ANN401  # JSON, of whatever shape
    """A value of a line that could not be encoded; texts are not cut, a long unit id must stay itself."""
    if type(value) is str:
        return safe_text(value)
    return value if name in _NUMBERS else to_json(value)


def to_count(unit_id: str, turn_index: int, field: str, value: object) -> int:
    """A number of tokens, whatever type it is.

    Raises:
        ValueError: it is none; names unit, turn and field.
    """
    number = value if type(value) is int else to_scalar(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < MAX_TOKENS:
        return number
    message = f"turn {turn_index} of unit {unit_id!r}: tokens({field}={safe_repr(value, 60)})"
    raise ValueError(f"{message} is no number of tokens\n  -> a count from 0 up; None where it is not known")


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
