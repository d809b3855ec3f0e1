"""Which unit a worker takes next: one at a time, nobody parked behind a long one, phase after phase.

Units of one affinity (xdist's scope, file or group) go to one worker at a time, so that wide
fixtures are set up once; without affinity each unit is free. A phase is a barrier: its first unit
goes out when every unit of the phases before it has come back. An exclusive unit has its host for
itself: once it is next for a worker, nothing more goes out on that host before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pytest_benchrun.core.model import Unit


class _Out(NamedTuple):
    """A unit that a worker has."""

    phase: str
    host: str
    is_exclusive: bool


class Dispatcher:
    """The queue of one session.

    Args:
        units: what is to run; within a phase in this order.
        phases: names of the phases in the order in which they run; one that is missing comes last.
        affinity: by unit id the name of what must stay on one worker; None or a missing id for
            units that may run anywhere.
    """

    def __init__(
        self, units: Iterable[Unit], phases: Iterable[str] = (), affinity: Mapping[str, str] | None = None
    ) -> None:
        self._affinity = affinity or {}
        self._queues: dict[str, _Queue] = {phase: _Queue(self._affinity) for phase in phases}
        self._out: dict[str, _Out] = {}
        self._exclusive: set[str] = set()
        self._waiting: dict[str, str] = {}  # by host the worker whose exclusive unit is next there
        for unit in units:
            self.put_back(unit)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def put_back(self, unit: Unit) -> None:
        """Queue a unit at the end of its phase: for the first time, or again after its worker was lost."""
        self._queues.setdefault(unit.phase, _Queue(self._affinity)).put_back(unit.unit_id)
        if unit.is_exclusive:
            self._exclusive.add(unit.unit_id)

    def put_front(self, unit: Unit, worker: str) -> None:
        """Take back a unit that `worker` took and that did not start; it keeps its place."""
        self._out.pop(worker, None)
        self._queues[unit.phase].put_front(unit.unit_id)

    def take(self, worker: str, host: str = "") -> str | None:
        """The next unit for `worker`; None when nothing is left that it may take now.

        A worker that got None asks again after each `finish` and `lose`, whichever worker's it was.

        Args:
            worker: has no unit.
            host: where it runs; the workers of one host share it with no exclusive unit.
        """
        if self._exclusive and self._is_held_back(worker, host):
            return None
        found = self._next(worker)
        if found is None:
            return None
        phase, unit_id = found
        is_exclusive = unit_id in self._exclusive
        if is_exclusive and any(out.host == host for out in self._out.values()):
            self._waiting[host] = worker
            return None
        self._waiting.pop(host, None)
        self._queues[phase].remove_first(unit_id)
        self._out[worker] = _Out(phase, host, is_exclusive)
        return unit_id

    def finish(self, worker: str) -> None:
        """The unit that `worker` took has come back."""
        self._out.pop(worker, None)

    def lose(self, worker: str) -> None:
        """`worker` is gone: others may have what it held."""
        self._out.pop(worker, None)
        self._waiting = {host: waiting for host, waiting in self._waiting.items() if waiting != worker}
        for queue in self._queues.values():
            queue.release(worker)

    def rest(self) -> list[str]:
        """All units that wait, phase by phase, free ones first."""
        return [unit_id for queue in self._queues.values() for unit_id in queue.rest()]

    def _next(self, worker: str) -> tuple[str, str] | None:
        """Phase and id of what `worker` takes next; it stays where it is."""
        for phase, queue in self._queues.items():
            if queue:
                unit_id = queue.next_of(worker)
                return None if unit_id is None else (phase, unit_id)
            if any(out.phase == phase for out in self._out.values()):
                return None
        return None

    def _is_held_back(self, worker: str, host: str) -> bool:
        """Whether an exclusive unit is out on `host`, or next there for another worker.

        What is next for that one is looked up anew: a worker of another host may have taken the unit.
        """
        if any(out.is_exclusive and out.host == host for out in self._out.values()):
            return True
        waiting = self._waiting.get(host, worker)
        if waiting == worker:
            return False
        found = self._next(waiting)
        if found is not None and found[1] in self._exclusive:
            return True
        del self._waiting[host]
        return False


class _Queue:
    """The units of one phase."""

    def __init__(self, affinity: Mapping[str, str]) -> None:
        self._affinity = affinity
        self._free: deque[str] = deque()
        self._bound: dict[str, deque[str]] = {}
        self._holder: dict[str, str] = {}
        self._current: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._free) + sum(map(len, self._bound.values()))

    def __bool__(self) -> bool:
        return bool(self._free) or any(self._bound.values())

    def put_back(self, unit_id: str) -> None:
        self._queue_of(unit_id).append(unit_id)

    def put_front(self, unit_id: str) -> None:
        self._queue_of(unit_id).appendleft(unit_id)

    def next_of(self, worker: str) -> str | None:
        """What `worker` takes next; the affinity of that is its own from now on."""
        if not self._bound:  # nearly always so: there is no affinity
            return self._free[0] if self._free else None
        bond = self._current.get(worker)
        if bond is None or not self._bound.get(bond):
            self.release(worker)
            bond = self._next_bond()
            if bond is None:
                return self._free[0] if self._free else None
            self._current[worker] = bond
            self._holder[bond] = worker
        return self._bound[bond][0]

    def remove_first(self, unit_id: str) -> None:
        """Take out a unit that is the first of its affinity, or of the free ones."""
        self._queue_of(unit_id).popleft()

    def release(self, worker: str) -> None:
        bond = self._current.pop(worker, None)
        if bond is not None:
            self._holder.pop(bond, None)
            if not self._bound.get(bond):
                self._bound.pop(bond, None)

    def rest(self) -> list[str]:
        return [*self._free, *(unit_id for units in self._bound.values() for unit_id in units)]

    def _queue_of(self, unit_id: str) -> deque[str]:
        bond = self._affinity.get(unit_id)
        return self._free if bond is None else self._bound.setdefault(bond, deque())

    def _next_bond(self) -> str | None:
        return next((bond for bond, units in self._bound.items() if units and bond not in self._holder), None)
