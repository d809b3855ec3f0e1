"""What a person sees of a stream that was written to a terminal: a small model of one, and programs run on one.

Knows what we and pytest write: carriage return, line feed, cursor up, erase below or to the end of the row, colours.
Anything else in the stream is an error: it would be a control character that nobody meant.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import time
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from select import select

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b\]9;4;[0-9;]*\x1b\\")
_QUIET_S = 0.1
_UNFINISHED = re.compile(r"\x1b(\[[0-9;]*|\][0-9;]*\x1b?)?$")


class ScreenModel:
    """Rows of letters, and a cursor; rows that leave at the top are kept.

    Args:
        columns: its width.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""

    @property
    def rows(self) -> list[str]:
        """All rows from the first one on, without blanks at their ends."""
        return ["".join(row).rstrip() for row in self._rows]

    def feed(self, text: str) -> None:
        """Take more of the stream."""
        text, self._rest = self._rest + text, ""
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                self._put(text[place])
                place += 1
                continue
            match = _SEQUENCE.match(text, place)
            if match is None:
                assert _UNFINISHED.match(text, place), f"no sequence that we know: {text[place : place + 20]!r}"
                self._rest = text[place:]
                return
            if match[2]:
                self._obey(match[1], match[2])
            place = match.end()

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._down()
        else:
            assert letter.isprintable(), f"a control character: {letter!r}"
            width = 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
            if self._column + width > self.columns:
                self._column = 0
                self._down()
            row = self._rows[self._row]
            row.extend(" " * (self._column + width - len(row)))
            row[self._column : self._column + width] = [letter, ""][:width]
            self._column += width

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])

    def _obey(self, numbers: str, command: str) -> None:
        if command == "A":
            self._row -= int(numbers or "1")
            assert self._row >= 0
        elif command in {"K", "J"}:
            assert numbers in {"", "0"}
            del self._rows[self._row][self._column :]
            if command == "J":
                del self._rows[self._row + 1 :]
        else:
            assert command == "m", f"no sequence that we know: {numbers}{command}"


class Program:
    """A program on a terminal of its own.

    Args:
        argv: its command line.
        cwd: where it runs.
        columns: width of the terminal.
        env: its environment.
    """

    def __init__(self, argv: Sequence[str], cwd: Path, columns: int, env: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        self.screen = ScreenModel(columns)
        self.stream = ""
        self._decode = getincrementaldecoder("utf-8")()
        self.resize(columns)
        self.process = subprocess.Popen(
            argv, cwd=cwd, env={**env, "TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def resize(self, columns: int) -> None:
        """Give the terminal another width, and not in the middle of what is written at once."""
        while select([self._master], [], [], _QUIET_S)[0] and self._read_some():
            pass
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.screen.columns = columns

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def read_until(self, is_so: Callable[[ScreenModel], bool], what: str, within_s: float = 60) -> None:
        """Read what it writes until the screen is so, or it has ended when nothing else is asked."""
        deadline_s = time.monotonic() + within_s
        while not is_so(self.screen):
            assert time.monotonic() < deadline_s, f"not within {within_s:g} s: {what}\n" + "\n".join(
                [*self.screen.rows, repr(self.stream[-4000:])]
            )
            if not self._read_some():
                assert is_so(self.screen), f"ended before {what}\n" + "\n".join(self.screen.rows)

    def end(self) -> tuple[int, list[str]]:
        """Read to its end; its exit code, and the rows."""
        deadline_s = time.monotonic() + 60
        while self._read_some():
            assert time.monotonic() < deadline_s, "no end\n" + "\n".join(self.screen.rows)
        return self.process.wait(), self.screen.rows

    def close(self) -> None:
        """End it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)

    def _read_some(self) -> bool:
        """False at the end of the stream."""
        if not select([self._master], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        text = self._decode.decode(data)
        self.stream += text
        self.screen.feed(text)
        return bool(data)
