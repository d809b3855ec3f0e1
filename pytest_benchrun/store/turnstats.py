"""Figures over the turn files of a run; reads them once, from first to last."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import UnitStatus
from pytest_benchrun.core.runstats import RunStatsView, runstats_view
from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnjoin import turn_sources


def turn_stats(rundir: RunDir, campaign: Campaign) -> TurnStats:
    """Take in every turn of completed units by their last attempt; a line that cannot be read is passed over."""

    def counts(unit_id: str, attempt: int) -> bool:
        record = campaign.records.get(unit_id)
        return record is not None and record.status is UnitStatus.COMPLETED and record.attempts == attempt

    stats = TurnStats(counts)
    with suppress(OSError):  # figures of what could be read; the files stay
        for path, size in turn_sources(rundir):
            for line in _lines(path, size):
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    stats.add(orjson.loads(line))
    return stats


def _lines(path: Path, size: int) -> Iterator[bytes]:
    """The whole lines among the first `size` bytes; all of a compressed file."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as packed:
            yield from packed
        return
    left = size
    with path.open("rb") as file:
        for line in file:
            left -= len(line)
            if left < 0 or not line.endswith(b"\n"):
                return
            yield line


def figures_of(rundir: RunDir, campaign: Campaign) -> RunStatsView:
    """`runstats.json` of a run as its last event leaves it."""
    return runstats_view(campaign, turn_stats(rundir, campaign))
