"""Beside pytest-benchmark, where units run: what it measured in a unit becomes metrics of the unit."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

import pytest

from pytest_benchrun.core.jsonsafe import to_metric
from pytest_benchrun.core.model import Metric

_SECONDS = ("min", "max", "mean", "stddev", "median", "iqr", "q1", "q3")
_TWO_ROUNDS = frozenset({"stddev"})  # it says 0 for a single one, where nothing is known


class TakesMetrics(Protocol):
    """Where the metrics of the attempt in flight go."""

    def measured(self, metrics: dict[str, Metric]) -> None:
        """Have these, and no others from here."""


class BenchmarkHooks:
    """Looks at the `benchmark` fixture of each unit, also of one that asked for it late.

    Only where no workers are: under xdist that plugin measures nothing, and says so itself.

    Args:
        unit: told what was measured, before the unit's result is shown.
    """

    def __init__(self, unit: TakesMetrics) -> None:
        from pytest_benchmark.fixture import BenchmarkFixture  # late: of a plugin that need not be there

        self._kind: type = BenchmarkFixture
        self._unit = unit
        self._fixture: object = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """A new try begins with nothing."""
        self._fixture = None
        self._unit.measured({})

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Remember the fixture; a suite may have one of its own under that name."""
        value = yield
        if fixturedef.argname == "benchmark" and isinstance(value, self._kind):
            self._fixture = value
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Take over what was measured, also when the test has failed after it."""
        try:
            return (yield)
        finally:
            self._unit.measured(metrics_of(self._fixture))


def metrics_of(fixture: object) -> dict[str, Metric]:
    """The statistics that a `benchmark` fixture holds, in seconds; nothing when it measured nothing or failed."""
    measured = getattr(fixture, "stats", None)
    if measured is None or not measured or getattr(fixture, "has_error", False):
        return {}
    stats = measured.stats
    names = [name for name in _SECONDS if stats.rounds > 1 or name not in _TWO_ROUNDS]
    metrics = {f"benchmark_{name}_s": _metric(name, getattr(stats, name), "s", "lower") for name in names}
    metrics["benchmark_ops_per_s"] = _metric("ops", stats.ops, "1/s", "higher")
    metrics["benchmark_rounds"] = _metric("rounds", stats.rounds, "", None)
    metrics["benchmark_iterations"] = _metric("iterations", measured.iterations, "", None)
    return metrics


def _metric(name: str, value: object, unit: str, better: str | None) -> Metric:
    return to_metric(name, value, unit, better)[0]
