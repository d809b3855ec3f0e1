"""Ends units that give no sign of progress, where they run; and the user's own limits, as pytest-timeout has them.

Both are armed by a write to memory that the watchdog process reads (`world/watch.py`). When a unit is stuck
the watchdog knocks, and `_knocked` runs in the main thread, between two instructions of the unit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import orjson
import pytest
import pytest_timeout

from pytest_benchrun.core.incident import incident_view, message_of_incident
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.settings import StuckSettings
from pytest_benchrun.hooks.alarms import set_alarm, set_thread
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.hooks.marks import Marks, stuck_timeout_of
from pytest_benchrun.store.incidents import write_incident
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.clock import WallClock, monotonic_ns
from pytest_benchrun.world.exit import bound_exit, expect_exit
from pytest_benchrun.world.interpreter import is_debugged
from pytest_benchrun.world.tree import end_all
from pytest_benchrun.world.vitals import vitals
from pytest_benchrun.world.watch import Watch
from pytest_benchrun.world.watchdog import ACTION, ACTIONS, BEGAN, HEARD, LAST, LIMIT, PAUSED, WALL

_dumps = orjson.dumps  # now: a unit may patch them

_getpid = os.getpid  # now: a unit may patch it

_SECOND_NS = 1_000_000_000
_TICK_S = 0.02  # a process's start is known to a hundredth of a second


@dataclass(slots=True)
class _Watched:
    """The attempt that is looked after; also its wide fixtures' teardown, after it."""

    unit: Unit
    number: int
    item: pytest.Item
    beacons: Beacons
    began_ns: int
    is_wide: bool = False
    verdict: str | None = None
    stops: bool = False
    wall: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who this process is.

    Attributes:
        is_owner: whether it owns the run, and not only a part of it.
    """

    run_id: str
    rundir: RunDir
    worker: str
    host: str
    is_owner: bool


class StuckTimer:
    """Looks after the unit in flight.

    Args:
        place: where this process is.
        settings: how long a unit may be silent, and what becomes of it then.
    """

    def __init__(self, place: Place, settings: StuckSettings) -> None:
        self._place = place
        self._settings = settings
        self._action = ACTIONS.index(settings.action)
        self._marks = Marks()
        self._clock = WallClock()
        self._watched: _Watched | None = None
        self._watch: Watch | None = None
        self._is_broken = False
        self._incidents = 0
        self._session: pytest.Session | None = None
        self.problem: str | None = None
        expect_exit()

    def watch(self, unit: Unit, number: int, item: pytest.Item, clock: WallClock, note: Callable[[], None]) -> Beacons:
        """From here on the attempt is looked after; its beacons."""
        said = stuck_timeout_of(self._marks.of(item))
        limit_s = self._settings.timeout_s if said is None else said
        watch = self._running_watch() if limit_s else self._watch
        if watch is None:
            beacons = Beacons(unit.unit_id, clock, note)
            self._watched = _Watched(unit, number, item, beacons, beacons.last_ns)
            return beacons
        cells = watch.cells
        cells[LAST] = cells[WALL] = cells[PAUSED] = 0
        cells[LIMIT] = int(limit_s * _SECOND_NS)
        cells[ACTION] = self._action
        beacons = Beacons(unit.unit_id, clock, note, cells)
        cells[BEGAN] = beacons.last_ns
        self._watched = _Watched(unit, number, item, beacons, beacons.last_ns)
        self.tell()
        return beacons

    def release(self) -> str | None:
        """The attempt is over.

        Returns:
            Why it is a timeout whatever it has said; None when it is none.
        """
        watched = self._watched
        if watched is None:
            return None
        self._forget_wall(watched)
        watched.beacons.detach()
        if self._watch is not None:
            self._watch.cells[LAST] = 0
            self._revive(self._watch)
        return watched.verdict

    @property
    def verdict(self) -> str | None:
        """Why the attempt in flight is a timeout whatever it says; None while it is none."""
        return self._watched.verdict if self._watched is not None else None

    def forgive(self) -> None:
        """Another try of the attempt begins."""
        if self._watched is not None:
            self._watched.verdict = None

    def tell(self) -> None:
        """Let the watchdog know what its record should say of the unit."""
        watched = self._watched
        if self._watch is not None and watched is not None:
            self._watch.tell(_dumps(self._said(watched)))

    def pause(self, *, is_paused: bool) -> None:
        """While a debugger has the terminal, or the owner waits for its disk, no unit is stuck."""
        watched = self._watched
        if self._watch is not None:
            if not is_paused and watched is not None and self._watch.cells[LAST]:
                watched.beacons.beat("resumed")
            self._watch.cells[PAUSED] = int(is_paused)

    def begin_teardown(self) -> None:
        """Fixtures of wider scope are torn down, after the unit that was the last to use them."""
        watched, watch = self._watched, self._watch
        if watched is None or watch is None:
            return
        beacons = Beacons(watched.unit.unit_id, self._clock, None, watch.cells)
        self._watched = _Watched(watched.unit, watched.number, watched.item, beacons, beacons.last_ns, is_wide=True)
        watch.cells[BEGAN] = beacons.last_ns
        watch.cells[WALL] = watch.cells[PAUSED] = 0
        self.tell()

    def _said(self, watched: _Watched) -> dict[str, Any]:
        return {
            "unit_id": watched.unit.unit_id,
            "params": watched.unit.params,
            "attempt": watched.number,
            "is_wide": watched.is_wide,
            "stage": watched.beacons.stage,
            "note": watched.beacons.note,
        }

    def _running_watch(self) -> Watch | None:
        if self._watch is not None or self._is_broken:
            return self._watch
        place = self._place
        about = {
            "run_id": place.run_id,
            "worker": place.worker,
            "host": place.host,
            "folder": str(place.rundir.incidents),
            "run_error": str(place.rundir.run_error) if place.is_owner else None,
        }
        try:
            watch = Watch(about, self._knocked)
            watch.start()
        except (OSError, ValueError) as error:
            self._is_broken = True
            self.problem = f"stuck units are not seen: no watchdog could be started ({error})"
            return None
        self._watch = watch
        return watch

    def _revive(self, watch: Watch) -> None:
        try:
            if watch.revive():
                self.problem = "ended the watchdog, which was started again"
        except (OSError, ValueError) as error:
            self.problem = f"stuck units are not seen: the watchdog was ended ({error})"

    def _knocked(self, frame: FrameType | None) -> None:
        """The unit in flight has been silent for too long; in the main thread."""
        __tracebackhide__ = True
        watched, watch = self._watched, self._watch
        if watched is None or watch is None or not watch.cells[LAST] or watch.cells[PAUSED]:
            return
        now_ns, limit_ns = monotonic_ns(), watch.cells[LIMIT]
        if now_ns - watched.beacons.last_ns < limit_ns:
            return  # it went on while the signal was on its way
        if is_debugged():  # not pytest-timeout's answer: for it a session stays in the debugger for ever
            watched.beacons.beat("debugging")
            return
        watch.cells[HEARD] = now_ns
        message = self._write_down(watched, "stuck", limit_ns / 1e9, frame)
        if self._settings.action == "report":
            return
        watched.verdict, watched.stops = message, self._settings.action == "stop"
        pytest.fail(message)

    def _write_down(self, watched: _Watched, kind: str, limit_s: float, frame: FrameType | None) -> str:
        """Write the incident, then end what the unit has started, unless it goes on.

        Returns:
            What it comes to, for people.
        """
        now_ns = monotonic_ns()
        where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}" if frame else None
        message = message_of_incident(kind, limit_s, where)
        ends = kind == "timeout" or self._settings.action != "report"
        elapsed_s = (now_ns - watched.began_ns) / 1e9
        try:
            facts, started = vitals(self._pid(), {self._watch.pid} if self._watch is not None else ())
            own = [one for one in started if one.age_s <= elapsed_s + _TICK_S]
            self._incidents += 1
            incident = incident_view(
                {
                    **self._said(watched),
                    **facts,
                    "run_id": self._place.run_id,
                    "kind": kind,
                    "action": self._settings.action,
                    "ended": "unit" if ends else None,
                    "at": self._clock.now_at(),
                    "worker": self._place.worker,
                    "host": self._place.host,
                    "pid": self._pid(),
                    "message": message,
                    "where": where,
                    "elapsed_s": round(elapsed_s, 3),
                    "silent_s": round((now_ns - watched.beacons.last_ns) / 1e9, 3),
                    "limit_s": limit_s,
                    "beacons": [
                        {"kind": one.kind, "text": one.text, "age_s": round((now_ns - one.at_ns) / 1e9, 3)}
                        for one in watched.beacons.recent()
                    ],
                    "stacks": self._watch.stacks() if self._watch is not None else "",
                }
            )
            name = f"{self._place.worker}-{self._pid()}-{self._incidents}"
            write_incident(self._place.rundir, name, incident)
            if ends:
                end_all(own)
        except Exception as error:  # noqa: BLE001  # what cannot be found out or written must not save the unit
            self.problem = f"the incident could not be written down: {type(error).__name__}: {error}"
        return message

    @staticmethod
    def _pid() -> int:
        return _getpid()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:  # noqa: ANN401  # untyped
        """Arm the user's limit as pytest-timeout does, and have the watchdog know of it."""
        watched = self._watched
        watch = self._running_watch()
        if watched is None or watch is None or watched.item is not item:
            return None
        watched.wall = settings
        if not watch.cells[LAST]:  # silence is not looked after, and so no beacon comes
            watch.cells[LIMIT] = 0
            watch.cells[BEGAN] = watch.cells[LAST] = watched.beacons.last_ns
            self.tell()
        watch.cells[HEARD] = 0
        watch.cells[WALL] = monotonic_ns() + int(settings.timeout * _SECOND_NS)
        if settings.method == "signal" and threading.current_thread() is threading.main_thread():
            item.cancel_timeout = set_alarm(lambda frame: self._run_out(watched, frame), settings.timeout)  # type: ignore[attr-defined]  # pytest-timeout's own name
        else:
            item.cancel_timeout = set_thread(lambda: self._run_out_in_thread(watched), settings.timeout)  # type: ignore[attr-defined]  # as above
        return True

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> None:
        """The user's limit holds no more; pytest-timeout's own hook calls the item's `cancel_timeout`."""
        watched = self._watched
        if watched is not None and watched.item is item:
            self._forget_wall(watched)

    def _forget_wall(self, watched: _Watched) -> None:
        watched.wall = None
        if self._watch is not None:
            self._watch.cells[WALL] = 0

    def _run_out(self, watched: _Watched, frame: FrameType | None) -> None:
        """The user's limit has ended: what pytest-timeout does, once it is written down."""
        __tracebackhide__ = True
        settings = watched.wall
        if settings is None:
            return
        if settings.disable_debugger_detection or not pytest_timeout.is_debugging():
            if self._watch is not None:
                self._watch.cells[HEARD] = monotonic_ns()
            watched.verdict = self._write_down(watched, "timeout", settings.timeout, frame)
        pytest_timeout.timeout_sigalrm(watched.item, settings)

    def _run_out_in_thread(self, watched: _Watched) -> None:
        settings = watched.wall
        if settings is None:
            return
        if settings.disable_debugger_detection or not pytest_timeout.is_debugging():
            self._write_down(watched, "timeout", settings.timeout, None)
        pytest_timeout.timeout_timer(watched.item, settings)

    @pytest.hookimpl
    def pytest_runtest_logfinish(self) -> None:
        """Stop the run after a stuck unit, if that was asked for."""
        watched = self._watched
        if watched is not None and watched.stops:
            watched.item.session.shouldstop = f"{watched.unit.unit_id}: {watched.verdict}"

    @pytest.hookimpl
    def pytest_enter_pdb(self) -> None:
        """A debugger has the terminal."""
        self.pause(is_paused=True)

    @pytest.hookimpl
    def pytest_leave_pdb(self) -> None:
        """The debugger is gone."""
        self.pause(is_paused=False)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep the session: its exit code is settled after this."""
        self._session = session

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """End the watchdog; what is left is the end of the process itself."""
        if self._watch is not None and self._session is not None and self._settings.timeout_s:
            bound_exit(int(self._session.exitstatus), self._settings.timeout_s)
        self._watched = self._session = None
        watch, self._watch = self._watch, None
        self._is_broken = True
        if watch is not None:
            watch.close()
