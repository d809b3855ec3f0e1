"""Around one unit, in the process where it runs: bounds what it prints, and cleans up what it leaves behind."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_benchrun.hooks.output import CapturedFiles, forget_output, shorten_report
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.unitlog import UnitLog


class UnitGuard:
    """Knows the attempt in flight, or the last one.

    Args:
        config: pytest's.
        run_id: the run.
        rundir: where logs go.

    Attributes:
        warnings: what the attempt has left or lost, one sentence each.
    """

    def __init__(self, config: pytest.Config, run_id: str, rundir: RunDir) -> None:
        self._config = config
        self._run_id = run_id
        self._rundir = rundir
        self._captured = CapturedFiles(config)
        self._log = UnitLog(rundir, "", 0)
        self._logged: set[str] = set()
        self._with_output: list[pytest.TestReport] = []
        self.warnings: list[str] = []

    @classmethod
    def registered(cls, config: pytest.Config, run_id: str, rundir: RunDir) -> UnitGuard:
        """A guard that pytest's hooks reach."""
        guard = cls(config, run_id, rundir)
        config.pluginmanager.register(guard, "benchrun-guard")
        return guard

    def begin(self, unit_id: str, attempt: int) -> None:
        """An attempt is about to start."""
        self._log = UnitLog(self._rundir, unit_id, attempt)
        self._logged.clear()
        self.warnings = []

    def end(self) -> None:
        """The attempt is over, its own fixtures are torn down."""
        if self._log.problem is not None:
            self.warnings.append(self._log.problem)

    def shrink(self, phase: str) -> None:
        """Make what was captured in this phase fit, before pytest reads it."""
        self._captured.shrink(phase, self._log)

    def shorten(self, report: pytest.TestReport) -> None:
        """Make a report fit."""
        shorten_report(report, self._log, self._logged)
        if report.sections:
            self._with_output.append(report)

    def forget_output(self) -> None:
        """Let go of what the unit printed when it has passed; everybody has seen its reports."""
        forget_output(self._config, self._with_output)
        self._with_output.clear()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Inside the capture, as its two brothers are."""
        self._captured.learn()
        try:
            return (yield)
        finally:
            self.shrink("setup")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Around the unit's function."""
        try:
            return (yield)
        finally:
            self.shrink("call")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Around the teardown of the unit's own fixtures."""
        try:
            return (yield)
        finally:
            self.shrink("teardown")
