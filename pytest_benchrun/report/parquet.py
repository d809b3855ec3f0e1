"""Tables as Parquet files, through pyarrow: an extra."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.series import COLUMNS as MACHINE
from pytest_benchrun.core.tables import Row

GROUP_ROWS = 20_000
"""Rows that are held in memory at a time, and a row group of the file."""

_INT64 = 2**63


class _Pieces(io.RawIOBase):
    """What pyarrow writes, to be taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:  # noqa: ANN401  # any buffer
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def take(self) -> list[bytes]:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces


def as_parquet(rows: Iterable[Row], first: Iterable[str] = ()) -> Iterator[bytes]:
    """The pieces of a Parquet file.

    A column is of booleans, of 64-bit integers, of doubles, or of text; of text too where its values are of
    several kinds, lists or tables: JSON then, without quotes around what is text. One without any value
    is of doubles when its name says seconds, milliseconds or figures of the machine, of integers when it counts tokens.

    Args:
        rows: gone through twice: a column's type follows from all of its values.
        first: columns that are there in any case.

    Raises:
        UsageProblem: the extra is missing.
    """
    try:
        import pyarrow as pa  # late: an extra, and only for those who write Parquet
        from pyarrow.parquet import ParquetWriter  # late: as above
    except ImportError as error:
        problem = "--format 'parquet' needs pyarrow"
        raise UsageProblem(problem, hint="pip install 'pytest-benchrun[parquet]'") from error
    return _pieces_of(pa, ParquetWriter, rows, first)


def _pieces_of(
    arrow: Any,  # noqa: ANN401  # a module without annotations
    writer_of: Any,  # noqa: ANN401  # a class of it
    rows: Iterable[Row],
    first: Iterable[str],
) -> Iterator[bytes]:
    kinds = _kinds_of(rows, first)
    types = {"bool": arrow.bool_(), "int": arrow.int64(), "float": arrow.float64(), "text": arrow.string()}
    schema = arrow.schema([(name, types[kind]) for name, kind in kinds.items()])
    out = _Pieces()
    waiting = iter(rows)
    with writer_of(out, schema, compression="zstd") as writer:
        while group := list(islice(waiting, GROUP_ROWS)):
            columns = [[_as(kind, row.get(name)) for row in group] for name, kind in kinds.items()]
            arrays = [arrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema), row_group_size=GROUP_ROWS)
            yield from out.take()
    yield from out.take()


def _kinds_of(rows: Iterable[Row], first: Iterable[str]) -> dict[str, str]:
    """By column the one kind that can hold all of its values."""
    kinds: dict[str, str | None] = dict.fromkeys(first)
    for row in rows:
        for name, value in row.items():
            before = kinds.setdefault(name, None)
            if value is not None and before != "text":
                kinds[name] = _common(before, _kind_of(value))
    return {name: kind or _kind_by_name(name) for name, kind in kinds.items()}


def _kind_of(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_INT64 <= value < _INT64 else "float"
    return "float" if isinstance(value, float) else "text"


def _common(before: str | None, kind: str) -> str:
    if before is None or before == kind:
        return kind
    return "float" if {before, kind} == {"int", "float"} else "text"


def _kind_by_name(name: str) -> str:
    if name.endswith(("_ms", "_s")) or name in MACHINE:
        return "float"
    return "int" if name.startswith("tokens_") else "text"


def _as(kind: str, value: JsonValue) -> JsonValue:
    if value is None:
        return None
    if kind == "float" and isinstance(value, int | float):
        return float(value)
    if kind == "text" and not isinstance(value, str):
        return orjson.dumps(value).decode()
    return value
