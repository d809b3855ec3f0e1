"""Reads turn files a block of lines at a time, in this process or shared among several that read nothing else."""

from __future__ import annotations

import gzip
import multiprocessing
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import orjson

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.turntext import end_of_unit, numbers_in

_loads = orjson.loads  # now: a unit may patch them

_BLOCK = 128 * 1024
"""Bytes that are decoded at once: a quarter of the time of one line after the other, and little memory."""

_FEWEST = 4 * 1024
"""Bytes of lines of one attempt from which on it is worth looking at what they have in common."""

PART = 16 * 1024 * 1024
"""Bytes that a process reads before it hands over what it took in; four of them are worth its start."""


_UNREADABLE = (OSError, EOFError, zlib.error)


class Part(NamedTuple):
    """Bytes of a file: whole lines. `end` None means all of a compressed one."""

    path: Path
    first: int
    end: int | None


def read_alone(sources: Sequence[tuple[Path, int]], stats: TurnStats) -> None:
    """Take in every line; one that cannot be read is passed over, and so is the rest of such a file.

    Args:
        sources: files, with the bytes of them that count.
        stats: takes them in.
    """
    for path, size in sources:
        with suppress(*_UNREADABLE):  # figures of what could be read; the files stay
            _read(Part(path, 0, None if path.suffix == ".gz" else size), stats)


def read_together(
    sources: Sequence[tuple[Path, int]], make: Callable[[], TurnStats], processes: int, part_bytes: int = PART
) -> TurnStats:
    """As `read_alone`, in forked processes where there is much to read; call it where no other thread runs.

    Args:
        sources: as there.
        make: makes what takes lines in.
        processes: how many may read.
        part_bytes: what one of them reads at once.
    """
    stats = make()
    if processes > 1 and sum(size for _, size in sources) >= 4 * part_bytes:
        with suppress(EOFError, OSError):  # one of them was killed, or could not read
            parts = [part for path, size in sources for part in _parts(path, size, part_bytes)]
            _share(parts, make, processes, stats)
            return stats
        stats = make()
    read_alone(sources, stats)
    return stats


def _share(parts: list[Part], make: Callable[[], TurnStats], processes: int, stats: TurnStats) -> None:
    fork = multiprocessing.get_context("fork")  # what is read depends on the run, which is in memory here
    left: dict[Connection, int] = {}
    for number in range(processes):
        mine = parts[number::processes]
        ours, theirs = fork.Pipe(duplex=False)
        fork.Process(target=_work, args=(theirs, mine, make), daemon=True).start()
        theirs.close()
        left[ours] = len(mine)
    while any(left.values()):
        for ready in cast("list[Connection]", wait([one for one, count in left.items() if count])):
            stats.merge(ready.recv())
            left[ready] -= 1


def _work(connection: Connection, parts: list[Part], make: Callable[[], TurnStats]) -> None:
    """In a process of its own: what it took in goes back part by part, so that neither side holds it twice."""
    with suppress(*_UNREADABLE, KeyboardInterrupt):  # or nobody listens any more: the other side knows what to do
        for part in parts:
            stats = make()
            _read(part, stats)
            connection.send(stats)


def _parts(path: Path, size: int, part_bytes: int) -> Iterator[Part]:
    """Parts of a file that begin and end with a line."""
    if path.suffix == ".gz":
        yield Part(path, 0, None)
        return
    first = 0
    with path.open("rb") as file:
        while first + part_bytes < size:
            file.seek(first + part_bytes)
            file.readline()
            yield Part(path, first, min(file.tell(), size))
            first = file.tell()
    if first < size:
        yield Part(path, first, size)


def _read(part: Part, stats: TurnStats) -> None:
    if part.end is None:
        with gzip.open(part.path, "rb") as packed:
            _add_lines(stats, cast("BinaryIO", packed), None)
        return
    with part.path.open("rb") as file:
        file.seek(part.first)
        _add_lines(stats, file, part.end - part.first)


def _add_lines(stats: TurnStats, file: BinaryIO, size: int | None) -> None:
    """Take in the whole lines among the next `size` bytes."""
    rest = b""
    while data := file.read(_BLOCK if size is None else min(_BLOCK, size)):
        size = None if size is None else size - len(data)
        end = data.rfind(b"\n") + 1
        if end:
            _add_block(stats, rest + data[:end])
            rest = data[end:]
        else:
            rest += data


def _add_block(stats: TurnStats, block: bytes) -> None:
    while block:
        taken = _add_alike(stats, block)
        if not taken:
            break
        block = block[taken:]
    _add_decoded(stats, block)


def _add_alike(stats: TurnStats, block: bytes) -> int:
    """Take in the turns with which the block begins, of one attempt; how many bytes they are, 0 for none."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError):  # they are not what they should be
        first = orjson.loads(block[: block.find(b"\n")])
        end = end_of_unit(block, first)
        if end >= _FEWEST and stats.counts(first["unit_id"], first["attempt"]):
            numbers = numbers_in(block[:end], first)
            if numbers is not None:
                stats.add_numbers(numbers)
                return end
    return 0


def _add_decoded(stats: TurnStats, block: bytes) -> None:
    lines: list[object] = []
    with suppress(ValueError):
        # a raw newline is nothing but the end of a line: inside of JSON text it is escaped
        lines = _loads(b"[%b]" % block[:-1].replace(b"\n", b","))
    if len(lines) == block.count(b"\n"):
        stats.add_all(lines)
        return
    for line in block.splitlines():  # one of them is broken; two may have made a whole one together
        with suppress(ValueError):
            stats.add(_loads(line))
