"""The worker's end of xdist: its interactor with our loop, one unit at a time, one message a unit.

Runs in the worker process, in the thread that execnet gives it (the main thread).
"""

from __future__ import annotations

import os
import platform
import queue
import warnings
from pathlib import Path
from typing import Any

import execnet
import pytest
from xdist.remote import Marker, WorkerInteractor, getinfodict, setup_config

from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.jsonsafe import safe_text, to_text
from pytest_benchrun.core.model import Outcome, Unit, UnitStatus
from pytest_benchrun.core.pulse import Pulse
from pytest_benchrun.engines.loop import UnitLoop
from pytest_benchrun.engines.pulse import PulseSender
from pytest_benchrun.engines.wire import (
    INTERRUPT,
    PULSE,
    RUN_UNIT,
    UNIT_DONE,
    WORK_LIST,
    WORKER_INPUT,
    WorkList,
    fit_to_travel,
    pack,
    plain_property,
)
from pytest_benchrun.hooks.matrix import MatrixHooks
from pytest_benchrun.hooks.translate import ids_of, unit_id_of, units_of, xdist_group_of
from pytest_benchrun.hooks.unit import UnitHooks
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import die_with
from pytest_benchrun.world.signals import StopSignals
from pytest_benchrun.world.stacks import StacksFile

_BROKEN = 70
"""Exit code of a worker that cannot go on: EX_SOFTWARE of sysexits.h."""

_exit = os._exit  # before a unit can replace it


def serve(
    channel: execnet.Channel, config: pytest.Config, workerinput: dict[str, Any], options: dict[str, Any]
) -> None:
    """Run one pytest session in this worker, as xdist's own remote module does."""
    told = workerinput[WORKER_INPUT]
    if told["host"] == platform.node():
        die_with(told["pid"])
    setup_config(config, options.get("basetemp"))
    config._parser.prog = os.path.basename(workerinput["mainargv"][0])  # noqa: SLF001, PTH119  # as xdist does
    config.workerinput = workerinput  # type: ignore[attr-defined]  # how every plugin knows a worker
    config.workeroutput = {}  # type: ignore[attr-defined]  # as above
    UnitWorker(config, channel)
    config.hook.pytest_cmdline_main(config=config)


