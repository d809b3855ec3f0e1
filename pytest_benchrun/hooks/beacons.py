"""The proofs of progress that one attempt gives, in the process where it runs; from any thread of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from itertools import count
from operator import index
from typing import Protocol

from pytest_benchrun.core.jsonsafe import REPR_LENGTH, TEXT_LENGTH, safe_text, to_name, to_text
from pytest_benchrun.core.pulse import Pulse
from pytest_benchrun.world.clock import WallClock, monotonic_ns

KEPT_BEACONS = 10
_MAX_TOTAL = 2**53
"""Beyond it, what reads JSON elsewhere has no exact integers."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """One proof of progress: when, by `monotonic_ns`, what kind, and its text (`""` where it has none)."""

    at_ns: int
    kind: str
    text: str


class CountsTurns(Protocol):
    """Counts the turns that end in an attempt where `Beacons.end_turn` does not.

    Attributes:
        done: how many have.
        last_ns: when the last of them did, by `monotonic_ns`; 0 before.
        note_news: called after each; None where nobody wants to know.
    """

    done: int
    last_ns: int
    note_news: Callable[[], None] | None

    def recent_ns(self) -> list[int]:
        """When the last ones ended, up to `KEPT_BEACONS` of them."""

    def detach(self) -> None:
        """The attempt is over."""


def tell_nobody() -> None:
    """Nobody wants to know."""


class Beacons:
    """The beacons of one attempt: a thread that outlives its unit gives none for the next one.

    Args:
        unit_id: of the unit.
        clock: of this process.
        note_news: told when the unit has said where it is.
        cells: the last beacon's place is the first of them: memory that a watchdog may read too.

    Attributes:
        stage: what the unit said it is doing; None before.
        note: what it said last in that stage; None before.
        turns_total: how many it will have; None where the unit has not said.
    """

    __slots__ = (
        "_before",
        "_cells",
        "_clock",
        "_counter",
        "_done",
        "_note_news",
        "_numbers",
        "_recent",
        "note",
        "stage",
        "turns_total",
        "unit_id",
    )

    def __init__(
        self,
        unit_id: str,
        clock: WallClock,
        note_news: Callable[[], None] | None = None,
        cells: MutableSequence[int] | memoryview[int] | None = None,
    ) -> None:
        self.unit_id = unit_id
        self.stage: str | None = None
        self.note: str | None = None
        self.turns_total: int | None = None
        self._numbers = count(1)
        self._done = self._before = 0
        self._counter: CountsTurns | None = None
        now_ns = monotonic_ns()
        self._cells = [0] if cells is None else cells
        self._cells[0] = now_ns
        self._clock = clock
        self._note_news = note_news or tell_nobody
        self._recent: deque[tuple[int, str, str]] = deque([(now_ns, "start", "")], KEPT_BEACONS)

    @property
    def last_ns(self) -> int:
        """The last beacon, by `monotonic_ns`; the start of the attempt is the first."""
        counter = self._counter
        return self._cells[0] if counter is None else max(self._cells[0], counter.last_ns)

    @property
    def turns_done(self) -> int:
        """Turns that have ended in the stage."""
        counter = self._counter
        return (self._done if counter is None else counter.done) - self._before

    @property
    def cells(self) -> MutableSequence[int] | memoryview[int]:
        """Where the last beacon is noted: the first of them."""
        return self._cells

    def count_by(self, counter: CountsTurns) -> None:
        """From here on turns are counted there, and not here."""
        counter.done, self._counter = self._done, counter
        counter.note_news = None if self.turns_total is None else self._note_news

    def detach(self) -> None:
        """The attempt is over: a thread that outlives it beats for nobody."""
        self._cells = [self._cells[0]]
        if self._counter is not None:
            self._counter.detach()

    def beat(self, kind: str = "beat", text: str = "") -> None:
        """The unit goes on."""
        self._cells[0] = now_ns = monotonic_ns()
        self._recent.append((now_ns, kind, text))

    def end_turn(self, now_ns: int) -> None:
        """A turn of the unit has ended, by `monotonic_ns`; in whatever thread."""
        self._done = next(self._numbers)
        self._cells[0] = now_ns
        self._recent.append((now_ns, "turn", ""))
        if self.turns_total is not None:
            self._note_news()

    def enter_stage(self, text: object, total: object = None) -> None:
        """The unit begins another part of its work; the note and the turns belonged to the one before."""
        self.stage, self.note = _to_line(text), None
        self._before, self.turns_total = self._before + self.turns_done, _to_total(total)
        if self._counter is not None:
            self._counter.note_news = None if self.turns_total is None else self._note_news
        self.beat("stage", self.stage)
        self._note_news()

    def take_note(self, text: object) -> None:
        """The unit says something of where it is."""
        self.note = _to_line(text)
        self.beat("note", self.note)
        self._note_news()

    def recent(self) -> list[Beacon]:
        """The last ones, oldest first."""
        turns = [] if self._counter is None else [(at_ns, "turn", "") for at_ns in self._counter.recent_ns()]
        return [Beacon(*one) for one in sorted([*self._recent.copy(), *turns])[-KEPT_BEACONS:]]

    def pulse(self) -> Pulse:
        """What others may know; read in other threads, so of one moment only nearly."""
        return Pulse(
            unit_id=self.unit_id,
            stage=self.stage,
            note=self.note,
            beacon_at=self._clock.moment_at(self.last_ns),
            turns_done=self.turns_done,
            turns_total=self.turns_total,
        )


def _to_total(total: object) -> int | None:
    """A number of turns from 1 up; None for what is none: it is shown, and must not fail the unit."""
    try:
        number = index(total)  # type: ignore[arg-type]  # whatever the unit gave; NumPy's integers are integers
    except TypeError:
        return None
    return number if 0 < number < _MAX_TOTAL else None


def _to_line(text: object) -> str:
    line = " ".join(safe_text(to_text(text), TEXT_LENGTH).split())
    return to_name(safe_text(line, REPR_LENGTH), TEXT_LENGTH)
