"""What the fold keeps: one small record for each unit, attempt in flight, failure, worker and session."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_benchrun.core.events import SessionStarted, UnitResult
from pytest_benchrun.core.model import Metric, RunState, Unit, UnitStatus


@dataclass(slots=True)
class UnitRecord:
    """What is known of one unit.

    Attributes:
        unit: the unit as the work list has it.
        status: by its last attempt.
        attempts: executions so far, the running one included.
        elapsed_s: of the last attempt that was measured; None before.
        metrics: of the last attempt; None when it recorded none.
        is_removed: whether the suite has it no more.
    """

    unit: Unit
    status: UnitStatus = UnitStatus.PENDING
    attempts: int = 0
    elapsed_s: float | None = None
    metrics: dict[str, Metric] | None = None
    is_removed: bool = False


@dataclass(slots=True, kw_only=True)
class Running:
    """A unit in flight.

    Attributes:
        result: what its test function has said while its teardown is still to come; None before.
    """

    unit: Unit
    attempt: int
    worker: str
    started_at: str
    result: UnitResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last failed attempt of a unit."""

    unit: Unit
    attempt: int
    kind: str
    error: str
    at: str
    elapsed_s: float | None


@dataclass(slots=True)
class SessionCounters:
    """What counts anew with every session: a resume is judged by what fails in it.

    Attributes:
        failed_groups: groups with a failure, oldest first (a dict for its order).
        failed_units: failures so far, for `--maxfail`.
        consecutive_failures: failures and lost workers since the last completed unit.
        losses: by unit, how often its worker died under it.
        resumed: units whose end came from earlier sessions.
    """

    failed_groups: dict[str, None] = field(default_factory=dict)
    failed_units: int = 0
    consecutive_failures: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    resumed: int = 0


@dataclass(slots=True)
class WorkerTotal:
    """What one worker did over the whole run: attempts, and the seconds they took."""

    attempts: int = 0
    busy_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class SessionRecord:
    """What is known of one session.

    Attributes:
        started: its first event.
        ended_at: its end; when it was last heard of, for one that died; None while it lives.
        state: what it left behind; None for one that died or lives.
        exit_code: of its process; None as above.
        planned: half-open ranges over the work list: the units that it was to run.
    """

    started: SessionStarted
    ended_at: str | None = None
    state: RunState | None = None
    exit_code: int | None = None
    planned: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reached:
    """The last unit that completed, and when."""

    unit: Unit
    at: str
