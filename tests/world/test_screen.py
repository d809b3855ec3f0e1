"""The block of rows at the end of a terminal: painted, moved, resized, paused; and lines above it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest

from pytest_benchrun.world.screen import Screen
from tests.screen import ScreenModel


class Terminal:
    """A terminal whose far end we read.

    Attributes:
        screen: writes on it.
        model: what a person sees.
    """

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.model = ScreenModel(80)
        self.resize(80)
        saved = os.dup(1), os.dup(2)
        for descriptor in (1, 2):
            os.dup2(self.slave, descriptor)
        stdout, sys.stdout = sys.stdout, os.fdopen(os.dup(1), "w")
        try:
            self.screen = Screen()
        finally:
            sys.stdout.close()
            sys.stdout = stdout
            for descriptor, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.model.columns = columns

    def rows(self) -> list[str]:
        while select([self.master], [], [], 0.02)[0]:
            self.model.feed(os.read(self.master, 65536).decode())
        return self.model.rows

    def write(self, text: str) -> None:
        with self.screen.interlude(text):
            os.write(self.slave, text.encode())

    def paint(self, *rows: str) -> None:
        self.screen.paint(list(rows), self.screen.size)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    made = Terminal()
    yield made
    made.screen.close()
    os.close(made.master)
    os.close(made.slave)


def test_a_block_is_painted_over_in_place(terminal: Terminal) -> None:
    terminal.paint("one", "two", "three")
    terminal.paint("1", "2 and more", "3")
    assert terminal.rows() == ["1", "2 and more", "3"]


def test_a_block_for_a_terminal_that_was_wider_is_not_painted(terminal: Terminal) -> None:
    before = terminal.screen.size
    terminal.resize(before.columns - 20)
    terminal.screen.paint(["x" * (before.columns - 1)], before)
    assert terminal.rows() == [""]
    terminal.paint("fits")
    assert terminal.rows() == ["fits"]


def test_a_block_that_becomes_smaller_leaves_nothing(terminal: Terminal) -> None:
    terminal.paint("one", "two", "three")
    terminal.paint("1")
    assert terminal.rows() == ["1"]
    terminal.screen.clear()
    assert terminal.rows() == [""]


def test_lines_of_others_stand_above_the_block(terminal: Terminal) -> None:
    terminal.paint("bar", "unit")
    terminal.write("first\n")
    terminal.paint("bar", "unit")
    terminal.screen.shout("second")
    terminal.paint("bar", "unit")
    terminal.screen.line("third")
    terminal.paint("bar", "unit")
    assert terminal.rows() == ["first", "second", "third", "bar", "unit"]


def test_a_row_that_others_have_begun_is_left_alone(terminal: Terminal) -> None:
    terminal.paint("bar")
    terminal.write("collecting ... ")
    terminal.paint("bar")
    terminal.write("\rcollected 3 items\n")
    terminal.paint("bar")
    assert terminal.rows() == ["collected 3 items", "bar"]


def test_a_shout_begins_a_row_of_its_own(terminal: Terminal) -> None:
    terminal.write("...")
    terminal.screen.shout("stopping")
    assert terminal.rows() == ["...", "stopping", ""]


def test_a_patient_line_waits_for_the_end_of_a_row(terminal: Terminal) -> None:
    terminal.write("test_it.py::test_one ")
    terminal.screen.line("1/3", is_patient=True)
    terminal.screen.line("2/3", is_patient=True)
    assert terminal.rows() == ["test_it.py::test_one"]
    terminal.write("PASSED\n")
    assert terminal.rows() == ["test_it.py::test_one PASSED", "2/3", ""]


def test_a_narrower_terminal_shows_no_rest_of_the_wide_block(terminal: Terminal) -> None:
    terminal.paint("x" * 79, "y" * 79)
    assert terminal.rows() == ["x" * 79, "y" * 79]
    terminal.resize(40)
    assert terminal.screen.size.columns == 40
    terminal.paint("x" * 39, "y" * 39)
    assert terminal.rows() == ["x" * 39, "y" * 39]


def test_nothing_is_written_twice_when_nothing_changed(terminal: Terminal) -> None:
    terminal.paint("bar")
    terminal.rows()
    terminal.paint("bar")
    assert not select([terminal.master], [], [], 0.05)[0]


def test_a_debugger_has_the_terminal_for_itself(terminal: Terminal) -> None:
    terminal.paint("bar")
    terminal.screen.pause(is_paused=True)
    terminal.rows()
    terminal.paint("bar 2")
    terminal.screen.line("a line")
    assert not select([terminal.master], [], [], 0.05)[0]
    terminal.screen.pause(is_paused=False)
    terminal.screen.line("later")
    assert terminal.rows()[-2:] == ["later", ""]


def test_a_forked_child_paints_nothing_and_waits_for_no_lock(terminal: Terminal) -> None:
    terminal.paint("bar")
    with terminal.screen.interlude(""):  # a thread has the lock when the fork comes
        child = os.fork()
        if not child:
            terminal.paint("child")
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert "child" not in terminal.rows()


def test_a_pipe_is_no_terminal() -> None:
    code = "from pytest_benchrun.world.screen import Screen; s = Screen(); print(s.is_terminal, s.size.columns)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False 80\n"


def test_what_is_closed_writes_into_nobody_elses_file(terminal: Terminal, tmp_path: Path) -> None:
    other = Terminal()
    other.screen.close()
    with (tmp_path / "theirs").open("wb") as first, (tmp_path / "too").open("wb") as second:
        other.screen.shout("late")
        other.screen.line("late")
        other.paint("late")
        assert (os.fstat(first.fileno()).st_size, os.fstat(second.fileno()).st_size) == (0, 0)
    other.screen.close()


def test_a_reader_that_has_gone_does_no_harm(terminal: Terminal) -> None:
    terminal.paint("bar")
    other = Terminal()
    os.close(other.slave)
    os.close(other.master)
    other.screen.shout("nobody hears")
    other.paint("bar")
    other.screen.close()
