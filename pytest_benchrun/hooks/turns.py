"""Turns and events of one attempt, seen from inside the unit; in whatever thread or task it takes them.

A turn is timed by a clock that the unit cannot bend. Users feel every microsecond here: what is checked is checked at
its first use, and ordinary values are taken as they are, only others looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, cast

from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.hooks.turnlines import (
    MAX_TOKENS,
    RESERVED,
    Times,
    UnitTurns,
    check_adapter,
    refuse_reserved,
    to_count,
)
from pytest_benchrun.hooks.turnplace import OPEN, place, refuse_again, refuse_inner, refuse_unopened
from pytest_benchrun.store import native
from pytest_benchrun.world.clock import monotonic_ns

try:
    from pytest_benchrun.hooks.turnfast import FastTurns
except ImportError:  # it was not compiled
    _HAS_FAST = False
else:
    _HAS_FAST = native.is_wanted()

F = TypeVar("F", bound=Callable[..., Any])

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
        "_outer",
        "_place",
        "_spans",
        "_turns",
        "fields",
        "role",
        "session_id",
        "started_ns",
        "tokens_in",
        "tokens_out",
        "turn_index",
    )

    def __init__(self, turns: UnitTurns, session_id: object, role: object, fields: dict[str, Any]) -> None:
        self._turns = turns
        self.session_id = session_id
        self.role = role
        self.fields: dict[str, Any] | None = None
        self._spans: list[_Span] = []
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self._place: object = None
        self.turn_index = -1
        if fields:
            self.set(**fields)

    def __enter__(self) -> Self:
        turns, outer = self._turns, OPEN.get()
        here = place()
        if self.turn_index >= 0:
            refuse_again(turns.unit_id, self.turn_index)
        if isinstance(outer, Turn) and outer.is_open_at(here, turns):
            refuse_inner(turns.unit_id, outer.turn_index)
        self._outer = outer
        self._place = here
        self.turn_index = next(turns.numbers)
        OPEN.set(self)
        self.started_ns = monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        now_ns = monotonic_ns()
        if self.turn_index < 0:
            refuse_unopened(self._turns.unit_id)
        self._place = None
        # a task that ends the turn of another has a context of its own: a token would not fit there
        outer, self._outer = self._outer, None  # such turns would make a chain that keeps all of them
        OPEN.set(outer)
        self._turns.end_turn(now_ns)
        self._turns.keep(self, now_ns, error)

    def times(self) -> Times:
        """What was timed in it."""
        return _sum_up(self._spans)

    @property
    def turn_id(self) -> str:
        """The same in the file: unit, attempt and index."""
        return f"{self._turns.id_prefix}{self.turn_index}"

    def is_open_at(self, here: object, turns: UnitTurns) -> bool:
        """Whether it has begun in this attempt, in this thread or task, and not ended."""
        return self._place == here and self._turns is turns

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
            if type(input) is not int or not 0 <= input < MAX_TOKENS:
                input = to_count(self._turns.unit_id, self.turn_index, "input", input)  # noqa: A001  # as above
            self.tokens_in = input + (self.tokens_in or 0)
        if output is not None:
            if type(output) is not int or not 0 <= output < MAX_TOKENS:
                output = to_count(self._turns.unit_id, self.turn_index, "output", output)
            self.tokens_out = output + (self.tokens_out or 0)

    def set(self, **fields: object) -> None:
        """Fields of your own for the line; setting one again replaces it.

        Raises:
            ValueError: a name that every line has already.
        """
        if not RESERVED.isdisjoint(fields):
            refuse_reserved(fields, f"a turn of unit {self._turns.unit_id!r}")
        kept = self._turns.to_fields(fields, len(self.fields or ()))
        self.fields = kept if self.fields is None else self.fields | kept


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


def _sum_up(spans: list[_Span]) -> Times:
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


def opener_of(turns: UnitTurns) -> Callable[..., Turn] | None:
    """What opens compiled turns of an attempt, as `BenchRun.turn` does; None where they were not compiled."""
    if turns.fast is None and _HAS_FAST:
        _make_fast(turns)
    return None if turns.fast is None else cast("FastTurns", turns.fast).turn


def _make_fast(turns: UnitTurns) -> None:
    """Threads may begin together: two of it would give every index twice."""
    with turns.lock, suppress(UnicodeEncodeError, TypeError):  # a unit id with a lone surrogate is mended line by line
        if turns.fast is None:
            turns.fast = FastTurns(turns)


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
    turn, now_ns = OPEN.get(), monotonic_ns()
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
    turn = OPEN.get()
    started_ns = monotonic_ns()
    try:
        yield
    finally:
        if turn is not None and turn.is_open_in(turns):
            turn.add_ns(name, adapter, monotonic_ns() - started_ns)
