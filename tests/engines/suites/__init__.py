"""Suites as other projects write them: nothing in them knows of campaigns, and all must go on as before."""

from __future__ import annotations

from tests.engines.suites import habits, kinds, outcomes, scopes
from tests.engines.suites.suite import LOG, Suite

__all__ = ["LOG", "SUITES", "Suite"]

SUITES: dict[str, Suite] = {**kinds.SUITES, **scopes.SUITES, **outcomes.SUITES, **habits.SUITES}
"""By name."""