class UnitWorker(WorkerInteractor):
    """Takes one unit, runs it, sends all of it in one message, asks for the next by that.

    A message a report, as xdist sends them, would show a unit as passed before its end is recorded.
    """

    def __init__(self, config: pytest.Config, channel: execnet.Channel) -> None:
        super().__init__(config, channel)
        self._orders: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        self._reports: list[dict[str, Any]] | None = None
        self._units: list[Unit] = []
        self._collected: list[str] = []
        self._signals = StopSignals(say=lambda _: None)

    def sendevent(self, name: str, **kwargs: object) -> None:
        """Send a message; whatever a user's objects put into it is made fit to travel."""
        try:
            self.channel.send((name, kwargs))
        except (execnet.DumpError, UnicodeError):  # nothing of it was sent
            self.channel.send((name, fit_to_travel(kwargs)))

    @pytest.hookimpl
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Tell the controller that this worker is up, and who it is."""
        self.session = session
        info = {**getinfodict(), "benchrun_host": platform.node(), "benchrun_pid": os.getpid()}
        self.sendevent("workerready", workerinfo=info)

    @pytest.hookimpl
    def pytest_internalerror(self, excrepr: object) -> None:
        """Tell the controller; xdist's own version relies on a global of its module."""
        self.sendevent("internal_error", formatted_error=str(excrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:  # type: ignore[override]  # as below
        """Note what was collected, and leave the ids alone: xdist would add the group, and a resume goes by them."""
        self._collected = ids_of(items)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Send the work list, then what xdist itself sends."""
        # what makes the groups is checked by the controller, where an error can be shown
        told = self.config.workerinput[WORKER_INPUT]  # type: ignore[attr-defined]  # set by serve
        matrix: MatrixHooks = self.config.pluginmanager.getplugin("benchrun-matrix")
        try:
            if matrix.problem is not None:
                raise matrix.problem
            self._units = units_of(session.items, told["group_by"], told["phases"])
        except BenchrunError as error:
            self.sendevent(WORK_LIST, data=str(error))
        else:
            groups = [xdist_group_of(item) for item in session.items]
            present = {unit.unit_id for unit in self._units}
            deselected = [unit_id for unit_id in self._collected if unit_id not in present]
            self.sendevent(WORK_LIST, data=WorkList(self._units, groups, deselected).encode())
        ids = [unit_id_of(item) for item in session.items]
        self.sendevent("collectionfinish", topdir=str(self.config.rootpath), ids=ids)

    @pytest.hookimpl
    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Send a warning as text with a category that the controller has.

        xdist sends the classes and their arguments, to be made again there: a class of a test module, or one
        whose arguments do not travel, would end the session.
        """
        plain = warnings.WarningMessage(
            message=to_text(warning_message.message),
            category=_known_category(warning_message.category),
            filename=safe_text(str(warning_message.filename)),
            lineno=warning_message.lineno,
        )
        super().pytest_warning_recorded(warning_message=plain, when=when, nodeid=nodeid, location=location)

    def handle_command(self, command: Any) -> None:  # noqa: ANN401  # what execnet delivers
        """Queue what the controller orders; runs in execnet's receiver thread."""
        if command is Marker.SHUTDOWN or command[0] == "shutdown":
            self._orders.put(None)
        elif command[0] == RUN_UNIT:
            self._orders.put((command[1]["index"], command[1]["attempt"]))
        elif command[0] == INTERRUPT:
            self._signals.harden()

    @pytest.hookimpl
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what is ordered until there is nothing more."""
        session.config.option.maxfail = 0  # the controller counts, over all workers
        told = session.config.workerinput[WORKER_INPUT]  # type: ignore[attr-defined]  # set by serve
        loop = UnitLoop(session, self.config.pluginmanager.getplugin("benchrun-stuck"))
        sender = self._send_pulses()
        # Ctrl-C and schedulers reach workers too. The first signal is the controller's business: the unit in
        # flight is awaited. The second one interrupts it.
        self._signals.install()
        stacks = StacksFile(RunDir(Path(told["results_dir"])).stacks(self.workerid))
        session.config.pluginmanager.getplugin("benchrun-guard").forks.let_go = self._let_go
        self.channel.setcallback(self.handle_command, endmarker=Marker.SHUTDOWN)
        while (order := self._orders.get()) is not None:
            try:
                self._run(loop, *order)
            except (KeyboardInterrupt, pytest.exit.Exception):
                raise
            except BaseException as error:  # noqa: BLE001  # pytest itself failed, or a hook: an internal error
                # sent to xdist it would end the whole run; a worker that dies costs one unit, and is replaced
                stacks.write(error)
                _exit(_BROKEN)
        loop.settle(None)
        stacks.remove_empty()
        sender.close()
        self._signals.restore()
        return True

    def _let_go(self) -> None:
        """In a child that a unit has forked: it must not speak for this worker, nor hide its end."""
        self._signals.forget()
        nothing = os.open(os.devnull, os.O_RDWR)
        # execnet's, which the child of a crashed worker would keep open
        pipes: Any = self.channel.gateway._io  # noqa: SLF001
        for file in (pipes.outfile, pipes.infile):
            os.dup2(nothing, file.fileno(), inheritable=False)
        os.close(nothing)

    def _send_pulses(self) -> PulseSender:
        hooks: UnitHooks = self.config.pluginmanager.getplugin("benchrun-unit")

        def find() -> Pulse | None:
            beacons = hooks.beacons
            return None if beacons is None else beacons.pulse()

        sender = PulseSender(find, lambda data: self.sendevent(PULSE, data=data))
        hooks.note_news = sender.note_news
        sender.start()
        return sender

    def _run(self, loop: UnitLoop, index: int, attempt: int) -> None:
        item = self.session.items[index]
        self.item_index = index
        hooks: UnitHooks = self.config.pluginmanager.getplugin("benchrun-unit")
        loop.settle(item)
        hooks.begin(self._units[index], attempt, item)
        self._reports = []
        pid = os.getpid()
        elapsed_s: float | None = None
        stop: str | None = None
        try:
            elapsed_s = loop.run(item)
        except (KeyboardInterrupt, pytest.exit.Exception) as stopped:
            stop = f"{type(stopped).__name__}: {stopped}"
        if os.getpid() != pid:
            os._exit(1)  # a child that the unit forked came back into pytest: it must not go on as a second worker
        outcome = hooks.end()
        reports, self._reports = self._reports, None
        if stop is not None:
            outcome = Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message=safe_text(stop))
            reports = []
        stop = stop or _stop_of(self.session)
        message = {
            "index": index,
            "elapsed_s": elapsed_s,
            "outcome": outcome,
            "reports": reports,
            "nodeid": item.nodeid,
            "location": item.location,
            "stop": stop,
        }
        self.sendevent(UNIT_DONE, data=pack(message))

    @pytest.hookimpl
    def pytest_runtest_logstart(self) -> None:  # type: ignore[override]  # as above
        """Sent with the unit's end."""

    @pytest.hookimpl
    def pytest_runtest_logfinish(self) -> None:  # type: ignore[override]  # as above
        """Sent with the unit's end."""

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the unit's reports until it has ended; a late one of a wider fixture goes out at once."""
        is_late = self._reports is None
        if is_late:
            report.benchrun_late = True  # type: ignore[attr-defined]  # extra attributes travel with a report
        report.user_properties = [plain_property(name, value) for name, value in report.user_properties]
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        data["item_index"] = self.item_index
        data["worker_id"] = self.workerid
        data["testrun_uid"] = self.testrunuid
        if self._reports is None:
            self.sendevent("testreport", data=data)
        else:
            self._reports.append(data)


def _known_category(category: type[Warning]) -> type[Warning]:
    known = (
        kind for kind in category.__mro__ if kind.__module__.partition(".")[0] in {"builtins", "_pytest", "pytest"}
    )
    found = next(known, Warning)
    return found if issubclass(found, Warning) else Warning


def _stop_of(session: pytest.Session) -> str | None:
    reason = session.shouldfail or session.shouldstop
    return str(reason) if reason else None
