"""How what a dead owner left in flight is ended."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import UnitEnded
from pytest_benchrun.core.model import Ending, Outcome, UnitStatus

_KILLED = Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message="the run was killed while it ran")


def ends_of_killed(campaign: Campaign, stuck: AbstractSet[str]) -> list[UnitEnded]:
    """The ends of what was in flight when the last owner died: by its result if it had spoken, else as interrupted.

    At the moment the dead session was last heard of: a night between must not count as its time.

    Args:
        campaign: the run.
        stuck: units whose process was ended because they hung.
    """
    return [
        UnitEnded(
            at=campaign.last_at,
            unit_id=running.unit.unit_id,
            attempt=running.attempt,
            worker=running.worker,
            ended=Ending.STUCK if running.unit.unit_id in stuck else Ending.KILLED,
            elapsed_s=running.result.elapsed_s if running.result else None,
            outcome=running.result.outcome if running.result else _KILLED,
        )
        for running in campaign.running.values()
    ]
