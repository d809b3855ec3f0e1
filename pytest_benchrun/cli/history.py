"""`benchrun history DIR|URL`: the runs of a directory and its history, or those of a database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_benchrun.cli.reading import is_live, made_of
from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.sequence import LIVE_STATES
from pytest_benchrun.core.sqltables import RUNS, run_row
from pytest_benchrun.report.words import clean, seconds
from pytest_benchrun.store.database import recorded_runs
from pytest_benchrun.store.rundir import RunDir

KEYS = ("run_id", "state", "started_at", "wall_s", "units", "completed", "failed", "timeout")
"""What is told of a run; a column of the table `runs` each."""


def history(place: str, *, as_json: bool) -> int:
    """List the runs, the oldest first.

    Args:
        place: a results directory, a database's address, or the path of an SQLite file.
        as_json: a list of objects with `KEYS`, instead of a table for people.

    Raises:
        DatabaseProblem: the database cannot be read.
        DirectoryProblem: there is no run.
    """
    is_database = "://" in place or os.path.isfile(place)  # noqa: PTH113  # a path or a URL
    runs = (
        recorded_runs(place) if is_database else sorted(_runs_in(Path(place)), key=lambda run: run["started_at"] or "")
    )
    if not runs and not is_database:
        problem = f"there is no run in {place!r}"
        raise DirectoryProblem(problem, hint="name the directory given to --bench-results, or a database")
    told = [{key: run[key] for key in KEYS} for run in runs]
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        print("\n".join(_table(told)))
    return 0


def _runs_in(directory: Path) -> Iterator[dict[str, Any]]:
    """The runs of a directory, each as its journal has it; one that cannot be read is `damaged`."""
    names = [column.name for column in RUNS.columns]
    for path in (directory, *sorted((directory / "history").glob("*"))):
        rundir = RunDir(path)
        if not rundir.has_run():
            continue
        try:
            campaign = made_of(rundir, Campaign.of)
        except DirectoryProblem:
            yield {**dict.fromkeys(KEYS), "run_id": path.name, "state": "damaged"}
            continue
        if campaign.run_id:
            run = dict(zip(names, run_row(campaign), strict=True))
            if campaign.state in LIVE_STATES and not is_live(rundir):
                run["state"] = "dead"
            yield run


def _table(runs: list[dict[str, Any]]) -> list[str]:
    rows = [("run", "state", "started", "wall", "units", "completed", "failed")]
    rows += [
        (
            clean(str(run["run_id"])),
            clean(str(run["state"])),
            clean(str(run["started_at"] or "-")),
            seconds(run["wall_s"]),
            str(run["units"] or 0),
            str(run["completed"] or 0),
            str((run["failed"] or 0) + (run["timeout"] or 0)),
        )
        for run in runs
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
