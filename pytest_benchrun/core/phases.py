"""Phases: the campaign-level steps, in order; their counts, times and status follow from their units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_benchrun.core.errors import UsageProblem, nearest
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import FAILURES, UnitStatus

DEFAULT_PHASES = ("prepare", "run", "score", "report")
"""The phases of a campaign that names none; those without units are not shown."""

PHASE_OF_UNITS = "run"
"""Where a unit belongs that says nothing of its phase."""


class PhaseStatus(StrEnum):
    """Where a phase is; computed from its units, never set by hand."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"


@dataclass(slots=True)
class PhaseRecord:
    """What is known of one phase.

    Attributes:
        counts: its units by status.
        started_at: start of its first unit; None before.
        updated_at: last start or end of one of its units; None before.
        ended_at: when its last unit ended; None while one has no end.
    """

    counts: dict[UnitStatus, int] = field(default_factory=lambda: dict.fromkeys(UnitStatus, 0))
    started_at: str | None = None
    updated_at: str | None = None
    ended_at: str | None = None

    @property
    def total(self) -> int:
        """Units that belong to it."""
        return sum(self.counts.values())

    @property
    def completed(self) -> int:
        """Units that completed."""
        return self.counts[UnitStatus.COMPLETED]

    @property
    def failed(self) -> int:
        """Units whose last attempt failed or timed out."""
        return sum(self.counts[status] for status in FAILURES)

    @property
    def unfinished(self) -> int:
        """Units without an end."""
        counts = self.counts  # written out: asked at every unit's end
        return counts[UnitStatus.PENDING] + counts[UnitStatus.RUNNING] + counts[UnitStatus.INTERRUPTED]

    def status(self, *, is_current: bool) -> PhaseStatus:
        """Where the phase is.

        Args:
            is_current: whether units of this phase are being handed out now.
        """
        if self.unfinished:
            if self.counts[UnitStatus.RUNNING] or is_current:
                return PhaseStatus.RUNNING
            return PhaseStatus.STOPPED if self.started_at else PhaseStatus.NOT_STARTED
        if self.failed:
            return PhaseStatus.FAILED
        return PhaseStatus.COMPLETED if self.completed else PhaseStatus.SKIPPED


def pick_phases(
    known: Sequence[str], *, first: str | None = None, last: str | None = None, only: str | None = None
) -> frozenset[str]:
    """The phases that a session may run.

    Args:
        known: all phases in order.
        first: `--bench-from`; None for the first one.
        last: `--bench-to`; None for the last one.
        only: `--bench-only`; None for all.

    Raises:
        UsageProblem: an unknown name, or a range that is empty.
    """
    for option, name in (("--bench-from", first), ("--bench-to", last), ("--bench-only", only)):
        if name is not None and name not in known:
            problem = f"{option}={name!r}: there is no such phase; known: {', '.join(known)}"
            raise UsageProblem(problem, hint=f"{option}={nearest(name, known)}")
    if only is not None:
        if first is not None or last is not None:
            problem = "--bench-only names one phase: --bench-from and --bench-to say otherwise"
            raise UsageProblem(problem, hint=f"keep one of them: --bench-only={only}")
        return frozenset({only})
    start = known.index(first) if first is not None else 0
    end = known.index(last) if last is not None else len(known) - 1
    if start > end:
        problem = f"--bench-from={first!r} comes after --bench-to={last!r}: no phase lies between; order: "
        raise UsageProblem(problem + ", ".join(known), hint=f"--bench-from={last} --bench-to={first}")
    return frozenset(known[start : end + 1])


def check_phases(names: Iterable[str], said_by: str) -> tuple[str, ...]:
    """The phases as they were named, in order.

    Args:
        names: as the user wrote them.
        said_by: where, for the error.

    Raises:
        UsageProblem: none at all, an empty name, one that stands twice or one that no file can hold.
    """
    phases = tuple(names)
    if not phases or not all(phase.strip() for phase in phases):
        raise UsageProblem(f"{said_by} names no phase", hint=f"for example: {_example(said_by)}")
    broken = next((phase for phase in phases if safe_text(phase) != phase), None)
    if broken is not None:
        problem = f"{said_by} names the phase {broken!r}, which is no text"
        raise UsageProblem(problem, hint=f"for example: {_example(said_by)}")
    twice = next((phase for phase in phases if phases.count(phase) > 1), None)
    if twice is not None:
        raise UsageProblem(f"{said_by} names the phase {twice!r} twice", hint=f"for example: {_example(said_by)}")
    return phases


def _example(said_by: str) -> str:
    """The default as it is written on the command line, in the configuration file or in the campaign file."""
    if said_by.startswith("--"):
        return f"{said_by}={','.join(DEFAULT_PHASES)}"
    if said_by.endswith("[campaign] phases"):
        return f"phases = {list(DEFAULT_PHASES)}".replace("'", '"')
    return f"{said_by} = {', '.join(DEFAULT_PHASES)}"
