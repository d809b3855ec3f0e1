"""Where the interpreter writes its stacks when a fatal signal ends it: a file of the worker's own."""

from __future__ import annotations

import faulthandler
from contextlib import suppress
from pathlib import Path
from typing import TextIO


class StacksFile:
    """Open for the life of the process.

    Args:
        path: the file; empty while all is well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        with suppress(OSError):  # no room for it: pytest's own goes on writing to standard error
            self._file = self._path.open("w", encoding="utf-8")
            faulthandler.enable(self._file, all_threads=True)

    def remove_empty(self) -> None:
        """At the end of the worker; what a forked child has written into it stays."""
        with suppress(OSError):
            if self._path.stat().st_size == 0:
                self._path.unlink()
