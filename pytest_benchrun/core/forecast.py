"""How long units will take, from how long they took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pytest_benchrun.core.model import Unit


class Forecast:
    """Expected seconds of units.

    Args:
        seconds: of units that were measured, by id.
        functions: function of each of them, by id; one that is missing counts for the overall mean only.
    """

    def __init__(self, seconds: Mapping[str, float], functions: Mapping[str, str]) -> None:
        self._seconds = seconds
        by_function: dict[str, list[float]] = {}
        for unit_id, value in seconds.items():
            by_function.setdefault(functions.get(unit_id, ""), []).append(value)
        self._means = {name: math.fsum(values) / len(values) for name, values in by_function.items() if name}
        self._mean = math.fsum(seconds.values()) / len(seconds) if seconds else None

    def of(self, unit: Unit) -> float | None:
        """Expected seconds of one unit: its own of last time, else its function's mean, else the mean of all.

        None when nothing was ever measured.
        """
        own = self._seconds.get(unit.unit_id)
        return own if own is not None else self._means.get(unit.function, self._mean)

    def total_s(self, units: Iterable[Unit], workers: int) -> float | None:
        """Expected seconds of all `units` on so many workers; None when nothing was ever measured."""
        if self._mean is None:
            return None
        return math.fsum(self.of(unit) or 0.0 for unit in units) / max(1, workers)
