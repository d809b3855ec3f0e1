"""Other hosts beside the run: their facts become events, their samples lines of files; in the owner's process."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import pytest

from pytest_benchrun.core.events import Event, HostSeen, Noted, SessionPlanned
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.store.seriesfile import SeriesFile
from pytest_benchrun.world.alive import node_name
from pytest_benchrun.world.clock import monotonic_s
from pytest_benchrun.world.hosts import Hosts, Wanted
from pytest_benchrun.world.timeseries import line_of

START_S = 3.0
"""Longest that the first unit waits for their facts, from the start of the session: mostly they come meanwhile."""

END_S = 2.0
"""Longest that the end of the session waits for their last words, all of them together."""


class HostHooks:
    """Looks at the hosts of `--bench-hosts` while the session lasts.

    Their threads only put things into a queue and lines into files; one thread of ours makes events of the queue,
    from the moment on at which the session is in the journal.

    Args:
        recorder: owns the run.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        settings = recorder.settings
        wanted = Wanted(ssh=settings.hosts.ssh, level=settings.environment, interval_s=settings.sample_interval_s)
        names = [name for name in settings.hosts.names if name != node_name()]  # this one is looked at already
        is_wanted = wanted.level != "off" or wanted.interval_s > 0
        self._hosts = Hosts(names if is_wanted else (), wanted, self)
        self._files: dict[str, SeriesFile | None] = {}  # None for one that could not be written
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._record, name="benchrun-hosts", daemon=True)
        self._guard = threading.Lock()
        self._early: list[str] | None = []
        self._has_begun = threading.Event()
        self._started_s = 0.0
        self.problems: list[str] = []

    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        """Start the connections: they come up while pytest collects."""
        self._recorder.run.listeners.append(self)
        self._started_s = monotonic_s()
        self._thread.start()
        self._hosts.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Give hosts the rest of their time, and have the run say which of them it lacks."""
        self._hosts.wait(self._started_s + START_S)
        with self._guard:
            self._recorder.run.notes += self._early or ()
            self._early = None
        return (yield)

    def on_event(self, event: Event) -> None:
        """The plan is the last thing that a session says before its units."""
        if isinstance(event, SessionPlanned):
            self._has_begun.set()

    def on_facts(self, name: str, moment: str, facts: dict[str, Any]) -> None:
        """A host has said what it is."""
        self._events.put(HostSeen(at=self._now_at(), host=name, moment=moment, facts=facts))

    def on_sample(self, name: str, interval_s: float, sample: dict[str, Any]) -> None:
        """A host has said what it did; what came before the session began is not of it."""
        run = self._recorder.run
        session = run.campaign.session
        if not self._has_begun.is_set() or session is None:
            return
        if name not in self._files:
            self._files[name] = SeriesFile(run.rundir, name)
        file = self._files[name]
        try:
            if file is not None:
                file.append(line_of(self._now_at(), session.session, name, interval_s, sample))
        except OSError as error:
            self._files[name] = None
            self.problems.append(f"the time series of host {name!r} ended: {error}")

    def on_loss(self, name: str, problem: str) -> None:  # noqa: ARG002  # the problem says it
        """A host is lost: said when the run begins, or at its end."""
        with self._guard:
            if self._early is not None:
                self._early.append(problem)
                return
            self.problems.append(problem)
        self._events.put(Noted(at=self._now_at(), text=problem))

    def _record(self) -> None:
        self._has_begun.wait()
        while (event := self._events.get()) is not None:
            now = replace(event, at=self._now_at())  # the journal's order is that of its moments
            try:
                self._recorder.run.conductor.offer(now)
            except Exception as error:  # noqa: BLE001  # the observer never breaks the observed
                self.problems.append(f"what other hosts say is recorded no more: {error!r}")
                return

    def _now_at(self) -> str:
        return self._recorder.run.clock.now_at()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the last words while the session can still record them."""
        self._recorder.signals.hold_back()
        if self._has_begun.is_set():
            self._hosts.end(END_S)
        self._close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """End what is left where the session did not come to its end."""
        self._close()

    def _close(self) -> None:
        if not self._thread.is_alive():
            return
        self._hosts.abandon()
        if not self._has_begun.is_set():
            self._events = SimpleQueue()  # of a session that records nothing
        self._events.put(None)
        self._has_begun.set()
        self._thread.join(END_S)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which hosts were lost meanwhile."""
        for problem in self.problems:
            terminalreporter.write_line(f"problem: {problem}")
