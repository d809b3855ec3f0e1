"""What pytest prints may be lost, the run may not: a full disk below its output, a reader that has gone.

In the owner's process alone, in its main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from shlex import quote
from typing import Any

import pytest

from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.world.screen import let_go_of_output


class SteadyTerminal:
    """Goes on without the lines that nobody takes, and says so once.

    Args:
        config: pytest's.
        recorder: owns the run; its screen is written on.
    """

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._problem: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Before pytest prints its first line."""
        if self._config.pluginmanager.getplugin("terminalreporter") is None:
            return
        writer = self._config.get_terminal_writer()
        for name in ("write", "write_raw", "flush"):
            if hasattr(writer, name):  # pytest 8 has no `write_raw` that its `write` goes through
                setattr(writer, name, self._steady(getattr(writer, name)))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Whoever reads the rest knows that lines are missing."""
        if self._problem is not None:
            terminalreporter.write_line(f"problem: lines of this output are lost: {self._problem}")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """What is left in the buffer must not change the exit code when pytest flushes it."""
        if self._problem is not None:
            let_go_of_output()

    def _steady(self, write: Callable[..., None]) -> Callable[..., None]:
        def steady(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # whatever pytest's own takes
            try:
                write(*args, **kwargs)
            except OSError as error:
                self._lose(error)

        return steady

    def _lose(self, error: OSError) -> None:
        if self._problem is None:
            self._problem = error.strerror or repr(error)
            told = f"what pytest prints is lost: {self._problem}; the run goes on"
            results_dir = quote(self._recorder.settings.results_dir)
            self._recorder.screen.shout(f"benchrun: {told} -> benchrun status {results_dir}")
