"""Reads turn files a block of lines at a time, in this process or shared among several that read nothing else."""

from __future__ import annotations

import gzip
import multiprocessing
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import orjson

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.turndecode import TurnDecoder, turn_decoder

_loads = orjson.loads  # now: a unit may patch them

_BLOCK = 128 * 1024
"""Bytes that are decoded at once: a quarter of the time of one line after the other, and little memory."""

MUCH = 2 * 1024 * 1024
"""Bytes from which on what decodes many lines at once is worth its import, a tenth of a second."""

PART = 16 * 1024 * 1024
"""Bytes that a process reads before it hands over what it took in; four of them are worth its start."""


_MARK = "\x7f"
_SEAM = b',"\x7f",'
_ESCAPED = b"\\u00"
"""How a mark may be written too, and hardly anything else."""

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
    decoder = _decoder_for(sources, stats)
    for path, size in sources:
        with suppress(*_UNREADABLE):  # figures of what could be read; the files stay
            _read(Part(path, 0, None if path.suffix == ".gz" else size), stats, decoder)


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
            _share(parts, make, processes, stats, _decoder_for(sources, stats))
            return stats
        stats = make()
    read_alone(sources, stats)
    return stats


def _decoder_for(sources: Sequence[tuple[Path, int]], stats: TurnStats) -> TurnDecoder | None:
    return turn_decoder(stats.counts) if sum(size for _, size in sources) >= MUCH else None


def _share(
    parts: list[Part],
    make: Callable[[], TurnStats],
    processes: int,
    stats: TurnStats,
    decoder: TurnDecoder | None,
) -> None:
    fork = multiprocessing.get_context("fork")  # what is read depends on the run, which is in memory here
    left: dict[Connection, int] = {}
    with ExitStack() as stack:
        for number in range(processes):
            mine = parts[number::processes]
            ours, theirs = fork.Pipe(duplex=False)
            reader = fork.Process(target=_work, args=(theirs, mine, make, decoder), daemon=True)
            reader.start()
            stack.callback(reader.join)
            stack.callback(reader.kill)  # one that waits for somebody who listens would wait for ever
            theirs.close()
            left[ours] = len(mine)
        while any(left.values()):
            for ready in cast("list[Connection]", wait([one for one, count in left.items() if count])):
                stats.merge(ready.recv())
                left[ready] -= 1


def _work(
    connection: Connection, parts: list[Part], make: Callable[[], TurnStats], decoder: TurnDecoder | None
) -> None:
    """In a process of its own: what it took in goes back part by part, so that neither side holds it twice."""
    with suppress(*_UNREADABLE, KeyboardInterrupt):  # or nobody listens any more: the other side knows what to do
        for part in parts:
            stats = make()
            _read(part, stats, decoder)
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


def _read(part: Part, stats: TurnStats, decoder: TurnDecoder | None) -> None:
    if part.end is None:
        with gzip.open(part.path, "rb") as packed:
            _add_lines(stats, cast("BinaryIO", packed), None, decoder)
        return
    with part.path.open("rb") as file:
        file.seek(part.first)
        _add_lines(stats, file, part.end - part.first, decoder)


def _add_lines(stats: TurnStats, file: BinaryIO, size: int | None, decoder: TurnDecoder | None) -> None:
    """Take in the whole lines among the next `size` bytes."""
    left = sys.maxsize if size is None else size
    while block := file.read(min(_BLOCK, left)):
        left -= len(block)
        if not block.endswith(b"\n"):
            end = file.readline(left)
            left -= len(end)
            block += end
        if not block.endswith(b"\n"):  # the last one is torn
            block = block[: block.rfind(b"\n") + 1]
        if block:
            add_block(stats, block, decoder)


def add_block(stats: TurnStats, block: bytes, decoder: TurnDecoder | None) -> None:
    """Take in whole lines; the figures are the same whoever decodes them."""
    taken = None if decoder is None else decoder.take_numbers(block)
    if taken is not None:
        numbers, block = taken
        stats.add_numbers(numbers)
    if block:
        add_decoded(stats, block)


def add_decoded(stats: TurnStats, block: bytes) -> None:
    """Take in whole lines; one that is broken is passed over, and costs no other."""
    values = _values_of(block)
    if values is not None:
        stats.add_all(values)
        return
    for line in block.split(b"\n"):
        with suppress(ValueError):
            stats.add(_loads(line))


def _values_of(block: bytes) -> list[object] | None:
    """What the lines hold, decoded at once; None where one of them may be broken."""
    if _MARK.encode() in block or (b"\\" in block and _ESCAPED in block):
        return None
    sequence = b"[%b]" % block[:-1].replace(b"\n", _SEAM)
    seams = (len(sequence) - len(block) - 1) // (len(_SEAM) - 1)
    try:
        values: list[object] = _loads(sequence)
    except ValueError:
        return None
    # every mark is where it was put, and one value between two of them: no line has lent another an end
    if len(values) == 2 * seams + 1 and values[1::2].count(_MARK) == seams:
        return values[::2]
    return None
