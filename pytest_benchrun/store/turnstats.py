"""Figures over the turn files of a run; reads them once."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import UnitStatus
from pytest_benchrun.core.runstats import RunStatsView, runstats_view
from pytest_benchrun.core.stats import ONE_BY_ONE, Arithmetic
from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.native import is_wanted
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnblocks import read_turns
from pytest_benchrun.store.turnjoin import turn_sources

try:
    from pytest_benchrun.store.columnmath import ColumnMath
except ImportError:  # it was installed where there was no compiler
    _compiled: Callable[[], Arithmetic] | None = None
else:
    _compiled = ColumnMath

MOST = 4
"""Threads that read turns and compute figures, if there are as many cores."""

LARGE = 100_000
"""Numbers of a column whose figures are worth a thread: they take it a millisecond."""


def turn_stats(rundir: RunDir, campaign: Campaign, threads: int = 1) -> TurnStats:
    """Take in every turn of completed units by their last attempt; a line that cannot be read is passed over."""

    def counts(unit_id: str, attempt: int) -> bool:
        record = campaign.records.get(unit_id)
        return record is not None and record.status is UnitStatus.COMPLETED and record.attempts == attempt

    stats = TurnStats(counts, best_arithmetic())
    with suppress(OSError), no_collections():
        read_turns(turn_sources(rundir), stats, threads)
    return stats


@contextmanager
def no_collections() -> Iterator[None]:
    """Millions of small objects that come and go make the collector run in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def figures_of(rundir: RunDir, campaign: Campaign) -> RunStatsView:
    """`runstats.json` of a run as its last event leaves it.

    Args:
        rundir: where its turns are.
        campaign: the run.
    """
    threads = min(MOST, os.cpu_count() or 1)
    stats = turn_stats(rundir, campaign, threads)
    sum_up(stats, threads)
    return runstats_view(campaign, stats)


def best_arithmetic() -> Arithmetic:
    """The compiled one, where it is there and wanted."""
    return _compiled() if _compiled is not None and is_wanted() else ONE_BY_ONE


def sum_up(stats: TurnStats, threads: int) -> None:
    """Compute the figures of large columns in so many threads: compiled, it is done without the interpreter's lock."""
    left = [column for column in stats.columns() if len(column) >= LARGE]

    def compute() -> None:
        with suppress(IndexError):  # none is left
            while True:
                left.pop().summary()

    if len(left) > 1 and best_arithmetic() is not ONE_BY_ONE:
        others: list[Thread] = []
        with suppress(RuntimeError):  # there are too many threads: fewer do it too
            for _ in range(threads - 1):
                other = Thread(target=compute, daemon=True)
                other.start()
                others.append(other)
        compute()
        for other in others:
            other.join()
