"""`run_state.json`: phases, the last checkpoint, whether a stop was asked, the configuration's hash, the sessions."""

from __future__ import annotations

from typing import TypedDict

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.phases import DEFAULT_PHASES, PhaseRecord
from pytest_benchrun.core.records import SessionRecord
from pytest_benchrun.core.slug import slug

DEAD = "dead"
"""State of a session that ended without a word: its process was killed, or a unit ended it."""

_ERROR_LENGTH = 500


class PhaseView(TypedDict):
    """One phase; moments are None for what has not happened."""

    status: str
    started_at: str | None
    updated_at: str | None
    ended_at: str | None
    total: int
    completed: int
    failed: int
    last_error: str | None


class CheckpointView(TypedDict):
    """The last unit that completed: from there on the run goes on.

    Attributes:
        trial_slug: its folder name under `artifacts/`.
        resume_key: its unit id.
    """

    phase: str
    trial_slug: str
    resume_key: str
    timestamp: str


class SessionView(TypedDict):
    """One session; `ended_at`, `state` and `exit_code` as far as they are known."""

    session: int
    started_at: str
    ended_at: str | None
    state: str
    exit_code: int | None
    engine: str
    workers: int
    host: str
    pid: int


class RunStateView(TypedDict):
    """`run_state.json`; phases stand in the order in which they run."""

    schema_version: int
    run_id: str
    config_hash: str
    phases: dict[str, PhaseView]
    last_checkpoint: CheckpointView | None
    stop_requested: bool
    sessions: list[SessionView]


def run_state_view(campaign: Campaign) -> RunStateView:
    """The state of the run's phases and sessions after its last event."""
    reached = campaign.reached
    return RunStateView(
        schema_version=SCHEMA_VERSION,
        run_id=campaign.run_id,
        config_hash=campaign.config_hash,
        phases=phase_views(campaign),
        last_checkpoint=None
        if reached is None
        else CheckpointView(
            phase=reached.unit.phase,
            trial_slug=slug(reached.unit.unit_id),
            resume_key=reached.unit.unit_id,
            timestamp=reached.at,
        ),
        stop_requested=campaign.stop is not None,
        sessions=[_session(record, is_last=record is campaign.sessions[-1]) for record in campaign.sessions],
    )


def phase_views(campaign: Campaign) -> dict[str, PhaseView]:
    """By name, in order; of the phases that every campaign has, those that have units."""
    errors = _last_errors(campaign)
    return {
        name: _phase(campaign, name, phase, errors.get(name))
        for name, phase in campaign.phases.items()
        if phase.total or name not in DEFAULT_PHASES
    }


def _last_errors(campaign: Campaign) -> dict[str, str]:
    """By phase its latest failure; made five times a second, so it stops when each phase has its own."""
    wanted = sum(phase.failed > 0 for phase in campaign.phases.values())
    errors: dict[str, str] = {}
    for unit_id, failure in reversed(campaign.failures.items()):
        if len(errors) == wanted:
            break
        phase = campaign.records[unit_id].unit.phase  # where it is now: its mark may have moved
        errors.setdefault(phase, failure.error[:_ERROR_LENGTH])
    return errors


def _phase(campaign: Campaign, name: str, phase: PhaseRecord, last_error: str | None) -> PhaseView:
    is_current = campaign.state is RunState.RUNNING and name == campaign.current_phase
    return PhaseView(
        status=phase.status(is_current=is_current).value,
        started_at=phase.started_at,
        updated_at=phase.updated_at,
        ended_at=phase.ended_at,
        total=phase.total,
        completed=phase.completed,
        failed=phase.failed,
        last_error=last_error,
    )


def _session(record: SessionRecord, *, is_last: bool) -> SessionView:
    started = record.started
    lives = is_last and record.ended_at is None
    state = record.state.value if record.state else RunState.RUNNING.value if lives else DEAD
    return SessionView(
        session=started.session,
        started_at=started.at,
        ended_at=record.ended_at,
        state=state,
        exit_code=record.exit_code,
        engine=started.engine,
        workers=started.workers,
        host=started.owner.host,
        pid=started.owner.pid,
    )
