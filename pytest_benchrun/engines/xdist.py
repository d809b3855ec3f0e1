"""The controller's end of xdist: our scheduler, which hands out one unit at a time, and lost workers.

Everything here runs in the controller's main thread, but `_receive`, which execnet's receiver threads call.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest
from xdist.workermanage import WorkerController

import pytest_benchrun.engines.remote
from pytest_benchrun.core.dispatch import Dispatcher
from pytest_benchrun.core.events import outcome_from_json
from pytest_benchrun.core.model import RunState, UnitStatus
from pytest_benchrun.core.pulse import Pulse
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.engines.affinity import affinity_of
from pytest_benchrun.engines.deaths import Deaths
from pytest_benchrun.engines.wire import (
    INTERRUPT,
    PULSE,
    RUN_UNIT,
    UNIT_DONE,
    WORK_LIST,
    WORKER_INPUT,
    WorkList,
    unpack_reports,
)
from pytest_benchrun.hooks.output import forget_output
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.hooks.translate import closing_report
from pytest_benchrun.hooks.unit import properties_of


class XdistEngine:
    """Connects a recorder with xdist.

    Args:
        config: pytest's.
        recorder: the session's.
        dist: xdist's `--dist` mode, which becomes an affinity.
    """

    def __init__(self, config: pytest.Config, recorder: Recorder, dist: str) -> None:
        self._config = config
        self.recorder = recorder
        self.dist = dist
        self.workers_asked = 0
        self.work_lists: dict[str, bytes | str] = {}
        self.done: dict[str, bytes] = {}
        self._shared: dict[object, Any] = {}
        self._pulses: dict[str, Pulse] = {}
        self._note_news: Callable[[], None] | None = None
        self.deaths = Deaths(recorder)
        self._ready: dict[str, WorkerController] = {}
        self._scheduling: UnitScheduling | None = None

    @pytest.hookimpl
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        """Learn how many workers there will be."""
        self.workers_asked = len(specs)

    @pytest.hookimpl
    def pytest_xdist_getremotemodule(self) -> object:
        """Our module in the workers."""
        return pytest_benchrun.engines.remote

    @pytest.hookimpl
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell the worker what it needs, and listen to the messages that only we know."""
        run = self.recorder.run
        node.workerinput[WORKER_INPUT] = {
            "run_id": run.run_id,
            "results_dir": str(run.rundir.path),
            "group_by": self.recorder.settings.group_by,
            "phases": list(self.recorder.settings.phases),
            "file": orjson.dumps(self.recorder.settings.file),
            "host": platform.node(),
            "pid": os.getpid(),
        }
        theirs = node.process_from_remote

        def receive(eventcall: Any) -> None:  # noqa: ANN401  # what execnet delivers
            self._receive(node, eventcall, theirs)

        node.process_from_remote = receive  # type: ignore[method-assign]  # where all messages of a worker arrive

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> UnitScheduling:
        """Our scheduler; and from here on `--maxfail` is a rule of ours."""
        dsession = config.pluginmanager.getplugin("dsession")
        config.option.maxfail = 0
        dsession.maxfail = 0
        self._scheduling = UnitScheduling(config, self)
        return self._scheduling

    @pytest.hookimpl
    def pytest_testnodeready(self, node: WorkerController) -> None:
        """A worker has started."""
        self._ready[node.gateway.id] = node
        if self.recorder.run.has_begun:
            self._announce(node)

    @pytest.hookimpl
    def pytest_testnodedown(self, node: WorkerController, error: object | None) -> None:
        """A worker has ended, asked to (error None) or not."""
        self._ready.pop(node.gateway.id, None)
        how = None if error is None else self.deaths.look(node, error).how
        if self.recorder.run.has_begun:
            self.recorder.worker_down(node.gateway.id, how)

    def announce_workers(self) -> None:
        """Record the workers that were ready before the run began."""
        self._note_news = self.recorder.run.show_pulses(self.pulse_of)
        for node in self._ready.values():
            self._announce(node)

    def _announce(self, node: WorkerController) -> None:
        info: Any = node.workerinfo
        self.recorder.worker_up(node.gateway.id, info.get("benchrun_host", ""), info.get("benchrun_pid", 0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """After xdist's loop: report what was not run, and why."""
        try:
            result = yield
        except (KeyboardInterrupt, pytest.exit.Exception) as stopped:
            self._close_torn_loop(str(stopped) or type(stopped).__name__)
            raise
        if self._scheduling is not None and self.recorder.run.has_begun:
            rest = self._scheduling.rest()
            if rest and self.recorder.campaign.stop is None:
                reason = "xdist ended before the run did: no worker was left"
                self.recorder.stop(Stop("engine", reason, RunState.STOPPED))
            self.recorder.close_loop(session, rest)
        return result

    def _close_torn_loop(self, reason: str) -> None:
        if not self.recorder.run.has_begun or self._scheduling is None:
            return
        if self.recorder.campaign.stop is not None and not self.recorder.campaign.running:
            self.recorder.skip_rest(self._scheduling.rest())
        else:
            self._scheduling.interrupt_workers()
            for unit_id in self.recorder.interrupt(reason):
                self.recorder.show_interrupted(unit_id, reason)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a late error of a wider fixture before pytest shows it."""
        if getattr(report, "benchrun_late", False) and report.outcome == "failed":
            self.recorder.late_error(report)

    @pytest.hookimpl(trylast=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Make xdist's crash report an ordinary failure, so that JUnit shows one with our properties."""
        record = self.recorder.campaign.records.get(crashitem)
        failure = self.recorder.campaign.failures.get(crashitem)
        report.when = "call"
        if record is None or failure is None or report.outcome != "failed":
            return  # a plugin has it run again
        node: Any = report.node  # set by xdist
        stacks = self.deaths.of(node).stacks
        report.longrepr = f"{failure.error}\n\n{stacks}" if stacks else failure.error
        properties = properties_of(self.recorder.run.run_id, record.unit, failure.attempt)
        last = closing_report(report, properties)
        node.notify_inproc("testreport", node=node, rep=last)

    def _receive(self, node: WorkerController, message: Any, theirs: Callable[[Any], None]) -> None:  # noqa: ANN401
        """In execnet's receiver thread: keep what is ours, pass on the rest, in the order it came."""
        name = message[0] if isinstance(message, tuple) else None
        if name == WORK_LIST:
            self.work_lists[node.gateway.id] = message[1]["data"]
        elif name == PULSE:
            self._take_pulse(node.gateway.id, Pulse(**message[1]["data"]))
        elif name == UNIT_DONE:
            self.done[node.gateway.id] = message[1]["data"]
            theirs(("runtest_protocol_complete", {"item_index": 0, "duration": 0.0}))
        else:
            theirs(message)

    def _take_pulse(self, worker: str, pulse: Pulse) -> None:
        self._pulses[worker] = pulse
        if self._note_news is not None:
            self._note_news()

    def pulse_of(self, unit_id: str) -> Pulse | None:
        """Where the unit is, by the last that its worker said."""
        running = self.recorder.campaign.running.get(unit_id)
        pulse = self._pulses.get(running.worker) if running else None
        return pulse if pulse is not None and pulse.unit_id == unit_id else None

    def show(self, node: WorkerController, sent: dict[str, Any]) -> None:
        """Give pytest a unit's reports, once its end is recorded and its worker has the next one.

        Called straight: as events of their own they would cost xdist's queue five round trips a unit.
        """
        reports = unpack_reports(sent["reports"], self._shared)
        if not reports:
            return
        dsession = self._config.pluginmanager.getplugin("dsession")
        about = {"node": node, "nodeid": sent["nodeid"], "location": tuple(sent["location"])}
        dsession.worker_logstart(**about)
        shown = []
        for data in reports:
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
            report.item_index = data["item_index"]
            dsession.worker_testreport(node=node, rep=report)
            shown.append(report)
        dsession.worker_logfinish(**about)
        forget_output(self._config, shown)


class UnitScheduling:
    """xdist's `Scheduling` protocol: one unit a worker, the verdict asked before each."""

    def __init__(self, config: pytest.Config, engine: XdistEngine) -> None:
        self.config = config
        self._engine = engine
        self._recorder = engine.recorder
        self._nodes: dict[WorkerController, dict[str, int] | None] = {}
        self._running: dict[WorkerController, str] = {}
        self._reference: bytes | None = None
        self._work_list = WorkList([], [])
        self._index: dict[str, int] = {}
        self._dispatcher: Dispatcher | None = None
        self._lists_seen = 0

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers that live."""
        return list(self._nodes)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker that was asked for has sent its work list, or had at one time."""
        if self._dispatcher is not None:
            return True
        return self._lists_seen >= self._engine.workers_asked

    @property
    def has_pending(self) -> bool:
        """Whether units wait or run."""
        return bool(self._running or self._dispatcher)

    @property
    def tests_finished(self) -> bool:
        """Whether xdist may shut the workers down."""
        if self._dispatcher is None or self._running:
            return False
        return not self._dispatcher or not self._recorder.run.has_begun or self._recorder.campaign.stop is not None

    def rest(self) -> list[str]:
        """The units that were not handed out."""
        return self._dispatcher.rest() if self._dispatcher is not None else []

    def add_node(self, node: WorkerController) -> None:
        """A worker has started and collects."""
        self._nodes[node] = None

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:  # noqa: ARG002  # xdist's
        """Check a worker's list against the frozen one; the first list to come is the frozen one."""
        data = self._engine.work_lists.pop(node.gateway.id)
        self._lists_seen += 1
        if isinstance(data, str):
            raise pytest.UsageError(data)
        if self._reference is None:
            self._reference = data
            self._work_list = WorkList.decode(data)
            self._index = {unit.unit_id: number for number, unit in enumerate(self._work_list.units)}
        self._nodes[node] = self._index if data == self._reference else self._own_index(node, data)

    def _own_index(self, node: WorkerController, data: bytes) -> dict[str, int]:
        index = {unit.unit_id: number for number, unit in enumerate(WorkList.decode(data).units)}
        missing = next((unit_id for unit_id in self._index if unit_id not in index), None)
        added = next((unit_id for unit_id in index if unit_id not in self._index), None)
        if missing is None and (added is None or self._dispatcher is not None):
            return index
        problem = f"worker {node.gateway.id} collected other units than the first one: "
        problem += f"it lacks {missing!r}" if missing is not None else f"it alone has {added!r}"
        if self._dispatcher is None:
            hint = "make the parameters the same in every process: no sets, no random values, no addresses in ids"
            raise pytest.UsageError(f"{problem}\n  -> {hint}")
        self._recorder.stop(Stop("engine", f"{problem}; were the files edited?", RunState.STOPPED))
        return index

    def schedule(self) -> None:
        """Begin the run when all have collected; later, feed a worker that has joined."""
        if self._dispatcher is None:
            self._dispatcher = self._begin()
        self._feed()

    def _begin(self) -> Dispatcher:
        work_list, self._work_list = self._work_list, WorkList([], [])
        session = self.config.pluginmanager.getplugin("session")
        if session.testsfailed and not self.config.option.continue_on_collection_errors:
            count = session.testsfailed
            message = f"{count} error{'s' if count != 1 else ''} during collection"  # as pytest says without workers
            raise session.Interrupted(message)
        plan = self._recorder.plan(work_list.units, work_list.deselected)
        session.testscollected = len(plan.run)  # what is done already is not part of pytest's percentage
        if not self._recorder.begin("xdist", self._engine.workers_asked):
            return Dispatcher([])
        self._engine.announce_workers()
        units = map(self._recorder.unit, plan.run)
        return Dispatcher(units, self._recorder.campaign.phases, affinity_of(work_list, self._engine.dist))

    def _feed(self) -> None:
        for node, index in self._nodes.items():
            if index is not None and node not in self._running:
                self._hand_out(node, index)

    def _hand_out(self, node: WorkerController, index: dict[str, int]) -> None:
        dispatcher, worker = self._dispatcher, node.gateway.id
        if not dispatcher or node.shutting_down:
            return
        unit_id = dispatcher.take(worker, self._recorder.campaign.host_of(worker))
        if unit_id is None:
            return
        attempt = self._recorder.start(unit_id, worker)
        if attempt is None:
            dispatcher.put_front(self._recorder.unit(unit_id), worker)
            return
        self._running[node] = unit_id
        try:
            node.sendcommand(RUN_UNIT, index=index[unit_id], attempt=attempt)
        except OSError:
            return  # the worker is dying; its end arrives as an event of its own and gives the unit back

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """Record a unit's end, give its worker the next one, then show what it reported."""
        sent = orjson.loads(self._engine.done.pop(node.gateway.id))
        unit_id = self._running.pop(node)
        self._engine.deaths.note_progress()
        self._recorder.end(unit_id, node.gateway.id, sent["elapsed_s"], outcome_from_json(sent["outcome"]))
        if sent["stop"] is not None:
            is_interrupted = sent["outcome"]["status"] == UnitStatus.INTERRUPTED
            target = RunState.INTERRUPTED if is_interrupted else RunState.STOPPED
            self._recorder.stop(Stop("exit", sent["stop"], target))
        if self._dispatcher is not None:
            self._dispatcher.finish(node.gateway.id)
        self._feed()
        if not self._recorder.has_failed:
            if sent["outcome"]["status"] == UnitStatus.INTERRUPTED:
                self._recorder.show_interrupted(unit_id, sent["outcome"]["message"])
            self._engine.show(node, sent)
        elif self._dispatcher is not None:
            self._dispatcher.put_back(
                self._recorder.unit(unit_id)
            )  # its end could not be recorded: it is reported with the rest

    def interrupt_workers(self) -> None:
        """Have the units in flight interrupted, so that their fixtures are torn down before the workers go."""
        for node in self._running:
            with suppress(OSError):  # it is gone already
                node.sendcommand(INTERRUPT)

    def mark_test_pending(self, item: str) -> None:
        """Refuse to queue a unit again: one that has killed its workers has had its second try."""
        raise NotImplementedError(item)

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Never asked: nothing waits in a worker."""

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker is gone.

        Returns:
            The unit that it took with it for good; None when it had none or the unit is tried again.

        Raises:
            KeyError: it never started.
        """
        if node in self._nodes:
            del self._nodes[node]
        if self._dispatcher is None:
            return None
        self._dispatcher.lose(node.gateway.id)
        unit_id = self._running.pop(node, None)
        lost = unit_id is not None and self._lose(node, unit_id)
        if self._recorder.campaign.stop is not None or not self.has_pending:
            # xdist would replace this worker, and the next, for ever; there is nothing left to run
            self.config.pluginmanager.getplugin("dsession")._max_worker_restart = 0  # noqa: SLF001
        self._feed()
        return unit_id if lost else None

    def _lose(self, node: WorkerController, unit_id: str) -> bool:
        death = self._engine.deaths.of(node)
        may_retry = self._recorder.lose(unit_id, node.gateway.id, death.how, death.stacks)
        if may_retry and self._dispatcher is not None:
            self._dispatcher.put_back(self._recorder.unit(unit_id))
        self._recorder.may_start()
        return not may_retry
