"""Tables as text: CSV and JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import orjson

from pytest_benchrun.core.jsonsafe import to_text
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.tables import Row

_FORMULA = ("=", "+", "-", "@", "\t")
PIECE_BYTES = 64 * 1024


def columns_of(rows: Iterable[Row], first: Iterable[str] = ()) -> list[str]:
    """The columns of `first`, then every other that a row has, in the order of their first appearance."""
    columns = dict.fromkeys(first)
    for row in rows:
        columns.update(dict.fromkeys(row))
    return list(columns)


def as_jsonl(rows: Iterable[Row], first: Iterable[str] = ()) -> Iterator[bytes]:  # noqa: ARG001  # as the others
    """One JSON object a line."""
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def as_csv(rows: Iterable[Row], first: Iterable[str] = ()) -> Iterator[bytes]:
    """Comma separated, a line of names first; None is empty, and text that a spreadsheet would compute is not.

    Text that begins like a formula gets an apostrophe in front, as OWASP's page on CSV injection has it:
    ids and messages come from users' tests, and opening a table must run nothing.

    Args:
        rows: gone through twice, since the names come first.
        first: columns that are there in any case.
    """
    columns = columns_of(rows, first)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        if out.tell() >= PIECE_BYTES:
            yield out.getvalue().encode("utf-8")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8")


def _cell(value: JsonValue) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else to_text(orjson.dumps(value).decode())
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return text.replace("\r", "\\r")  # alone it ends a line for some readers, and the writer would not quote it
