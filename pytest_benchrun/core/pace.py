"""How long a unit takes, learnt from those that have ended: by function, group and parameter value.

The logarithm of a unit's seconds is a mean plus effects: of its function, of its group, and of the value of
each of its parameters, alone and within the function. Effects of one kind are drawn from a normal distribution
whose variance is estimated with them: a parameter that changes nothing gets effects near zero from few
measurements, one that costs 100:1 gets what it needs. That is a mixed model (Searle, Casella and McCulloch,
Variance Components, 1992), fitted by backfitting with an EM step for the variances in each pass.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
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
_MOST_LOG_S = math.log(MOST_S)

_Kind = Hashable
_Line = tuple[float, float]


class Expected(NamedTuple):
    """Seconds that a unit will take, and the variance of their logarithm that comes of not knowing its effects."""

    seconds: float
    doubt: float


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
        self._bias = _bias(values, rest)
        self._unseen = {kind: _mean_exp(effects) for kind, effects in self._effects.items()}
        self._lines: dict[_Kind, _Line | None] = {
            kind: _line(effects) for kind, effects in self._effects.items() if isinstance(kind, str)
        }

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
        return Expected(math.exp(min(mean, _MOST_LOG_S)) * self._bias, doubt)

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
