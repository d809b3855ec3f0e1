"""How long a unit takes, learnt from those that have ended: by function, group and parameter value.

The logarithm of a unit's seconds is a mean plus effects: of its function, of its group, and of the value of
each of its parameters, alone and within the function. Effects of one kind are drawn from a normal distribution
whose variance is estimated with them: a parameter that changes nothing gets effects near zero from few
measurements, one that costs 100:1 gets what it needs; and each of that one's values scales the effects of the
others. That is a mixed model (Searle, Casella and McCulloch,
Variance Components, 1992), fitted by backfitting with an EM step for the variances in each pass.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_benchrun.core.model import JsonValue, Unit

LEAST_S = 1e-4
"""What takes less counts as this: below it there is only the cost of pytest."""
MOST_S = 1e12
"""What takes more counts as this, 30,000 years: beyond it there is only overflow."""

_PASSES = 12
"""After these no estimate of the harness's runs moves by a percent any more."""
_NOISE, _NOISE_WEIGHT = 0.05, 2
"""Variance of the logarithm that nothing explains, and how many units' word it has: 22 % either way."""
_VARIANCE, _VARIANCE_WITHIN = 1.0, 0.2
"""Variance of the effects of one kind, with the word of one effect; costs that differ 100:1 have about 2."""
_BIAS_WEIGHT = 5
"""So many units of the mean length say that the model has no bias."""
_LINE_POINTS, _LINE_EXPLAINS = 4, 0.8
"""A line is drawn through at least so many values, and used where it explains so much of their variance."""
_SLOPES = 0.3
"""Variance, to begin with, of the scale that a parameter's value gives to the effects of the others."""
_MOST_LOG_S = math.log(MOST_S)

_Kind = Hashable
_Line = tuple[float, float]


class Expected(NamedTuple):
    """Seconds that a unit will take, and the variance of their logarithm that comes of not knowing its effects."""

    seconds: float
    doubt: float


class _Bends(NamedTuple):
    """How a parameter scales the effects of the others: by its value their middle, and the slope beside 1."""

    name: str
    values: dict[Hashable, tuple[float, float]]


class Pace:
    """What some units and the time that they took say about others.

    Args:
        measured: units and their seconds, at least one.

    Attributes:
        noise: variance of the logarithm of a unit's seconds that no effect explains.
    """

    def __init__(self, measured: Sequence[tuple[Unit, float]]) -> None:
        values = [log_of(seconds) for _, seconds in measured]
        self._mean = math.fsum(values) / len(values)
        self.noise = _NOISE
        kinds: dict[_Kind, dict[Hashable, list[int]]] = {}
        for number, (unit, _) in enumerate(measured):
            for kind, which in _effects_of(unit):
                kinds.setdefault(kind, {}).setdefault(which, []).append(number)
        self._variances = {kind: _variance(kind) for kind in kinds}
        self._effects = {kind: dict.fromkeys(levels, 0.0) for kind, levels in kinds.items()}
        self._doubts: dict[_Kind, dict[Hashable, float]] = {kind: {} for kind in kinds}
        rest = [value - self._mean for value in values]
        for _ in range(_PASSES):
            used = sum(self._fit(kind, levels, rest) for kind, levels in kinds.items())
            free = max(len(rest) - used, len(rest) / 4)  # few measurements must not seem to leave nothing open
            squares = math.fsum(value * value for value in rest)
            self.noise = (_NOISE_WEIGHT * _NOISE + squares) / (_NOISE_WEIGHT + free)
        self._unseen = {kind: _mean_exp(effects) for kind, effects in self._effects.items()}
        self._lines: dict[_Kind, _Line | None] = {
            kind: _line(effects) for kind, effects in self._effects.items() if isinstance(kind, str)
        }
        self._bends = self._bend([unit for unit, _ in measured], rest)
        self._bias = _bias(values, rest)

    def _fit(self, kind: _Kind, levels: Mapping[Hashable, list[int]], rest: list[float]) -> float:
        """Fit the effects of one kind to what the others leave, and take them out of `rest`.

        Returns:
            How many degrees of freedom they use.
        """
        effects, doubts = self._effects[kind], self._doubts[kind]
        ratio = self.noise / self._variances[kind]
        squares, used = _variance(kind), 0.0
        for which, numbers in levels.items():
            weight = len(numbers) + ratio
            before = effects[which]
            after = (sum(map(rest.__getitem__, numbers)) + len(numbers) * before) / weight
            change = before - after
            for number in numbers:
                rest[number] += change
            effects[which] = after
            doubts[which] = self.noise / weight
            squares += after * after + self.noise / weight
            used += len(numbers) / weight
        self._variances[kind] = squares / (len(levels) + 1)
        return used

    def _bend(self, units: Sequence[Unit], rest: list[float]) -> _Bends | None:
        """Let the values of the parameter that costs most scale what the others do, and take that out of `rest`.

        Where molecule=c60 takes 50 s with every method, methods that differ 3:1 elsewhere do not differ there
        (Finlay and Wilkinson, The analysis of adaptation, 1963).

        Returns:
            None where units have less than two parameters, or nothing is explained.
        """
        name = self._dearest()
        if name is None:
            return None
        levels: dict[Hashable, list[int]] = {}
        for number, unit in enumerate(units):
            if name in unit.param_names:
                levels.setdefault(_hashable(unit.params[name]), []).append(number)
        others = [self._others(name, unit) for unit in units]
        sums = {which: _line_sums(numbers, others, rest) for which, numbers in levels.items()}
        variance = self._variance_of_slopes(sums.values())
        if not variance:
            return None
        values = {}
        for which, (middle, both, squares) in sums.items():
            slope = both / (squares + self.noise / variance)
            values[which] = middle, slope
            for number in levels[which]:
                rest[number] -= slope * (others[number] - middle)
        return _Bends(name, values)

    def _variance_of_slopes(self, sums: Collection[tuple[float, float, float]]) -> float:
        """By moments: the square of `both` is expected to be `squares * (squares * variance + noise)`.

        A value counts for what it can say, the slopes being about as different as `_SLOPES`, and for one at most.
        """
        known = [both / (squares + self.noise / _SLOPES) for _, both, squares in sums]
        weights = [squares / (squares + self.noise / _SLOPES) for _, _, squares in sums]
        noise = [self.noise * squares / (squares + self.noise / _SLOPES) ** 2 for _, _, squares in sums]
        found = math.fsum(slope * slope for slope in known) - math.fsum(noise)
        return found / math.fsum(weight * weight for weight in weights) if found > 0 else 0.0

    def _dearest(self) -> str | None:
        """The parameter whose values make most difference; None where there are not two."""
        spreads = {
            kind: math.fsum(effect * effect for effect in effects.values()) / len(effects)
            for kind, effects in self._effects.items()
            if isinstance(kind, str)
        }
        return max(spreads, key=spreads.__getitem__) if len(spreads) > 1 else None

    def _others(self, name: str, unit: Unit) -> float:
        """What the parameters other than `name` come to."""
        found = 0.0
        for kind, which in _effects_of(unit):
            parameter = kind[1] if isinstance(kind, tuple) else kind
            if isinstance(parameter, str) and parameter != name and kind in self._effects:
                effects = self._effects[kind]
                found += effects[which] if which in effects else self._guess(kind, which)[0]
        return found

    def of(self, unit: Unit) -> Expected:
        """What is expected of a unit."""
        mean, doubt = self._mean, 0.0
        for kind, which in _effects_of(unit):
            effects = self._effects.get(kind)
            if effects is None:
                doubt += _variance(kind)
            elif which in effects:
                mean += effects[which]
                doubt += self._doubts[kind][which]
            else:
                effect, variance = self._guess(kind, which)
                mean += effect
                doubt += variance
        if self._bends is not None:
            mean += self._bends_of(unit, self._bends)
        return Expected(min(math.exp(min(mean, _MOST_LOG_S)) * self._bias, MOST_S), doubt)

    def _bends_of(self, unit: Unit, bends: _Bends) -> float:
        if bends.name not in unit.param_names:
            return 0.0
        found = bends.values.get(_hashable(unit.params[bends.name]))
        return 0.0 if found is None else found[1] * (self._others(bends.name, unit) - found[0])

    def _guess(self, kind: _Kind, which: Hashable) -> tuple[float, float]:
        """The effect of a value that was not measured yet, and its variance.

        On the line through the other values where they are numbers and lie on one; else what the others
        come to on average.
        """
        line = self._lines.get(kind)
        x = _log(which)
        if line is not None and x is not None:
            return line[0] + line[1] * x, self._variances[kind] / 10
        return self._unseen[kind], self._variances[kind]


