"""Units one after the other in this process."""

from __future__ import annotations

import os
import platform
from collections.abc import Generator

import pytest

from pytest_benchrun.core.dispatch import Dispatcher
from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.model import Outcome, RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.engines.loop import UnitLoop
from pytest_benchrun.hooks.bench import GIVES_BENCH
from pytest_benchrun.hooks.guard import UnitGuard
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.hooks.stuck import Place, StuckTimer
from pytest_benchrun.hooks.translate import ids_of, units_of
from pytest_benchrun.hooks.unit import UnitHooks, keep_turns
from pytest_benchrun.store.incidents import enders
from pytest_benchrun.world.clock import monotonic_s
from pytest_benchrun.world.usage import meter_for

WORKER = "main"


class BareEngine:
    """Collects, plans, runs.

    Args:
        recorder: the session's.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._items: dict[str, pytest.Item] = {}
        self._hooks: UnitHooks | None = None
        self._current: tuple[str, int, float] = ("", 0, 0.0)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
        """After everybody else has had the items: freeze the work list and leave out what is done."""
        collected = ids_of(items)
        yield
        settings = self._recorder.settings
        try:
            units = units_of(items, settings.group_by, settings.phases)
        except BenchrunError as error:
            raise pytest.UsageError(str(error)) from error
        present = {unit.unit_id for unit in units}
        plan = self._recorder.plan(units, [unit_id for unit_id in collected if unit_id not in present])
        wanted = set(plan.run)
        pairs = list(zip(items, units, strict=True))
        self._items = {unit.unit_id: item for item, unit in pairs if unit.unit_id in wanted}
        done = [item for item, unit in pairs if unit.unit_id not in wanted]
        if done:
            items[:] = self._items.values()
            config.hook.pytest_deselected(items=done)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the units of the plan."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None  # pytest says what could not be collected; no run begins
        if not self._recorder.begin("bare", 1):
            return True
        session.config.option.maxfail = 0  # from here on it is a rule of ours: the rest is skipped with its reason
        run = self._recorder.run
        self._recorder.worker_up(WORKER, platform.node(), os.getpid())
        place = Place(run_id=run.run_id, rundir=run.rundir, worker=WORKER, host=platform.node(), is_owner=True)
        stuck = StuckTimer(place, run.settings.stuck)
        session.config.pluginmanager.register(stuck, "benchrun-stuck")
        guard = UnitGuard.registered(session.config, run.run_id, run.rundir, WORKER)
        guard.forks.let_go = self._recorder.signals.forget
        self._hooks = self._hook_into_units(session.config, place, guard, stuck)
        # one that has taken the process with it once would keep all after it from running
        fatal = enders(run.rundir, run.run_id)
        units = sorted(map(self._recorder.unit, self._items), key=lambda unit: unit.unit_id in fatal)
        dispatcher = Dispatcher(units, run.campaign.phases)
        loop = UnitLoop(session, stuck)
        try:
            self._run_units(session, loop, dispatcher)
            loop.settle(None)
        except (KeyboardInterrupt, pytest.exit.Exception) as stopped:
            self._hooks.abandon()
            for unit_id in self._recorder.interrupt(_reason(stopped)):
                self._recorder.show_interrupted(unit_id, _reason(stopped))
            loop.settle(None)  # fixtures first: the end that is written next must be true
            if self._recorder.signals.received is None:  # the unit itself said so: the rest is reported as ever
                self._recorder.stop(Stop("exit", _reason(stopped), RunState.INTERRUPTED))
                self._recorder.skip_rest(dispatcher.rest())
            raise
        self._recorder.close_loop(session, dispatcher.rest())
        return True

    def _hook_into_units(self, config: pytest.Config, place: Place, guard: UnitGuard, stuck: StuckTimer) -> UnitHooks:
        run = self._recorder.run
        hooks = UnitHooks(
            place,
            run.settings.file.parameters,
            show_result=self._show_result,
            late_error=self._recorder.late_error,
            turns=keep_turns(run.rundir, run.settings.turns, WORKER, is_owner=True),
            guard=guard,
            stuck=stuck,
        )
        hooks.meter = meter_for(run.settings.resources)
        hooks.note_news = run.show_pulses(hooks.pulse_of)
        config.stash[GIVES_BENCH] = hooks
        config.pluginmanager.register(hooks, "benchrun-unit")
        if config.pluginmanager.hasplugin("benchmark"):
            from pytest_benchrun.hooks.benchmarks import BenchmarkHooks  # late: only beside pytest-benchmark

            config.pluginmanager.register(BenchmarkHooks(hooks), "benchrun-benchmarks")
        return hooks

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Let go of the items, for the same reason as the recorder does of its state."""
        self._items.clear()

    def _run_units(self, session: pytest.Session, loop: UnitLoop, dispatcher: Dispatcher) -> None:
        pid = os.getpid()
        while (unit_id := dispatcher.take(WORKER)) is not None:
            loop.settle(self._items[unit_id])
            attempt = self._recorder.start(unit_id, WORKER)
            if attempt is None:
                dispatcher.put_front(self._recorder.unit(unit_id), WORKER)
                return
            self._run_unit(loop, unit_id, attempt)
            dispatcher.finish(WORKER)
            if os.getpid() != pid:
                os._exit(1)  # a child that a unit forked came back into pytest: it must not run the rest again
            reason = session.shouldfail or session.shouldstop
            if reason:
                self._recorder.stop(Stop("exit", str(reason), RunState.STOPPED))

    def _run_unit(self, loop: UnitLoop, unit_id: str, attempt: int) -> None:
        assert self._hooks is not None  # noqa: S101  # set before the first unit
        item = self._items[unit_id]
        self._current = (unit_id, attempt, monotonic_s())
        self._hooks.begin(self._recorder.unit(unit_id), attempt, item)
        elapsed_s = loop.run(item)
        self._recorder.end(unit_id, WORKER, elapsed_s, self._hooks.end())

    def _show_result(self, outcome: Outcome) -> str | None:
        unit_id, attempt, started_s = self._current
        self._recorder.result(unit_id, attempt, WORKER, monotonic_s() - started_s, outcome)
        return "the result could not be recorded" if self._recorder.has_failed else None


def _reason(stopped: BaseException) -> str:
    text = str(stopped)
    name = "interrupted" if isinstance(stopped, KeyboardInterrupt) else "pytest.exit was called"
    return f"{name}: {text}" if text else name
