"""Plays contenders against each other in paired rounds, so that a slow minute hits all of them alike."""

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks.harness.arena import Arena
from benchmarks.harness.contenders import Contender
from benchmarks.harness.process import Cost, RunError

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measured run; rounds count from 1."""

    contender: str
    units: int
    round: int
    cost: Cost


@dataclass(slots=True, kw_only=True)
class Results:
    """What came out of all rounds.

    Attributes:
        samples: every measured run, in the order they were made.
        failures: name of a contender to what went wrong; it was not run again.
    """

    samples: list[Sample] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def standing(self, contenders: Sequence[Contender]) -> list[Contender]:
        """Those that have not failed and whose reference has not."""
        return [one for one in contenders if not {one.name, one.over} & self.failures.keys()]

    def guard(self, contender: Contender, act: Callable[[], Done]) -> Done | None:
        """Do something for a contender; a failure is shown and kept, and the others go on."""
        try:
            return act()
        except RunError as error:
            print(f"ERROR {contender.name}: {error}", file=sys.stderr)
            self.failures[contender.name] = error.problem
            return None


def play(arena: Arena, contenders: Sequence[Contender], sizes: Sequence[int], rounds: int, seed: int) -> Results:
    """Warm up, then run every contender once a round, in a new order each round.

    Args:
        arena: where.
        contenders: who; each one's reference is among them.
        sizes: numbers of units, each measured on its own.
        rounds: how many rounds at each size.
        seed: of the orders.

    Returns:
        All samples, and who failed.
    """
    results = Results()
    orders = random.Random(seed)
    # One unit each: compiles everybody's modules and finds out early who cannot run.
    _prepare(arena, contenders, 1, results)
    _play_round(arena, results.standing(contenders), 1, 0, results)
    results.samples.clear()
    for units in sizes:
        _prepare(arena, contenders, units, results)
        for number in range(1, rounds + 1):
            order = results.standing(contenders)
            orders.shuffle(order)
            _play_round(arena, order, units, number, results)
    return results


def _prepare(arena: Arena, contenders: Sequence[Contender], units: int, results: Results) -> None:
    for contender in results.standing(contenders):
        results.guard(contender, partial(arena.prepare, contender, units))


def _play_round(arena: Arena, order: Sequence[Contender], units: int, number: int, results: Results) -> None:
    for contender in order:
        cost = results.guard(contender, partial(arena.run, contender, units))
        if cost is not None:
            sample = Sample(contender=contender.name, units=units, round=number, cost=cost)
            results.samples.append(sample)
            _show(sample)


def _show(sample: Sample) -> None:
    cost = sample.cost
    print(
        f"units {sample.units:,}, round {sample.round}, {sample.contender}: {cost.cpu_s:.2f} s CPU, "
        f"{cost.wall_s:.2f} s wall, {cost.peak_kb / 1024:.0f} MB",
        file=sys.stderr,
    )
