"""A text file that is appended to line by line: `benchmark.log`, or the file of `--bench-log`.

Each line is handed to the operating system at once, by the thread that writes it. What cannot be written is said
once; the run goes on, and later lines are tried again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_benchrun.store.files import Disk

_getpid = os.getpid  # now: a unit may patch it

_LOOKED_AT = 400


class LogFile:
    """One log file; made at its first line, so that a session that does nothing leaves nothing.

    Args:
        path: the file; an existing one is gone on with.
        disk: how it is written.

    Attributes:
        problem: what went wrong first; None while nothing has.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._descriptor = -1
        self._pid = _getpid()
        self._is_torn = False
        self.problem: str | None = None

    def write(self, lines: list[str]) -> None:
        """Append lines; a child process of a unit writes none."""
        if _getpid() != self._pid:
            return
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        try:
            if self._descriptor < 0:
                self._descriptor = self._disk.open_append(self.path)
            if self._is_torn:
                data = b"\n" + data
            written = self._disk.write(self._descriptor, data)
            self._is_torn = written < len(data) and (written > 0 or self._is_torn)
            if written < len(data):
                self._note("the disk is full")
        except OSError as error:
            self._note(error.strerror or str(error))

    def close(self) -> None:
        """Write nothing more."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _note(self, why: str) -> None:
        if self.problem is None:
            self.problem = f"{str(self.path)!r} could not be written: {why}"


def is_foreign(path: Path) -> bool:
    """Whether there is something at `path` that is no log of ours.

    Raises:
        OSError: it cannot be read.
    """
    if not path.exists():
        return False
    if not path.is_file():
        return True
    with path.open("rb") as file:
        first = file.read(_LOOKED_AT)
    return bool(first) and re.match(rb"\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ ", first) is None
