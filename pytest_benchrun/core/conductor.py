"""The one way an event goes: journal first, then the state, then the listeners; a verdict comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DiskFull, JournalWriteFailed
from pytest_benchrun.core.events import Event, Noted, StopAsked, UnitStarted
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop, judge
from pytest_benchrun.core.settings import Settings


class Clock(Protocol):
    """Time that a unit cannot bend."""

    def now_at(self) -> str:
        """Aware UTC, ISO 8601, milliseconds, `Z`."""

    def monotonic_s(self) -> float:
        """Seconds that never go backwards."""


class Journal(Protocol):
    """Where events are kept; returns when the operating system has them."""

    def append(self, event: Event) -> None:
        """Keep one event."""


class Listener(Protocol):
    """Something made from the state: a file, a line on a screen."""

    def on_event(self, event: Event) -> None:
        """Called after the state has taken `event`."""


class Patience(Protocol):
    """How long a full disk is waited for."""

    def wait(self, problem: str) -> bool:
        """Let a moment pass; False when there is nothing more to wait for."""

    def end(self) -> None:
        """The waiting is over, one way or the other."""


class Conductor:
    """Leads the events of one session.

    Args:
        campaign: the state so far.
        journal: where events go first.
        settings: what the rules need.
        clock: the time of events.
        listeners: told after the state has changed.
        find_stop: looks for a stop asked from outside (a STOP file); None when there is none.
        guard: held while the state changes, so that a view made elsewhere never sees half a change, and
            a stop seen in another thread never comes between a verdict and its start; reentrant, and
            never held while a full disk is waited for.

    Attributes:
        patience: asked when the disk is full; None while nobody waits, as before the first unit.
    """

    def __init__(
        self,
        *,
        campaign: Campaign,
        journal: Journal,
        settings: Settings,
        clock: Clock,
        listeners: Sequence[Listener],
        find_stop: Callable[[], Stop | None],
        guard: AbstractContextManager[object],
    ) -> None:
        self.campaign = campaign
        self.settings = settings
        self.clock = clock
        self._journal = journal
        self._tell = tuple(listener.on_event for listener in listeners)
        self._find_stop = find_stop
        self._guard = guard
        self.patience: Patience | None = None

    def emit(self, event: Event) -> None:
        """Record `event`, fold it, tell the listeners; on a full disk, wait for room first.

        Raises:
            JournalWriteFailed: the event could not be kept; the state is as before.
        """
        try:
            self._take(event)
        except DiskFull as full:
            self._wait_for_room(event, full)

    def offer(self, event: Event) -> None:
        """As `emit`, in any thread, for what the run can do without: what cannot be kept is left out."""
        with suppress(JournalWriteFailed):  # who writes what matters meets it too
            self._take(event)

    def _wait_for_room(self, event: Event, full: DiskFull) -> None:
        since_at = self.clock.now_at()
        self._take_later(event, full)
        text = f"the disk was full from {since_at} to {self.clock.now_at()}: the run waited and went on"
        note = Noted(at=self.clock.now_at(), text=text)
        with suppress(JournalWriteFailed):  # the event is kept; that the disk is full again, the next one meets
            self._take(note)

    def _take_later(self, event: Event, full: DiskFull) -> None:
        """Try again until there is room; a run that is to stop waits for nothing."""
        patience = self.patience
        if patience is None or isinstance(event, StopAsked):
            raise full
        try:
            while self.campaign.stop is None and self._find_stop() is None and patience.wait(full.problem):
                try:
                    self._take(event)
                except DiskFull as again:
                    full = again
                else:
                    return
        finally:
            patience.end()
        raise full

    def _take(self, event: Event) -> None:
        with self._guard:
            self._journal.append(event)
            self.campaign.apply(event)
            for tell in self._tell:
                tell(event)

    def may_start(self) -> bool:
        """The verdict: whether one more unit may start. Looked up anew before every unit."""
        with self._guard:
            if self.campaign.stop is not None:
                return False
            stop = self._find_stop() or judge(self.campaign, self.settings)
            if stop is None:
                return True
            self.stop(stop)
            return False

    def start(self, unit_id: str, worker: str) -> int | None:
        """Ask for the verdict and record the start in one step.

        Returns:
            The number of the attempt; None when no unit may start any more.

        Raises:
            JournalWriteFailed: the start, or the stop, could not be kept.
        """
        with self._guard:
            if not self.may_start():
                return None
            attempt = self.campaign.records[unit_id].attempts + 1
            event = UnitStarted(at=self.clock.now_at(), unit_id=unit_id, attempt=attempt, worker=worker)
            try:
                self._take(event)
            except DiskFull as error:
                full = error
            else:
                return attempt
        self._wait_for_room(event, full)
        return attempt

    def look(self) -> None:
        """Record a stop that is asked from outside, also while units run; called by a thread beside them.

        Raises:
            JournalWriteFailed: the stop could not be kept; the next look finds it again.
        """
        with self._guard:
            if self.campaign.state in {RunState.RUNNING, RunState.STOPPING}:  # after its end a run hears nothing
                stop = self._find_stop()
                if stop is not None:
                    self.stop(stop)

    def stop(self, stop: Stop) -> None:
        """Start no further unit; the first reason is kept."""
        with self._guard:
            if self.campaign.stop is None:
                at = self.clock.now_at()
                self.emit(StopAsked(at=at, source=stop.source, reason=stop.reason, target=stop.target))

    def give_up(self, stop: Stop) -> None:
        """Start no further unit although the journal cannot say so: it is the journal that failed."""
        at = self.clock.now_at()
        self.show(StopAsked(at=at, source=stop.source, reason=stop.reason, target=stop.target))

    def show(self, event: Event) -> None:
        """Fold an event that the journal could not keep, so that people see what is; a resume does not know of it."""
        with self._guard:
            self.campaign.apply(event)
            for tell in self._tell:
                tell(event)
