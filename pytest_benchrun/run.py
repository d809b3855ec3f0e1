"""A run this process owns: open (lock, look, decide), begin, end; wired here and nowhere else."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.campaign_file import config_of, differences
from pytest_benchrun.core.conductor import Conductor
from pytest_benchrun.core.errors import DirectoryProblem, JournalDamaged, JournalWriteFailed, NewerSchema
from pytest_benchrun.core.events import (
    SCHEMA_VERSION,
    ConfigAccepted,
    Noted,
    RunCreated,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    UnitEnded,
    UnitsAdded,
    UnitsRemoved,
)
from pytest_benchrun.core.model import Ending, JsonValue, Outcome, Owner, RunState, UnitStatus
from pytest_benchrun.core.plan import Plan, ranges_of
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.views import RunStatsView
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.history import finish_moving, move_to_history
from pytest_benchrun.store.journal import JournalReader, JournalWriter, cut_torn_tail
from pytest_benchrun.store.lock import RunLock, read_owner
from pytest_benchrun.store.publisher import Publisher
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.salvage import finish_salvage
from pytest_benchrun.store.stopfile import StopFile
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive, this_process

NEEDED_BYTES = 1024 * 1024
_UNITS_PER_LINE = 1000


class Start(Enum):
    """What the session will do with what the directory holds (the table of the contract)."""

    NEW = auto()
    RESUME = auto()
    NEW_AFTER_HISTORY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What a session says of itself in the journal.

    Attributes:
        engine: `bare` or `xdist`.
        workers: how many were asked for.
    """

    engine: str
    workers: int
    command: list[str]
    cwd: str
    versions: dict[str, str]
    version: str


