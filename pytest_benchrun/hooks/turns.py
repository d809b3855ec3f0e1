"""Turns and events of one attempt, seen from inside the unit; in whatever thread or task it takes them.

A turn is timed by a clock that the unit cannot bend. With two timers it costs about 6 us, three to four times what
it takes to make its record, encode it and write it; so ordinary values are taken as they are, only others looked at.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from pytest_benchrun.core.jsonsafe import safe_repr, to_name, to_scalar
from pytest_benchrun.hooks.turnlines import (
    RESERVED,
    UnitTurns,
    check_adapter,
    refuse_reserved,
    status_of,
    to_fields,
    to_label,
)
from pytest_benchrun.world.clock import monotonic_ns

F = TypeVar("F", bound=Callable[..., Any])

_OPEN: ContextVar[Turn | None] = ContextVar("benchrun_turn", default=None)
_MAX_TOKENS = 2**53
_MAX_SPANS = 2000
"""Timings that a turn keeps one by one before it sums them up."""


class Turn:
    """One step of a unit: a context manager, one line in `turn_metrics.jsonl` when it ends.

    Attributes:
        turn_index: counts the turns of the unit from 0, in the order in which they began.
    """

    __slots__ = (
        "_at",
        "_fields",
        "_outer",
        "_place",
        "_role",
        "_session_id",
        "_spans",
        "_started_ns",
        "_tokens_in",
        "_tokens_out",
        "_turns",
        "turn_index",
    )

    def __init__(self, turns: UnitTurns, session_id: object, role: object, fields: dict[str, Any]) -> None:
        self._turns = turns
        self._session_id = session_id
        self._role = role
        self._fields: dict[str, Any] | None = None
        self._spans: list[tuple[str, str | None, int]] = []
        self._tokens_in: int | None = None
        self._tokens_out: int | None = None
        self._place: object = None
        self.turn_index = -1
        if fields:
            self.set(**fields)

    def __enter__(self) -> Self:
        turns, outer, place = self._turns, _OPEN.get(), _place()
        if self.turn_index >= 0:
            raise RuntimeError(
                f"turn {self.turn_index} of unit {turns.unit_id!r} is entered a second time"
                "\n  -> with benchrun.turn() as turn: once for each turn"
            )
        if outer is not None and outer._place == place and outer._turns is turns:  # noqa: SLF001  # same class
            message = f"unit {turns.unit_id!r} opens a turn inside its turn {outer.turn_index}"
            raise RuntimeError(f"{message}\n  -> end that one first, or take benchrun.event() for a step inside a turn")
        self._outer = outer
        self._place = place
        self.turn_index = next(turns.numbers)
        _OPEN.set(self)
        self._at = turns.now_at()
        self._started_ns = monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        now_ns = monotonic_ns()
        self._place = None
        # a task that ends the turn of another has a context of its own: a token would not fit there
        _OPEN.set(self._outer)
        turns = self._turns
        turns.end_turn()
        if error is None and turns.sample is not None and not turns.sample.keeps(self.turn_index):
            return
        turns.write(self._record(now_ns - self._started_ns, error), now_ns)

    def _record(self, total_ns: int, error: BaseException | None) -> dict[str, Any]:
        turns = self._turns
        session_id, role = self._session_id, self._role
        sums, by = _sum_up(self._spans)
        llm_ns, storage_ns = sums.pop("llm_ms", None), sums.pop("storage_ms", None)
        status, text = ("ok", None) if error is None else status_of(error)
        record: dict[str, Any] = {
            "timestamp": self._at,
            "run_id": turns.run_id,
            "session_id": session_id if session_id is None else to_label(session_id),
            "unit_id": turns.unit_id,
            "turn_index": self.turn_index,
            "turn_id": f"{turns.id_prefix}{self.turn_index}",
            "role": role if role is None else to_label(role),
            "llm_ms": llm_ns if llm_ns is None else llm_ns // 1000 / 1000,
            "storage_ms": storage_ns if storage_ns is None else storage_ns // 1000 / 1000,
            "storage_ms_by": {name: ns // 1000 / 1000 for name, ns in by.items()} if by else by,
            "total_ms": total_ns // 1000 / 1000,
            "tokens_in": self._tokens_in,
            "tokens_out": self._tokens_out,
            "status": status,
            "error": text,
            "attempt": turns.attempt,
            "worker": turns.worker,
        }
        if self._fields is not None:
            record |= self._fields
        for name, ns in sums.items():
            record[name] = ns // 1000 / 1000
        return record

    @property
    def turn_id(self) -> str:
        """The same in the file: unit, attempt and index."""
        return f"{self._turns.id_prefix}{self.turn_index}"

    def is_open_in(self, turns: UnitTurns) -> bool:
        """Whether it has begun in this attempt and not ended."""
        return self._place is not None and self._turns is turns

    def time(self, name: str, adapter: str | None = None) -> AbstractContextManager[object]:
        """A context manager that adds its time to the turn; several of one name are summed up.

        Args:
            name: `llm_ms`, `storage_ms`, or a name of your own that ends in `_ms`.
            adapter: of `storage_ms`: which store it was; its time also goes to `storage_ms_by`.

        Raises:
            ValueError: the name does not end in `_ms`, or an adapter is given for another timer.
        """
        if name not in self._turns.timer_names:
            self._turns.check_timer(name)
        if adapter is not None:
            adapter = check_adapter(name, adapter)
        return _Timer(self, name, adapter)

    def add_ns(self, name: str, adapter: str | None, ns: int) -> None:
        """Add to a timer; one that outlives its turn adds nothing."""
        self._spans.append((name, adapter, ns))  # in one step: threads of a turn may time in it together
        if len(self._spans) > _MAX_SPANS:
            self._fold()

    def _fold(self) -> None:
        with self._turns.lock:
            known = len(self._spans)  # threads go on appending behind them
            sums, by = _sum_up(self._spans[:known])
            rest: list[tuple[str, str | None, int]] = [(name, None, ns) for name, ns in sums.items()]
            rest += [("", adapter, ns) for adapter, ns in by.items()]
            self._spans[:known] = rest

    def tokens(self, input: int | None = None, output: int | None = None) -> None:  # noqa: A002  # what they are
        """Add tokens to the turn.

        Args:
            input: read by the model, 0 or more; None leaves them as they are.
            output: written by it, likewise.

        Raises:
            ValueError: one of them is no number of tokens; names unit and field.
        """
        if input is not None:
            if type(input) is not int or not 0 <= input < _MAX_TOKENS:
                input = self._to_count("input", input)  # noqa: A001  # as above
            self._tokens_in = input + (self._tokens_in or 0)
        if output is not None:
            if type(output) is not int or not 0 <= output < _MAX_TOKENS:
                output = self._to_count("output", output)
            self._tokens_out = output + (self._tokens_out or 0)

    def set(self, **fields: object) -> None:
        """Fields of your own for the line; setting one again replaces it.

        Raises:
            ValueError: a name that every line has already.
        """
        if not RESERVED.isdisjoint(fields):
            refuse_reserved(fields, f"a turn of unit {self._turns.unit_id!r}")
        kept = to_fields(fields)
        self._fields = kept if self._fields is None else self._fields | kept

    def _to_count(self, field: str, value: object) -> int:
        number = value if type(value) is int else to_scalar(value)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _MAX_TOKENS:
            return number
        message = f"turn {self.turn_index} of unit {self._turns.unit_id!r}: tokens({field}={safe_repr(value, 60)})"
        raise ValueError(f"{message} is no number of tokens\n  -> a count from 0 up; None where it is not known")


class _Timer:
    __slots__ = ("_adapter", "_name", "_started_ns", "_turn")

    def __init__(self, turn: Turn, name: str, adapter: str | None) -> None:
        self._turn = turn
        self._name = name
        self._adapter = adapter

    def __enter__(self) -> None:
        self._started_ns = monotonic_ns()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._turn.add_ns(self._name, self._adapter, monotonic_ns() - self._started_ns)


def _sum_up(spans: list[tuple[str, str | None, int]]) -> tuple[dict[str, int], dict[str, int]]:
    """Nanoseconds by timer, and those of `storage_ms` by adapter; a span without a name is a sum by adapter."""
    sums: dict[str, int] = {}
    by: dict[str, int] = {}
    for name, adapter, ns in spans:
        if name:
            sums[name] = sums.get(name, 0) + ns
        if adapter is not None:
            by[adapter] = by.get(adapter, 0) + ns
    return sums, by


class NoTurn(Turn):
    """A turn where nothing is kept: everything does nothing, one object for all."""

    __slots__ = ()

    def __init__(self) -> None:
        self.turn_index = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def turn_id(self) -> str:
        """None that means anything."""
        return ""

    def time(self, name: str, adapter: str | None = None) -> AbstractContextManager[object]:  # noqa: ARG002  # Turn's
        """Times nothing."""
        return self

    def tokens(self, input: int | None = None, output: int | None = None) -> None:  # noqa: A002  # as in Turn
        """Counts nothing."""

    def set(self, **fields: object) -> None:
        """Keeps nothing."""


NO_TURN = NoTurn()


def wrap(turns: UnitTurns, call: F, name: str, adapter: str | None) -> F:
    """`call` with each of its calls timed into the turn that is open where it is called."""
    turns.check_timer(name)
    if adapter is not None:
        adapter = check_adapter(name, adapter)

    if iscoroutinefunction(call):

        @wraps(call)
        async def timed_task(*args: object, **kwargs: object) -> object:
            with _timed(turns, name, adapter):
                return await cast("Callable[..., Awaitable[object]]", call)(*args, **kwargs)

        return cast("F", timed_task)

    @wraps(call)
    def timed(*args: object, **kwargs: object) -> object:
        with _timed(turns, name, adapter):
            return call(*args, **kwargs)

    return cast("F", timed)


def keep_event(turns: UnitTurns, name: str, fields: dict[str, Any]) -> None:
    """Keep an event of the unit; in the turn that is open here, if one is."""
    refuse_reserved(fields, f"event {name!r} of unit {turns.unit_id!r}")
    turn = _OPEN.get()
    record = {
        "event": to_name(name),
        "timestamp": turns.now_at(),
        "run_id": turns.run_id,
        "unit_id": turns.unit_id,
        "turn_index": turn.turn_index if turn is not None and turn.is_open_in(turns) else None,
        "attempt": turns.attempt,
        "worker": turns.worker,
    }
    turns.write(record | to_fields(fields), monotonic_ns())


@contextmanager
def _timed(turns: UnitTurns, name: str, adapter: str | None) -> Iterator[None]:
    """The turn is the one that is open at the beginning of the call."""
    turn = _OPEN.get()
    started_ns = monotonic_ns()
    try:
        yield
    finally:
        if turn is not None and turn.is_open_in(turns):
            turn.add_ns(name, adapter, monotonic_ns() - started_ns)


def _place() -> object:
    """What runs here: the task of a running event loop, else the thread."""
    asyncio = sys.modules.get("asyncio")  # importing it would cost every campaign that has no tasks
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  # get_running_loop raises
        task: object = asyncio.current_task()
        if task is not None:
            return task
    return threading.get_ident()
