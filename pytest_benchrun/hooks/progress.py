"""Shows how far the session is while it runs: as a bar on a terminal, else as lines; and what it took at the end.

The text is made and written in a thread of its own, at most five times a second; a unit's end costs the setting of
a flag. In the owner's process alone.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Literal, TypeAlias

import pytest

from pytest_benchrun.core.events import Event, SessionEnded, SessionPlanned
from pytest_benchrun.core.model import Stage
from pytest_benchrun.core.views import StatusView
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.report.progress import Pace, bar_row, ended_of, progress_line, progress_rows, stage_row
from pytest_benchrun.report.words import clean, seconds
from pytest_benchrun.world.clock import monotonic_s
from pytest_benchrun.world.screen import Screen

TICK_S = 1.0
PAUSE_S = 0.2
SHOWN_STAGE_S = 1.0
"""Stages that are over sooner are not worth a line."""

Style: TypeAlias = Literal["bar", "lines", "none"]
_PERCENTAGE = re.compile(r"\s*\[ *\d+(?:%|/\d+)\]\s*")


class NoDots:
    """Registered while the bar is shown: pytest counts its reports, and prints no letter for them."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Keep the category alone."""
        status = yield
        return (status[0], "", "") if status else status


class ProgressHooks:
    """What people see of a session while it runs.

    Args:
        config: pytest's.
        recorder: owns the run; its screen is written on.
    """

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._screen: Screen = recorder.screen
        self._style: Style = "none"
        self._stage: tuple[Stage, float] | None = None
        self._took: dict[Stage, float] = {}
        self._pace: Pace | None = None
        self._dots = NoDots()
        self._has_news = threading.Event()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="benchrun-progress", daemon=True)
        self._problem: str | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None]:
        """Begin to show, and from the run's first event on hear of all."""
        self._style = pick_style(self._config, self._recorder.settings.progress, self._screen)
        if self._style != "none":
            self._share_terminal()
            self._thread.start()
        self._enter(Stage.VALIDATING)
        yield
        if self._stage is not None and self._stage[0] is Stage.VALIDATING:  # workers may be coming up already
            self._enter(None)
        self._recorder.run.listeners.append(self)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Workers come up, and say who they are."""
        self._enter(Stage.COLLECTING)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Whatever ends the loop ends the bar."""
        try:
            return (yield)
        finally:
            self._try(self._end_loop)

    def on_event(self, event: Event) -> None:
        """Follow the session; called by the thread that records the event, so no more than that."""
        if not self._has_news.is_set():
            self._has_news.set()
        if isinstance(event, SessionPlanned):
            self._try(self._begin_loop)
        elif isinstance(event, SessionEnded):
            self._try(partial(self._enter, Stage.PROCESSING))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """After all others, and before pytest, a wrapper around them, prints its summary."""
        try:
            yield
        finally:
            self._enter(None)
            self._close()

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What each stage took."""
        if Stage.RUNNING in self._took and self._config.get_verbosity() >= 0:
            parts = [f"{stage} {seconds(took_s)}" for stage, took_s in self._took.items()]
            terminalreporter.write_line(f"stages: {', '.join(parts)}")
        if self._problem is not None:
            terminalreporter.write_line(f"problem: the progress could not be shown: {self._problem}")

    @pytest.hookimpl
    def pytest_enter_pdb(self) -> None:
        """A debugger has the terminal."""
        self._screen.pause(is_paused=True)

    @pytest.hookimpl
    def pytest_leave_pdb(self) -> None:
        """The debugger is gone."""
        self._screen.pause(is_paused=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Before the recorder closes the screen; a session that never got to its end comes here too."""
        self._close()

    def _enter(self, stage: Stage | None) -> None:
        now_s = monotonic_s()
        if self._stage is not None:
            before, since_s = self._stage
            self._took[before] = took_s = self._took.get(before, 0.0) + now_s - since_s
            self._screen.clear()
            if self._style == "lines" and before is not Stage.RUNNING and took_s >= SHOWN_STAGE_S:
                self._screen.line(f"benchrun: {before}: {seconds(took_s)}")
        self._stage = None if stage is None else (stage, now_s)

    def _begin_loop(self) -> None:
        """Units may start; what pytest will print is known now: a live log has made it verbose, for example."""
        if self._style == "bar":
            self._style = pick_style(self._config, self._recorder.settings.progress, self._screen)
        self._enter(Stage.RUNNING)
        view = self._recorder.run.view()
        if view is not None:
            self._pace = Pace(ended_of(view), monotonic_s())
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if self._style == "bar" and terminal is not None and terminal.isatty:
            terminal.showfspath = False
            self._config.pluginmanager.register(self._dots, "benchrun-no-dots")

    def _end_loop(self) -> None:
        if self._stage is None or self._stage[0] is not Stage.RUNNING:
            self._enter(None)  # no run began
            return
        view, elapsed_s = self._recorder.run.view(), monotonic_s() - self._stage[1]
        self._enter(None)
        if self._is_dotless():
            self._config.pluginmanager.unregister(self._dots)
        if view is None:
            return
        if self._style == "bar":
            columns, is_ascii = self._screen.size.columns, self._screen.is_ascii
            self._screen.shout(bar_row(view, elapsed_s, columns, is_ascii=is_ascii, is_over=True))
        elif self._style == "lines":
            self._screen.line(progress_line(view, elapsed_s, is_over=True))

    def _is_dotless(self) -> bool:
        return self._config.pluginmanager.is_registered(self._dots)

    def _share_terminal(self) -> None:
        """Have the bar make room for what pytest writes."""
        writer, screen = self._config.get_terminal_writer(), self._screen
        theirs: Callable[..., None] = writer.write

        def write(msg: str, *, flush: bool = False, **markup: bool) -> None:
            if self._is_closing.is_set():
                theirs(msg, flush=flush, **markup)
            elif not (self._is_dotless() and _PERCENTAGE.fullmatch(msg)):  # pytest 8 prints the last one all the same
                with screen.interlude(msg):
                    theirs(msg, flush=True, **markup)

        writer.write = write  # type: ignore[method-assign]  # where everything goes that pytest prints

    def _work(self) -> None:
        while not self._is_closing.is_set():
            self._try(self._show)
            if self._style == "lines":
                self._is_closing.wait(TICK_S)
            else:
                self._has_news.wait(TICK_S)
                self._has_news.clear()
                self._is_closing.wait(PAUSE_S)

    def _try(self, show: Callable[[], None]) -> None:
        """The observer never breaks the observed: what goes wrong is said once, and from then on nothing is shown."""
        try:
            show()
        except Exception as error:  # noqa: BLE001  # whatever it is
            self._problem = self._problem or clean(repr(error), 200)
            self._style = "none"
            self._screen.clear()

    def _show(self) -> None:
        stage = self._stage
        if stage is None or self._style == "none":
            return
        name, since_s = stage
        elapsed_s = monotonic_s() - since_s
        if name is not Stage.RUNNING:
            if self._style == "bar" and elapsed_s >= SHOWN_STAGE_S:
                size = self._screen.size
                self._screen.paint([stage_row(name, elapsed_s, size.columns)], size, is_patient=True)
            return
        view = self._recorder.run.view()
        if view is None:
            return
        if self._style == "bar":
            self._paint(view, elapsed_s)
        elif self._pace is not None and self._pace.is_due(ended_of(view), view["total_tasks"], monotonic_s()):
            # a row of dots has no end soon, one of -v has
            self._screen.line(progress_line(view, elapsed_s), is_patient=_details(self._config) > 0)
        else:
            self._screen.line("", is_patient=True)

    def _paint(self, view: StatusView, elapsed_s: float) -> None:
        size = self._screen.size
        rows = progress_rows(
            view,
            elapsed_s,
            size.columns,
            size.lines,
            is_short=self._config.get_verbosity() < 0,
            is_ascii=self._screen.is_ascii,
        )
        self._screen.paint(rows, size)

    def _close(self) -> None:
        self._is_closing.set()
        self._has_news.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self._screen.clear()


def _details(config: pytest.Config) -> int:
    """Above 0 where pytest prints a row for each unit."""
    return max(config.get_verbosity(), config.get_verbosity(pytest.Config.VERBOSITY_TEST_CASES))


def pick_style(config: pytest.Config, asked: str, screen: Screen) -> Style:
    """How this session shows its progress.

    Args:
        config: pytest's.
        asked: `--bench-progress`.
        screen: what there is to write on.
    """
    if asked == "none" or config.pluginmanager.getplugin("terminalreporter") is None:
        return "none"
    capture = config.getoption("capture", "fd")
    screen.is_raw = capture in {"no", "tee-sys"}
    details = _details(config)
    has_debugger = config.getoption("usepdb", default=False) or config.getoption("trace", default=False)
    if asked != "plain" and screen.is_terminal and capture == "fd" and details <= 0 and not has_debugger:
        return "bar"
    is_quiet = config.get_verbosity() < 0 and asked == "auto"
    return "none" if is_quiet else "lines"
