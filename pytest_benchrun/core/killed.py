"""How what a dead owner left in flight is ended."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import UnitEnded
from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.core.model import Ending, Outcome, UnitStatus
from pytest_benchrun.core.sequence import LIVE_STATES

_KILLED = Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message="the run was killed while it ran")

_NAMED = 3


def words_of_death(campaign: Campaign) -> list[str]:
    """How a session whose owner is gone has ended, and in which units: one sentence; none where it has said its end."""
    session = campaign.session
    if session is None or campaign.state not in LIVE_STATES:
        return []
    names = [to_name(unit_id) for unit_id in campaign.running]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    place = f" while {', '.join(names[:_NAMED])}{more} ran" if names else ""
    process = f"its process, pid {session.owner.pid} on host {session.owner.host}"
    return [f"session {session.session} has no end: {process}, was killed, or a unit ended it with os._exit{place}"]


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
