"""What the user asked for, checked once and passed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_benchrun.core.campaign_file import CampaignFile
from pytest_benchrun.core.phases import DEFAULT_PHASES

Progress: TypeAlias = Literal["auto", "tqdm", "plain", "none"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A failure threshold as typed: a number of groups, a share of them, or none.

    Attributes:
        groups: groups that may fail; None when only the share counts.
        percent: share of the run's groups that may fail, 0 to 100; None when only the number counts.
            With both, the larger one holds; with neither, there is no threshold.
    """

    groups: int | None = None
    percent: float | None = None

    def limit(self, groups_total: int) -> int | None:
        """How many groups may fail before the run pauses; None for any number."""
        allowed = [] if self.groups is None else [self.groups]
        if self.percent is not None:
            allowed.append(int(groups_total * self.percent / 100))
        return max(allowed) if allowed else None


DEFAULT_THRESHOLD = Threshold(groups=5, percent=10.0)
"""A run pauses when more than max(5, 10 %) of its groups have failed."""


DEFAULT_MAX_CONSECUTIVE_FAILURES: int | None = 10
"""A run pauses after so many failures with no success between."""


DEFAULT_FULL_DISK_WAIT_S = 3600.0
"""Long enough for a person to make room, short enough for a machine that nobody looks after."""


DEFAULT_SAMPLE_INTERVAL_S = 10.0
"""Short enough to see what a unit of a minute did, long enough to cost nothing."""


DEFAULT_TURN_ROTATE_BYTES = 256 * 1024 * 1024
"""Small enough for every tool that reads a file at once, large enough that a day of turns is a few files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """What is kept of turns.

    Attributes:
        is_on: whether turns and events are kept at all.
        sample: share of the turns that is kept, 0 to 1; those that failed are always kept.
        rotate_bytes: size at which the file of turns is put away and compressed.
    """

    is_on: bool = True
    sample: float = 1.0
    rotate_bytes: int = DEFAULT_TURN_ROTATE_BYTES


GpuUse: TypeAlias = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """Which other hosts are looked at, and how.

    Attributes:
        names: as they were typed, each once.
        ssh: the program that reaches them, and its options.
    """

    names: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ("ssh",)


DEFAULT_STUCK_TIMEOUT_S = 900.0
"""Longer than any single step of a healthy unit, short enough that a night is not lost."""


StuckAction: TypeAlias = Literal["fail", "stop", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckSettings:
    """What becomes of units that give no sign of progress.

    Attributes:
        timeout_s: silence after which a unit is stuck; 0 looks after none, unless its mark says otherwise.
        action: `fail` ends it as `timeout`, `stop` stops the run then, `report` only writes it down.
        notify: URL that is told; None for nobody.
    """

    timeout_s: float = DEFAULT_STUCK_TIMEOUT_S
    action: StuckAction = "fail"
    notify: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of one session.

    Attributes:
        results_dir: the results directory, as an absolute path.
        resume: `all` runs failed units again, `unfinished` leaves them alone; None without resume.
        keeps_stale: whether a completed unit stays so although its source, inputs or parameters changed.
        is_fresh: whether an unfinished run may be moved to the history.
        max_failures: the failure threshold over groups.
        group_by: name of the parameter that makes the groups.
        max_consecutive_failures: failures without a success between that pause the run; None for any.
        durability: `fsync` (power loss costs at most 100 ms) or `flush` (survives process death only).
        maxfail: pytest's `--maxfail`; 0 for none.
        time_limit_s: seconds after which the session starts no further unit; None for no limit.
        grace_s: seconds after which a soft stop by a signal becomes a hard one; None for never.
        full_disk_wait_s: seconds that a full disk is waited for; 0 gives up at once.
        budgets: most that a metric may sum up to over the run, by its name.
        file: the campaign file; an empty one when there is none.
        accepts_drift: whether the run may go on under another configuration.
        phases: all phases in the order in which they run.
        wanted_phases: those that this session runs; None for all.
        forces_phase: whether they may run although earlier ones have not ended.
        select: parameter and shell pattern of the units to run; empty for all.
        plan: how to print the plan instead of running it; None to run it.
        turns: what is kept of turns.
        environment: how much is recorded of the host.
        sample_interval_s: seconds between two looks at what the host does; 0 for none.
        hosts: the other hosts that are looked at.
        gpu: whether GPUs are sampled where there are some (`auto`), or it is said why not (`on`), or never.
        progress: how the session shows where it is.
        log_file: where the log goes, as an absolute path; None for no log.
        has_github: whether GitHub Actions gets a step summary and annotations when it runs us.
        stuck: what becomes of units that give no sign of progress.
        resources: of which units it is recorded what they use: `auto`, `on` or `off`.
        has_sqlite: whether `results.sqlite` is made at the end.
        db: where the database is that gets the run at the end, which may say a password; None for none.
    """

    results_dir: str
    resume: Literal["all", "unfinished"] | None = None
    keeps_stale: bool = False
    is_fresh: bool = False
    max_failures: Threshold = DEFAULT_THRESHOLD
    group_by: str | None = None
    max_consecutive_failures: int | None = DEFAULT_MAX_CONSECUTIVE_FAILURES
    durability: Literal["fsync", "flush"] = "fsync"
    maxfail: int = 0
    time_limit_s: float | None = None
    grace_s: float | None = None
    full_disk_wait_s: float = DEFAULT_FULL_DISK_WAIT_S
    budgets: tuple[tuple[str, float], ...] = ()
    file: CampaignFile = field(default_factory=CampaignFile)
    accepts_drift: bool = False
    phases: tuple[str, ...] = DEFAULT_PHASES
    wanted_phases: frozenset[str] | None = None
    forces_phase: bool = False
    select: tuple[tuple[str, str], ...] = ()
    plan: Literal["text", "json"] | None = None
    turns: TurnSettings = field(default_factory=TurnSettings)
    environment: Literal["full", "basic", "off"] = "full"
    sample_interval_s: float = DEFAULT_SAMPLE_INTERVAL_S
    hosts: HostSettings = field(default_factory=HostSettings)
    gpu: GpuUse = "auto"
    progress: Progress = "auto"
    log_file: str | None = None
    has_github: bool = True
    stuck: StuckSettings = field(default_factory=StuckSettings)
    resources: str = "auto"
    has_sqlite: bool = True
    db: str | None = field(default=None, repr=False)
