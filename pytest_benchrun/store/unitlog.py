"""The log of one attempt of a unit: what it printed beyond what its reports carry.

Owns `artifacts/<unit>/output.<attempt>.log`, written by the process that runs the unit, in its main thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pytest_benchrun.store.rundir import RunDir

LOG_LIMIT = 100 * 2**20
"""Bytes that the log of one attempt may have: a unit that prints for days must not fill the disk for all others."""

_CHUNK = 2**20


class UnitLog:
    """Takes what is left out of a unit's reports; made at the first piece.

    Args:
        rundir: of the run.
        unit_id: whose log it is.
        attempt: its number.
        limit: bytes that it may have.

    Attributes:
        problem: why something could not be written, None when everything was; the unit goes on all the same.
    """

    def __init__(self, rundir: RunDir, unit_id: str, attempt: int, limit: int = LOG_LIMIT) -> None:
        self._rundir = rundir
        self._unit_id = unit_id
        self._attempt = attempt
        self._left = limit
        self._limit = limit
        self.problem: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._rundir.artifacts(self._unit_id) / f"output.{self._attempt}.log"

    @property
    def name(self) -> str:
        """The file as people find it: relative to the results directory."""
        return self.path.relative_to(self._rundir.path).as_posix()

    def add(self, title: str, data: bytes) -> None:
        """Append a captured section.

        Args:
            title: what it is, one line.
            data: all of it.
        """
        self._append(title, len(data), iter([data]))

    def add_file(self, title: str, descriptor: int, size: int) -> None:
        """Append the first `size` bytes of an open file, a piece at a time; its position stays."""
        starts = range(0, size, _CHUNK)
        self._append(title, size, (os.pread(descriptor, min(_CHUNK, size - start), start) for start in starts))

    def _append(self, title: str, size: int, pieces: Iterator[bytes]) -> None:
        disk = self._rundir.disk
        try:
            disk.make_dir(self.path.parent)
            descriptor = disk.open_append(self.path)
            try:
                self._write(descriptor, f"--- {title}: {size} bytes\n".encode())
                for piece in pieces:
                    taken = piece[: self._left]
                    self._write(descriptor, taken)
                    self._left -= len(taken)
                    if not self._left:
                        break
                if size > self._limit or not self._left:
                    self._write(descriptor, f"\n--- cut here: this log ends at {self._limit} bytes\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            self.problem = f"its output was not kept in {self.name}: {error.strerror or error}"

    def _write(self, descriptor: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._rundir.disk.write(descriptor, bytes(left)) :]
