"""A run this process owns: open (lock, look, decide), begin, end; wired here and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.campaign_file import config_of
from pytest_benchrun.core.conductor import Clock, Conductor, Listener
from pytest_benchrun.core.drift import accept_drift
from pytest_benchrun.core.errors import DirectoryProblem, JournalDamaged, JournalWriteFailed
from pytest_benchrun.core.events import (
    ConfigAccepted,
    LateError,
    Noted,
    RunCreated,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    UnitsAdded,
    UnitsRemoved,
)
from pytest_benchrun.core.killed import ends_of_killed, words_of_death
from pytest_benchrun.core.model import JsonValue, Owner, RunState, Stage, UnitStatus
from pytest_benchrun.core.plan import Plan, ranges_of
from pytest_benchrun.core.pulse import FindPulse
from pytest_benchrun.core.replay import replay
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.runstats import RunStatsView
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.start import SessionFacts, Start
from pytest_benchrun.core.views import StatusView
from pytest_benchrun.store.checkpoints import sweep_checkpoints
from pytest_benchrun.store.database import deliver
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.history import finish_moving, move_to_history
from pytest_benchrun.store.incidents import late_errors, take_fates
from pytest_benchrun.store.journal import JournalReader, JournalWriter, cut_torn_tail
from pytest_benchrun.store.lock import RunLock, read_owner
from pytest_benchrun.store.place import check_path, prepare, refuse_newer_views, try_writing, unusable
from pytest_benchrun.store.publisher import Publisher, mend_views
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.salvage import finish_salvage
from pytest_benchrun.store.seriesfile import SeriesFile
from pytest_benchrun.store.stopfile import StopFile, look_for_stop
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.garbage import without_garbage_collection
from pytest_benchrun.world.identity import config_hash, new_run_id
from pytest_benchrun.world.patience import Patience
from pytest_benchrun.world.process import is_alive, this_process
from pytest_benchrun.world.sandbox import sweep
from pytest_benchrun.world.sighting import look_at_host
from pytest_benchrun.world.timeseries import Pace, sampling

_UNITS_PER_LINE = 1000


class OpenRun:
    """A results directory that this process has locked and read; nothing of it has changed yet.

    Attributes:
        campaign: the run found there; an empty one for a new run.
        earlier: the finished run that a new one puts aside; an empty one when there is none.
        start: what `begin` will do.
        run_id: of the run to come, or to go on.
        notes: what people should be told, one sentence each.
        stats: the figures of the run, once it has ended or there is nothing to do.
        listeners: told of every event beside the views; to be filled before `begin`.
    """

    def __init__(
        self, settings: Settings, name: str, *, rundir: RunDir, owner: Owner, lock: RunLock, clock: Clock
    ) -> None:
        self._lock = lock
        self.settings = settings
        self.rundir = rundir
        self.clock = clock
        self.campaign = Campaign()
        self.start = Start.NEW
        self.run_id = new_run_id(name, clock.now_at())
        self._name = name
        self.notes: list[str] = []
        self.listeners: list[Listener] = []
        self.stats: RunStatsView | None = None
        self._owner = owner
        self._reader = JournalReader(rundir)
        self.earlier = Campaign()
        self._earlier_run_id = ""
        self._stuck: set[str] = set()
        self._late: list[LateError] = []
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

    def view(self) -> StatusView | None:
        """Where the run is now, as `status.json` says it; None before it has begun. In any thread."""
        return self._publisher.view() if self._publisher else None

    @property
    def view_problems(self) -> list[str]:
        """What went wrong with the files that only show; the run went on."""
        return self._publisher.problems if self._publisher else []

    def look(self) -> None:
        """Read what is there and decide, by the table in the README; changes nothing.

        Raises:
            DirectoryProblem: what was asked does not fit what is there.
        """
        settings, directory = self.settings, self.rundir.path
        refuse_newer_views(self.rundir)
        if not self.rundir.has_run():
            if settings.resume:
                problem = f"there is no run to resume in {str(directory)!r}"
                raise DirectoryProblem(problem, hint="start one: leave --bench-resume away")
            return
        self._read()
        deaths = words_of_death(self.campaign) if self._lock.is_held else []
        if settings.resume:
            self.notes += deaths + accept_drift(self.campaign, self._config(), is_accepted=settings.accepts_drift)
            self.start = Start.RESUME
            self.run_id = self.campaign.run_id or self.run_id
            return
        if not (self.campaign.is_finished or settings.is_fresh):
            total, done = len(self.campaign.records), self.campaign.counts[UnitStatus.COMPLETED]
            why = "; ".join([f"{total - done} of {total} units not completed", *deaths])
            problem = f"{str(directory)!r} holds an unfinished run, {self.campaign.run_id} ({why})"
            raise DirectoryProblem(problem, hint="go on with --bench-resume, or put it aside with --bench-fresh")
        self.earlier = self.campaign
        self._earlier_run_id = self.campaign.run_id or f"damaged-{self.clock.now_at().replace(':', '')}"
        self.campaign = Campaign()
        self.start = Start.NEW_AFTER_HISTORY

    def _config(self) -> dict[str, JsonValue]:
        return config_of(self.settings.file, self.settings.group_by, self.settings.phases)

    def _read(self) -> None:
        try:
            with without_garbage_collection():
                replay(self.campaign, self._reader.attempts())
        except JournalDamaged:
            if not self.settings.is_fresh:
                raise
            # Unreadable is no reason to lose it: it goes to the history under a name of its own.
            self.campaign = Campaign()
        self._stuck = take_fates(self.rundir, self.campaign)
        self._late = late_errors(self.rundir, self.campaign)
        if not self.campaign.run_id:
            # A start that died before its first line, or a damaged one put aside: a resume gives it the new name.
            self.campaign.state = RunState.COMPLETE

    def begin(
        self,
        plan: Plan,
        facts: SessionFacts,
        ask_stop: Callable[[], Stop | None],
        interrupt: Callable[[str], None],
    ) -> None:
        """Record the session and its plan; from here on units may start.

        Args:
            plan: what to run.
            facts: what the session says of itself.
            ask_stop: asked before every unit, and twice a second, beside the STOP file: signals, the time limit.
            interrupt: called from another thread, again and again, once `benchrun stop --now` asks; with the reason.

        Raises:
            BenchrunError: the directory could not be written; no unit has started.
        """
        self._facts = facts
        self._lock.keep_nothing()
        try:
            stop_file = self._tidy()
        except OSError as error:
            raise unusable(self.rundir.path, error) from error
        self._wire(lambda: stop_file.find() or ask_stop(), lambda: look_for_stop(self.conductor, stop_file, interrupt))
        self._record_start(plan, facts)
        stop_file.belongs_to(self.run_id, self.campaign.session.session if self.campaign.session else 0)
        sweep_checkpoints(self.rundir, self.campaign, self.check_journal)
        if self._publisher is not None:
            self._publisher.stage = Stage.RUNNING
            self._publisher.start()

    def _tidy(self) -> StopFile:
        """Put aside what is not of this session; each thing becomes a note."""
        self.rundir.disk.sweep_temporary_files(self.rundir.path)
        self.notes += sweep(self.rundir.path)
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
        return stop_file

    def _wire(self, find_stop: Callable[[], Stop | None], look: Callable[[], None]) -> None:
        guard = threading.RLock()
        self._journal = JournalWriter(self.rundir, seq=self._reader.seq)
        self._publisher = Publisher(self.rundir, self.campaign, self.clock, guard, self._journal.sync, look)
        self._conductor = Conductor(
            campaign=self.campaign,
            journal=self._journal,
            settings=self.settings,
            clock=self.clock,
            listeners=(self._publisher, *self.listeners),
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
        for ended in ends_of_killed(self.campaign, self._stuck):
            emit(ended)
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
                makes=[self.rundir.results.name] if self.settings.has_sqlite else [],
            )
        )
        for late in self._late if self.start is Start.RESUME else ():
            emit(replace(late, at=now_at()))
        for sighting in look_at_host(self.settings.environment, "start", facts.cwd, now_at()):
            emit(facts.added_to(sighting))
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

    def show_pulses(self, find_pulse: FindPulse) -> Callable[[], None]:
        """From here on the status says what `find_pulse` knows of units in flight.

        Returns:
            To be called, in any thread, when there is something new to show.
        """
        if self._publisher is None:
            return lambda: None
        self._publisher.find_pulse = find_pulse
        return self._publisher.note_news

    def sampling(self) -> AbstractContextManager[None]:
        """While it is entered, what this host does is written down."""
        session = self.campaign.session.session if self.campaign.session else 0
        pace = Pace(self._owner.host, session, self.settings.sample_interval_s, self.settings.gpu)
        return sampling(SeriesFile(self.rundir, pace.host).append, pace, self.view_problems.append)

    def wait_when_full(self, say: Callable[[str], None]) -> None:
        """From here on a full disk is waited for, in this thread; `say` tells people."""
        if self._publisher is not None:
            show, directory = self._publisher.show_pause, str(self.rundir.path)
            self.conductor.patience = Patience(self.settings.full_disk_wait_s, directory, self.clock, say, show)

    def mend_views(self) -> None:
        """Where there is nothing to do: make the views right that a kill has left behind the journal."""
        if self.start is Start.RESUME and self.campaign.created is not None:
            self._lock.keep_nothing()
            with suppress(OSError):
                self.rundir.disk.sweep_temporary_files(self.rundir.path)
                self.stats = mend_views(self.rundir, self.campaign)

    def check_journal(self) -> None:
        """Make sure that the run's only truth is still there.

        Raises:
            JournalWriteFailed: it is not.
        """
        if self._journal is not None:
            self._journal.check()

    def _look_again(self) -> None:
        with suppress(JournalWriteFailed):  # as above all the end is
            for sighting in look_at_host(self.settings.environment, "end", self._facts.cwd, self.clock.now_at()):
                self.conductor.emit(self._facts.added_to(sighting))

    def end(self, state: RunState, reason: str | None, exit_code: int) -> None:
        """Record the session's end and write the views a last time."""
        if self._journal is None or self._publisher is None:
            return
        self._publisher.stage = Stage.PROCESSING
        self._look_again()
        event = SessionEnded(at=self.clock.now_at(), state=state, reason=reason, exit_code=exit_code)
        try:
            self.conductor.emit(event)
        except JournalWriteFailed:  # said already when it first failed; the next start closes the session
            self.conductor.show(event)
        self.stats = self._publisher.close()
        self._journal.close()
        self._journal = None
        self.view_problems.extend(deliver(self.settings.db, self.rundir, self.campaign))


