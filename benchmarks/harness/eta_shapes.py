"""Runs that are made for the ETA row: units whose cost depends on their parameters, 100:1 and uneven."""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_benchrun.core.events import (
    Event,
    RunCreated,
    SessionPlanned,
    SessionStarted,
    UnitEnded,
    UnitsAdded,
    UnitStarted,
    WorkerUp,
)
from pytest_benchrun.core.model import COMPLETED, Ending, Owner, Unit
from pytest_benchrun.core.moments import from_epoch_ms

START_MS = 1_795_255_200_000
NIGHT_MS = 8 * 3_600_000
OWNER = Owner(host="made", pid=1, boot_id="", process_started="", started_at=from_epoch_ms(START_MS))
MOLECULES, METHODS, SEEDS = 20, 10, 2

Rows = list[tuple[Unit, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run before it has run.

    Attributes:
        shape: how the cost depends on the parameters.
        order: how the units are handed out, and what else is known.
        rows: units in that order, with the seconds that each takes.
        workers: how many there are.
        resumed: part of the units that an earlier session has done.
        earlier: seconds of units in an earlier run, by id.
        is_known: whether the order lets anybody know; where the dear units come last under names that were
            never seen, nobody can.
    """

    shape: str
    order: str
    rows: Rows
    workers: int = 2
    resumed: float = 0.0
    earlier: Mapping[str, float] = field(default_factory=dict)
    is_known: bool = True


def _unit(function: str, **params: str | int) -> Unit:
    unit_id = f"bench.py::{function}[{'-'.join(map(str, params.values()))}]"
    return Unit(
        unit_id=unit_id,
        function=f"bench.py::{function}",
        group=unit_id,
        param_names=tuple(params),
        param_values=tuple(params.values()),
    )


def _grid(cost: Callable[[float, float], float], chance: Callable[[], float]) -> Rows:
    """Molecules by methods by seeds; `cost` takes the first two as parts of 1, a seed changes nothing."""
    return [
        (
            _unit("test_energy", atoms=round(10 * 10 ** (a / (MOLECULES - 1))), method=f"f{b}", seed=seed),
            cost(a / (MOLECULES - 1), b / (METHODS - 1)) * chance(),
        )
        for a, b, seed in itertools.product(range(MOLECULES), range(METHODS), range(SEEDS))
    ]


def _functions(chance: Callable[[], float]) -> Rows:
    """Three functions that have nothing in common but a name of a parameter."""
    sizes = itertools.product(range(3, 6), range(6), range(5))
    models = itertools.product(range(8), range(10))
    return [
        *(
            (_unit("test_read", size=10**n, codec=codec, seed=seed), 10 ** (n - 4) * (1 + codec) * chance())
            for n, codec, seed in sizes
        ),
        *((_unit("test_model", model=f"m{m}", seed=seed), (5 + 20 * m) * chance()) for m, seed in models),
        *((_unit("test_check", case=n), 0.2 * chance()) for n in range(60)),
    ]


def made_runs(seed: int) -> Iterator[Made]:
    """Every shape in every order."""
    rng = random.Random(seed)
    little, much = (lambda: math.exp(rng.gauss(0, 0.1))), (lambda: math.exp(rng.gauss(0, 0.5)))
    shapes = {
        "product": _grid(lambda a, b: 0.5 * 10 ** (1.5 * a + 0.5 * b), little),
        "sum": _grid(lambda a, b: 0.5 + 30 * a * a + 20 * b, little),
        "one heavy": _grid(lambda a, b: 50.0 if a == 1.0 else 0.5 + b, little),
        "noisy": _grid(lambda a, _: 0.5 * 10 ** (2 * a), much),
        "functions": _functions(little),
    }
    for shape, rows in shapes.items():
        yield from _orders(shape, rows, rng)


def _orders(shape: str, rows: Rows, rng: random.Random) -> Iterator[Made]:
    shuffled = rng.sample(rows, len(rows))
    earlier = {unit.unit_id: seconds * 1.3 * math.exp(rng.gauss(0, 0.1)) for unit, seconds in rows}
    yield Made(shape=shape, order="random", rows=shuffled)
    yield Made(shape=shape, order="random, 8 workers", rows=shuffled, workers=8)
    yield Made(shape=shape, order="random, resumed at 40 %", rows=shuffled, resumed=0.4)
    yield Made(shape=shape, order="as collected, with history", rows=rows, earlier=earlier)
    yield Made(shape=shape, order="as collected", rows=rows, is_known=False)
    yield Made(shape=shape, order="dearest first", rows=sorted(rows, key=lambda row: -row[1]), is_known=False)


def events_of(made: Made) -> list[Event]:
    """The run as its journal would tell it: one unit at a time to each worker that is free."""
    units = [unit for unit, _ in made.rows]
    done = round(len(units) * made.resumed)
    at = from_epoch_ms(START_MS)
    events: list[Event] = [
        RunCreated(at=at, run_id="made", campaign="made", config={}, config_hash="", version="0"),
        _session(1, made.workers, at),
        UnitsAdded(at=at, units=units),
        SessionPlanned(at=at, run=[[0, len(units)]], failure_limit=None),
    ]
    start_ms = START_MS
    if done:
        first, passed_ms = _run(made.rows[:done], made.workers, start_ms)
        start_ms += passed_ms + NIGHT_MS
        at = from_epoch_ms(start_ms)
        plan = SessionPlanned(at=at, run=[[done, len(units)]], failure_limit=None)
        events += [*first, _session(2, made.workers, at), plan]
    return [*events, *_run(made.rows[done:], made.workers, start_ms)[0]]


def _session(number: int, workers: int, at: str) -> SessionStarted:
    return SessionStarted(
        at=at,
        session=number,
        owner=OWNER,
        engine="xdist",
        workers=workers,
        command=[],
        cwd="",
        versions={},
        group_by=None,
        phases=["run"],
    )


def _run(rows: Sequence[tuple[Unit, float]], workers: int, start_ms: int) -> tuple[list[Event], int]:
    """The events of these units, and the milliseconds that pass."""
    names = [f"gw{number}" for number in range(workers)]
    events: list[Event] = [
        WorkerUp(at=from_epoch_ms(start_ms), worker=name, host="made", pid=number) for number, name in enumerate(names)
    ]
    free = [(0.0, name) for name in names]
    ends: list[tuple[float, str, Unit, float]] = []
    starts: list[tuple[float, int, UnitStarted]] = []
    for number, (unit, seconds) in enumerate(rows):
        now_s, name = heapq.heappop(free)
        at = from_epoch_ms(start_ms + round(now_s * 1000))
        starts.append((now_s, number, UnitStarted(at=at, unit_id=unit.unit_id, attempt=1, worker=name)))
        ends.append((now_s + seconds, name, unit, seconds))
        heapq.heappush(free, (now_s + seconds, name))
    timed: list[tuple[float, int, Event]] = [(now_s, 1, event) for now_s, _, event in starts]
    for now_s, name, unit, seconds in ends:
        at = from_epoch_ms(start_ms + round(now_s * 1000))
        ended = UnitEnded(
            at=at,
            unit_id=unit.unit_id,
            attempt=1,
            worker=name,
            ended=Ending.EXITED,
            elapsed_s=seconds,
            outcome=COMPLETED,
        )
        timed.append((now_s, 0, ended))
    timed.sort(key=lambda entry: entry[:2])
    return [*events, *(event for _, _, event in timed)], round(max(now_s for now_s, _ in free) * 1000)
