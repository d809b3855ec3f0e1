"""Writes `status.json`, syncs the journal and looks for stops, in a thread of its own: no unit waits for a disk.

The journal is synced within 100 ms of an event, one sync for all events in between; the status is
written at most every 0.2 s and as a heartbeat every 5 s. A stop is looked for every 0.5 s, so that it is
seen while a long unit runs. `runstats.json` and `results.sqlite` are written at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.conductor import Clock
from pytest_benchrun.core.environment import environment_view
from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.outlook import Outlook
from pytest_benchrun.core.pulse import FindPulse, no_pulse
from pytest_benchrun.core.run_state import run_state_view
from pytest_benchrun.core.runstats import RunStatsView
from pytest_benchrun.core.views import StatusView, status_view
from pytest_benchrun.store.history import earlier_seconds
from pytest_benchrun.store.reserve import FULL, Reserve
from pytest_benchrun.store.resultsdb import is_of_last_event, makes_results, write_results
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnstats import figures_of

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

SYNC_S = 0.05
STATUS_S = 0.2
LOOK_S = 0.45
"""With the pause of `SYNC_S` an idle turn takes half a second."""
HEARTBEAT_S = 5.0


def views_at_rest(rundir: RunDir, campaign: Campaign, stats: RunStatsView) -> dict[Path, bytes]:
    """Every file that is made again from the journal, as the run's last event leaves it.

    The same journal gives the same bytes: the last session wrote them, `benchrun rebuild` writes them.
    """
    environment = environment_view(campaign)
    status = status_view(campaign, results_dir=safe_text(str(rundir.path)), now_at=campaign.last_at)
    views = {
        rundir.status: _dumps(status, option=orjson.OPT_INDENT_2),
        rundir.run_state: _dumps(run_state_view(campaign), option=orjson.OPT_INDENT_2),
        rundir.runstats: _dumps(stats, option=orjson.OPT_INDENT_2),
    }
    if environment is not None:
        views[rundir.environment] = _dumps(environment, option=orjson.OPT_INDENT_2)
    return views


def mend_views(rundir: RunDir, campaign: Campaign) -> RunStatsView:
    """Make the views again that a dead owner has left behind its journal; nothing where they are right.

    Returns:
        The figures of the run.

    Raises:
        OSError: one could not be written; it is as it was.
    """
    stats = figures_of(rundir, campaign)
    for path, data in views_at_rest(rundir, campaign, stats).items():
        if _content_of(data) != _content_of(path.read_bytes() if path.exists() else b""):
            rundir.disk.write_atomically(path, data)
    if makes_results(rundir, campaign) and not is_of_last_event(rundir, campaign):
        with suppress(BenchrunError):  # turns that cannot be read: `benchrun verify` says so
            write_results(rundir, campaign)
    return stats


def _content_of(data: bytes) -> dict[str, object]:
    """What a view says but for its place: the directory may have been moved since. Empty for what is no view."""
    try:
        return {key: value for key, value in _loads(data).items() if key != "results_dir"}
    except (ValueError, AttributeError):
        return {}


class Publisher:
    """A listener that keeps the views on disk up to date.

    Args:
        rundir: where they are.
        campaign: the state they show.
        clock: heartbeat times.
        guard: held by whoever changes the state.
        sync_journal: waits until the disk has the journal.
        look: looks for a stop and records it; called at least twice a second.

    Attributes:
        problems: what went wrong; the first is all that people need.
        find_pulse: asked about each unit in flight when the status is written.
        stage: what the session is doing, as the status says it; None for nothing.
    """

    def __init__(
        self,
        rundir: RunDir,
        campaign: Campaign,
        clock: Clock,
        guard: AbstractContextManager[object],
        sync_journal: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        self._rundir = rundir
        self._campaign = campaign
        self._clock = clock
        self._guard = guard
        self._sync_journal = sync_journal
        self._look = look
        self._has_news = threading.Event()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="benchrun-publisher", daemon=True)
        self._pause: str | None = None
        self._reserve = Reserve(rundir)
        self._outlook = Outlook(campaign)
        self.problems: list[str] = []
        self.find_pulse: FindPulse = no_pulse
        self.stage: str | None = None

    def view(self) -> StatusView:
        """Where the run is now; in any thread."""
        with self._guard:
            return status_view(
                self._campaign,
                results_dir=safe_text(str(self._rundir.path)),
                now_at=self._clock.now_at(),
                find_pulse=self.find_pulse,
                outlook=self._outlook,
                stage=self.stage,
            )

    def show_pause(self, reason: str | None) -> None:
        """Say `paused` in the status although the state is as it was; None ends it.

        For a wait that the journal cannot tell of, since it is the journal that waits.
        """
        self._pause = reason
        self._has_news.set()

    def start(self) -> None:
        """Look into the history, write the first views and start the thread."""
        self._reserve.take()
        self._try(self._learn_history)
        self._try(self._write_environment)
        self._write_status()
        self._thread.start()

    def _learn_history(self) -> None:
        self._outlook = Outlook(self._campaign, earlier_seconds(self._rundir))

    def on_event(self, event: Event) -> None:
        """Note that there is something new to show."""
        self._outlook.on_event(event)
        self.note_news()

    def note_news(self) -> None:
        """The same without an event; in any thread."""
        if not self._has_news.is_set():
            self._has_news.set()

    def close(self) -> RunStatsView:
        """Stop the thread and write every view as the last event leaves it; the figures are returned."""
        stats = figures_of(self._rundir, self._campaign)  # may last: the thread still writes its heartbeat
        self._is_closing.set()
        self._has_news.set()
        if self._thread.is_alive():
            self._thread.join()
        self._reserve.release()
        for path, data in views_at_rest(self._rundir, self._campaign, stats).items():
            self._try(partial(self._rundir.disk.write_atomically, path, data))
        if makes_results(self._rundir, self._campaign):
            self._try(partial(write_results, self._rundir, self._campaign))
        return stats

    def _work(self) -> None:
        written_s = self._clock.monotonic_s()
        is_stale = False
        while not self._is_closing.is_set():
            wait_s = STATUS_S if is_stale else LOOK_S
            is_stale = self._has_news.wait(wait_s) or is_stale
            self._has_news.clear()
            self._sync_journal()
            self._look()
            age_s = self._clock.monotonic_s() - written_s
            if age_s >= HEARTBEAT_S or (is_stale and age_s >= STATUS_S):
                written_s = self._clock.monotonic_s()
                is_stale = False
                self._write_status()
            self._is_closing.wait(SYNC_S)

    def _write_status(self) -> None:
        self._try(self._write_live_views)

    def _write_environment(self) -> None:
        view = environment_view(self._campaign)
        if view is not None:
            data = _dumps(view, option=orjson.OPT_INDENT_2)
            self._rundir.disk.write_atomically(self._rundir.environment, data, is_synced=False)

    def _write_live_views(self) -> None:
        with self._guard:
            view = self.view()
            state = run_state_view(self._campaign)
            pause = self._pause
        if pause is not None:
            view["state"], view["reason"], view["message"] = "paused", pause, f"paused: {pause}"
        for path, document in ((self._rundir.status, view), (self._rundir.run_state, state)):
            data = _dumps(document, option=orjson.OPT_INDENT_2)
            write = partial(self._rundir.disk.write_atomically, path, data, is_synced=False)
            try:
                write()
            except OSError as error:
                if pause is None or error.errno not in FULL:
                    raise
                self._write_from_reserve(write)

    def _write_from_reserve(self, write: Callable[[], None]) -> None:
        """Write what says that the run waits for room; the journal, which waits too, gets none of this room."""
        with self._guard:
            self._reserve.release()
            try:
                write()
            finally:
                self._reserve.take()

    def _try(self, write: Callable[[], None]) -> None:
        """The observer never breaks the observed: a view that cannot be written is said once."""
        try:
            write()
        except (OSError, ValueError, TypeError, ArithmeticError, BenchrunError) as error:
            if not self.problems:
                self.problems.append(f"a view could not be written: {error}")