class OpenRun:
    """A results directory that this process has locked and read; nothing of it has changed yet.

    Attributes:
        campaign: the run found there; an empty one for a new run.
        earlier: the finished run that a new one puts aside; an empty one when there is none.
        start: what `begin` will do.
        run_id: of the run to come, or to go on.
        notes: what people should be told, one sentence each.
        stats: the figures of the run, once it has ended.
    """

    def __init__(
        self, settings: Settings, name: str, *, rundir: RunDir, owner: Owner, lock: RunLock, clock: WallClock
    ) -> None:
        self._lock = lock
        self.settings = settings
        self.rundir = rundir
        self.clock = clock
        self.campaign = Campaign()
        self.start = Start.NEW
        self.run_id = _new_run_id(name, clock.now_at())
        self._name = name
        self.notes: list[str] = []
        self.stats: RunStatsView | None = None
        self._owner = owner
        self._reader = JournalReader(rundir)
        self.earlier = Campaign()
        self._earlier_run_id = ""
        self._conductor: Conductor | None = None
        self._journal: JournalWriter | None = None
        self._publisher: Publisher | None = None

    @property
    def conductor(self) -> Conductor:
        """Leads the events; only after `begin`."""
        if self._conductor is None:
            message = "the run has not begun"
            raise RuntimeError(message)
        return self._conductor

    @property
    def has_begun(self) -> bool:
        """Whether anything was recorded."""
        return self._conductor is not None

    @property
    def view_problems(self) -> list[str]:
        """What went wrong with the files that only show; the run went on."""
        return self._publisher.problems if self._publisher else []

    def look(self) -> None:
        """Read what is there and decide, by the table of the contract; changes nothing.

        Raises:
            DirectoryProblem: what was asked does not fit what is there.
        """
        settings, directory = self.settings, self.rundir.path
        self._refuse_newer_views()
        if not self.rundir.has_run():
            if settings.resume:
                problem = f"there is no run to resume in {str(directory)!r}"
                raise DirectoryProblem(problem, hint="start one: leave --bench-resume away")
            return
        self._read()
        if settings.resume:
            self._check_drift()
            self.start = Start.RESUME
            self.run_id = self.campaign.run_id or self.run_id
            return
        if not (self.campaign.is_finished or settings.is_fresh):
            counts = self.campaign.counts
            left = len(self.campaign.records) - counts[UnitStatus.COMPLETED]
            problem = (
                f"{str(directory)!r} holds an unfinished run, {self.campaign.run_id} "
                f"({left} of {len(self.campaign.records)} units not completed)"
            )
            raise DirectoryProblem(problem, hint="go on with --bench-resume, or put it aside with --bench-fresh")
        self.earlier = self.campaign
        self._earlier_run_id = self.campaign.run_id or f"damaged-{self.clock.now_at().replace(':', '')}"
        self.campaign = Campaign()
        self.start = Start.NEW_AFTER_HISTORY

    def _check_drift(self) -> None:
        """Refuse to mix results that were measured under two configurations.

        Raises:
            DirectoryProblem: with both values of each key that changed.
        """
        if self.campaign.created is None:
            return
        changed = differences(self.campaign.config, self._config())
        if not changed:
            return
        said = "; ".join(f"{key} was {before}, is now {now}" for key, before, now in changed)
        if self.settings.accepts_drift:
            self.notes.append(f"the configuration has changed and was accepted: {said}")
            return
        problem = f"the configuration has changed since {self.campaign.run_id} was started: {said}"
        hint = "change it back, go on all the same with --bench-accept-drift, or start anew with --bench-fresh"
        raise DirectoryProblem(problem, hint=hint)

    def _config(self) -> dict[str, JsonValue]:
        return config_of(self.settings.file, self.settings.group_by, self.settings.phases)

    def _read(self) -> None:
        try:
            for event in self._reader:
                self.campaign.apply(event)
        except JournalDamaged:
            if not self.settings.is_fresh:
                raise
            # Unreadable is no reason to lose it: it goes to the history under a name of its own.
            self.campaign = Campaign()
        if not self.campaign.run_id:
            # A start that died before its first line, or a damaged one put aside: a resume gives it the new name.
            self.campaign.state = RunState.COMPLETE

    def _refuse_newer_views(self) -> None:
        for path in (self.rundir.status, self.rundir.run_state, self.rundir.runstats):
            with suppress(OSError, ValueError, TypeError, KeyError):
                version = orjson.loads(path.read_bytes())["schema_version"]
                if version > SCHEMA_VERSION:
                    raise NewerSchema(str(path), version, SCHEMA_VERSION)

    def begin(self, plan: Plan, facts: SessionFacts, ask_stop: Callable[[], Stop | None]) -> None:
        """Record the session and its plan; from here on units may start.

        Args:
            plan: what to run.
            facts: what the session says of itself.
            ask_stop: asked before every unit, beside the STOP file: signals, the time limit.

        Raises:
            BenchrunError: the directory could not be written; no unit has started.
        """
        self._lock.keep_nothing()
        self.rundir.disk.sweep_temporary_files(self.rundir.path)
        if self.start is Start.NEW_AFTER_HISTORY:
            place = move_to_history(self.rundir, self._earlier_run_id)
            self.notes.append(f"the earlier run was moved to {place}")
            self._reader = JournalReader(self.rundir)
        now_at = self.clock.now_at()
        if self._reader.torn:
            kept = cut_torn_tail(self.rundir, self._reader.torn, now_at)
            self.notes.append(f"the last line of the journal was torn and is cut off; its bytes are in {kept.name}")
        stop_file = StopFile(self.rundir, self.clock.now_at)
        self.notes += [
            f"a STOP from before this session was put aside as {name}" for name in stop_file.put_aside_stale()
        ]
        self._wire(lambda: stop_file.find() or ask_stop())
        self._record_start(plan, facts)
        stop_file.belongs_to(self.run_id, self.campaign.session.session if self.campaign.session else 0)
        if self._publisher is not None:
            self._publisher.start()

    def _wire(self, find_stop: Callable[[], Stop | None]) -> None:
        guard = threading.RLock()
        self._journal = JournalWriter(self.rundir, seq=self._reader.seq)
        self._publisher = Publisher(self.rundir, self.campaign, self.clock, guard, self._journal.sync)
        self._conductor = Conductor(
            campaign=self.campaign,
            journal=self._journal,
            settings=self.settings,
            clock=self.clock,
            listeners=(self._publisher,),
            find_stop=find_stop,
            guard=guard,
        )

    def _record_start(self, plan: Plan, facts: SessionFacts) -> None:
        emit, now_at = self.conductor.emit, self.clock.now_at
        config = self._config()
        if self.campaign.created is None:
            emit(
                RunCreated(
                    at=now_at(),
                    run_id=self.run_id,
                    campaign=self._name,
                    config=config,
                    config_hash=config_hash(config),
                    version=facts.version,
                )
            )
        self._close_killed_units()
        emit(
            SessionStarted(
                at=now_at(),
                session=self.campaign.session.session + 1 if self.campaign.session else 1,
                owner=self._owner,
                engine=facts.engine,
                workers=facts.workers,
                command=facts.command,
                cwd=facts.cwd,
                versions=facts.versions,
                group_by=self.settings.group_by,
                phases=list(self.settings.phases),
            )
        )
        if config_hash(config) != self.campaign.config_hash:
            emit(ConfigAccepted(at=now_at(), config=config, config_hash=config_hash(config)))
        for text in self.notes:
            emit(Noted(at=now_at(), text=text))
        for first in range(0, len(plan.added), _UNITS_PER_LINE):
            emit(UnitsAdded(at=now_at(), units=plan.added[first : first + _UNITS_PER_LINE]))
        if plan.removed:
            emit(UnitsRemoved(at=now_at(), units=ranges_of(self.campaign, plan.removed)))
        limit = self.settings.max_failures.limit(self.campaign.groups_total)
        emit(SessionPlanned(at=now_at(), run=ranges_of(self.campaign, plan.run), failure_limit=limit))

    def _close_killed_units(self) -> None:
        """End what was in flight when the last owner died: by its result if it had spoken, else as interrupted.

        At the moment the dead session was last heard of: a night between must not count as its time.
        """
        last_at = self.campaign.last_at
        for running in list(self.campaign.running.values()):
            result = running.result
            outcome = (
                result.outcome
                if result
                else Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message="the run was killed while it ran")
            )
            self.conductor.emit(
                UnitEnded(
                    at=last_at,
                    unit_id=running.unit.unit_id,
                    attempt=running.attempt,
                    worker=running.worker,
                    ended=Ending.KILLED,
                    elapsed_s=result.elapsed_s if result else None,
                    outcome=outcome,
                )
            )

    def check_journal(self) -> None:
        """Make sure that the run's only truth is still there.

        Raises:
            JournalWriteFailed: it is not.
        """
        if self._journal is not None:
            self._journal.check()

    def end(self, state: RunState, reason: str | None, exit_code: int) -> None:
        """Record the session's end and write the views a last time."""
        if self._journal is None or self._publisher is None:
            return
        with suppress(JournalWriteFailed):  # said already when it first failed; the next start closes the session
            event = SessionEnded(at=self.clock.now_at(), state=state, reason=reason, exit_code=exit_code)
            self.conductor.emit(event)
        self.stats = self._publisher.close()
        self._journal.close()
        self._journal = None


