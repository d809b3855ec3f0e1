"""Run as a file, in a process of its own: writes N records one way and prints what each costs, in CPU time."""

import io
import json
import logging
import os
import sqlite3
import statistics
import sys
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import orjson

BATCHES = 25
RECORD: dict[str, Any] = {
    "timestamp": "2026-11-21T08:00:00.000Z",
    "run_id": "campaign-20261121-080000-0123abcd",
    "session_id": None,
    "unit_id": "test_dialogue.py::test_dialogue[model-7]",
    "turn_index": 12345,
    "turn_id": "0123456789-1-12345",
    "role": None,
    "llm_ms": 403.649,
    "storage_ms": 12.107,
    "storage_ms_by": {"L2": 12.107},
    "total_ms": 415.801,
    "tokens_in": None,
    "tokens_out": None,
    "status": "ok",
    "error": None,
    "attempt": 1,
    "worker": "main",
}


def dumps(folder: Path) -> Callable[[int], None]:
    def run(n: int) -> None:
        for _ in range(n):
            orjson.dumps(RECORD)

    return run


def columns(folder: Path) -> Callable[[int], None]:
    """The numbers of a record into columns, its texts into lists; in memory alone."""
    numbers = {name: array("d") for name in ("llm_ms", "storage_ms", "total_ms")}
    texts: dict[str, list[object]] = {name: [] for name in ("timestamp", "unit_id", "turn_index", "turn_id", "status")}
    adds = [(column.append, RECORD[name]) for name, column in numbers.items()]
    others = [(column.append, RECORD[name]) for name, column in texts.items()]

    def run(n: int) -> None:
        for _ in range(n):
            for add, value in adds:
                add(value)
            for keep, text in others:
                keep(text)

    return run


