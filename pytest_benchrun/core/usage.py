"""What a unit has used of its machine, as metrics of the unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from pytest_benchrun.core.model import Metric

T = TypeVar("T")

SHORT_NS = 10_000_000
"""A unit that took less says nothing that outweighs noise, and its record would be larger than all else we keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one attempt has used; None where the system does not tell, or could only guess.

    Attributes:
        cpu_s: seconds of CPU time, user and system, of the process of the unit, all its threads.
        cpu_children_s: the same of all processes below it.
        peak_rss_bytes: most resident memory that its process had while the unit ran.
        peak_rss_children_bytes: the same of the largest process below it, where the system can tell.
        read_bytes: fetched from storage by all of them; what a cache had does not count.
        write_bytes: sent to storage by all of them, or on its way there.
    """

    cpu_s: float | None = None
    cpu_children_s: float | None = None
    peak_rss_bytes: int | None = None
    peak_rss_children_bytes: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None


NAMES = tuple(entry.name for entry in fields(Usage))
"""Of the metrics, as in all files; a unit that records one of these names itself keeps its own."""


def metrics_of(used: Usage, programs_peak_bytes: int | None = None) -> dict[str, Metric]:
    """One metric for each figure that is known.

    Args:
        used: by the attempt.
        programs_peak_bytes: most memory that the tree of a program had which the unit has run by `benchrun.command`.
    """
    peaks = [peak for peak in (used.peak_rss_children_bytes, programs_peak_bytes) if peak is not None]
    known = {name: getattr(used, name) for name in NAMES} | {"peak_rss_children_bytes": max(peaks, default=None)}
    return {
        name: Metric(value=value, unit="s" if name.endswith("_s") else "bytes", better="lower")
        for name, value in known.items()
        if value is not None
    }


def without_usage(metrics: Mapping[str, T]) -> dict[str, T]:
    """What fits into a line about the unit: what it has measured, and not what it has used."""
    return {name: value for name, value in metrics.items() if name not in NAMES}


def own_first(metrics: Mapping[str, object]) -> list[str]:
    """Names of metrics where only some can be shown: what the units have measured comes before what they have used."""
    return sorted(metrics, key=NAMES.__contains__)