def open_run(settings: Settings, name: str, stack: ExitStack) -> OpenRun:
    """Lock the results directory and read what it holds, before any work is spent on collecting.

    Args:
        settings: the options of the session.
        name: what a new run is called, the first part of its id.
        stack: closed by the caller at the end; gives the directory back, and removes it again when
            it was made here and no run began.

    Raises:
        DirectoryProblem: the directory cannot be used, or not for what was asked; nothing was touched.
    """
    clock = WallClock()
    rundir = RunDir(Path(settings.results_dir), Disk(is_durable=settings.durability == "fsync"))
    _prepare(rundir, settings, stack)
    owner = this_process(clock.now_at())
    lock = RunLock(rundir.lock, is_alive)
    try:
        previous = lock.acquire(owner)
    except OSError as error:
        raise _unusable(rundir.path, error) from error
    stack.callback(lock.release)
    _try_writing(rundir)
    finish_moving(rundir)
    finish_salvage(rundir, clock.now_at())
    run = OpenRun(settings, name, rundir=rundir, owner=owner, lock=lock, clock=clock)
    if previous:
        run.notes.append(f"took the directory over from pid {previous.pid}, which died without giving it back")
    run.look()
    return run


def peek_run(settings: Settings, name: str) -> OpenRun:
    """Read what a results directory holds without taking it: nothing is locked, made or changed.

    Raises:
        DirectoryProblem: what was asked does not fit what is there.
    """
    clock = WallClock()
    rundir = RunDir(Path(settings.results_dir))
    _check_path(rundir, settings)
    lock = RunLock(rundir.lock, is_alive)
    run = OpenRun(settings, name, rundir=rundir, owner=this_process(clock.now_at()), lock=lock, clock=clock)
    owner = read_owner(rundir.lock)
    if owner is not None and is_alive(owner):
        run.notes.append(
            f"the run is going on in pid {owner.pid} on {owner.host}: this is the plan of a session after it"
        )
    run.look()
    if run.start is Start.NEW_AFTER_HISTORY:
        run.notes.append(f"the finished run {run.earlier.run_id} would be moved to the history")
    return run