def open_run(
    settings: Settings, name: str, stack: ExitStack, disk: Disk | None = None, clock: Clock | None = None
) -> OpenRun:
    """Lock the results directory and read what it holds, before any work is spent on collecting.

    Args:
        settings: the options of the session.
        name: what a new run is called, the first part of its id.
        stack: closed by the caller at the end; gives the directory back, and removes it again when
            it was made here and no run began.
        disk: how the directory is written; by default as the settings say.
        clock: the time of events; by default the real one.

    Raises:
        DirectoryProblem: the directory cannot be used, or not for what was asked; nothing was touched.
    """
    clock = clock or WallClock()
    rundir = RunDir(Path(settings.results_dir), disk or Disk(is_durable=settings.durability == "fsync"))
    prepare(rundir, settings, stack)
    owner = this_process(clock.now_at())
    lock = RunLock(rundir.lock, is_alive, rundir.disk)
    try:
        previous = lock.acquire(owner)
    except OSError as error:
        raise unusable(rundir.path, error) from error
    stack.callback(lock.release)
    try_writing(rundir)
    try:
        finish_moving(rundir)
        finish_salvage(rundir, clock.now_at())
        run = OpenRun(settings, name, rundir=rundir, owner=owner, lock=lock, clock=clock)
        run.look()
    except OSError as error:
        raise unusable(rundir.path, error, "read") from error
    if previous:
        run.notes.insert(0, f"took the directory over from pid {previous.pid}, which died without giving it back")
    return run


def peek_run(settings: Settings, name: str) -> OpenRun:
    """Read what a results directory holds without taking it: nothing is locked, made or changed.

    Raises:
        DirectoryProblem: what was asked does not fit what is there.
    """
    clock = WallClock()
    rundir = RunDir(Path(settings.results_dir))
    check_path(rundir, settings)
    lock = RunLock(rundir.lock, is_alive, rundir.disk)
    run = OpenRun(settings, name, rundir=rundir, owner=this_process(clock.now_at()), lock=lock, clock=clock)
    try:
        owner = read_owner(rundir.lock)
        run.look()
    except OSError as error:
        raise unusable(rundir.path, error, "read") from error
    if owner is not None and is_alive(owner):
        run.notes.append(f"the run is going on in pid {owner.pid} on {owner.host}: this plan is for after it")
    if run.start is Start.NEW_AFTER_HISTORY:
        run.notes.append(f"the earlier run {run.earlier.run_id or '(damaged)'} would be moved to the history")
    return run
