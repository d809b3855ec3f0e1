"""A database of many runs: an SQLite file or PostgreSQL; each run is there once, as its journal has it."""

from __future__ import annotations

import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.dburl import masked, sqlite_path
from pytest_benchrun.core.errors import BenchrunError
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.sqltables import (
    RUNS,
    SQL_TABLES,
    SQL_VERSION,
    VERSION_TABLE,
    SqlRow,
    Table,
    create_indexes,
    create_table,
)
from pytest_benchrun.store import postgres
from pytest_benchrun.store.journal import events_named
from pytest_benchrun.store.resultsdb import TYPES, insert_rows
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.sqlrows import NEEDED, insert_run

DELIVERED_S = 600.0
"""The end of a session waits no longer; millions of turns take a minute."""

BUSY_S = 60.0
"""Others that record at the same moment are waited for so long; each takes a second or two."""


class DatabaseProblem(BenchrunError):
    """A database that cannot be reached or used; the run itself is not touched by it."""


class Connection(Protocol):
    """What both kinds of database can do inside one transaction."""

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, with `?` for each value; gives its rows."""
        ...

    def insert(self, table: Table, rows: Iterable[SqlRow]) -> None:
        """Put rows into a table."""
        ...

    def tables(self) -> set[str]:
        """The names of the tables that are there."""
        ...


def record(url: str, rundir: RunDir, campaign: Campaign, events: Iterable[Event]) -> None:
    """Make the rows of a run in a database what its files give, in one transaction.

    Args:
        url: the address.
        rundir: where its turns are.
        campaign: what the events come to.
        events: of its journal.

    Raises:
        DatabaseProblem: it cannot be reached, or is of a newer version; nothing in it was changed.
        OSError, BenchrunError: the journal or the turns cannot be read; as above.
    """
    path = sqlite_path(url, "URL")
    if path is not None and Path(path).resolve() == rundir.results.resolve():
        problem = f"{url!r} is a file of the run itself"
        raise DatabaseProblem(problem, hint="name a file beside the results directory: --db history.sqlite")
    with _transaction(url) as database:
        _make_tables(database, url)
        for table in SQL_TABLES:
            database.execute(f"DELETE FROM {table.name} WHERE run_id = ?", (campaign.run_id,))  # noqa: S608  # own name
        insert_run(rundir, campaign, events, database.insert)


def deliver(url: str | None, rundir: RunDir, campaign: Campaign, within_s: float = DELIVERED_S) -> list[str]:
    """Record a run that has ended; whatever goes wrong is said and harms nothing.

    In a thread of its own: a server that stands still would hold up the end of the session for ever.

    Args:
        url: the database; None for none.
        rundir: the run's.
        campaign: what its journal comes to.
        within_s: after so many seconds it is left alone.

    Returns:
        The warning; nothing when the run was recorded, or no database was named.
    """
    if url is None:
        return []
    said = [f"no answer in {within_s:g} s"]

    def work() -> None:
        try:
            record(url, rundir, campaign, events_named(rundir, NEEDED))
            said.clear()
        except (OSError, ValueError, TypeError, ArithmeticError, BenchrunError) as error:
            said[:] = [error.problem if isinstance(error, BenchrunError) else str(error)]

    thread = threading.Thread(target=work, name="benchrun-database", daemon=True)
    thread.start()
    thread.join(within_s)
    again = shlex.join(["benchrun", "record", str(rundir.path), "--db", masked(url)])
    return [f"the run is not in the database: {' '.join(why.split())} -> {again}" for why in said]


def recorded_runs(url: str) -> list[dict[str, Any]]:
    """The runs of a database, the oldest first: a row of `runs` each.

    Raises:
        DatabaseProblem: it cannot be reached, is of a newer version, or holds no runs.
    """
    path = sqlite_path(url, "URL")
    if path is not None and not Path(path).is_file():
        raise DatabaseProblem(f"there is no database {url!r}", hint="benchrun record DIR --db URL   (makes it)")
    names = [column.name for column in RUNS.columns]
    with _transaction(url, is_reading=True) as database:
        if RUNS.name not in database.tables():
            problem = f"there are no runs in the database {masked(url)!r}"
            raise DatabaseProblem(problem, hint="benchrun record DIR --db URL   (puts one there)")
        _check_version(database, url)
        rows = database.execute(f"SELECT {', '.join(names)} FROM runs ORDER BY started_at, run_id")  # noqa: S608  # own
    return [dict(zip(names, row, strict=True)) for row in rows]


def _make_tables(database: Connection, url: str) -> None:
    there = database.tables()
    if VERSION_TABLE in there:
        _check_version(database, url)
        return
    ours = [table.name for table in SQL_TABLES if table.name in there]
    if ours:
        problem = f"the database {masked(url)!r} has a table {ours[0]!r} of another program"
        raise DatabaseProblem(problem, hint="name another database, or for PostgreSQL a schema of its own")
    types = postgres.TYPES if sqlite_path(url, "URL") is None else TYPES
    database.execute(f"CREATE TABLE {VERSION_TABLE} (version INTEGER)")
    database.execute(f"INSERT INTO {VERSION_TABLE} VALUES (?)", (SQL_VERSION,))  # noqa: S608  # our own name
    for table in SQL_TABLES:
        database.execute(create_table(table, types))
        for statement in create_indexes(table):
            database.execute(statement)


def _check_version(database: Connection, url: str) -> None:
    versions = [row[0] for row in database.execute(f"SELECT version FROM {VERSION_TABLE}")]  # noqa: S608  # as above
    if versions != [SQL_VERSION]:
        said = ", ".join(str(version) for version in versions) or "none"
        problem = f"the database {masked(url)!r} has schema_version {said}; this version knows {SQL_VERSION}"
        raise DatabaseProblem(problem, hint="pip install --upgrade pytest-benchrun")


@contextmanager
def _transaction(url: str, *, is_reading: bool = False) -> Iterator[Connection]:
    """A connection, committed at the end, or rolled back by an error; writers wait for each other."""
    path = sqlite_path(url, "URL")
    opened: Callable[[], AbstractContextManager[Connection]]
    opened = partial(postgres.transaction, url) if path is None else partial(_sqlite, path, is_reading=is_reading)
    try:
        with opened() as database:
            yield database
    except (sqlite3.Error, postgres.Fault) as error:
        problem = f"the database {masked(url)!r} cannot be used: {error}"
        hint = "see to the database and its rights, then: benchrun record DIR --db URL"
        raise DatabaseProblem(problem, hint=hint) from None


@contextmanager
def _sqlite(path: str, *, is_reading: bool) -> Iterator[Connection]:
    address = f"{Path(path).absolute().as_uri()}?mode={'ro' if is_reading else 'rwc'}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.execute("BEGIN" if is_reading else "BEGIN IMMEDIATE")
        yield _Sqlite(connection)
        connection.execute("COMMIT")


class _Sqlite:
    """An SQLite file; closed without a commit, its transaction is rolled back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def insert(self, table: Table, rows: Iterable[SqlRow]) -> None:
        insert_rows(self._connection, table, rows)

    def tables(self) -> set[str]:
        return {name for (name,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
