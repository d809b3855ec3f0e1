"""`results.sqlite`: the run as SQL tables, made from journal and turn files; the same files give the same bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import zip_longest
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.sqltables import (
    SQL_TABLES,
    SQL_VERSION,
    VERSION_TABLE,
    SqlRow,
    Table,
    create_indexes,
    create_table,
)
from pytest_benchrun.store.journal import events_named
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.sqlrows import NEEDED, insert_run
from pytest_benchrun.store.turnread import UNREADABLE, has_more_lines
from pytest_benchrun.store.turnstats import no_collections

MOST_TURNS = 200_000
"""Lines of turns beyond which none is in the file: a million would hold up the end of the session for 20 s."""

_LEFT_OUT = ("turns", f"the run has more than {MOST_TURNS} lines of turns", "benchrun record DIR --db FILE.sqlite")
TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL"}


def write_results(rundir: RunDir, campaign: Campaign) -> None:
    """Make `results.sqlite`, replaced in one step.

    Args:
        rundir: the run's.
        campaign: what its journal comes to, which was checked before.

    Raises:
        OSError: it could not be written; it is as it was.
        BenchrunError: the journal or the turns cannot be read.
    """
    events = events_named(rundir, NEEDED)
    with no_collections():
        rundir.disk.make_atomically(rundir.results, partial(fill_results, rundir, campaign, events))


def makes_results(rundir: RunDir, campaign: Campaign) -> bool:
    """Whether the last session was to make the file."""
    return campaign.session is not None and rundir.results.name in campaign.session.makes


def fill_results(rundir: RunDir, campaign: Campaign, events: Iterable[Event], path: Path) -> None:
    """Make the tables in an empty file.

    Raises:
        OSError, BenchrunError: as above.
    """
    try:
        # A file of our own that is thrown away when anything goes wrong needs neither a rollback journal nor syncs.
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000; BEGIN")
            connection.execute(f"CREATE TABLE {VERSION_TABLE} (version INTEGER)")
            connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES (?)", (SQL_VERSION,))  # noqa: S608  # our own name
            for table in SQL_TABLES:
                connection.execute(create_table(table, TYPES))
            has_turns = not _has_too_many_turns(rundir)
            insert_run(rundir, campaign, events, partial(insert_rows, connection), has_turns=has_turns)
            if not has_turns:
                connection.execute("CREATE TABLE left_out (table_name TEXT, why TEXT, command TEXT)")
                connection.execute("INSERT INTO left_out VALUES (?, ?, ?)", _LEFT_OUT)
            for table in SQL_TABLES:
                for statement in create_indexes(table):
                    connection.execute(statement)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(None, f"SQLite: {error}", str(rundir.results)) from error


def _has_too_many_turns(rundir: RunDir) -> bool:
    with suppress(*UNREADABLE):  # said where they are read
        return has_more_lines(rundir, MOST_TURNS)
    return False


def insert_rows(connection: sqlite3.Connection, table: Table, rows: Iterable[SqlRow]) -> None:
    """Put rows into a table."""
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608  # our own names


def is_of_last_event(rundir: RunDir, campaign: Campaign) -> bool:
    """Whether the file is there and was made after the journal's last event."""
    try:
        with closing(_open(rundir.results)) as connection:
            found = connection.execute("SELECT run_id, state, updated_at FROM runs").fetchall()
    except (OSError, sqlite3.Error):
        return False
    return found == [(campaign.run_id, campaign.state.value, campaign.last_at)]


def fault_of_results(rundir: RunDir, expected: Path, *, is_at_rest: bool) -> str | None:
    """What is wrong with the file, beside one that was just made; None when nothing is.

    Another version of SQLite may lay the same rows out in other bytes; the rows count.

    Args:
        rundir: the run's.
        expected: what was made.
        is_at_rest: whether the file is of the run's last event; one of an earlier session may say less.
    """
    with suppress(OSError):
        if rundir.results != expected and _same_bytes(rundir.results, expected):
            return None
    try:
        with closing(_open(rundir.results)) as found, closing(_open(expected)) as made:
            version = found.execute(f"SELECT version FROM {VERSION_TABLE}").fetchone()  # noqa: S608  # our own name
            if version != (SQL_VERSION,):
                return f"has tables of version {version[0] if version else None!r}; this version makes {SQL_VERSION}"
            (said,) = found.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                return f"is damaged: {said}"
            for table in SQL_TABLES if is_at_rest else ():
                if any(one != other for one, other in zip_longest(_rows(found, table), _rows(made, table))):
                    return f"differs from what the journal gives, in table {table.name!r}"
    except (OSError, sqlite3.Error, OverflowError, ValueError) as error:
        return f"is damaged: {error}"
    return None


def _open(path: Path) -> sqlite3.Connection:
    """For reading only; one that is not there is not made."""
    if not path.is_file():
        raise FileNotFoundError(path)
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _rows(connection: sqlite3.Connection, table: Table) -> Iterator[tuple[object, ...]]:
    connection.text_factory = bytes  # damaged text need not be UTF-8
    yield from connection.execute(f"SELECT * FROM {table.name} ORDER BY rowid")  # noqa: S608  # our own name


def _same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while piece := first.read(1 << 20):
            if piece != second.read(1 << 20):
                return False
    return True
