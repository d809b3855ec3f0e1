"""Turns samples into figures and holds them against the targets; pure."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.harness.contenders import FLAT_FROM_UNITS, JUDGED_FROM_UNITS, Contender
from benchmarks.harness.process import Cost
from benchmarks.harness.rounds import Sample

LEAST_NOISE = 1.01
"""With few rounds two plain runs may agree by chance; below a percent nothing is claimed."""

Costs: TypeAlias = Mapping[tuple[str, int], Mapping[int, Cost]]
"""Contender and number of units, then round, to what that run cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median of paired ratios, with the least and the most of them."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A figure beside what was promised.

    Attributes:
        what: what the figure is about.
        found: the figure.
        limit: the most it may be.
        judged: False where the promise does not reach: fewer units than it was made for.
    """

    what: str
    found: float
    limit: float
    judged: bool = True

    @property
    def text(self) -> str:
        """`met` or by how much it was missed; in brackets where it is not judged."""
        excess = self.found / self.limit - 1
        said = "met" if excess <= 0 else f"missed by {excess:.1%}"
        return said if self.judged else f"({said})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        contender: name.
        units: how many were run.
        rounds: how many pairs the ratios come from.
        cpu_ratio: CPU time over that of the reference in the same round.
        wall_ratio: the same of wall time.
        cpu_ms: median milliseconds of CPU a unit, start-up included.
        peak_mb: median peak of the largest process.
        unit_kb: median of that peak beyond the reference's, shared among the units: what the
            plugin takes once is in it, so it falls with the number of units.
        strays: most processes of a run that outlived their parents.
        verdict: on the CPU ratio; None where nothing was promised.
    """

    contender: str
    units: int
    rounds: int
    cpu_ratio: Spread
    wall_ratio: Spread
    cpu_ms: float
    peak_mb: float
    unit_kb: float
    strays: int
    verdict: Verdict | None


def draw_figures(contenders: Sequence[Contender], samples: Sequence[Sample]) -> list[Figure]:
    """Make the lines of the table, by size, in the order of the contenders.

    Args:
        contenders: who was measured.
        samples: all runs; a contender without any, or without its reference, has no line.
    """
    costs = _by_round(samples)
    sizes = sorted({sample.units for sample in samples})
    drawn = (_draw(one, units, costs) for units in sizes for one in contenders)
    return [figure for figure in drawn if figure is not None]


def judge_across_sizes(
    contenders: Sequence[Contender], figures: Sequence[Figure], samples: Sequence[Sample]
) -> list[Verdict]:
    """Judge what takes more than one size: growth of the ratio, and memory a unit.

    Growth is taken from every size to every larger one, and only upwards: start-up weighs less in
    longer runs, and must not hide that the rest grows. Memory is the slope between the smallest and
    the largest size, so that what a plugin takes once does not count.
    """
    costs = _by_round(samples)
    verdicts: list[Verdict] = []

    def judge(what: str, found: float, limit: float, units: int) -> None:
        verdicts.append(Verdict(what=what, found=found, limit=limit, judged=units >= JUDGED_FROM_UNITS))

    for one in contenders:
        mine = [fig for fig in figures if fig.contender == one.name and fig.units >= FLAT_FROM_UNITS]
        if len(mine) < 2:
            continue
        few, many = mine[0].units, mine[-1].units
        reach, target = f"{one.name}, {few:,} to {many:,} units", one.target
        if target.growth is not None:
            pairs = itertools.combinations(mine, 2)
            growth = max(late.cpu_ratio.median / early.cpu_ratio.median for early, late in pairs)
            judge(f"growth of the ratio: {reach}", growth, target.growth, many)
        if target.unit_kb is not None:
            slope = (_extra_kb(one, many, costs) - _extra_kb(one, few, costs)) / (many - few)
            judge(f"kB a unit beyond pytest: {reach}", slope, target.unit_kb, many)
    return verdicts


def _by_round(samples: Sequence[Sample]) -> Costs:
    costs: dict[tuple[str, int], dict[int, Cost]] = {}
    for sample in samples:
        costs.setdefault((sample.contender, sample.units), {})[sample.round] = sample.cost
    return costs


def _draw(one: Contender, units: int, costs: Costs) -> Figure | None:
    pairs = _pair(one, units, costs)
    if not pairs:
        return None
    cpu_ratio = _spread([mine.cpu_s / reference.cpu_s for mine, reference in pairs])
    return Figure(
        contender=one.name,
        units=units,
        rounds=len(pairs),
        cpu_ratio=cpu_ratio,
        wall_ratio=_spread([mine.wall_s / reference.wall_s for mine, reference in pairs]),
        cpu_ms=statistics.median(mine.cpu_s for mine, _ in pairs) / units * 1000,
        peak_mb=statistics.median(mine.peak_kb for mine, _ in pairs) / 1024,
        unit_kb=_extra_kb(one, units, costs) / units,
        strays=max(mine.strays for mine, _ in pairs),
        verdict=_judge(one, units, cpu_ratio.median, costs),
    )


def _judge(one: Contender, units: int, found: float, costs: Costs) -> Verdict | None:
    limit = _noise(units, costs) if one.target.noise else one.target.cpu_ratio
    if limit is None:
        return None
    judged = units >= JUDGED_FROM_UNITS
    return Verdict(what=f"CPU ratio: {one.name}, {units:,} units", found=found, limit=limit, judged=judged)


def _noise(units: int, costs: Costs) -> float:
    """By how much two plain runs of the same round differ, as a factor of 1 or more.

    The median of the rounds, not the most: one disturbed round must not excuse a cost.
    """
    plain, again = (costs.get((name, units), {}) for name in ("plain", "again"))
    ratios = [again[number].cpu_s / plain[number].cpu_s for number in plain.keys() & again.keys()]
    typical = statistics.median([max(ratio, 1 / ratio) for ratio in ratios] or [1.0])
    return max(LEAST_NOISE, typical)


def _pair(one: Contender, units: int, costs: Costs) -> list[tuple[Cost, Cost]]:
    """A contender's runs, each with its reference's of the same round."""
    mine = costs.get((one.name, units), {})
    reference = costs.get((one.over, units), {})
    return [(mine[number], reference[number]) for number in sorted(mine.keys() & reference.keys())]


def _extra_kb(one: Contender, units: int, costs: Costs) -> float:
    return statistics.median(mine.peak_kb - reference.peak_kb for mine, reference in _pair(one, units, costs))


def _spread(ratios: Sequence[float]) -> Spread:
    return Spread(median=statistics.median(ratios), least=min(ratios), most=max(ratios))