def locked(folder: Path) -> Callable[[int], None]:
    file, lock = (folder / "turns.jsonl").open("ab", buffering=64 * 1024), threading.Lock()

    def run(n: int) -> None:
        for _ in range(n):
            with lock:
                file.write(orjson.dumps(RECORD, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()

    return run


class Plain:
    """The least that a turn could be in Python: a record made of what it was given, and appended.

    Args:
        file: takes the lines.
    """

    def __init__(self, file: io.BufferedWriter) -> None:
        self._file = file
        self._started_ns = 0

    def record(self, **fields: object) -> None:
        """Append a record with these fields."""
        self._file.write(orjson.dumps({**RECORD, **fields}, option=orjson.OPT_APPEND_NEWLINE))

    def __enter__(self) -> Self:
        self._started_ns = time.perf_counter_ns()
        return self

    def __exit__(self, *_: object) -> None:
        self.record(total_ms=(time.perf_counter_ns() - self._started_ns) / 1e6)


def method(folder: Path) -> Callable[[int], None]:
    plain = Plain((folder / "turns.jsonl").open("ab", buffering=64 * 1024))

    def run(n: int) -> None:
        for _ in range(n):
            plain.record(llm_ms=403.649, storage_ms=12.107, total_ms=415.801)

    return run


def context(folder: Path) -> Callable[[int], None]:
    plain = Plain((folder / "turns.jsonl").open("ab", buffering=64 * 1024))

    def run(n: int) -> None:
        for _ in range(n):
            with plain:
                pass

    return run


def flushed(folder: Path) -> Callable[[int], None]:
    file = (folder / "turns.jsonl").open("ab")

    def run(n: int) -> None:
        for _ in range(n):
            file.write(orjson.dumps(RECORD, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()

    return run


def written(folder: Path) -> Callable[[int], None]:
    descriptor = os.open(folder / "turns.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def run(n: int) -> None:
        for _ in range(n):
            os.write(descriptor, orjson.dumps(RECORD, option=orjson.OPT_APPEND_NEWLINE))

    return run


def append(folder: Path) -> Callable[[int], None]:
    file = (folder / "turns.jsonl").open("ab", buffering=64 * 1024)

    def run(n: int) -> None:
        for _ in range(n):
            file.write(orjson.dumps(RECORD, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()

    return run


def json_append(folder: Path) -> Callable[[int], None]:
    file = (folder / "turns.jsonl").open("a", encoding="utf-8")

    def run(n: int) -> None:
        for _ in range(n):
            file.write(json.dumps(RECORD) + "\n")
        file.flush()

    return run


def sqlite(folder: Path) -> Callable[[int], None]:
    database = sqlite3.connect(folder / "turns.sqlite")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"CREATE TABLE turns ({', '.join(RECORD)})")
    insert = f"INSERT INTO turns VALUES ({', '.join('?' * len(RECORD))})"  # noqa: S608  # constant names
    row = [json.dumps(value) if isinstance(value, dict) else value for value in RECORD.values()]

    def run(n: int) -> None:
        for first in range(0, n, 1000):
            with database:
                for _ in range(min(1000, n - first)):
                    database.execute(insert, row)

    return run


def log(folder: Path) -> Callable[[int], None]:
    logger = logging.getLogger("turns")
    logger.addHandler(logging.FileHandler(folder / "turns.log"))
    logger.propagate = False
    logger.setLevel(logging.INFO)

    def run(n: int) -> None:
        for _ in range(n):
            logger.info("%s", orjson.dumps(RECORD).decode())

    return run


def struct_log(folder: Path) -> Callable[[int], None]:
    import structlog  # noqa: PLC0415  # a peer that need not be there

    file: io.BufferedWriter = (folder / "turns.log").open("ab")
    structlog.configure(
        processors=[structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        logger_factory=structlog.BytesLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger()

    def run(n: int) -> None:
        for _ in range(n):
            logger.info("turn", **RECORD)

    return run


def ours(folder: Path) -> Callable[[int], None]:
    """A turn as a user writes it, with all that comes before and after the record."""
    from pytest_benchrun.core.model import Unit  # noqa: PLC0415  # the peers do without
    from pytest_benchrun.hooks.beacons import Beacons  # noqa: PLC0415  # likewise
    from pytest_benchrun.hooks.bench import BenchRun, Keeps  # noqa: PLC0415  # likewise
    from pytest_benchrun.hooks.turnlines import UnitTurns  # noqa: PLC0415  # likewise
    from pytest_benchrun.store.checkpoints import CheckpointFile  # noqa: PLC0415  # likewise
    from pytest_benchrun.store.rundir import RunDir  # noqa: PLC0415  # likewise
    from pytest_benchrun.store.turnfile import TurnFile  # noqa: PLC0415  # likewise
    from pytest_benchrun.world.clock import WallClock  # noqa: PLC0415  # likewise

    clock, rundir, run_id, unit_id = WallClock(), RunDir(folder), RECORD["run_id"], RECORD["unit_id"]
    file = TurnFile(rundir, None, rotate_bytes=None, now_at=clock.now_at)
    beacons = Beacons(unit_id, clock)
    turns = UnitTurns(run_id=run_id, beacons=beacons, attempt=1, worker="main", share=1, file=file, clock=clock)
    unit = Unit(
        unit_id=unit_id, function=unit_id, group=unit_id, phase="run", param_names=(), param_values=(), fingerprint=""
    )
    checkpoint = CheckpointFile(rundir, run_id=run_id, unit=unit, attempt=1, now_at=clock.now_at)
    keeps = Keeps(checkpoint, beacons, turns)
    bench = BenchRun(unit_id=unit_id, params={}, config={}, attempt=1, find_folder=lambda: folder, keeps=keeps)

    def run(n: int) -> None:
        for _ in range(n):
            with bench.turn() as turn:
                with turn.time("llm_ms"):
                    pass
                with turn.time("storage_ms", adapter="L2"):
                    pass
        file.flush()

    return run


PEERS: dict[str, tuple[str, str, Callable[[Path], Callable[[int], None]]]] = {
    "columns": ("columns appended in memory", "", columns),
    "dumps": ("`orjson.dumps` alone", "orjson", dumps),
    "append": ("`orjson.dumps` + buffered append", "orjson", append),
    "locked": ("the same + lock", "orjson", locked),
    "method": ("the same in a method with keyword arguments", "orjson", method),
    "context": ("the same in a context manager", "orjson", context),
    "flushed": ("`orjson.dumps` + append, flushed each", "orjson", flushed),
    "written": ("`orjson.dumps` + `os.write` each", "orjson", written),
    "ours": ("`with benchrun.turn()`, two timers", "pytest-benchrun", ours),
    "sqlite": ("SQLite, WAL, batches of 1,000", "", sqlite),
    "json": ("`json.dumps` + buffered append", "", json_append),
    "logging": ("`logging` with a JSON message", "", log),
    "structlog": ("structlog, JSON by orjson", "structlog", struct_log),
}
"""Name to title, the distribution that must be installed, and what makes the writer."""


def main() -> None:
    """Time one of them beside `orjson.dumps`, in batches by turns: arguments are name, N and folder.

    What else runs on the machine halves the speed of a process for seconds: both meet it.
    """
    name, n, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    run, floor = PEERS[name][2](folder), dumps(folder)
    batch = max(n // BATCHES, 1)
    run(batch)
    us, ratios = [], []
    for _ in range(BATCHES):
        before, cost = _us_of(floor, batch), _us_of(run, batch)
        us.append(cost)
        ratios.append(2 * cost / (before + _us_of(floor, batch)))
    print(json.dumps({"us": statistics.median(us), "ratio": statistics.median(ratios)}))


def _us_of(run: Callable[[int], None], n: int) -> float:
    before = time.process_time()
    run(n)
    return (time.process_time() - before) / n * 1e6


if __name__ == "__main__":
    main()
