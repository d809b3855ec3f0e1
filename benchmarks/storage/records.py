"""Makes the rows and records that the storage campaign writes, by number."""

from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from benchmarks.prose import seeded

# Bounds for stores so fast that a time budget alone would write very much.
MAX_ROWS = 20_000
MAX_BYTES = 32 * 1_048_576
ROW_TEXT_BYTES = 100
NUMBER_BYTES = 12

# Text with four random bits a character: a file system that packs cannot shine.
POOL = seeded(21).randbytes(131_072).hex().encode()
POOL_STEP = 37

Row: TypeAlias = tuple[int, str]


def record(number: int, size_bytes: int) -> bytes:
    """Make record ``number``: its number, then text that differs from its neighbours'.

    Args:
        number: From 0; the same number and size give the same record.
        size_bytes: Length of the record, ``NUMBER_BYTES`` or more.

    Returns:
        ASCII text of exactly that length.
    """
    text_bytes = size_bytes - NUMBER_BYTES
    offset = POOL_STEP * number % (len(POOL) - text_bytes)
    return b"%011d " % number + POOL[offset : offset + text_bytes]


def records(size_bytes: int) -> Iterator[bytes]:
    """Make records 0, 1, 2, ... up to the bounds above."""
    count = min(MAX_ROWS, MAX_BYTES // size_bytes)
    return (record(number, size_bytes) for number in range(count))


def rows() -> Iterator[Row]:
    """Make database rows 1, 2, 3, ... of a key and a text, up to the bounds above."""
    for number in range(1, MAX_ROWS + 1):
        yield number, record(number, ROW_TEXT_BYTES).decode()


def row_batches(batch_rows: int) -> Iterator[list[Row]]:
    """Make the same rows, so many at a time."""
    source = rows()
    while batch := list(islice(source, batch_rows)):
        yield batch
