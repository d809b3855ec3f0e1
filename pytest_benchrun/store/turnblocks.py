"""Reads turn files a block of lines at a time; several threads share them where lines need no lock to be read."""

from __future__ import annotations

import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from gzip import GzipFile
from io import RawIOBase
from pathlib import Path
from threading import Lock, Thread
from typing import NamedTuple

import orjson

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store.native import is_wanted

try:
    from pytest_benchrun.store.turnscan import TurnScanner
except ImportError:  # it was installed where there was no compiler
    _make_scanner: Callable[[Callable[[str, int], bool]], TurnScanner] | None = None
else:
    _make_scanner = TurnScanner

_loads = orjson.loads  # now: a unit may patch them

_BLOCK = 256 * 1024
"""Bytes that are read at once: little memory, which the nearer caches hold."""

PART = 4 * 1024 * 1024
"""Bytes that a thread reads before it takes the next ones: some milliseconds, for which the others may have to wait."""

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


def make_scanner(counts: Callable[[str, int], bool]) -> TurnScanner | None:
    """What reads lines in compiled code; None where that is not there or not wanted.

    Args:
        counts: whether the turns of this attempt of this unit count.
    """
    return _make_scanner(counts) if _make_scanner is not None and is_wanted() else None


def read_turns(sources: Sequence[tuple[Path, int]], stats: TurnStats, threads: int = 1, part_bytes: int = PART) -> None:
    """Take in every line; one that cannot be read is passed over, and so is the rest of such a file.

    Args:
        sources: files, with the bytes of them that count.
        stats: takes them in.
        threads: how many may read, this one among them; without the compiled part it is the only one.
        part_bytes: what one of them reads at once.
    """
    parts = deque(part for path, size in sources for part in _parts(path, size, part_bytes))
    readers = _Readers(parts, stats)
    readers.read(min(threads, len(parts)) if make_scanner(stats.counts) is not None else 1)


class _Readers:
    """Threads, each of which reads one part after the other; what they find is taken in by one at a time."""

    def __init__(self, parts: deque[Part], stats: TurnStats) -> None:
        self._parts = parts
        self._stats = stats
        self._lock = Lock()
        self._errors: list[BaseException] = []

    def read(self, threads: int) -> None:
        """Return when all is read, or raise what one of them has come upon."""
        others = []
        try:
            with suppress(RuntimeError):  # there are too many threads: fewer do it too
                for _ in range(threads - 1):
                    other = Thread(target=self._read_beside, daemon=True)
                    other.start()
                    others.append(other)
            self._read_parts()
        finally:
            self._parts.clear()
            for other in others:
                other.join()
        if self._errors:
            raise self._errors[0]

    def _read_beside(self) -> None:
        try:
            self._read_parts()
        except BaseException as error:  # noqa: BLE001  # raised by the thread that waits for this one
            self._errors.append(error)
            self._parts.clear()

    def _read_parts(self) -> None:
        scanner = make_scanner(self._stats.counts)
        while self._parts:
            with suppress(IndexError):  # another thread has taken the last one
                part = self._parts.popleft()
                with suppress(*_UNREADABLE):  # figures of what could be read; the files stay
                    self._read_part(part, scanner)

    def _read_part(self, part: Part, scanner: TurnScanner | None) -> None:
        if part.end is None:
            with GzipFile(part.path) as packed:
                self._read_blocks(packed, sys.maxsize, scanner)
            return
        with part.path.open("rb", buffering=0) as file:
            file.seek(part.first)
            self._read_blocks(file, part.end - part.first, scanner)

    def _read_blocks(self, file: RawIOBase | GzipFile, size: int, scanner: TurnScanner | None) -> None:
        for block in _blocks(file, size):
            self._take(block, scanner)

    def _take(self, block: memoryview, scanner: TurnScanner | None) -> None:
        if scanner is None:
            add_decoded(self._stats, bytes(block))
            return
        numbers, others = scanner.take_numbers(block)
        with self._lock:
            self._stats.add_numbers(numbers)
            if others:
                add_decoded(self._stats, others)


def _parts(path: Path, size: int, part_bytes: int) -> Iterator[Part]:
    """Parts of a file that begin and end with a line; none of one that is gone."""
    if path.suffix == ".gz":
        yield Part(path, 0, None)
        return
    with suppress(OSError), path.open("rb") as file:
        first = 0
        while first + part_bytes < size:
            file.seek(first + part_bytes)
            file.readline()
            yield Part(path, first, min(file.tell(), size))
            first = file.tell()
        if first < size:
            yield Part(path, first, size)


def _blocks(file: RawIOBase | GzipFile, size: int) -> Iterator[memoryview]:
    """The whole lines among the next `size` bytes, in memory that is used again for the next ones."""
    block, held = bytearray(_BLOCK), 0
    while many := file.readinto(memoryview(block)[held : held + size]):
        size -= many
        held += many
        end = block.rfind(b"\n", held - many, held) + 1
        if end:
            yield memoryview(block)[:end]
            block[: held - end] = block[end:held]
            held -= end
        elif held == len(block):
            block = block + bytes(held)


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