def _check_path(rundir: RunDir, settings: Settings) -> None:
    path = rundir.path
    if path.exists() and not path.is_dir():
        message = f"--bench-results={str(path)!r} is not a directory"
        raise DirectoryProblem(message, hint="name another directory, or move that file away")
    if settings.resume and not path.exists():
        message = f"there is no run to resume: {str(path)!r} does not exist"
        raise DirectoryProblem(message, hint="start one: leave --bench-resume away")


def _prepare(rundir: RunDir, settings: Settings, stack: ExitStack) -> None:
    path = rundir.path
    _check_path(rundir, settings)
    if not path.exists():
        try:
            rundir.disk.make_dir(path)
        except OSError as error:
            raise _unusable(path, error) from error
        stack.callback(_remove_if_unused, rundir)


def _remove_if_unused(rundir: RunDir) -> None:
    """Take a directory of our own making away again when no run began in it."""
    left = {entry.name for entry in os.scandir(rundir.path)} if rundir.path.exists() else {"gone"}
    if left <= {rundir.lock.name}:
        with suppress(OSError):
            rundir.lock.unlink(missing_ok=True)
            rundir.path.rmdir()


def _try_writing(rundir: RunDir) -> None:
    """A run that cannot write must not start."""
    try:
        free = rundir.disk.free_bytes(rundir.path)
        probe = rundir.path / f".benchrun-tmp-probe-{os.getpid()}"
        rundir.disk.write_atomically(probe, b" " * 65536)
        rundir.disk.unlink(probe)
    except OSError as error:
        raise _unusable(rundir.path, error) from error
    if free < NEEDED_BYTES:
        message = f"only {free // 1024} kB are free on the disk of {str(rundir.path)!r}"
        raise DirectoryProblem(message, hint="make room, or name a directory on another disk with --bench-results")


def _unusable(path: Path, error: OSError) -> DirectoryProblem:
    message = f"cannot write into --bench-results={str(path)!r}: {error.strerror or error}"
    return DirectoryProblem(message, hint="make it writable, make room, or name another directory")


def _new_run_id(campaign: str, now_at: str) -> str:
    """`<name>-<YYYYmmdd-HHMMSS>-<8 hex>`."""
    stamp = now_at[:19].replace("-", "").replace(":", "").replace("T", "-")
    return f"{campaign}-{stamp}-{uuid.uuid4().hex[:8]}"


def config_hash(config: dict[str, JsonValue]) -> str:
    """SHA-256 of the canonical JSON of what makes the measured values."""
    return hashlib.sha256(orjson.dumps(config, option=orjson.OPT_SORT_KEYS)).hexdigest()
