"""What nobody can know: the remaining time as one would say it who is told each cost once its like has ended.

A unit's seconds, its chance included, are told as soon as every value of its parameters has been seen to its end in
its function. Before that it takes what units took on average, or twice as long as one of its like has been running,
which is what can be said of something of which nothing else is known. What this is wrong by, no learning mends.
"""

import heapq
import statistics
from collections.abc import Hashable, Mapping, Sequence

from benchmarks.harness.eta_shapes import Made
from pytest_benchrun.core.events import Event, UnitEnded, UnitStarted
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.moments import seconds_between

LONGER = 2.0
IRRELEVANT = ("seed", "case")
"""Parameters that change nothing in the made runs; a new value of them is nothing new."""


class Told:
    """Listens to the events of a made run.

    Args:
        made: the run.
    """

    def __init__(self, made: Made) -> None:
        self._costs = {unit.unit_id: seconds for unit, seconds in made.rows}
        self._units = {unit.unit_id: unit for unit, _ in made.rows}
        self._open = dict.fromkeys(self._units)
        self._running: dict[str, str] = {}
        self._ended_s: list[float] = []
        self._seen: set[Hashable] = set()
        self._workers = made.workers

    def on_event(self, event: Event) -> None:
        """See what runs and what has ended."""
        if isinstance(event, UnitStarted):
            del self._open[event.unit_id]
            self._running[event.unit_id] = event.at
        elif isinstance(event, UnitEnded):
            del self._running[event.unit_id]
            self._ended_s.append(self._costs[event.unit_id])
            self._seen.update(_values(self._units[event.unit_id]))

    def rest_s(self, now_at: str) -> float:
        """Seconds that are left: units handed out in their order to whoever is free first."""
        ages_s = {unit_id: seconds_between(at, now_at) for unit_id, at in self._running.items()}
        longest_s: dict[Hashable, float] = {}
        for unit_id, age_s in ages_s.items():
            for value in self._unseen(unit_id):
                longest_s[value] = max(longest_s.get(value, 0.0), age_s)
        mean_s = statistics.fmean(self._ended_s)
        free_s = [0.0] * self._workers
        for unit_id in (*self._running, *self._open):
            left_s = self._expected_s(unit_id, longest_s, mean_s) - ages_s.get(unit_id, 0.0)
            heapq.heapreplace(free_s, free_s[0] + max(left_s, 0.0))
        return max(free_s)

    def _unseen(self, unit_id: str) -> Sequence[Hashable]:
        return [value for value in _values(self._units[unit_id]) if value not in self._seen]

    def _expected_s(self, unit_id: str, longest_s: Mapping[Hashable, float], mean_s: float) -> float:
        unseen = self._unseen(unit_id)
        if not unseen:
            return self._costs[unit_id]
        return max([mean_s, *(LONGER * longest_s[value] for value in unseen if value in longest_s)])


def _values(unit: Unit) -> Sequence[Hashable]:
    named = zip(unit.param_names, unit.param_values, strict=True)
    return [unit.function, *((unit.function, name, str(value)) for name, value in named if name not in IRRELEVANT)]
