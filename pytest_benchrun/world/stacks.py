"""Where a worker says how it died: a file of its own, for the interpreter's stacks and for a last error."""

from __future__ import annotations

import faulthandler
import os
import traceback
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
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8")
            faulthandler.enable(self._file, all_threads=True)

    def write(self, error: BaseException) -> None:
        """The last words, before the worker ends itself."""
        with suppress(Exception):  # whatever a unit has broken, the worker must end
            if self._file is not None:
                self._file.write("".join(traceback.format_exception(error)))
                self._file.flush()

    def remove_empty(self) -> None:
        """At the end of the worker; what a forked child has written into it stays."""
        with suppress(OSError):
            if self._path.stat().st_size == 0:
                self._path.unlink()
