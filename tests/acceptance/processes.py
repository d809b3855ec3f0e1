"""Real processes: started in a clean environment, waited for with a deadline, ended by their id."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

DEADLINE_S = 60.0
"""No campaign here needs a tenth of it on an idle machine; beyond it something hangs."""

# What the caller's pytest, CI or shell would make different; coverage's own variables must stay.
_UNWANTED = re.compile(r"PYTEST|XDIST|BENCHRUN|MAS_BENCH|LOG_LEVEL|NO_COLOR|FORCE_COLOR|PY_COLORS|COLUMNS|CI$|TOX")
_POLL_S = 0.005


def wait_until(is_so: Callable[[], bool], what: str, *, within_s: float = DEADLINE_S) -> None:
    """Look again and again until `is_so` answers True; the only place that waits by looking."""
    deadline_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(_POLL_S)


def clean_environment() -> dict[str, str]:
    """Ours without what would steer the pytest of a campaign; wide enough that no sentence is wrapped."""
    kept = {name: value for name, value in os.environ.items() if not _UNWANTED.match(name)}
    return {**kept, "COLUMNS": "240"}


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended, and what it said on both streams."""

    code: int
    output: str


class Child:
    """A process of ours, and everything that it starts."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output
        self._descendants: list[psutil.Process] = []

    @property
    def pid(self) -> int:
        """Its id; also the id of its process group."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self._output.read_text("utf-8", "replace")

    @property
    def has_ended(self) -> bool:
        """Whether it has; a zombie is reaped."""
        return self._process.poll() is not None

    def descendants(self) -> list[psutil.Process]:
        """What it has started and what still lives of it, remembered after its own end."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid).children(recursive=True)
            self._descendants = [*(child for child in self._descendants if child not in found), *found]
        return [child for child in self._descendants if _lives(child)]

    def wait(self, within_s: float = DEADLINE_S) -> Ended:
        """Wait for its end."""
        wait_until(lambda: self.has_ended, f"the end of {self._process.args!r}\n{self.output}", within_s=within_s)
        return Ended(self._process.returncode, self.output)

    def kill(self) -> None:
        """`kill -9` to it alone; what it has started is left to itself."""
        self.descendants()
        self._process.kill()
        self._process.wait()

    def tell(self, number: signal.Signals) -> None:
        """A signal to it alone, as a scheduler sends it."""
        self._process.send_signal(number)

    def tell_all(self, number: signal.Signals) -> None:
        """A signal to it and all that it has started, as a terminal sends it."""
        os.killpg(self.pid, number)

    def end(self) -> None:
        """End it and everything that it has started."""
        left = self.descendants()
        if not self.has_ended:
            self.kill()
        for child in [*left, *self.descendants()]:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Children:
    """Starts processes, and at the end of a test ends those that are left.

    Args:
        folder: where their output goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    def start(self, argv: Sequence[str], cwd: Path) -> Child:
        """Start a process in a group of its own; its streams go to a file, which no orphan can hold up."""
        output = self._folder / f"output-{len(self._children)}.txt"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(process, output)
        self._children.append(child)
        return child

    def end_all(self) -> None:
        """End what is left of them, by id."""
        for child in self._children:
            child.end()


# Random order would make "the first unit" a guess. The others a test asks for when it needs them: importing two of
# them takes each process longer than all the rest.
_WITHOUT = ("randomly", "cacheprovider", "asyncio", "rerunfailures", "hypothesispytest", "pytest_cov")
PYTEST = (sys.executable, "-m", "pytest", *(word for name in _WITHOUT for word in ("-p", f"no:{name}")))
"""The start of every command line of a campaign."""

BENCHRUN = (sys.executable, "-m", "pytest_benchrun")
