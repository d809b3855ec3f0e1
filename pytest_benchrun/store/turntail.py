"""Reads the lines of turns that workers have appended since the last look; in the owner's process."""

from __future__ import annotations

from typing import Any

import orjson

from pytest_benchrun.store.rundir import RunDir

_loads = orjson.loads  # now: a unit may patch them

MOST_BYTES = 1_000_000
"""Read at one look; what a unit has written beyond it is passed over."""


class TurnTail:
    """Where each file of turns was read to.

    Args:
        rundir: where they are; what stands in the file of all is of earlier sessions.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._rundir = rundir
        self._read: dict[str, int] = {}
        self._start = rundir.turns.stat().st_size if rundir.turns.exists() else 0

    def new_turns(self, worker: str, *, is_owner: bool) -> list[dict[str, Any]]:
        """The turns that a worker has appended; none where they are not kept, or cannot be read."""
        path = self._rundir.turns if is_owner else self._rundir.turn_part(worker)
        start = self._read.get(worker, self._start if is_owner else 0)
        try:
            size = path.stat().st_size
            if size < start:  # it was put away, and begun anew
                start = 0
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(min(size - start, MOST_BYTES))
        except OSError:
            return []
        self._read[worker] = size
        return _decode(data)


def _decode(data: bytes) -> list[dict[str, Any]]:
    turns = []
    for line in data.split(b"\n"):
        try:
            record = _loads(line)
        except ValueError:  # cut off by the limit
            continue
        if isinstance(record, dict) and "turn_index" in record and "event" not in record:
            turns.append(record)
    return turns
