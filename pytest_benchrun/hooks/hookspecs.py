"""Hooks for users, called in the process that owns the run.

They exist only in sessions with `--bench-results`: a conftest says `@pytest.hookimpl(optionalhook=True)`.
"""

from __future__ import annotations

import pytest

from pytest_benchrun.core.incident import IncidentView


@pytest.hookspec
def pytest_benchrun_incident(incident: IncidentView) -> None:
    """A unit is stuck or ran out of time: what `run_error.json` says of it.

    Called in a thread beside the run. What it raises is told once at the end, and changes nothing.

    Example::

        @pytest.hookimpl(optionalhook=True)
        def pytest_benchrun_incident(incident):
            print(incident["unit_id"], incident["where"])
    """


@pytest.hookspec
def pytest_benchrun_alert(text: str, incident: IncidentView) -> None:
    """Somebody should look: one line for people, and what it is about. Called as `pytest_benchrun_incident`."""
