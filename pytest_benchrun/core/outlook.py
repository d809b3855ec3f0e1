"""How long the run will still take: what is left, handed out to the workers that live, and a range.

Parameters are learnt in `pace`; a unit that an earlier run measured counts as long as it took there, times
how this run compares. Learning costs, so it is done anew when 100 times that cost has passed since; in
between the time that passes is taken off.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, UnitEnded
from pytest_benchrun.core.model import FAILURES, Unit, UnitStatus
from pytest_benchrun.core.moments import seconds_between
from pytest_benchrun.core.pace import LEAST_S, Expected, Pace, log_of

MOST_MEASURED = 2000
"""Units that are learnt from; of more, every second, fourth, ... one."""
MOST_EXPECTED = 10_000
"""Open units that are looked at one by one; of more, each speaks for the few beside it."""
BY_PARAMETERS = "parameters"
BY_HISTORY = "parameters and history"

_MEASURED = frozenset({UnitStatus.COMPLETED, *FAILURES})
_OPEN = frozenset({UnitStatus.PENDING, UnitStatus.INTERRUPTED})
_LEARN_S, _EXPECT_S, _PUT_S, _SHARE = 20e-6, 8e-6, 1e-6, 0.01
"""What it costs to learn from a unit, to expect one and to hand one out, on a slow core, and the part of the time
that all of it may take."""
_OVERDUE = 2.0
"""A unit that has taken longer than expected is believed to be as much longer again, up to so many times what it has
taken: of something that has lasted so long, and of which nothing else is known, half lasts twice as long."""
_OWN_DOUBT = 0.02
"""Variance of the logarithm between two runs of a unit, once it is known how the runs compare: 14 % either way."""
_DRIFT_WEIGHT = 2
_SHARED_DOUBT = 0.5
"""The part of the doubts of different units that goes in the same direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The time that is left at a moment.

    Attributes:
        method: how it was estimated.
    """

    method: str
    at: str
    low_s: float
    likely_s: float
    high_s: float

    def at_moment(self, now_at: str, passed_s: float) -> Rest:
        """The same estimate a moment later."""
        low_s, likely_s, high_s = (max(0.0, value - passed_s) for value in (self.low_s, self.likely_s, self.high_s))
        return Rest(method=self.method, at=now_at, low_s=low_s, likely_s=likely_s, high_s=high_s)


class Outlook:
    """A listener that learns from the units of one run.

    Args:
        campaign: the run.
        earlier: seconds of units in an earlier run, by id.
    """

    def __init__(self, campaign: Campaign, earlier: Mapping[str, float] | None = None) -> None:
        self._campaign = campaign
        self._earlier = earlier or {}
        self._measured: list[tuple[Unit, float]] | None = None
        self._stride = 1
        self._skipped = 0
        self._pace: Pace | None = None
        self._drift = 1.0
        self._last: Rest | None = None
        self._next_s = 0.0

    def on_event(self, event: Event) -> None:
        """Keep what a unit took."""
        if self._measured is None or not isinstance(event, UnitEnded) or event.elapsed_s is None:
            return
        if event.outcome.status in _MEASURED:
            self._skipped += 1
            if self._skipped >= self._stride:
                self._skipped = 0
                self._measured.append((self._campaign.records[event.unit_id].unit, event.elapsed_s))

    def rest(self, now_at: str) -> Rest | None:
        """The time that is left; None while nothing was measured."""
        if not self._campaign.unfinished:
            return Rest(method=BY_PARAMETERS, at=now_at, low_s=0.0, likely_s=0.0, high_s=0.0)
        if self._last is not None:
            passed_s = seconds_between(self._last.at, now_at)
            if passed_s < self._next_s:
                return self._last.at_moment(now_at, passed_s)
        self._last = self._estimate(now_at)
        return self._last

    def _estimate(self, now_at: str) -> Rest | None:
        measured = self._known()
        if not measured:
            return None
        self._pace = Pace(measured)
        late = self._overdue(self._pace, now_at)
        if late:
            self._pace = Pace([*measured, *late])
        by_phase = self._open_units()
        count = sum(map(len, by_phase.values()))
        learning_s = len(measured) * _LEARN_S * (2 if late else 1)
        self._next_s = (learning_s + min(count, MOST_EXPECTED) * _EXPECT_S + count * _PUT_S) / _SHARE
        queue = _Queue(self._pace.noise, max(1, len(self._campaign.workers)))
        for running in self._campaign.running.values():
            queue.go_on(self._expected(running.unit), seconds_between(running.started_at, now_at))
        for phase, units in by_phase.items():
            if phase != self._campaign.current_phase:
                queue.wait_for_all()
            for unit, expected in self._expectations(units, step=-(-count // MOST_EXPECTED)):
                queue.put(expected, is_exclusive=unit.is_exclusive)
        method = BY_HISTORY if self._earlier else BY_PARAMETERS
        factor = 1 + 2 * queue.spread
        end_s = queue.end_s
        return Rest(method=method, at=now_at, low_s=end_s / factor, likely_s=end_s, high_s=end_s * factor)

    def _expectations(self, units: Sequence[Unit], step: int) -> Iterator[tuple[Unit, Expected]]:
        """What is expected of each unit; one of `step` that stand together speaks for all of them.

        It is the first of the first stretch, the second of the second, ...: parameters come round at even distances.
        """
        for number in range(0, len(units), step):
            stretch = units[number : number + step]
            expected = self._expected(stretch[number // step % len(stretch)])
            yield from ((unit, expected) for unit in stretch)

    def _known(self) -> list[tuple[Unit, float]]:
        """What to learn from; looked up in the state the first time, kept by `on_event` from then on."""
        if self._measured is None:
            self._measured = [
                (record.unit, record.elapsed_s)
                for record in self._campaign.records.values()
                if record.elapsed_s is not None and record.status in _MEASURED
            ]
        while len(self._measured) > MOST_MEASURED:
            self._measured = self._measured[::2]
            self._stride *= 2
        if not self._earlier:
            return self._measured
        self._drift = _drift(self._measured, self._earlier)
        records, here = self._campaign.records, {unit.unit_id for unit, _ in self._measured}
        room = MOST_MEASURED - len(self._measured)
        known = [key for key in self._earlier if key in records and key not in here]
        known = known[:: -(-len(known) // room)] if room and known else []
        return [*self._measured, *((records[key].unit, self._earlier[key] * self._drift) for key in known)]

    def _overdue(self, pace: Pace, now_at: str) -> list[tuple[Unit, float]]:
        """Units in flight that take clearly longer than expected: they tell of their kind before they end."""
        late = []
        for running in self._campaign.running.values():
            age_s = seconds_between(running.started_at, now_at)
            seconds, doubt = self._expected(running.unit)
            if age_s > seconds * (1 + math.sqrt(pace.noise + doubt)):
                late.append((running.unit, age_s * min(age_s / max(seconds, LEAST_S), _OVERDUE)))
        return late

    def _expected(self, unit: Unit) -> Expected:
        own_s = self._earlier.get(unit.unit_id)
        if own_s is not None:
            return Expected(math.exp(log_of(own_s)) * self._drift, _OWN_DOUBT)
        if self._pace is None:
            message = "nothing was learnt yet"
            raise RuntimeError(message)
        return self._pace.of(unit)

    def _open_units(self) -> dict[str, list[Unit]]:
        """Units that have not started, by phase, in the order in which they run."""
        by_phase: dict[str, list[Unit]] = {name: [] for name in self._campaign.phases}
        for record in self._campaign.records.values():
            if record.status in _OPEN:
                by_phase[record.unit.phase].append(record.unit)
        return {phase: units for phase, units in by_phase.items() if units}


class _Queue:
    """Units handed out one at a time to whoever is free first (list scheduling, Graham 1969).

    Args:
        noise: variance of the logarithm of a unit's seconds.
        workers: how many there are.
    """

    def __init__(self, noise: float, workers: int) -> None:
        self._noise = noise
        self._free_s = [0.0] * workers
        self._total_s = 0.0
        self._squares = 0.0
        self._doubt_s = 0.0

    @property
    def end_s(self) -> float:
        """When the last of them is free."""
        return max(self._free_s)

    @property
    def spread(self) -> float:
        """Standard deviation of the sum over the sum: chance of each unit, and doubts that they share."""
        if not self._total_s:
            return 0.0
        return math.sqrt(self._squares + _SHARED_DOUBT * self._doubt_s**2) / self._total_s

    def go_on(self, expected: Expected, age_s: float) -> None:
        """A unit that has been running for `age_s`."""
        deviation = math.sqrt(self._noise + expected.doubt)
        left_s = max(expected.seconds - age_s, min(deviation, 1.0) / 2 * age_s)
        self.put(Expected(left_s, expected.doubt), is_exclusive=False)

    def put(self, expected: Expected, *, is_exclusive: bool) -> None:
        """The next unit; an exclusive one waits for all and lets all wait."""
        seconds, doubt = expected
        if is_exclusive:
            self._free_s = [self.end_s + seconds] * len(self._free_s)
        else:
            heapq.heapreplace(self._free_s, self._free_s[0] + seconds)
        self._total_s += seconds
        self._squares += self._noise * seconds * seconds
        self._doubt_s += math.sqrt(doubt) * seconds

    def wait_for_all(self) -> None:
        """Nothing more starts before all have ended."""
        self._free_s = [self.end_s] * len(self._free_s)


def _drift(measured: Sequence[tuple[Unit, float]], earlier: Mapping[str, float]) -> float:
    """How much longer units take than in the earlier run: geometric mean, towards 1 while few are known."""
    logs = [log_of(seconds) - log_of(earlier[unit.unit_id]) for unit, seconds in measured if unit.unit_id in earlier]
    return math.exp(math.fsum(logs) / (len(logs) + _DRIFT_WEIGHT))
