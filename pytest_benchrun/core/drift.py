"""Whether a run may go on under the configuration of today."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.campaign_file import differences
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.model import JsonValue


def accept_drift(campaign: Campaign, config: Mapping[str, JsonValue], *, is_accepted: bool) -> list[str]:
    """Refuse to mix results that were measured under two configurations, unless people said they may be mixed.

    Args:
        campaign: the run that is to go on.
        config: what makes the measured values, today.
        is_accepted: whether it was said.

    Returns:
        What people should be told, at most one sentence.

    Raises:
        DirectoryProblem: with both values of each key that changed.
    """
    changed = [] if campaign.created is None else differences(campaign.config, config)
    if not changed:
        return []
    said = "; ".join(f"{key} was {before}, is now {now}" for key, before, now in changed)
    if is_accepted:
        return [f"the configuration has changed and was accepted: {said}"]
    problem = f"the configuration has changed since {campaign.run_id} was started: {said}"
    hint = "change it back, go on all the same with --bench-accept-drift, or start anew with --bench-fresh"
    raise DirectoryProblem(problem, hint=hint)
