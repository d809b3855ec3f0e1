"""Which unit a worker takes next: one at a time, nobody parked behind a long one.

Units of one affinity (xdist's scope, file or group) go to one worker at a time, so that wide
fixtures are set up once; without affinity each unit is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence


class Dispatcher:
    """The queue of one session.

    Args:
        unit_ids: what is to run, in order.
        affinity: by unit id the name of what must stay on one worker; None or a missing id for
            units that may run anywhere.
    """

    def __init__(self, unit_ids: Sequence[str], affinity: Mapping[str, str] | None = None) -> None:
        self._affinity = affinity or {}
        self._free: deque[str] = deque()
        self._bound: dict[str, deque[str]] = {}
        self._holder: dict[str, str] = {}
        self._current: dict[str, str] = {}
        for unit_id in unit_ids:
            self.put_back(unit_id)

    def __len__(self) -> int:
        return len(self._free) + sum(map(len, self._bound.values()))

    def put_back(self, unit_id: str) -> None:
        """Queue a unit at the end: for the first time, or again after its worker was lost."""
        bond = self._affinity.get(unit_id)
        if bond is None:
            self._free.append(unit_id)
        else:
            self._bound.setdefault(bond, deque()).append(unit_id)

    def put_front(self, unit_id: str) -> None:
        """Give back a unit that was taken and did not start; it keeps its place."""
        bond = self._affinity.get(unit_id)
        queue = self._free if bond is None else self._bound.setdefault(bond, deque())
        queue.appendleft(unit_id)

    def take(self, worker: str) -> str | None:
        """The next unit for `worker`; None when nothing is left that it may take."""
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
        """Let other workers have what `worker` held: it is done with it, or gone."""
        bond = self._current.pop(worker, None)
        if bond is not None:
            self._holder.pop(bond, None)
            if not self._bound.get(bond):
                self._bound.pop(bond, None)

    def rest(self) -> list[str]:
        """All units that wait, free ones first."""
        return [*self._free, *(unit_id for units in self._bound.values() for unit_id in units)]

    def _next_bond(self) -> str | None:
        return next((bond for bond, units in self._bound.items() if units and bond not in self._holder), None)
