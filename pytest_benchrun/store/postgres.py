"""PostgreSQL, through psycopg: an extra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_benchrun.core.dburl import masked, without_passwords
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.sqltables import SqlRow, Table

TYPES = {"text": "TEXT", "integer": "BIGINT", "real": "DOUBLE PRECISION"}

CONNECT_S = 10
LOCK_MS, SILENT_MS = 60_000, 30_000
"""The end of a session waits so long for others that record, and for a server that has gone without a word."""

_LOCK = 0x62656E6368  # "bench": one writer at a time, so that tables are made once and a run is there once
_NUL = "\u2400"  # the picture of it: PostgreSQL has no text with the character itself


class Fault(Exception):
    """What the server or the library said, without what is secret."""


def check(url: str, what: str) -> None:
    """Make sure that the library is there, and the address one that it understands.

    Raises:
        UsageProblem: it is not.
    """
    try:
        from psycopg import ProgrammingError, conninfo  # an extra: only runs with such a database need it
    except ImportError as error:
        problem = f"{what}={masked(url)!r} needs psycopg, which is not installed"
        raise UsageProblem(problem, hint="pip install 'pytest-benchrun[postgres]'") from error
    try:
        conninfo.conninfo_to_dict(url)
    except ProgrammingError:  # its text may hold a part of the password
        problem = f"{what}={masked(url)!r} is no address of a PostgreSQL database"
        hint = "postgresql://user:password@host:5432/name, special characters of the password as %40 and so on"
        raise UsageProblem(problem, hint=hint) from None


@contextmanager
def transaction(url: str) -> Iterator[_Connection]:
    """A connection that has the lock of all who record, committed at the end or rolled back by an error.

    Raises:
        Fault: the server cannot be reached or has refused something.
        UsageProblem: the library is not there.
    """
    check(url, "URL")
    import psycopg  # as above

    try:
        with psycopg.connect(url, **_patience(url)) as connection:
            connection.execute(f"SET lock_timeout = {LOCK_MS}")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield _Connection(connection)
    except psycopg.Error as error:
        raise Fault(" ".join(without_passwords(str(error), url).split())) from None


def _patience(url: str) -> dict[str, Any]:
    """Limits of waiting, where the address does not set its own."""
    from psycopg import conninfo  # as above

    said = conninfo.conninfo_to_dict(url)
    limits = {"connect_timeout": CONNECT_S, "tcp_user_timeout": SILENT_MS, "client_encoding": "utf8"}
    return {name: value for name, value in limits.items() if name not in said or name == "client_encoding"}


class _Connection:
    """What `store.database` needs of it."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401  # of a library that need not be there
        self._connection = connection

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement.replace("?", "%s"), tuple(map(_plain, values)))
        return cursor.fetchall() if cursor.description else []

    def insert(self, table: Table, rows: Iterable[SqlRow]) -> None:
        columns = ", ".join(column.name for column in table.columns)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row([_plain(value) for value in row])

    def tables(self) -> set[str]:
        """Those that a plain name finds."""
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        return {name for (name,) in self.execute(query)}


def _plain(value: str | float | None) -> str | float | None:
    """A value as the server takes it; a NUL in JSON is written as `u0000`, and is none."""
    return value.replace("\0", _NUL) if isinstance(value, str) and "\0" in value else value
