"""`benchrun record DIR --db URL`: add a run to a database; at any time, and twice changes nothing."""

from __future__ import annotations

import os
from functools import partial
from shlex import quote

from pytest_benchrun.cli.reading import made_of, run_in
from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.dburl import EXAMPLES, VARIABLE, masked
from pytest_benchrun.core.errors import DirectoryProblem, UsageProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.database import record as put
from pytest_benchrun.store.dbplace import check_database
from pytest_benchrun.store.rundir import RunDir

_LINE_LENGTH = 4000


def record(directory: str, url: str | None) -> int:
    """Put the run in `directory` into the database `url`, in the place of what is there of it.

    Raises:
        UsageProblem: no database is named, or not one that can be used from here.
        DatabaseProblem: it cannot be reached, or is of a newer version.
        DirectoryProblem: there is no run, or its journal or turns cannot be read.
    """
    url, what = (url, "--db") if url is not None else (os.environ.get(VARIABLE), VARIABLE)
    if url is None:
        raise UsageProblem("no database is named", hint=f"--db URL, or {VARIABLE}=URL; for example: {EXAMPLES}")
    check_database(url, what)
    rundir = run_in(directory)
    campaign = made_of(rundir, partial(_put, url, rundir))
    units = len(campaign.records)
    print(clean(f"recorded {campaign.run_id} ({campaign.state.value}, {units} units) in {masked(url)}", _LINE_LENGTH))
    return 0


def _put(url: str, rundir: RunDir, events: list[Event]) -> Campaign:
    campaign = Campaign.of(events)
    if not campaign.run_id:
        hint = f"pytest --bench-results={quote(str(rundir.path))}   (begins one)"
        raise DirectoryProblem(f"no run has begun in {str(rundir.path)!r}", hint=hint)
    put(url, rundir, campaign, events)
    return campaign
