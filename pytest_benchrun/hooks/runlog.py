"""Keeps the log of a session: a listener of the run, in the owner's process."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from pytest_benchrun.core.events import Event, UnitEnded
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.report.log import Level, level_of, log_line, turn_text
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.logfile import LogFile
from pytest_benchrun.store.turntail import TurnTail


class LogHooks:
    """Writes `benchmark.log`, or the file of `--bench-log`.

    Args:
        config: pytest's.
        recorder: owns the run.
        path: the file.
    """

    def __init__(self, config: pytest.Config, recorder: Recorder, path: str) -> None:
        self._recorder = recorder
        self._path = Path(path)
        self._level = level_of(config.get_verbosity(), os.environ.get("LOG_LEVEL"))
        self._file: LogFile | None = None
        self._turns: TurnTail | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None]:
        """Once the directory is ours, find the file."""
        yield
        run = self._recorder.run
        self._file = LogFile(self._path, run.rundir.disk)
        run.listeners.append(self)

    def on_event(self, event: Event) -> None:
        """Write the line of an event, and with `-v` one for each turn of a unit that has ended."""
        if self._file is None:
            return
        try:
            lines = self._lines(event)
        except Exception as error:  # noqa: BLE001  # the observer never breaks the observed
            self._file.problem = self._file.problem or f"the log lacks a line: {clean(repr(error), 200)}"
            return
        if lines:
            self._file.write(lines)

    def _lines(self, event: Event) -> list[str]:
        line = log_line(event, self._recorder.campaign, self._level)
        lines = [] if line is None else [line]
        return [*self._turn_lines(event), *lines] if self._level <= Level.DEBUG else lines

    def _turn_lines(self, event: Event) -> list[str]:
        run = self._recorder.run
        if self._turns is None:
            self._turns = TurnTail(run.rundir)
        if not isinstance(event, UnitEnded) or run.campaign.session is None:
            return []
        turns = self._turns.new_turns(event.worker, is_owner=run.campaign.session.engine == "bare")
        return [f"{event.at} {Level.DEBUG.name:<7} {turn_text(turn)}" for turn in turns]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What went wrong, once."""
        if self._file is not None and self._file.problem is not None:
            terminalreporter.write_line(f"problem: {self._file.problem}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None
