"""Checks everything in a results directory, the runs in its history too; changes no byte."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.killed import words_of_death
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.moments import seconds_between
from pytest_benchrun.core.sequence import BAD_VALUES, LIVE_STATES
from pytest_benchrun.core.views import message_of
from pytest_benchrun.store.findings import Finding, aside, command, unreadable, what_stands_at
from pytest_benchrun.store.journal_check import SHOWN, JournalCheck, check_journal
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.results_check import check_results
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turncheck import check_turns
from pytest_benchrun.store.view_check import ViewCheck

SILENT_AFTER_S = 30
"""An owner on another host is believed to live while it was heard of so recently: six heartbeats."""


@dataclass(slots=True, kw_only=True)
class VerifiedRun:
    """What was found of one run.

    Attributes:
        title: the run and its state, in one line.
        findings: what is wrong.
        notes: what people may want to know and is not wrong.
    """

    title: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class RunCheck:
    """Checks the run in one directory.

    Args:
        rundir: where it is.
        is_alive: tells whether an owner's process lives; None when it cannot know (another host).
        now_at: the time.
        is_past: whether it is in the history: a session without an end was put aside as it was, and known.
    """

    def __init__(
        self, rundir: RunDir, is_alive: Callable[[Owner], bool | None], now_at: str, *, is_past: bool = False
    ) -> None:
        self._rundir = rundir
        self._is_alive = is_alive
        self._now_at = now_at
        self._is_past = is_past
        self._run = VerifiedRun(title=str(rundir.path))

    def run(self) -> VerifiedRun:
        """Check it; once."""
        if self._is_half_done():
            return self._run
        before = self._owner(None)
        check = check_journal(self._rundir)
        campaign = check.campaign
        self._find(*check.findings)
        if check.explained:
            self._run.notes.append(f"{check.explained} faults in the journal were noted when it was salvaged")
        # Looked at twice: a session may have begun, or come to its end, while the journal was read.
        owner = before or self._owner(campaign)
        if owner is not None:
            self._look_at_live(owner, check)
            return self._run
        if check.torn is not None:
            self._find(check.torn)
        if check.is_whole:
            self._look_at_rest(campaign)
        else:
            self._run.title = f"{campaign.run_id or self._rundir.path}: damaged"
            self._run.notes.append("its other files are compared once the journal is whole")
        self._find(*self._leftovers(has_ended=campaign.state not in LIVE_STATES))
        self._run.notes += self._kept()
        return self._run

    def _find(self, *findings: Finding) -> None:
        self._run.findings += findings

    def _is_half_done(self) -> bool:
        """Whether a kill has left a step of several renames in its middle: nothing else is as it should be then."""
        rundir = self._rundir
        if rundir.moving.is_symlink() or rundir.moving.exists():
            problem = "a run was on its way to the history when its process was killed"
            hint = (
                f"the pytest command again, with --bench-results={shlex.quote(str(rundir.path))}   (finishes the move)"
            )
            self._find(Finding(path=rundir.moving, problem=problem, hint=hint))
        if rundir.salvaged.is_symlink() or rundir.salvaged.exists():
            problem = "a mended journal was on its way to its place when its process was killed"
            self._find(Finding(path=rundir.salvaged, problem=problem, hint=command("rebuild", rundir)))
        return bool(self._run.findings)

    def _owner(self, campaign: Campaign | None) -> Owner | None:
        """Who holds the run, as far as can be known; None when nobody does, or its process is gone.

        An empty lock file was given back. One that is missing or damaged says nothing: then the journal's last
        session is asked for its process.
        """
        owner = self._recorded_owner()
        if owner is None and campaign and campaign.session and campaign.state in LIVE_STATES and not self._is_free():
            owner = campaign.session.owner
        if owner is None:
            return None
        with suppress(*BAD_VALUES):
            return None if self._is_alive(owner) is False else owner
        return None

    def _recorded_owner(self) -> Owner | None:
        try:
            return None if what_stands_at(self._rundir.lock) else read_owner(self._rundir.lock)
        except OSError:
            return None

    def _is_free(self) -> bool:
        try:
            return self._rundir.lock.stat().st_size == 0
        except OSError:
            return False

    def _look_at_live(self, owner: Owner, check: JournalCheck) -> None:
        """Only the journal stands still while a run is going on."""
        campaign = check.campaign
        who = f"pid {owner.pid} on host {owner.host}"
        self._run.title = f"{campaign.run_id or self._rundir.path}: live, owned by {who}; only its journal is checked"
        if self._is_alive(owner):
            return
        silent_s = self._silent_s(campaign)
        if silent_s > SILENT_AFTER_S:
            problem = f"{who} owns the run, was last heard of {silent_s:.0f} s ago and cannot be asked from here"
            hint = f"{command('verify', self._rundir)} on that host; if it is gone for good: rm {self._rundir.lock}"
            self._find(Finding(path=self._rundir.lock, problem=problem, hint=hint))

    def _silent_s(self, campaign: Campaign) -> float:
        heard = [campaign.last_at]
        with suppress(OSError, *BAD_VALUES):
            if what_stands_at(self._rundir.status) is None:
                heard.append(orjson.loads(self._rundir.status.read_bytes())["heartbeat_at"])
        ages = [float("inf")]
        for at in heard:
            with suppress(*BAD_VALUES):
                ages.append(seconds_between(at, self._now_at))
        return min(ages)

    def _look_at_rest(self, campaign: Campaign) -> None:
        rundir = self._rundir
        journal = (rundir.journal_parts() or [rundir.journal])[-1]
        if campaign.created is None:
            self._run.title = f"{rundir.path}: no run"
            problem = "there is no event in it: a start died before its first line, or the file was emptied"
            again = f"pytest --bench-results={shlex.quote(str(rundir.path))}   (puts it into the history)"
            self._find(Finding(path=journal, problem=problem, hint=aside(rundir.path) if self._is_past else again))
            return
        try:
            self._run.title = f"{campaign.run_id}: {message_of(campaign)}"
            self._look_at_end(campaign, journal)
            views = ViewCheck(rundir, campaign, has_ended=campaign.state not in LIVE_STATES)
            views.run()
            results = check_results(rundir, campaign)
        except BAD_VALUES as error:
            problem = f"it has values that cannot be shown: {error}"
            self._find(Finding(path=journal, problem=problem, hint=aside(rundir.path)))
        else:
            self._find(*views.findings, *check_turns(rundir, campaign), *results)

    def _look_at_end(self, campaign: Campaign, journal: Path) -> None:
        cure = f"{command('resume', self._rundir)}   (or the same pytest command with --bench-resume)"
        session, left = campaign.session, campaign.unfinished
        if campaign.state not in LIVE_STATES:
            for unit_id in list(campaign.running)[:SHOWN]:
                problem = f"unit {unit_id!r} was in flight when the session ended"
                self._find(Finding(path=journal, problem=problem, hint=cure))
            return
        if session is None:
            problem = "the run was created and no session began: its process was killed"
            cure = f"pytest --bench-results={shlex.quote(str(self._rundir.path))} --bench-resume"
        else:
            units = "1 unit has" if left == 1 else f"{left} units have"
            problem = f"{words_of_death(campaign)[0]}; {units} no result"
        if self._is_past:
            self._run.notes.append(f"{problem}; it was put into the history so")
        else:
            self._find(Finding(path=journal, problem=problem, hint=cure))

    def _leftovers(self, *, has_ended: bool) -> Iterator[Finding]:
        rundir = self._rundir
        for path in sorted(rundir.path.glob(".benchrun-tmp-*"))[:SHOWN]:
            hint = shlex.join(["rm", "-r", str(path)])
            yield Finding(path=path, problem="was left by a process that was killed while it wrote", hint=hint)
        if not (rundir.lock.is_symlink() or rundir.lock.exists()):
            return
        remove = shlex.join(["rm", str(rundir.lock)])
        blocked = unreadable(rundir.lock, "verify again")
        if blocked is not None:
            yield Finding(path=rundir.lock, problem=blocked.problem, hint=aside(rundir.lock))
        elif rundir.lock.is_symlink():
            yield Finding(path=rundir.lock, problem="is a link: no lock holds through one", hint=remove)
        elif not self._is_free():
            owner = self._recorded_owner()
            if owner is None:
                yield Finding(path=rundir.lock, problem="its text names no owner", hint=remove)
            elif has_ended:
                problem = f"names pid {owner.pid} on host {owner.host}, which is gone"
                yield Finding(path=rundir.lock, problem=problem, hint=remove)

    def _kept(self) -> list[str]:
        """Files that earlier repairs and stops have put aside, and a STOP that asks nobody."""
        rundir, notes = self._rundir, []
        kinds = {
            "*.torn-*": "torn ends of files, kept",
            "*.broken-*": "damaged files that a salvage has kept",
            "STOP.*-*": "requests to stop that were obeyed or put aside",
        }
        for pattern, what in kinds.items():
            names = sorted(path.name for path in rundir.path.glob(pattern))
            if names:
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004  # enough to find them
                notes.append(f"{what}: {', '.join(names[:3])}{more}")
        notes += [
            f"{path.name} asks nobody: the next session puts it aside"
            for path in rundir.stop_names
            if os.path.lexists(path)
        ]
        return notes


def verify(rundir: RunDir, is_alive: Callable[[Owner], bool | None], now_at: str) -> list[VerifiedRun]:
    """Check the run in a directory, and those in its history.

    Returns:
        One entry a run, the directory's own first; empty when there is nothing of ours.
    """
    runs = []
    trace = _trace_of_run(rundir)
    if trace is not None:
        runs.append(
            RunCheck(rundir, is_alive, now_at).run()
            if rundir.has_run() or trace == rundir.moving
            else _lost(rundir, trace)
        )
    if os.path.lexists(rundir.history) and not rundir.history.is_dir():
        problem = "is no directory: a new run cannot put an earlier one there"
        blocked = VerifiedRun(title=str(rundir.history))
        blocked.findings.append(Finding(path=rundir.history, problem=problem, hint=aside(rundir.history)))
        return [*runs, blocked]
    moving = _moving_run(rundir)
    for path in sorted(rundir.history.glob("*")):
        past = RunDir(path)
        trace = _trace_of_run(past) if path.is_dir() else None
        if trace is None or path.name == moving:
            continue
        runs.append(RunCheck(past, is_alive, now_at, is_past=True).run() if past.has_run() else _lost(past, trace))
    return runs


def _trace_of_run(rundir: RunDir) -> Path | None:
    """A file that only a run leaves; None where there is none."""
    candidates = [
        rundir.moving,
        rundir.salvaged,
        rundir.journal,
        *rundir.journal_parts(),
        rundir.status,
        rundir.runstats,
    ]
    return next((path for path in candidates if os.path.lexists(path)), None)


def _lost(rundir: RunDir, trace: Path) -> VerifiedRun:
    """A run without its only truth."""
    run = VerifiedRun(title=f"{rundir.path}: a run without a journal")
    if rundir.journal.is_symlink():
        run.findings.append(Finding(path=rundir.journal, problem="is a link to nothing", hint=aside(rundir.journal)))
        return run
    problem = f"is missing, though {trace.name} is there: what the units did is not known without it"
    again = f"pytest --bench-results={shlex.quote(str(rundir.path))}"
    run.findings.append(Finding(path=rundir.journal, problem=problem, hint=f"put it back, or start anew: {again}"))
    return run


def _moving_run(rundir: RunDir) -> str | None:
    """The name of the run that is on its way to the history; None when none is."""
    with suppress(OSError, ValueError):
        if what_stands_at(rundir.moving) is None:
            return rundir.moving.read_text(encoding="utf-8")
    return None