def log_of(seconds: float) -> float:
    """The logarithm of what a unit took, of a sensible size."""
    return math.log(min(max(seconds, LEAST_S), MOST_S))


def _variance(kind: _Kind) -> float:
    return _VARIANCE_WITHIN if isinstance(kind, tuple) else _VARIANCE


def _effects_of(unit: Unit) -> Iterator[tuple[_Kind, Hashable]]:
    """Kind and name of each effect: numbers are ours, text is a parameter, a pair a parameter within a function."""
    yield 0, unit.function
    if unit.group != unit.unit_id:
        yield 1, unit.group
    for name, value in zip(unit.param_names, unit.param_values, strict=True):
        which = _hashable(value)
        yield name, which
        yield (unit.function, name), which


def _hashable(value: JsonValue) -> Hashable:
    return repr(value) if isinstance(value, list | dict) else value


def _line_sums(numbers: Sequence[int], others: Sequence[float], rest: Sequence[float]) -> tuple[float, float, float]:
    """Middle of the others' effects on these units, and the sums that the slope of `rest` over them needs."""
    middle = math.fsum(others[number] for number in numbers) / len(numbers)
    both = math.fsum((others[number] - middle) * rest[number] for number in numbers)
    return middle, both, math.fsum((others[number] - middle) ** 2 for number in numbers)


def _bias(values: Sequence[float], rest: Sequence[float]) -> float:
    """By how much units take longer than the exponential of their mean logarithm (Duan's smearing, 1983)."""
    actual = math.fsum(map(math.exp, values))
    fitted = math.fsum(math.exp(min(value - left, _MOST_LOG_S)) for value, left in zip(values, rest, strict=True))
    weight = _BIAS_WEIGHT * fitted / len(values)
    return (actual + weight) / (fitted + weight)


def _mean_exp(effects: Mapping[Hashable, float]) -> float:
    """The effect that makes a unit as long as the others are on average."""
    return math.log(math.fsum(map(math.exp, effects.values())) / len(effects))


def _log(value: Hashable) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return None
    return math.log(value)


def _line(effects: Mapping[Hashable, float]) -> _Line | None:
    """Intercept and slope of the effects over the logarithms of their values; None where they lie on no line."""
    points = [(x, effect) for which, effect in effects.items() if (x := _log(which)) is not None]
    if len(points) < max(_LINE_POINTS, len(effects)):
        return None
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    xx = math.fsum((x - mean_x) ** 2 for x, _ in points)
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    yy = math.fsum((y - mean_y) ** 2 for _, y in points)
    if not xx or xy * xy < _LINE_EXPLAINS * xx * yy:
        return None
    return mean_y - xy / xx * mean_x, xy / xx
