"""What a killed session has left running on this host: found by the mark and the stamp of its run, and ended."""

from __future__ import annotations

from pytest_benchrun.core.start import Start
from pytest_benchrun.run import OpenRun
from pytest_benchrun.world.orphans import end_orphans, of_run
from pytest_benchrun.world.surroundings import few


def orphans_of(run: OpenRun) -> list[str]:
    """End what earlier sessions of the run have left; of the run before, where this one is new.

    Returns:
        What people should be told; nothing, mostly.
    """
    run_id = run.run_id if run.start is Start.RESUME else run.earlier.run_id
    # our own workers live already, and have the mark where this process was itself started by a unit
    ended = end_orphans(of_run(run_id), spares_children=True) if run_id else []
    return [f"ended processes that a killed session had left running: {few(ended)}"] if ended else []
