"""`results.sqlite` of a run at rest, beside what its journal and turn files give."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.sequence import LIVE_STATES
from pytest_benchrun.store.findings import Finding, command, unreadable
from pytest_benchrun.store.journal import events_named
from pytest_benchrun.store.resultsdb import fault_of_results, fill_results, makes_results
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.sqlrows import NEEDED


def check_results(rundir: RunDir, campaign: Campaign) -> list[Finding]:
    """What is wrong with the file of a run that nobody owns.

    It is made again in a folder for temporary files. Where that cannot be done the file is only read: what is wrong
    with the journal and the turns is found elsewhere.
    """
    path, cure = rundir.results, command("rebuild", rundir)
    if not path.exists():
        is_missed = makes_results(rundir, campaign) and campaign.state not in LIVE_STATES
        return [_finding(rundir, "is missing")] if is_missed else []
    blocked = unreadable(path, cure)
    if blocked is not None:
        return [blocked]
    with tempfile.TemporaryDirectory(prefix="benchrun-verify-") as folder:
        expected = Path(folder) / path.name
        try:
            fill_results(rundir, campaign, events_named(rundir, NEEDED), expected)
        except (OSError, BenchrunError):
            expected = path
        fault = fault_of_results(rundir, expected, is_at_rest=campaign.state not in LIVE_STATES)
    return [_finding(rundir, fault)] if fault is not None else []


def _finding(rundir: RunDir, problem: str) -> Finding:
    hint = f"{command('rebuild', rundir)}   (makes it again from the journal)"
    return Finding(path=rundir.results, problem=problem, hint=hint)
