"""Tells GitHub Actions of the run when the session ends; registered only where GitHub Actions runs us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.report.github import error_commands, step_summary
from pytest_benchrun.store.logfile import LogFile


class GithubHooks:
    """Writes the step summary and the annotations.

    Args:
        recorder: owns the run.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """After the summary for people."""
        run = self._recorder.run
        if run.stats is None:
            return  # there was nothing to do
        for line in error_commands(run.stats):
            terminalreporter.ensure_newline()
            terminalreporter.write_line(line)
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            return
        file = LogFile(Path(path), run.rundir.disk)
        file.write(step_summary(run.campaign, run.stats).splitlines())
        file.close()
        if file.problem is not None:
            terminalreporter.write_line(f"problem: {file.problem}")
