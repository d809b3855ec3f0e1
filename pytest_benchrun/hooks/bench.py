"""`BenchRun`: what the `benchrun` fixture gives to a unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import pytest

from pytest_benchrun.core.jsonsafe import to_metric, to_name
from pytest_benchrun.core.model import JsonValue, Metric


class GivesBench(Protocol):
    """Where the fixture's object comes from while a campaign runs."""

    def bench(self, item: pytest.Item) -> BenchRun:
        """The object for the attempt in flight."""


GIVES_BENCH = pytest.StashKey[GivesBench]()


class BenchRun:
    """One attempt of one unit, seen from inside.

    Without `--bench-results` it does nothing: the tests that use it pass as ordinary tests.

    Args:
        find_folder: where its artifacts go, asked for at the first one.
        is_recording: whether metrics are kept.

    Attributes:
        unit_id: pytest's node id of the unit.
        params: the unit's parameters as pytest has them.
        config: the free values of the campaign file, its `[parameters]`; empty without one.
        attempt: 1 for the first execution of the unit in its run.
        metrics: recorded so far, by name.
        warnings: what was wrong with recorded values.
    """

    def __init__(
        self,
        *,
        unit_id: str,
        params: Mapping[str, object],
        config: Mapping[str, JsonValue],
        attempt: int,
        find_folder: Callable[[], Path],
        is_recording: bool,
    ) -> None:
        self.unit_id = unit_id
        self.params = dict(params)
        self.config = deepcopy(dict(config))
        self.attempt = attempt
        self.metrics: dict[str, Metric] = {}
        self.warnings: list[str] = []
        self._find_folder = find_folder
        self._is_recording = is_recording

    def metric(self, name: str, value: float, unit: str = "", better: Literal["lower", "higher"] | None = None) -> None:
        """Record a number of this unit; recording a name again replaces its value.

        A value that cannot be kept as it is never fails the unit: NaN and infinities become null, what
        is no number its `repr`, each with a warning in the summary.

        Args:
            name: what it is, without its unit of measure twice: `recall`, `read_mb_per_s`.
            value: a number; NumPy and torch scalars are numbers.
            unit: unit of measure as people write it, `"MB/s"`; `""` for a bare number.
            better: which direction is better; None when neither is.
        """
        if not self._is_recording:
            return
        name = to_name(name)
        metric, warnings = to_metric(name, value, unit, better)
        self.warnings += warnings
        self.metrics[name] = metric

    def artifact(self, name: str) -> Path:
        """The path of a file that this unit keeps with the results; its folder exists.

        Without a run it is a temporary folder of the unit.

        Args:
            name: a relative path with `/`, inside the unit's own folder.

        Raises:
            ValueError: an absolute name, or one that leaves the folder.
        """
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\x00" in name:
            message = f"artifact name {name!r} must be a relative path inside the unit's own folder, like 'out/run.log'"
            raise ValueError(message)
        path = self._find_folder() / pure
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
