"""`checkpoints/<unit>.json`: what a unit of hours has kept of its work, for the attempt after a kill.

Written by the process where the unit runs; removed by the one that owns the run, once the unit's end is
on the disk. One line of JSON with a checksum at its end, as in the journal: a checkpoint in which one bit
has flipped would bend a result.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import CheckpointUnusable, JournalWriteFailed, NewerSchema
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.exactjson import exact_json
from pytest_benchrun.core.model import JsonValue, Unit, UnitStatus
from pytest_benchrun.core.plan import changes
from pytest_benchrun.core.slug import slug
from pytest_benchrun.store.journal import decode_line
from pytest_benchrun.store.rundir import RunDir

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them


class CheckpointRecord(TypedDict):
    """`checkpoints/<unit>.json`; a checksum follows."""

    schema_version: int
    run_id: str
    unit_id: str
    fingerprint: str
    params: dict[str, JsonValue]
    attempt: int
    saved_at: str
    value: JsonValue


class CheckpointFile:
    """The checkpoint of one unit, seen from one attempt.

    Args:
        rundir: where it is kept.
        run_id: the run it belongs to; one of another run is not used.
        unit: as it is now; a checkpoint of an earlier version of it is not used.
        attempt: the one in flight.
        now_at: the time, for `saved_at`.
    """

    def __init__(self, rundir: RunDir, *, run_id: str, unit: Unit, attempt: int, now_at: Callable[[], str]) -> None:
        self._rundir = rundir
        self._run_id = run_id
        self._unit = unit
        self._attempt = attempt
        self._now_at = now_at
        self._may_replace = False

    def write(self, value: object) -> None:
        """Keep `value`; the one before is replaced whole, or stays whole.

        Raises:
            TypeError, ValueError: JSON would not give the value back as it is.
            NewerSchema: what is there was written by a newer version, and stays.
            OSError: it could not be written; what was there stays.
        """
        kept = exact_json(value, "the checkpoint's value")
        if kept is None:
            message = "the checkpoint's value is None, which load() gives when there is none"
            raise ValueError(f"{message}\n  -> save what the next attempt needs, like {{'step': 0}}")
        path = self._rundir.checkpoint(self._unit.unit_id)
        if not self._may_replace:
            _refuse_newer(path)
            self._may_replace = True
        if not path.parent.is_dir():
            self._rundir.disk.make_dir(path.parent)
            self._rundir.disk.sync_dir(self._rundir.path)
        self._rundir.disk.write_atomically(path, self._encode(kept))

    def read(self) -> JsonValue:
        """The value kept last, by this attempt or an earlier one; None when there is none.

        Raises:
            CheckpointUnusable: it is damaged, of a newer version, of another run, or the unit has changed.
            OSError: it could not be read.
        """
        path = self._rundir.checkpoint(self._unit.unit_id)
        try:
            record = _decode(path, path.read_bytes())
            self._refuse_foreign(record)
            value: JsonValue = record["value"]
        except FileNotFoundError:
            return None
        except NewerSchema as error:
            raise CheckpointUnusable(error.problem) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointUnusable(f"it is damaged: {error}") from error
        return value

    def _encode(self, value: JsonValue) -> bytes:
        unit = self._unit
        record = CheckpointRecord(
            schema_version=SCHEMA_VERSION,
            run_id=self._run_id,
            unit_id=unit.unit_id,
            fingerprint=unit.fingerprint,
            params=unit.params,
            attempt=self._attempt,
            saved_at=self._now_at(),
            value=value,
        )
        head = _dumps(record)[:-1]
        return b'%s,"crc":"%08x"}\n' % (head, zlib.crc32(head))

    def _refuse_foreign(self, record: dict[str, Any]) -> None:
        unit, params = self._unit, record["params"]
        if (record["run_id"], record["unit_id"]) != (self._run_id, unit.unit_id):
            raise CheckpointUnusable(f"it is one of {record['unit_id']!r} in run {record['run_id']!r}")
        before = Unit(
            unit_id=unit.unit_id,
            function=unit.function,
            group=unit.group,
            param_names=tuple(params),
            param_values=tuple(params.values()),
            fingerprint=record["fingerprint"],
        )
        changed = changes(before, unit)
        if changed:
            raise CheckpointUnusable(f"the unit has changed since attempt {record['attempt']}: {', '.join(changed)}")


def forget_checkpoint(rundir: RunDir, unit_id: str, make_sure: Callable[[], None]) -> None:
    """Remove the checkpoint of a unit that has completed; what cannot be removed stays, and is used by nobody.

    Args:
        rundir: where it is.
        unit_id: its unit.
        make_sure: called before it goes: waits until the disk has the record of the unit's end.
    """
    if not rundir.has_checkpoints():  # nearly always so
        return
    path = rundir.checkpoint(unit_id)
    with suppress(OSError, NewerSchema, JournalWriteFailed):
        if os.path.lexists(path):
            _refuse_newer(path)
            make_sure()
            rundir.disk.unlink(path)


def sweep_checkpoints(rundir: RunDir, campaign: Campaign, make_sure: Callable[[], None]) -> None:
    """Remove what a killed session has left: half-written files, and checkpoints of units that have completed."""
    rundir.disk.sweep_temporary_files(rundir.checkpoints)
    try:
        left = {entry.name for entry in os.scandir(rundir.checkpoints)}
    except OSError:
        return
    for unit_id, unit_record in campaign.records.items() if left else ():
        if unit_record.status is UnitStatus.COMPLETED and f"{slug(unit_id)}.json" in left:
            forget_checkpoint(rundir, unit_id, make_sure)


def _decode(path: Path, data: bytes) -> dict[str, Any]:
    try:
        record = decode_line(data)
    except ValueError:
        # A newer version may end its file in another way: it is newer all the same, and not damaged.
        with suppress(ValueError):
            _check_version(path, _loads(data))
        raise
    _check_version(path, record)
    return record


def _check_version(path: Path, record: object) -> None:
    version = record.get("schema_version") if isinstance(record, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerSchema(str(path), version, SCHEMA_VERSION)


def _refuse_newer(path: Path) -> None:
    with suppress(FileNotFoundError, ValueError):  # damaged: there is nothing in it to be kept
        _decode(path, path.read_bytes())
