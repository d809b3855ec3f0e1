"""`STOP` and `STOP_REQUESTED`: how people ask a run to stop softly, and `benchrun stop` softly or at once.

A STOP is stale by identity, not by age: one that was there before the session, or that names another
session, is put aside as `STOP.ignored-<time>`; one that is obeyed becomes `STOP.obeyed-<time>`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import orjson

from pytest_benchrun.core.conductor import Conductor
from pytest_benchrun.core.errors import JournalWriteFailed
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir

_loads = orjson.loads  # now: a unit may patch them

REASON = "stop requested"
REASON_NOW = "stop requested, at once"
REASON_LENGTH = 1000
"""Characters of a reason; a file beyond `_READ_AT_MOST` would be taken for a touched one."""

_READ_AT_MOST = 10_000


class StopRequest(TypedDict):
    """What `benchrun stop` writes into STOP; a touched file is empty and meant for whoever runs."""

    schema_version: int
    who: str
    at: str
    run_id: str
    session: int
    reason: str | None
    now: bool


class StopFile:
    """The stop files of one session.

    Args:
        rundir: where they are looked for.
        now_at: the time, for the names of files put aside.

    Attributes:
        now: why the units in flight are to be interrupted; None while nobody asks for that.
    """

    def __init__(self, rundir: RunDir, now_at: Callable[[], str]) -> None:
        self._disk: Disk = rundir.disk
        # Looked at before every unit: access() on plain strings costs a quarter of an lstat that raises.
        self._names = [str(path) for path in rundir.stop_names]
        self._now_at = now_at
        self._meant_for: tuple[str, int] = ("", 0)
        self._asked: Stop | None = None
        self.now: str | None = None

    def put_aside_stale(self) -> list[str]:
        """Rename what was there before the session; returns the new names."""
        return [self._put_aside(Path(name), "ignored") for name in self._names if os.path.lexists(name)]

    def belongs_to(self, run_id: str, session: int) -> None:
        """Say which session is asked from now on."""
        self._meant_for = (run_id, session)

    def find(self) -> Stop | None:
        """The stop that somebody has asked of this session, the first one; None when nobody has."""
        for name in self._names:
            if os.access(name, os.F_OK, follow_symlinks=False):
                self._take(Path(name))
        return self._asked

    def _take(self, path: Path) -> None:
        request = read_request(path)
        if request and (request["run_id"], request["session"]) != self._meant_for:
            self._put_aside(path, "ignored")
            return
        self._put_aside(path, "obeyed")
        is_now = request is not None and request["now"]
        said = request["reason"] if request else None
        reason = REASON_NOW if is_now else REASON
        reason = f"{reason}: {said}" if said else reason
        if self._asked is None:
            self._asked = Stop("stop-file", reason, RunState.INTERRUPTED if is_now else RunState.STOPPED)
        if is_now and self.now is None:
            self.now = reason

    def _put_aside(self, path: Path, verb: str) -> str:
        name = f"STOP.{verb}-{self._now_at().replace(':', '')}"
        target = path.with_name(name)
        number = 1
        while os.path.lexists(target):  # STOP and STOP_REQUESTED in the same millisecond
            number += 1
            target = path.with_name(f"{name}-{number}")
        with suppress(OSError):  # a STOP that cannot be renamed is obeyed all the same
            self._disk.replace(path, target)
        return target.name


def look_for_stop(conductor: Conductor, stop_file: StopFile, interrupt: Callable[[str], None]) -> None:
    """See a stop while units run: record it, and interrupt them when it asks for that.

    Runs in a thread beside the units.

    Args:
        conductor: asks the stop file, among others.
        stop_file: says whether units are to be interrupted.
        interrupt: told why; called again at every look from then on.
    """
    with suppress(JournalWriteFailed):  # the next event of a unit meets the same disk, and its thread can act on it
        conductor.look()
    if stop_file.now is not None:
        interrupt(stop_file.now)


def read_request(path: Path) -> StopRequest | None:
    """What a STOP file says; None for a touched one or anything else that `benchrun stop` did not write."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            raw = _loads(file.read(_READ_AT_MOST))
        return StopRequest(
            who=str(raw["who"]),
            at=str(raw["at"]),
            run_id=str(raw["run_id"]),
            session=int(raw["session"]),
            reason=None if raw.get("reason") is None else to_name(str(raw["reason"]), REASON_LENGTH),
            now=raw.get("now") is True,
            schema_version=int(raw.get("schema_version", SCHEMA_VERSION)),  # the first version wrote none
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
