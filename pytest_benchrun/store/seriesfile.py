"""Owns `timeseries/<host>.jsonl`: what a host did over time, appended line by line; nothing is synced."""

from __future__ import annotations

import os

from pytest_benchrun.store.rundir import RunDir


class SeriesFile:
    """The series of one host; made at its first line.

    Args:
        rundir: whose it is.
        host: its name.
    """

    def __init__(self, rundir: RunDir, host: str) -> None:
        self._disk = rundir.disk
        self._path = rundir.timeseries(host)

    def append(self, line: bytes) -> None:
        """Add one line, with its line feed; a line that a killed process has torn gets its own end first.

        Raises:
            OSError: there is no room, or the disk has another fault; the file holds whole lines all the same.
        """
        self._disk.make_dir(self._path.parent)
        descriptor = self._disk.open_append(self._path)
        try:
            size = os.fstat(descriptor).st_size
            written = self._disk.write(descriptor, line if self._is_whole(size) else b"\n" + line)
            if written < len(line):
                self._disk.truncate(descriptor, size)
                message = "there is no room for a line"
                raise OSError(message)
        finally:
            os.close(descriptor)

    def _is_whole(self, size: int) -> bool:
        if size == 0:
            return True
        with self._path.open("rb") as file:
            file.seek(size - 1)
            return file.read(1) == b"\n"
