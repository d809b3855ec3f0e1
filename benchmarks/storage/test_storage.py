"""Measures writes per second and their latency: sqlite3, dbm, plain files, safe or not.

All stores live in pytest's ``tmp_path``: choose the disk with ``--basetemp``. Every
unit is best run without `-n`: two that write at once would measure each other.
"""

import sqlite3
from collections.abc import MutableMapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from benchmarks.storage.disk import clear, files_bytes, warm_page_cache
from benchmarks.storage.files import APPENDERS, REPLACERS
from benchmarks.storage.records import Row, record, records, row_batches, rows
from benchmarks.timing import BYTES_PER_MB, Timing, time_each
from pytest_benchrun import BenchRun

MS_PER_S = 1_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder for a unit's store, on a disk ready for it."""
    warm_page_cache(tmp_path)
    return tmp_path


@pytest.mark.benchrun(group="journal_mode")
@pytest.mark.parametrize("batch_rows", [1, 10, 100])
@pytest.mark.parametrize("synchronous", ["off", "normal", "full"])
@pytest.mark.parametrize("journal_mode", ["delete", "truncate", "memory", "wal"])
def test_sqlite(
    benchrun: BenchRun,
    folder: Path,
    journal_mode: str,
    synchronous: str,
    batch_rows: int,
) -> None:
    """Commit batches of rows to a SQLite database, then open it again and read them."""
    path = folder / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        prepare_database(connection, journal_mode, synchronous)

        def commit(batch: list[Row]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry VALUES (?, ?)", batch)
            connection.execute("COMMIT")

        timing = time_each(commit, row_batches(batch_rows))
        journal_bytes = files_bytes(folder, without=path)
    count = batch_rows * timing.calls
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = connection.execute("SELECT number, text FROM entry ORDER BY number")
        assert found.fetchall() == list(islice(rows(), count))

    record_latencies(benchrun, "commit", timing)
    rows_per_s = batch_rows * timing.calls_per_s
    benchrun.metric("rows_per_s", rows_per_s, "1/s", better="higher")
    benchrun.metric("journal_bytes", journal_bytes, "B", better="lower")
    record_disk_use(benchrun, folder, count)
    clear(folder)


@pytest.mark.benchrun(group="backend")
@pytest.mark.parametrize("value_bytes", [100, 4_096])
@pytest.mark.parametrize("backend", ["dumb", "gnu", "ndbm", "sqlite3"])
def test_dbm(benchrun: BenchRun, folder: Path, backend: str, value_bytes: int) -> None:
    """Store values in a dbm database by key, then open it again and read them."""
    reason = f"this Python has no dbm.{backend}"
    # Any: the modules of the package share an interface that has no name.
    module: Any = pytest.importorskip(f"dbm.{backend}", reason=reason, exc_type=ImportError)
    path = str(folder / "store")
    database: MutableMapping[bytes, bytes]
    with closing(module.open(path, "c")) as database:

        def store(value: bytes) -> None:
            database[b"key %b" % value[:12]] = value

        timing = time_each(store, records(value_bytes))
    with closing(module.open(path, "r")) as database:
        assert len(database.keys()) == timing.calls
        for number in range(timing.calls):
            value = record(number, value_bytes)
            assert database[b"key %b" % value[:12]] == value

    record_latencies(benchrun, "write", timing)
    record_disk_use(benchrun, folder, timing.calls)
    clear(folder)


@pytest.mark.benchrun(group="durability")
@pytest.mark.parametrize("record_bytes", [100, 4_096, 65_536])
@pytest.mark.parametrize("durability", list(APPENDERS))
def test_append(benchrun: BenchRun, folder: Path, durability: str, record_bytes: int) -> None:
    """Append records to one file, then open it again and read them."""
    path = folder / "records.log"
    with path.open("ab") as file:
        append = APPENDERS[durability]
        timing = time_each(lambda data: append(file, data), records(record_bytes))
    with path.open("rb") as file:
        for number in range(timing.calls):
            assert file.read(record_bytes) == record(number, record_bytes)
        assert not file.read()

    record_latencies(benchrun, "write", timing)
    mb_per_s = record_bytes * timing.calls_per_s / BYTES_PER_MB
    benchrun.metric("write_mb_per_s", mb_per_s, "MB/s", better="higher")
    record_disk_use(benchrun, folder, timing.calls)
    clear(folder)


@pytest.mark.benchrun(group="durability")
@pytest.mark.parametrize("file_bytes", [1_000, 65_536])
@pytest.mark.parametrize("durability", list(REPLACERS))
def test_replace(benchrun: BenchRun, folder: Path, durability: str, file_bytes: int) -> None:
    """Replace a file again and again by a renamed new one, then read the last."""
    path = folder / "state.txt"
    replace = REPLACERS[durability]
    timing = time_each(lambda data: replace(path, data), records(file_bytes))
    assert path.read_bytes() == record(timing.calls - 1, file_bytes)
    assert list(folder.iterdir()) == [path]

    record_latencies(benchrun, "write", timing)
    clear(folder)


def prepare_database(connection: sqlite3.Connection, journal_mode: str, synchronous: str) -> None:
    """Set the two pragmas and make the table.

    Not every file system and build can do every mode: SQLite then says so by
    answering with another one, which the unit must not be measured under.
    """
    answer = connection.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone()
    if answer != (journal_mode,):
        pytest.skip(f"SQLite cannot use journal_mode={journal_mode} in this place")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, text TEXT)")


def record_latencies(benchrun: BenchRun, what: str, timing: Timing) -> None:
    """Record rate and latency of single calls: ``commits_per_s``, ``commit_p50_ms``, ..."""
    benchrun.metric(f"{what}s_per_s", timing.calls_per_s, "1/s", better="higher")
    p50_ms = MS_PER_S * timing.median_s
    benchrun.metric(f"{what}_p50_ms", p50_ms, "ms", better="lower")
    p95_ms = MS_PER_S * timing.p95_s
    benchrun.metric(f"{what}_p95_ms", p95_ms, "ms", better="lower")


def record_disk_use(benchrun: BenchRun, folder: Path, entries: int) -> None:
    """Record the length of all files once the store is closed, per entry and in all.

    Only the figure per entry can be compared: faster stores take more entries in the
    time they have.
    """
    disk_bytes = files_bytes(folder)
    benchrun.metric("disk_bytes", disk_bytes, "B")
    per_entry = disk_bytes / entries
    benchrun.metric("disk_bytes_per_entry", per_entry, "B", better="lower")
