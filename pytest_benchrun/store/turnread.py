"""Reads every line of the turn files once, also while a run writes, rotates and joins them; changes nothing."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnjoin import turn_sources

UNREADABLE = (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError)
"""What is raised for a file that cannot be read, is no whole gzip file, or a note of a join that makes no sense."""

_TRIES = 100
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line.

    Attributes:
        path: the file.
        number: 1-based, in it.
        data: with its newline.
    """

    path: Path
    number: int
    data: bytes


class TurnReader:
    """The lines of a run's turn files as they are now; each time it is gone through it gives the same ones.

    Files that change their name are held open from the beginning; full ones have their numbers for good, so that
    thousands of them need no descriptor each.

    Raises:
        OSError and the others of `UNREADABLE`.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._rundir = rundir
        self._stack = ExitStack()
        self._sources: list[tuple[Path, int, BinaryIO | None]] = []

    def __enter__(self) -> Self:
        for _ in range(_TRIES):  # the set of files changes at a rotation and a join: hardly ever twice in a row
            with suppress(FileNotFoundError):
                before = self._look()
                self._open(before)
                if [source[:2] for source in self._look()] == [source[:2] for source in before]:
                    return self
            self._stack.close()
        message = f"the turn files in {self._rundir.path} change faster than they can be opened"
        raise OSError(message)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Line]:
        for path, size, file in self._sources:
            yield from self._full(path) if file is None else _whole_lines(path, size, file)

    def _look(self) -> list[tuple[Path, int, int]]:
        return [(path, path.stat().st_ino, size) for path, size in turn_sources(self._rundir)]

    def _open(self, sources: list[tuple[Path, int, int]]) -> None:
        full = {path for _, path in self._rundir.full_turns()}
        self._sources = [
            (path, size, None if path in full else self._stack.enter_context(path.open("rb")))
            for path, _, size in sources
        ]

    @staticmethod
    def _full(path: Path) -> Iterator[Line]:
        try:
            return lines_of(path, path.stat().st_size)
        except FileNotFoundError:  # compressed meanwhile
            return lines_of(path.with_name(f"{path.name}.gz"), 0)


def has_more_lines(rundir: RunDir, most: int) -> bool:
    """Whether the turn files have more lines than so many; one that cannot be read has none from there on.

    Raises:
        OSError and the others of `UNREADABLE`: they cannot be found.
    """
    lines = 0
    for path, size in turn_sources(rundir):
        with suppress(*UNREADABLE):
            for block in _blocks_of(path, size):
                lines += block.count(b"\n")
                if lines > most:
                    return True
    return False


def _blocks_of(path: Path, size: int) -> Iterator[bytes]:
    is_packed = path.suffix == ".gz"
    with path.open("rb") as file:
        source = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_packed else file
        left = sys.maxsize if is_packed else size
        while block := source.read(min(_BLOCK, left)):
            left -= len(block)
            yield block


def lines_of(path: Path, size: int) -> Iterator[Line]:
    """The whole lines of one file: among the first `size` bytes, or all of a compressed one.

    Raises:
        OSError and the others of `UNREADABLE`; that it is not there, at once.
    """
    file = path.open("rb")
    return _packed_lines(path, file) if path.suffix == ".gz" else _closing(path, size, file)


def _packed_lines(path: Path, file: BinaryIO) -> Iterator[Line]:
    with file, gzip.open(file, "rb") as packed:
        for number, data in enumerate(packed, 1):
            yield Line(path, number, data)


def _closing(path: Path, size: int, file: BinaryIO) -> Iterator[Line]:
    with file:
        yield from _whole_lines(path, size, file)


def _whole_lines(path: Path, size: int, file: BinaryIO) -> Iterator[Line]:
    file.seek(0)
    left = size
    for number, data in enumerate(file, 1):
        left -= len(data)
        if left < 0 or not data.endswith(b"\n"):
            return
        yield Line(path, number, data)
