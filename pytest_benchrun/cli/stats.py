"""`benchrun stats DIR`: the figures of a run at any time, also while it goes on; reads only."""

from __future__ import annotations

import sys

import orjson

from pytest_benchrun.cli.reading import made_of, run_in
from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.report.text import stats_lines
from pytest_benchrun.store.turnstats import figures_of


def stats(directory: str, *, as_json: bool) -> int:
    """Print the figures of the run in `directory`, as its last event leaves them.

    Args:
        directory: the results directory.
        as_json: whether to print what `runstats.json` would hold.

    Raises:
        DirectoryProblem: there is no run, or its journal is damaged.
    """
    rundir = run_in(directory)
    campaign = made_of(rundir, Campaign.of)
    view = figures_of(rundir, campaign)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(view, option=orjson.OPT_INDENT_2) + b"\n")  # UTF-8 whatever the locale
    else:
        sys.stdout.write("\n".join(stats_lines(campaign, view)) + "\n")
    return 0
