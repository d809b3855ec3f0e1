"""The one process that writes: from what the engines saw to events, and the session's start and end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.environment import unfit_now
from pytest_benchrun.core.errors import BenchrunError, JournalWriteFailed
from pytest_benchrun.core.events import (
    Event,
    LateError,
    Noted,
    RestSkipped,
    UnitEnded,
    UnitResult,
    WorkerDown,
    WorkerUp,
)
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import Ending, Outcome, RunState, Unit, UnitStatus
from pytest_benchrun.core.plan import Plan, ranges_of
from pytest_benchrun.core.rules import Stop, exit_code, exit_code_of_nothing, final_state, lacks_end, time_is_up
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.start import Start
from pytest_benchrun.hooks.closing import raise_stop, show_interrupted, show_skipped
from pytest_benchrun.hooks.facts import campaign_name, session_facts
from pytest_benchrun.hooks.incidents import IncidentDesk, fate_of, outcome_of_loss
from pytest_benchrun.hooks.orphans import orphans_of
from pytest_benchrun.hooks.planning import Planning
from pytest_benchrun.hooks.translate import detail_of, message_of
from pytest_benchrun.hooks.userhooks import UserHooks
from pytest_benchrun.report.text import plan_line, summary_lines
from pytest_benchrun.run import OpenRun, open_run
from pytest_benchrun.store.checkpoints import forget_checkpoint
from pytest_benchrun.store.turnjoin import tidy_turns
from pytest_benchrun.store.turnstats import figures_of
from pytest_benchrun.world.screen import Screen
from pytest_benchrun.world.signals import StopSignals


class Recorder:
    """Owns the run of this session.

    Args:
        config: pytest's.
        settings: the session's.
        version: ours, for the journal.
    """

    def __init__(self, config: pytest.Config, settings: Settings, version: str) -> None:
        self._config = config
        self.settings = settings
        self._version = version
        self._stack = ExitStack()
        self._pid = os.getpid()
        self._run: OpenRun | None = None
        self._plan: Plan | None = None
        self._failure: JournalWriteFailed | None = None
        self._is_interrupted: str | None = None
        self._started_s = 0.0
        self.screen = Screen()  # now: capture is off while plugins are configured, and on when signals come
        self._stack.callback(self.screen.close)
        self.signals = StopSignals(self._shout)
        self._incidents = IncidentDesk(config, settings.stuck.notify)
        self._hooks = UserHooks(config, self._note)

    @property
    def run(self) -> OpenRun:
        """The run; only after the session has started."""
        if self._run is None:
            message = "the session has not started"
            raise RuntimeError(message)
        return self._run

    @property
    def campaign(self) -> Campaign:
        """The run's state."""
        return self.run.campaign

    def unit(self, unit_id: str) -> Unit:
        """The unit as the work list has it."""
        return self.campaign.records[unit_id].unit

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Take the directory before any work is spent on workers or collecting."""
        name = campaign_name(self.settings.file.name or self._config.rootpath.name)
        try:
            self._run = open_run(self.settings, name, self._stack)
        except BenchrunError as error:
            self._stack.close()
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl
    def pytest_report_header(self) -> list[str]:
        """Say where the results go."""
        run = self.run
        verb = "resuming" if run.start is Start.RESUME else "new run"
        return [f"benchrun: {verb} {run.run_id}, results in {run.rundir.path}"]

    def plan(self, units: Sequence[Unit], deselected: Sequence[str]) -> Plan:
        """Decide what this session runs; writes nothing.

        Args:
            units: the work list.
            deselected: ids of units that were collected and then deselected.
        """
        planning = Planning(self._config, self.settings, self.campaign)
        try:
            self._plan = planning.plan(units, deselected)
        except BenchrunError as error:
            raise pytest.UsageError(str(error)) from error
        self.run.notes += planning.notes
        return self._plan

    def begin(self, engine: str, workers: int) -> bool:
        """Begin the planned session.

        Returns:
            False when there is nothing to do, and then nothing was written.
        """
        plan = self._plan
        self.run.notes += orphans_of(self.run)
        self.run.notes += self._tidy_turns()  # what a killed session has left, before its run goes on or away
        must_close = self.run.start is Start.RESUME and lacks_end(self.campaign)
        if plan is None or (plan.is_empty and not must_close):
            self.run.mend_views()
            self._say(plan_line(self.campaign, plan) if plan else "benchrun: nothing collected")
            return False
        self._started_s = self.run.clock.monotonic_s()
        facts = session_facts(self._config, engine, workers, self._version, self._hooks.environment)
        try:
            self.run.begin(plan, facts, self._ask_stop, self.signals.harden)
        except BenchrunError as error:
            raise pytest.UsageError(str(error)) from error
        self._incidents.open(self.run.rundir)
        self._stack.callback(self._incidents.close)
        self.signals.install(self.settings.grace_s)
        self._stack.callback(self.signals.restore)
        self._stack.callback(self._tidy_turns)  # not before xdist has ended its workers, which it does at finish
        self.run.wait_when_full(self._shout)
        self._stack.enter_context(self.run.sampling())
        for text in self.run.notes:
            self._say(f"benchrun: {text}")
        for text in unfit_now(self.campaign):
            self._say(f"benchrun: unfit to measure: {text}")
        self._say(plan_line(self.campaign, plan))
        self._hooks.run_started(self.run, len(plan.run))
        return True

    def _tidy_turns(self) -> list[str]:
        if os.getpid() != self._pid:
            return []
        return tidy_turns(self.run.rundir, self.settings.turns.rotate_bytes, self.run.clock.now_at())

    def _ask_stop(self) -> Stop | None:
        if self.signals.received is not None:
            return Stop("signal", f"stop requested by {self.signals.received}", RunState.STOPPED)
        return time_is_up(self.settings, self.run.clock.monotonic_s() - self._started_s)

    def start(self, unit_id: str, worker: str) -> int | None:
        """Ask for the verdict and record the start, before the unit is handed out.

        Returns:
            The number of the attempt; None when no unit may start any more.
        """
        try:
            with self.signals.shielded():
                return self.run.conductor.start(unit_id, worker)
        except JournalWriteFailed as error:
            self._give_up(error)
            return None

    def may_start(self) -> bool:
        """The verdict; a stop is recorded with it."""
        try:
            return self.run.conductor.may_start()
        except JournalWriteFailed as error:
            self._give_up(error)
            return False

    @property
    def has_failed(self) -> bool:
        """Whether the journal could not be written: what is not in it must not be shown."""
        return self._failure is not None

    def result(self, unit_id: str, attempt: int, worker: str, elapsed_s: float, outcome: Outcome) -> None:
        """Record what the unit has said, before pytest shows it."""
        self._emit(
            UnitResult(
                at=self.run.clock.now_at(),
                unit_id=unit_id,
                attempt=attempt,
                worker=worker,
                elapsed_s=elapsed_s,
                outcome=outcome,
            )
        )

    def end(
        self, unit_id: str, worker: str, elapsed_s: float | None, outcome: Outcome, ended: Ending = Ending.EXITED
    ) -> None:
        """Record the end of the attempt in flight; only then a completed unit needs its checkpoint no more."""
        event = UnitEnded(
            at=self.run.clock.now_at(),
            unit_id=unit_id,
            attempt=self.campaign.records[unit_id].attempts,
            worker=worker,
            ended=ended,
            elapsed_s=elapsed_s,
            outcome=outcome,
        )
        self._emit(event)
        if not self.has_failed:
            if outcome.status is UnitStatus.COMPLETED:
                self._forget_checkpoint(unit_id)
            self._hooks.unit_ended(self.unit(unit_id), event)

    def _forget_checkpoint(self, unit_id: str) -> None:
        if os.getpid() == self._pid:  # a child that the unit forked has recorded nothing
            forget_checkpoint(self.run.rundir, unit_id, self.run.check_journal)

    def lose(self, unit_id: str, worker: str, error: str, stacks: str) -> bool:
        """Record that a worker died under a unit, how, and what it was at.

        Returns:
            Whether the unit may be tried again in this session.
        """
        incident = self._incidents.of_worker(worker)
        if incident is not None:
            outcome, ended = fate_of(incident, unit_id, self.campaign.records[unit_id].attempts)
            self.end(unit_id, worker, None if ended is Ending.KILLED else incident["elapsed_s"], outcome, ended)
            if incident["action"] == "stop":
                self.stop(Stop("stuck", f"{incident['unit_id']}: {incident['message']}", RunState.STOPPED))
            return ended is Ending.KILLED
        losses = self.campaign.counters.losses.get(unit_id, 0) + 1
        outcome = outcome_of_loss(worker, error, stacks, losses)
        self.end(unit_id, worker, None, outcome, Ending.LOST)
        return outcome.status is UnitStatus.INTERRUPTED

    def late_error(self, report: pytest.TestReport) -> None:
        """Record that a wider fixture failed after its last unit had ended."""
        at = self.run.clock.now_at()
        unit_id = safe_text(report.nodeid)
        self._emit(LateError(at=at, unit_id=unit_id, message=message_of(report), detail=detail_of(report)))

    def worker_up(self, worker: str, host: str, pid: int) -> None:
        """Record that a worker can take units."""
        self._emit(WorkerUp(at=self.run.clock.now_at(), worker=worker, host=host, pid=pid))

    def worker_down(self, worker: str, error: str | None) -> None:
        """Record that a worker is gone."""
        self._emit(WorkerDown(at=self.run.clock.now_at(), worker=worker, error=error))
        incident = self._incidents.of_worker(worker) if error is not None else None
        if incident is not None and incident["is_wide"]:
            unit_id, message, detail = incident["unit_id"], incident["message"], incident["stacks"]
            self._emit(LateError(at=self.run.clock.now_at(), unit_id=unit_id, message=message, detail=detail))

    def stop(self, stop: Stop) -> None:
        """Start no further unit."""
        try:
            self.run.conductor.stop(stop)
        except JournalWriteFailed as error:
            self._give_up(error)

    def interrupt(self, reason: str) -> list[str]:
        """The session is being torn out of its loop: end what is in flight as interrupted.

        Returns:
            The ids of those units, to be shown where other plugins' hooks can still be called.
        """
        self._is_interrupted = reason
        in_flight = list(self.campaign.running.values())
        for running in in_flight:
            outcome = Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message=reason)
            self.end(running.unit.unit_id, running.worker, None, outcome, Ending.KILLED)
        return [running.unit.unit_id for running in in_flight]

    def show_interrupted(self, unit_id: str, reason: str) -> None:
        """Report an attempt that is recorded as interrupted."""
        show_interrupted(self._config, self.campaign, unit_id, reason)

    def skip_rest(self, unit_ids: Sequence[str]) -> None:
        """Report the units that will not start: cheap reports made here, so that JUnit and totals stay true."""
        if not unit_ids:
            return
        stop = self.campaign.stop
        reason = f"benchrun: {stop.reason if stop else 'not run'}"
        ranges = ranges_of(self.campaign, unit_ids)
        self._emit(RestSkipped(at=self.run.clock.now_at(), units=ranges, reason=reason))
        show_skipped(self._config, self.campaign, unit_ids, reason)

    def close_loop(self, session: pytest.Session, rest: Sequence[str]) -> None:
        """Report the units that will not start, and tell pytest why, so that its banner and exit code say so."""
        self.skip_rest(rest)
        self.signals.hold_back()  # an interrupt of what pytest does next would escape it, and the run had no end
        if rest:
            raise_stop(session, self.campaign)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the run's end before anything shows it, and settle the exit code."""
        self.signals.hold_back()
        self._finish(session, exitstatus)

    @pytest.hookimpl
    def pytest_enter_pdb(self) -> None:
        """A debugger has the terminal: Ctrl-C is its."""
        self.signals.switch_off(is_off=True)

    @pytest.hookimpl
    def pytest_leave_pdb(self) -> None:
        """The debugger is gone."""
        self.signals.switch_off(is_off=False)

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        run = self._run
        if run is None:
            return
        code = int(exitstatus)
        if not run.has_begun:
            if self._plan is not None and self._plan.is_empty and self._plan.kept:
                session.exitstatus = exit_code_of_nothing(self.campaign, code)
            return
        try:
            run.check_journal()
        except JournalWriteFailed as error:
            self._give_up(error)
        if self.campaign.running and self._failure is None:
            self.interrupt("the session ended while it ran")
        state, reason = final_state(self.campaign)
        if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}:
            state, reason = RunState.FAILED, "the session ended with an error of its own"
        elif self._failure is not None:
            state, reason = RunState.PAUSED, self._failure.problem
        elif self._is_interrupted is not None:
            state, reason = RunState.INTERRUPTED, self._is_interrupted
        self._incidents.close()  # here, so that the summary says what could not be told
        session.exitstatus = exit_code(self.campaign, state, code)
        run.end(state, reason, int(session.exitstatus))
        self._hooks.run_ended(run, state, reason, int(session.exitstatus))

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The picture at the end."""
        run = self._run
        if run is None or not (run.has_begun or (self._plan and self.campaign.run_id)):
            return
        terminalreporter.section(f"benchrun {self.campaign.run_id}")
        problems = [
            *run.view_problems,
            *self._incidents.problems.values(),
            *self._hooks.problems.values(),
            *([" ".join(str(self._failure).split())] if self._failure else []),
        ]
        stats = run.stats or figures_of(run.rundir, self.campaign)
        for line in summary_lines(self.campaign, stats, str(run.rundir.path), problems):
            terminalreporter.write_line(line)

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Give the directory back, whatever happened.

        The state goes too: pytest collects garbage several times from here on, and would walk all of it.
        """
        self._stack.close()
        self._run = None

    def _emit(self, event: Event) -> None:
        try:
            with self.signals.shielded():
                self.run.conductor.emit(event)
        except JournalWriteFailed as error:
            self._give_up(error)

    def _note(self, text: str) -> None:
        self._emit(Noted(at=self.run.clock.now_at(), text=text))

    def _give_up(self, error: JournalWriteFailed) -> None:
        """Without its journal the run must not go on: nothing new starts, what is there stays."""
        if self._failure is None:
            self._failure = error
            self.run.conductor.give_up(Stop("journal", error.problem, RunState.PAUSED))

    def _shout(self, text: str) -> None:
        """Say something at once, from inside a signal handler, past pytest's capture."""
        self.screen.shout(f"benchrun: {text}")

    def _say(self, text: str) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None and self._config.option.verbose >= 0:
            terminal.ensure_newline()
            terminal.write_line(text)
