"""One row of the table: what a hostile unit does, and what must become of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

HEAD = """
import asyncio, builtins, ctypes, faulthandler, gc, json, logging, os, pathlib, resource, shutil, signal, subprocess
import sys, threading, time, warnings
import pytest

HERE = pathlib.Path(__file__).parent
HELD = ctypes.PyDLL(None)  # keeps the interpreter's lock while it is in C

def child():
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    note(process.pid)
    return process

def note(pid):
    with open(HERE / "pids", "a") as file:
        file.write(f"{pid}\\n")

def forever():
    while True:
        try:
            time.sleep(600)
        except:
            pass

def hold():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # else it would come back to Python
    while True:
        HELD.sleep(600)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Animal:
    """A hostile unit, `test_it` of a file of its own.

    Attributes:
        does: its source; a source without `def test_it` is the body of that.
        status: its verdict, as its last attempt has it.
        kind: of the outcome; None where the journal has none.
        ended: how its process ended, as the journal has it.
        attempts: how many of them there are with workers.
        says: stands in the message, the detail or a warning of its last attempt.
        code: what the bare process exits with when the unit ends it; None when the run goes on.
        first: the verdict of that attempt, once a resume has found it.
        late: stands in the message of an error after its own end.
        within_s: how long an attempt may take.
    """

    does: str
    status: str = "completed"
    kind: str | None = None
    ended: str = "exited"
    attempts: int = 1
    says: str = ""
    code: int | None = None
    first: str = "interrupted"
    late: str = ""
    within_s: float = 10.0

    @property
    def source(self) -> str:
        """The whole file."""
        does = textwrap.dedent(self.does).strip()
        if "def test_it" not in does:
            does = "def test_it(benchrun, tmp_path, monkeypatch):\n" + textwrap.indent(does, "    ")
        is_hanging = self.status == "timeout" or self.late
        patience = "" if is_hanging else 'pytestmark = pytest.mark.benchrun(stuck_timeout="60s")\n'
        return f"{HEAD}\n{patience}\n{does}\n"
