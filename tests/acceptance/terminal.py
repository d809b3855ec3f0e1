"""Commands on a terminal of their own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.acceptance.processes import clean_environment


def _take_terminal() -> None:
    """Make standard input the terminal of the session, as a login does."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command on a terminal of a given size.

    Args:
        argv: the command.
        cwd: its folder.
        size: rows and columns.
    """

    def __init__(self, argv: Sequence[str], cwd: Path, size: tuple[int, int]) -> None:
        self._master, slave = pty.openpty()
        self._is_closed = False
        self.resize(*size)
        env = {name: value for name, value in clean_environment().items() if name not in {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # no thread of ours holds anything here
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def has_said(self, words: str) -> bool:
        """Whether it has, reading what is there."""
        with suppress(OSError):  # nothing there, or everybody has gone
            self.text += os.read(self._master, 65536).decode("utf-8", "replace")
        return words in self.text

    def type(self, line: str) -> None:
        """What somebody types, and the end of the line."""
        os.write(self._master, f"{line}\n".encode())

    def hang_up(self) -> None:
        """Close the window: who is in front there gets SIGHUP."""
        if not self._is_closed:
            os.close(self._master)
            self._is_closed = True

    def close(self) -> None:
        """End the command and give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()
