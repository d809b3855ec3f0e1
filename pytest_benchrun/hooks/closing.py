"""Reports that the owner makes itself: of units that will not start, and of attempts that were cut off."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import RunState
from pytest_benchrun.hooks.translate import error_reports, skip_reports
from pytest_benchrun.hooks.unit import properties_of


def show_skipped(config: pytest.Config, campaign: Campaign, unit_ids: Sequence[str], reason: str) -> None:
    """Report units that will not start: cheap reports, so that JUnit and totals stay true."""
    for unit_id in unit_ids:
        unit = campaign.records[unit_id].unit
        _show(config, unit_id, skip_reports(unit, reason, properties_of(campaign.run_id, unit, 0)))


def show_interrupted(config: pytest.Config, campaign: Campaign, unit_id: str, reason: str) -> None:
    """Report an attempt that is recorded as interrupted."""
    record = campaign.records[unit_id]
    properties = properties_of(campaign.run_id, record.unit, record.attempts)
    _show(config, unit_id, error_reports(record.unit, f"benchrun: {reason}", properties))


def raise_stop(session: pytest.Session, campaign: Campaign) -> None:
    """Tell pytest why the rest will not start, so that its banner and exit code say so.

    Raises:
        pytest.Session.Failed: after a failure rule.
        pytest.Session.Interrupted: after any other stop.
    """
    stop = campaign.stop
    if stop is None:
        return
    if stop.source == "maxfail" or stop.target is RunState.PAUSED:
        session.shouldfail = stop.reason if stop.source == "maxfail" else f"benchrun: paused: {stop.reason}"
        raise session.Failed(session.shouldfail)
    session.shouldstop = f"benchrun: {stop.reason}"
    raise session.Interrupted(session.shouldstop)


def _show(config: pytest.Config, unit_id: str, reports: Sequence[pytest.TestReport]) -> None:
    hook = config.hook
    hook.pytest_runtest_logstart(nodeid=unit_id, location=reports[0].location)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=unit_id, location=reports[0].location)
