"""`--bench-plan`: collect, print what would run and why, and end. Takes no lock, starts no worker, writes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout

import pytest

from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.forecast import Forecast
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.plan import decide
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.core.start import Start
from pytest_benchrun.hooks.planning import Planning
from pytest_benchrun.hooks.translate import ids_of, units_of
from pytest_benchrun.report.plan import Planned, PlanView, plan_lines, plan_view
from pytest_benchrun.run import OpenRun, peek_run
from pytest_benchrun.store.history import earlier_seconds
from pytest_benchrun.world.garbage import without_garbage_collection


class OtherTerminal:
    """Has pytest talk to standard error, so that standard output is the JSON alone.

    Registered before the session is configured; a reporter that was there for its first line knows things
    that a later one lacks.
    """

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Put another reporter in the place of the one that pytest has just made."""
        plugins = config.pluginmanager
        shown = plugins.getplugin("terminalreporter")
        if shown is not None:
            plugins.unregister(shown)
            plugins.register(pytest.TerminalReporter(config, sys.stderr), "terminalreporter")


class Planner:
    """Takes the place of recorder and engine in a session that only looks.

    Args:
        config: pytest's.
        settings: the session's.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._run: OpenRun | None = None
        self._view: PlanView | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Read the run before any work is spent on collecting."""
        try:
            self._run = peek_run(self._settings, self._config.rootpath.name)
        except BenchrunError as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """What test modules print, where pytest does not capture it, is no part of the JSON."""
        with self._talk_aside():
            return (yield)

    def _talk_aside(self) -> AbstractContextManager[object]:
        return redirect_stdout(sys.stderr) if self._settings.plan == "json" else nullcontext()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """After everybody else has had the items: make the plan."""
        collected = ids_of(items)
        with self._talk_aside():  # again: pytest's capture has put the real one back after every module
            yield
        self._keep_cache()
        try:
            units = units_of(items, self._settings.group_by, self._settings.phases)
            present = {unit.unit_id for unit in units}
            self._view = self._plan(units, [unit_id for unit_id in collected if unit_id not in present])
        except BenchrunError as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self) -> Generator[None]:
        """Keep the terminal from listing the tree of what was collected: the plan follows."""
        self._config.option.collectonly = False
        try:
            yield
        finally:
            self._config.option.collectonly = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Print the plan; nothing runs."""
        if self._view is None or (session.testsfailed and not session.config.option.continue_on_collection_errors):
            return None  # pytest says what could not be collected
        if self._settings.plan == "json":
            sys.stdout.write(json.dumps(self._view, indent=2) + "\n")  # ASCII, whatever the terminal can show
            return True
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        text = "\n".join(plan_lines(self._view))  # at once: it may be 100,000 lines
        if terminal is None:
            sys.stdout.write(text + "\n")
            return True
        terminal.ensure_newline()
        terminal.write_line(text)
        return True

    def _keep_cache(self) -> None:
        """Take out the plugins that note at the end what failed; they have had their say on the items."""
        plugins = self._config.pluginmanager
        for name in ("lfplugin", "nfplugin", "stepwiseplugin"):
            if plugins.hasplugin(name):
                plugins.unregister(name=name)

    def _plan(self, units: Sequence[Unit], deselected: Sequence[str]) -> PlanView:
        run = self._run
        if run is None:
            message = "the session has not started"
            raise RuntimeError(message)
        with without_garbage_collection():
            return self._view_of(run, units, deselected)

    def _view_of(self, run: OpenRun, units: Sequence[Unit], deselected: Sequence[str]) -> PlanView:
        planning = Planning(self._config, self._settings, run.campaign)
        plan = planning.plan(units, deselected)
        return plan_view(
            Planned(
                run_id=run.run_id if run.start is Start.RESUME else None,
                start=run.start.name.lower(),
                decisions=[(unit, decide(run.campaign, unit, planning.wishes)) for unit in planning.units],
                phases=self._settings.phases,
                removed=plan.removed,
                notes=[*run.notes, *planning.notes],
                forecast=self._forecast(run, planning.units),
                workers=self._workers(),
            )
        )

    def _forecast(self, run: OpenRun, units: Sequence[Unit]) -> Forecast:
        known = earlier_seconds(run.rundir)
        functions = {unit.unit_id: unit.function for unit in units}
        for campaign in (run.earlier, run.campaign):
            for unit_id, record in campaign.records.items():
                if record.elapsed_s is not None:
                    known[unit_id] = record.elapsed_s
                    functions[unit_id] = record.unit.function
        return Forecast(known, functions)

    def _workers(self) -> int:
        is_distributed = self._config.getoption("dist", "no") != "no"
        return len(self._config.getoption("tx", None) or ()) or 1 if is_distributed else 1
