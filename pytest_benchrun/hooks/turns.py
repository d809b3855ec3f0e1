"""Turns and events of one attempt, seen from inside the unit; in whatever thread or task it takes them.

A turn is timed by a clock that the unit cannot bend. Users feel every microsecond here: what is checked is checked at
its first use, and ordinary values are taken as they are, only others looked at.
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
from typing import Any, Self, TypeAlias, TypeVar, cast

from pytest_benchrun.core.jsonsafe import safe_repr, to_name, to_scalar
from pytest_benchrun.hooks.turnlines import (
    RESERVED,
    UnitTurns,
    check_adapter,
    refuse_reserved,
    status_of,
)
from pytest_benchrun.world.clock import monotonic_ns

F = TypeVar("F", bound=Callable[..., Any])

_OPEN: ContextVar[Turn | None] = ContextVar("benchrun_turn", default=None)
_MAX_TOKENS = 2**53
_MODULES = sys.modules
_thread = threading.get_ident
_Span: TypeAlias = tuple[str, str | None, int]
"""Timer, adapter, nanoseconds."""
_MAX_SPANS = 2000
"""Timings that a turn keeps one by one before it sums them up."""


class Turn:
    """One step of a unit: a context manager, one line in `turn_metrics.jsonl` when it ends.

    Attributes:
        turn_index: counts the turns of the unit from 0, in the order in which they began.
    """

    __slots__ = (
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
        self._spans: list[_Span] = []
        self._tokens_in: int | None = None
        self._tokens_out: int | None = None
        self._place: object = None
        self.turn_index = -1
        if fields:
            self.set(**fields)

    def __enter__(self) -> Self:
        turns, outer = self._turns, _OPEN.get()
        place = _place() if "asyncio" in _MODULES else _thread()
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
        turns.end_turn(now_ns)
        record = self._record(now_ns - self._started_ns, error)
        if error is not None or turns.left_out is None or not turns.left_out.takes(record, now_ns):
            turns.write(record)

    def _record(self, total_ns: int, error: BaseException | None) -> dict[str, Any]:
        turns = self._turns
        session_id, role = self._session_id, self._role
        llm_ms, storage_ms, by, others = _sum_up(self._spans)
        status, text = ("ok", None) if error is None else status_of(error)
        record: dict[str, Any] = {
            "timestamp": turns.moment_at(self._started_ns),
            "run_id": turns.run_id,
            "session_id": session_id if session_id is None else turns.to_label("session_id", session_id),
            "unit_id": turns.unit_id,
            "turn_index": self.turn_index,
            "turn_id": f"{turns.id_prefix}{self.turn_index}",
            "role": role if role is None else turns.to_label("role", role),
            "llm_ms": llm_ms,
            "storage_ms": storage_ms,
            "storage_ms_by": by,
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
        return record if others is None else record | others

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
        turns, spans = self._turns, self._spans
        if name not in turns.timer_names:
            turns.check_timer(name)
        if adapter is not None and (name != "storage_ms" or type(adapter) is not str or adapter not in turns.adapters):
            adapter = check_adapter(name, adapter)
            turns.adapters.add(adapter)
        if len(spans) > _MAX_SPANS:
            self._fold()
        return _Timer(spans, name, adapter)

    def add_ns(self, name: str, adapter: str | None, ns: int) -> None:
        """Add to a timer; one that outlives its turn adds nothing."""
        self._spans.append((name, adapter, ns))  # in one step: threads of a turn may time in it together
        if len(self._spans) > _MAX_SPANS:
            self._fold()

    def _fold(self) -> None:
        with self._turns.lock:
            known = len(self._spans)  # threads go on appending behind them
            sums: dict[tuple[str, str | None], int] = {}
            for name, adapter, ns in self._spans[:known]:
                sums[name, adapter] = sums.get((name, adapter), 0) + ns
            self._spans[:known] = [(name, adapter, ns) for (name, adapter), ns in sums.items()]

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
        kept = self._turns.to_fields(fields, len(self._fields or ()))
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
    """Adds one time to the others of its turn; in one step, for threads of a turn may time in it together."""

    __slots__ = ("_adapter", "_name", "_spans", "_started_ns")

    def __init__(self, spans: list[_Span], name: str, adapter: str | None) -> None:
        self._spans = spans
        self._name = name
        self._adapter = adapter

    def __enter__(self) -> None:
        self._started_ns = monotonic_ns()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._spans.append((self._name, self._adapter, monotonic_ns() - self._started_ns))


def _sum_up(
    spans: list[_Span],
) -> tuple[float | None, float | None, dict[str, float], dict[str, float] | None]:
    """Milliseconds of `llm_ms`, of `storage_ms`, of its adapters and of other timers; None for what was not timed."""
    llm_ns = storage_ns = None
    by: dict[str, float] = {}  # nanoseconds first, milliseconds in the end, as in others
    others: dict[str, float] | None = None
    for name, adapter, ns in spans:
        if name == "llm_ms":
            llm_ns = ns if llm_ns is None else llm_ns + ns
        elif name == "storage_ms":
            storage_ns = ns if storage_ns is None else storage_ns + ns
            if adapter is not None:
                by[adapter] = by[adapter] + ns if adapter in by else ns
        else:
            others = {} if others is None else others
            others[name] = others.get(name, 0) + ns
    for sums in (by, others):
        for key in sums or ():
            sums[key] = sums[key] // 1000 / 1000  # type: ignore[index]  # one that is not there has no keys
    return (
        None if llm_ns is None else llm_ns // 1000 / 1000,
        None if storage_ns is None else storage_ns // 1000 / 1000,
        by,
        others,
    )


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
    turn, now_ns = _OPEN.get(), monotonic_ns()
    record = {
        "event": to_name(name),
        "timestamp": turns.moment_at(now_ns),
        "run_id": turns.run_id,
        "unit_id": turns.unit_id,
        "turn_index": turn.turn_index if turn is not None and turn.is_open_in(turns) else None,
        "attempt": turns.attempt,
        "worker": turns.worker,
    }
    turns.write(record | turns.to_fields(fields, 0))


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
    asyncio = _MODULES.get("asyncio")  # importing it would cost every campaign that has no tasks
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  # get_running_loop raises
        task: object = asyncio.current_task()
        if task is not None:
            return task
    return _thread()
