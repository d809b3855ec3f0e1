"""Which unit a worker takes next: one at a time, nobody parked behind a long one, phase after phase.

Units of one affinity (xdist's scope, file or group) go to one worker at a time, so that wide
fixtures are set up once; without affinity each unit is free. A phase is a barrier: its first unit
goes out when every unit of the phases before it has come back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from pytest_benchrun.core.model import Unit


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
        self._out: dict[str, str] = {}
        for unit in units:
            self.put_back(unit)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def put_back(self, unit: Unit) -> None:
        """Queue a unit at the end of its phase: for the first time, or again after its worker was lost."""
        self._queues.setdefault(unit.phase, _Queue(self._affinity)).put_back(unit.unit_id)

    def put_front(self, unit: Unit, worker: str) -> None:
        """Take back a unit that `worker` took and that did not start; it keeps its place."""
        self._out.pop(worker, None)
        self._queues[unit.phase].put_front(unit.unit_id)

    def take(self, worker: str) -> str | None:
        """The next unit for `worker`; None when nothing is left that it may take now."""
        for phase, queue in self._queues.items():
            if queue:
                unit_id = queue.take(worker)
                if unit_id is not None:
                    self._out[worker] = phase
                return unit_id
            if phase in self._out.values():
                return None
        return None

    def finish(self, worker: str) -> None:
        """The unit that `worker` took has come back."""
        self._out.pop(worker, None)

    def lose(self, worker: str) -> None:
        """`worker` is gone: others may have what it held."""
        self._out.pop(worker, None)
        for queue in self._queues.values():
            queue.release(worker)

    def rest(self) -> list[str]:
        """All units that wait, phase by phase, free ones first."""
        return [unit_id for queue in self._queues.values() for unit_id in queue.rest()]


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

    def put_back(self, unit_id: str) -> None:
        self._queue_of(unit_id).append(unit_id)

    def put_front(self, unit_id: str) -> None:
        self._queue_of(unit_id).appendleft(unit_id)

    def take(self, worker: str) -> str | None:
        bond = self._current.get(worker)
        if bond is None or not self._bound.get(bond):
            self.release(worker)
            bond = self._next_bond()
            if bond is None:
                return self._free.popleft() if self._free else None
            self._current[worker] = bond
            self._holder[bond] = worker
        return self._bound[bond].popleft()

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
