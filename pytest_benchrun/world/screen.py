"""The terminal past pytest's capture: a block of rows that is painted again and again, and lines above it.

Any thread may write; one lock keeps whole what each of them writes. While the block stands, the cursor waits at
its first letter: whatever the terminal does with long rows when it is resized, all of the block is after the cursor.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from pytest_benchrun.world.clock import monotonic_s

_getpid = os.getpid  # now: a unit may patch it

CLEAR = "\r\x1b[J"
_REST_OF_ROW = "\x1b[K"
_QUIET_S = 0.5
"""A row that somebody has begun and not ended is left alone so long."""

PATIENCE_S = 3.0
"""A line waits so long for the end of a row; a unit of hours has begun one, a short one soon ends it."""

DEFAULT_SIZE = os.terminal_size((80, 24))


class Screen:
    """Duplicates of standard error and output, taken while nothing captures them; `close` gives them back.

    Attributes:
        is_terminal: whether standard error can be painted on.
        is_raw: whether others write past us, so that nobody knows where a row begins.
    """

    def __init__(self) -> None:
        self._errors = os.dup(2)
        self._lines = _duplicate_of_output()
        self._lock = threading.RLock()
        self._pid = _getpid()
        self._rows: list[str] = []
        self._size = DEFAULT_SIZE
        self._is_at_start = True
        self._written_s = 0.0
        self._is_paused = False
        self._waiting = "", 0.0
        self.is_raw = False
        self.is_terminal = os.isatty(self._errors) and os.environ.get("TERM", "dumb") != "dumb"

    @property
    def size(self) -> os.terminal_size:
        """Columns and rows as they are now."""
        try:
            size = os.get_terminal_size(self._errors)
        except OSError:
            return DEFAULT_SIZE
        return size if size.columns > 0 and size.lines > 0 else DEFAULT_SIZE

    @property
    def is_ascii(self) -> bool:
        """Whether the terminal knows no other letters."""
        return not (getattr(sys.__stderr__, "encoding", None) or "ascii").lower().startswith("utf")

    def paint(self, rows: list[str], size: os.terminal_size, *, is_patient: bool = False) -> None:
        """Show `rows` in place of those shown before; nothing while a row that others began has no end.

        Args:
            rows: without control characters, each narrower than the terminal.
            size: of the terminal for which they were made.
            is_patient: wait for that end; else a new row is begun after a moment.
        """
        with self._lock:
            if self._is_paused or not self._has_terminal() or (rows == self._rows and size == self._size):
                return
            if self.size != size:  # rows that wrap could not be taken away again; the next ones fit
                return
            begin = ""
            if not self._is_at_start:
                if is_patient or monotonic_s() - self._written_s < _QUIET_S:
                    return
                begin, self._is_at_start = "\r\n", True
            if size != self._size or len(rows) < len(self._rows):
                begin += CLEAR
            block = "\r\n".join(f"{row}{_REST_OF_ROW}" for row in rows)
            back = f"\x1b[{len(rows) - 1}A" if len(rows) > 1 else ""
            self._rows, self._size = rows, size
            self._send(self._errors, f"{begin}\r{block}\r{back}")

    def clear(self) -> None:
        """Take the block away."""
        with self._lock:
            if self._rows:
                self._rows = []
                self._send(self._errors, CLEAR)

    def shout(self, text: str) -> None:
        """A line on standard error at once, above the block; also inside a signal handler."""
        self._say(self._errors, text)

    def line(self, text: str, *, is_patient: bool = False) -> None:
        """A line on standard output, above the block.

        Args:
            text: the line; an empty one only looks whether one waits that should wait no longer.
            is_patient: let a row that others have begun come to its end first, if it does so soon. A line that
                waits gives way to the next one.
        """
        with self._lock:
            now_s = monotonic_s()
            if text:
                self._waiting = text, self._waiting[1] or now_s
            waiting, since_s = self._waiting
            can_wait = is_patient and not (self._is_at_start or self.is_raw) and now_s - since_s < PATIENCE_S
            if waiting and not can_wait and not self._is_paused:
                self._waiting = "", 0.0
                self._say(self._lines, waiting)

    @contextmanager
    def interlude(self, text: str) -> Generator[None]:
        """Somebody else writes `text`: the block makes room, and comes back when its row has ended."""
        if _getpid() != self._pid:  # a child: the lock may be held by a thread that it does not have
            yield
            return
        with self._lock:
            self.clear()
            yield
            if text:
                self._is_at_start = text.endswith("\n")
                self._written_s = monotonic_s()
            if self._is_at_start and self._waiting[0]:
                self.line("")

    def pause(self, *, is_paused: bool) -> None:
        """While a debugger has the terminal, nothing is written on it."""
        with self._lock:
            self._is_paused = is_paused
            self._rows = []
            self._is_at_start = False

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            for descriptor in (self._errors, self._lines):
                if isinstance(descriptor, int) and descriptor >= 0:
                    os.close(descriptor)
            self._errors = self._lines = -1  # the numbers are soon those of other files

    def _say(self, target: int | Callable[[str], object], text: str) -> None:
        if _getpid() != self._pid:
            self._send(target, f"\n{text}\n")
            return
        with self._lock:
            self.clear()
            begin = "" if self._is_at_start and not self.is_raw else "\n"
            self._is_at_start = True
            self._send(target, f"{begin}{text}\n")

    def _has_terminal(self) -> bool:
        """Whether this process may paint: not in a child, and not in the background of its shell."""
        if _getpid() != self._pid or not os.isatty(self._errors):  # a unit may have closed what is not its own
            return False
        try:
            return os.tcgetpgrp(self._errors) == os.getpgrp()
        except OSError:  # a terminal that is not the one that controls us: nobody else is in front of it
            return True

    @staticmethod
    def _send(target: int | Callable[[str], object], text: str) -> None:
        if not isinstance(target, int):
            target(text)
            return
        data = text.encode(errors="replace")
        with suppress(OSError):  # who showed it is gone; the run goes on
            while data:
                data = data[os.write(target, data) :]


def _duplicate_of_output() -> int | Callable[[str], object]:
    """A descriptor; where standard output has none, as in an embedding program, what writes on it."""
    stream = sys.stdout
    try:
        stream.flush()
        return os.dup(stream.fileno())
    except (OSError, ValueError):  # io.UnsupportedOperation is both
        return stream.write


def let_go_of_output() -> None:
    """Have what standard output can get rid of no more go nowhere, so that a later flush is no error."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
