"""Around one unit, in the process where it runs: bounds what it prints, and cleans up what it leaves behind."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from sys import getrecursionlimit

import pytest

from pytest_benchrun.hooks.output import CapturedFiles, forget_output, shorten_report
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.unitlog import UnitLog
from pytest_benchrun.world.cookie import VARIABLE, cookie_for
from pytest_benchrun.world.forks import Forks
from pytest_benchrun.world.interpreter import restore_recursion_limit
from pytest_benchrun.world.leftovers import Children, Descriptors, Threads, adopt_orphans, started_so_far
from pytest_benchrun.world.stamp import put_stamp, take_stamp
from pytest_benchrun.world.surroundings import Surroundings, few, look_at_limits, restore_limits

_VARIABLE = VARIABLE.encode("ascii")
_OF_PARAMETERS = "get_direct_param_fixture_func"
"""pytest's own fixture of a parameter, which only gives its value."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the process was like before its first unit, brought up to date as wider fixtures come and go."""

    descriptors: Descriptors
    surroundings: Surroundings = field(default_factory=Surroundings)
    children: Children = field(default_factory=Children)
    threads: Threads = field(default_factory=Threads)

    def accept(self) -> None:
        """What is there now is nobody's fault."""
        self.surroundings.accept()
        self.accept_started()

    def accept_started(self) -> None:
        """What runs and is open now is nobody's fault."""
        self.children.accept()
        self.threads.accept()
        self.descriptors.accept()


class UnitGuard:
    """Knows the attempt in flight, or the last one.

    Args:
        config: pytest's.
        run_id: the run.
        rundir: where logs go.
        worker: who runs the units.

    Attributes:
        forks: what happens in children that a unit forks.
        warnings: what the attempt has left or lost, one sentence each.
    """

    def __init__(self, config: pytest.Config, run_id: str, rundir: RunDir, worker: str) -> None:
        self._config = config
        self._run_id = run_id
        self._rundir = rundir
        self._worker = worker
        self._captured = CapturedFiles(config)
        self.forks = Forks()
        self._log = UnitLog(rundir, "", 0)
        self._logged: set[str] = set()
        self._with_output: list[pytest.TestReport] = []
        self._found: _Found | None = None
        self._has_stamp = False
        self._cookie = ""
        self._has_own_fixtures = False
        self._has_own_code = False
        self.warnings: list[str] = []

    @classmethod
    def registered(cls, config: pytest.Config, run_id: str, rundir: RunDir, worker: str) -> UnitGuard:
        """A guard that pytest's hooks reach; what this process starts from now on carries its stamp."""
        guard = cls(config, run_id, rundir, worker)
        guard._has_stamp = put_stamp(run_id, started_so_far())
        config.pluginmanager.register(guard, "benchrun-guard")
        return guard

    def begin(self, unit_id: str, attempt: int) -> None:
        """An attempt is about to start."""
        if self._found is None:
            adopt_orphans(is_on=True)
            self._found = _Found(Descriptors(self._rundir.path))
            self._found.descriptors.accept()  # the others have opened files of ours
            self._found.descriptors.accept()  # what the others hold open to look is nobody's fault either
        self._log = UnitLog(self._rundir, unit_id, attempt)
        self._logged.clear()
        self._has_own_fixtures = self._has_own_code = False
        self.warnings = []
        self._cookie = cookie_for(self._run_id, self._worker, unit_id, attempt)
        self._found.surroundings.put_variable(_VARIABLE, self._cookie)

    def end(self) -> None:
        """The attempt is over, its own fixtures are torn down: put back what can be, and say what it was."""
        found = self._found
        if found is None:
            return
        self.warnings += found.surroundings.restore(has_limits=self._has_own_code)
        ended = found.children.end_new(self._cookie)
        if ended:
            self.warnings.append(f"left processes running, which were ended: {few(ended)}")
        threads = found.threads.take_new()
        if threads:
            self.warnings.append(f"left threads running: {few(threads)}")
        opened = found.descriptors.take_new()
        if opened:
            self.warnings.append(f"left files open: {few(opened)}")
        if self._log.problem is not None:
            self.warnings.append(self._log.problem)

    def settle(self) -> None:
        """Wider fixtures were torn down since the unit ended: what they have changed back is right."""
        if self._found is not None:
            self._found.accept()

    def shrink(self, phase: str) -> None:
        """Make what was captured in this phase fit, before pytest reads it."""
        self.forks.exit_child()
        self._captured.shrink(phase, self._log)

    def shorten(self, report: pytest.TestReport) -> None:
        """Make a report fit."""
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        has_colours = terminal is not None and terminal.hasmarkup
        shorten_report(report, self._log, self._logged, has_colours=has_colours)
        if report.sections:
            self._with_output.append(report)

    def forget_output(self) -> None:
        """Let go of what the unit printed when it has passed; everybody has seen its reports."""
        forget_output(self._config, self._with_output)
        self._with_output.clear()

    # hookwrapper, and not wrapper: an error does not pass through its frame, which pytest would show for its own
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Inside the capture, as its two brothers are."""
        self._captured.learn()
        names = getattr(item, "fixturenames", None)  # of other kinds than pytest's, nobody knows what they do
        self._has_own_code = names is None or "request" in names  # by which its function may add a finalizer
        yield
        self.shrink("setup")

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None]:
        """Around the unit's function; with its limits still on, pytest could not even say how it failed."""
        found = self._found
        # five system calls: a unit without a fixture of its own has had no code to change one before its function
        limits = look_at_limits() if self._has_own_code or found is None else found.surroundings.limits
        depth = getrecursionlimit()
        yield
        self.warnings += restore_recursion_limit(depth)  # first: with a tiny one nothing that follows would run
        self.warnings += restore_limits(limits)
        self.shrink("call")

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        """Around the teardown of the unit's own fixtures."""
        yield
        self.shrink("teardown")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """What a wider fixture changes, starts and opens stays until its scope ends."""
        found = self._found
        if found is None or fixturedef.scope == "function":
            self._has_own_fixtures = True
            self._has_own_code = self._has_own_code or getattr(fixturedef.func, "__name__", "") != _OF_PARAMETERS
            return (yield)
        before = found.surroundings.look() if self._has_own_fixtures else None
        found.surroundings.put_variable(_VARIABLE, cookie_for(self._run_id, self._worker))
        try:
            return (yield)
        finally:
            found.surroundings.put_variable(_VARIABLE, self._cookie)
            if before is None:
                found.accept()
            else:  # asked for by a fixture of the unit, or in its function: what these have changed is theirs
                found.surroundings.accept_change(before)
                found.accept_started()

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Leave the process as it was."""
        self.forks.close()
        if self._has_stamp:
            take_stamp()
        if self._found is not None:
            adopt_orphans(is_on=False)
            self._found.children.close()
