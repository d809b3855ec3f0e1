"""The words of a campaign as types: unit, metric, outcome, status, state."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

JsonScalar: TypeAlias = str | int | float | bool | None
JsonValue: TypeAlias = "JsonScalar | list[JsonValue] | dict[str, JsonValue]"


class UnitStatus(StrEnum):
    """What the benchmark said, and the two states before it could say anything."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


FAILURES = frozenset({UnitStatus.FAILED, UnitStatus.TIMEOUT})
"""Statuses that count as a failure: for the threshold, the exit code and a resume."""


class Ending(StrEnum):
    """How the process that ran the unit ended; never mixed with what the benchmark said."""

    EXITED = "exited"
    KILLED = "killed"
    STUCK = "stuck"
    LOST = "lost"


class RunState(StrEnum):
    """Where the whole run is."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    PAUSED = "paused"
    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Stage(StrEnum):
    """What a session is doing, as people read it."""

    VALIDATING = "Validating environment"
    COLLECTING = "Collecting cluster info"
    RUNNING = "Running benchmark"
    PROCESSING = "Processing results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One parametrized pytest item, as the frozen work list knows it.

    Parameter names are one tuple shared by all units of a function: at 100,000 units a dict each
    would cost more memory than everything else we keep.

    Attributes:
        unit_id: pytest's node id relative to rootdir.
        function: the node id without its parameters.
        group: what the failure threshold counts; the unit's own id when nothing else was said.
        phase: the campaign-level step it belongs to.
        param_names: names of its parameters, in pytest's order.
        param_values: their values as JSON can hold them, same order and length.
        fingerprint: what else its result depends on, as `source:DIGEST inputs:DIGEST version:TEXT`,
            parts that do not apply left out; one text for all units of a function.
        is_exclusive: whether nothing else of the run may run on its host meanwhile.
        is_warmup: whether it is left out of all statistics.
    """

    unit_id: str
    function: str
    group: str
    phase: str = "run"
    param_names: tuple[str, ...] = ()
    param_values: tuple[JsonValue, ...] = ()
    fingerprint: str = ""
    is_exclusive: bool = False
    is_warmup: bool = False

    @property
    def params(self) -> dict[str, JsonValue]:
        """The parameters as a new dict, in pytest's order."""
        return dict(zip(self.param_names, self.param_values, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named number of a unit.

    Attributes:
        value: a finite float or int; None where it was not finite; text where it was no number
            (kept, and left out of every statistic).
        unit: unit of measure as people write it, `""` when it has none.
        better: `"lower"`, `"higher"`, or None when neither is better.
    """

    value: float | int | str | None
    unit: str = ""
    better: str | None = None


@dataclass(frozen=True, kw_only=True)  # no slots: it is written with every unit, see core.events
class Outcome:
    """What one attempt of a unit came to, put together where it ran.

    Attributes:
        status: what the benchmark said.
        kind: where or why, for what did not complete: `setup`, `call`, `teardown`, `timeout`,
            `crash`, `skip`, `interrupt`; `xfail` when it completed by failing as expected, else None.
        message: one line for people; the skip reason or the error.
        detail: the traceback as text, cut; for a skip its place and reason; None when there is none.
        metrics: by name, in the order of their first recording.
        warnings: what was wrong with recorded values, one sentence each.
    """

    status: UnitStatus
    kind: str | None = None
    message: str | None = None
    detail: str | None = None
    metrics: dict[str, Metric] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


COMPLETED = Outcome(status=UnitStatus.COMPLETED)
"""The outcome of a unit that has nothing more to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The process that holds a results directory.

    Attributes:
        host: node name.
        pid: process id on that host.
        boot_id: identity of the host's boot; `""` where the system has none.
        process_started: opaque token of the process's start, tells a reused pid from the owner.
        started_at: when the session began.
    """

    host: str
    pid: int
    boot_id: str
    process_started: str
    started_at: str
