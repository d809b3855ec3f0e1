"""The one way an event goes: journal first, then the state, then the listeners; a verdict comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, StopAsked, UnitStarted
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
            a stop seen in another thread never comes between a verdict and its start; reentrant.
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
        self._listeners = listeners
        self._find_stop = find_stop
        self._guard = guard

    def emit(self, event: Event) -> None:
        """Record `event`, fold it, tell the listeners.

        Raises:
            JournalWriteFailed: the event could not be kept; the state is as before.
        """
        with self._guard:
            self._journal.append(event)
            self.campaign.apply(event)
            for listener in self._listeners:
                listener.on_event(event)

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
            self.emit(UnitStarted(at=self.clock.now_at(), unit_id=unit_id, attempt=attempt, worker=worker))
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
        with self._guard:
            at = self.clock.now_at()
            event = StopAsked(at=at, source=stop.source, reason=stop.reason, target=stop.target)
            self.campaign.apply(event)
            for listener in self._listeners:
                listener.on_event(event)
