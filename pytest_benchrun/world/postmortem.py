"""Writes the record of a process that hangs, then ends it and all that it has started.

Run by the watchdog in a process of its own, since it needs more than the standard library. The record is
written first: whoever sees the process gone finds why.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from pytest_benchrun.core.incident import IncidentView, incident_view, message_of_incident, where_in
from pytest_benchrun.world.alive import process_started
from pytest_benchrun.world.clock import WallClock, monotonic_ns
from pytest_benchrun.world.tree import end_all
from pytest_benchrun.world.vitals import vitals
from pytest_benchrun.world.watchdog import ACTION, ACTIONS, BEGAN, HEAD, LAST, LENGTH, LIMIT, REPORT, SIZE, WALL


def examine(told: dict[str, Any]) -> None:
    """Write the record; end the process unless it is to go on.

    Args:
        told: the watchdog's order.
    """
    pid, last_ns = told["pid"], told["last_ns"]
    memory = mmap.mmap(told["slot"], SIZE)
    cells = memoryview(memory)[:HEAD].cast("q")
    if process_started(pid) != told["started"]:
        return
    ends = told["kind"] == "timeout" or cells[ACTION] != REPORT
    facts, started = vitals(pid, {os.getpid(), told["watchdog"]})
    incident = _incident(told, bytes(memory[HEAD : HEAD + cells[LENGTH]]), list(cells), facts)
    written = _write(told, {**incident, "ended": "worker" if ends else None})
    if not ends:
        return
    if cells[LAST] != last_ns:  # it has gone on meanwhile
        for path in written:
            path.unlink(missing_ok=True)
        return
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    end_all(started)


def _incident(told: dict[str, Any], text: bytes, cells: list[int], facts: dict[str, Any]) -> IncidentView:
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    now_ns, began_ns, last_ns = monotonic_ns(), cells[BEGAN], told["last_ns"]
    size = os.fstat(told["stacks"]).st_size
    stacks = os.pread(told["stacks"], size - told["begin"], told["begin"]).decode("utf-8", "replace")
    limit_s = (cells[WALL] - began_ns if told["kind"] == "timeout" else cells[LIMIT]) / 1e9
    where = where_in(stacks)
    return incident_view(
        {
            **said,
            **facts,
            **{name: told[name] for name in ("run_id", "worker", "host", "pid", "kind")},
            "action": ACTIONS[cells[ACTION]],
            "at": WallClock().now_at(),
            "message": message_of_incident(told["kind"], round(limit_s, 3), where),
            "where": where,
            "stacks": stacks,
            "elapsed_s": round((now_ns - began_ns) / 1e9, 3),
            "silent_s": round((now_ns - last_ns) / 1e9, 3),
            "limit_s": round(limit_s, 3),
            "beacons": [{"kind": "last", "text": "", "age_s": round((now_ns - last_ns) / 1e9, 3)}],
        }
    )


def _write(told: dict[str, Any], incident: dict[str, Any]) -> list[Path]:
    """Its file, and where this process owned the run the latest one; a disk that takes none does not save the unit."""
    data = orjson.dumps(incident, option=orjson.OPT_INDENT_2)
    folder = Path(told["folder"])
    name = f"{told['worker']}-{told['pid']}-{told['last_ns']}-end.json"
    written = []
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        for path in (folder / name, *([Path(told["run_error"])] if told.get("run_error") else [])):
            temporary = folder.parent / f".benchrun-tmp-{os.getpid()}-{path.name}"
            temporary.write_bytes(data)
            temporary.replace(path)
            written.append(path)
    return written
