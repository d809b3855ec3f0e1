"""The campaign: 300 short units that leave marks of their own, in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.nemesis.clock import SteppedClock

UNITS = 300
UNIT_IDS = tuple(f"test_it.py::test_it[{number}]" for number in range(UNITS))
SOURCE = f"""
import json, os, pathlib, time
import pytest

MARKS = pathlib.Path(__file__).parent / "marks"

@pytest.mark.parametrize("n", range({UNITS}))
def test_it(n, benchrun):
    line = json.dumps([benchrun.unit_id, benchrun.attempt, os.getpid(), time.monotonic_ns()]) + "\\n"
    descriptor = os.open(MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)
    time.sleep(0.01 + n % 7 * 0.01)
    with benchrun.turn() as turn:
        turn.tokens(input=n, output=1)
    benchrun.metric("n", n)
"""
_WITHOUT = ("randomly", "cacheprovider", "asyncio", "rerunfailures", "hypothesispytest", "pytest_cov")
_UNWANTED = re.compile(r"PYTEST|XDIST|BENCHRUN|MAS_BENCH|LOG_LEVEL|TOX")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one execution of a unit has left of itself, in a file that the plugin does not know."""

    unit_id: str
    attempt: int
    pid: int
    at_ns: int


@dataclass(slots=True)
class Campaign:
    """One campaign.

    Args:
        folder: made here, for the suite.
        results: the results directory; on a disk of its own where that can be filled.
        clock: what its sessions take for the time of day; None for the machine's.

    Attributes:
        sessions: how many have been started.
        sessions_before: how many of them had come to their first event when the last one was started.
    """

    folder: Path
    results: Path
    sessions: int = 0
    sessions_before: int = 0
    clock: SteppedClock | None = None
    outputs: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "pytest.ini").write_text("[pytest]\n", "ascii")
        (self.folder / "test_it.py").write_text(SOURCE, "ascii")

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a session; a resume when there is something to go on with."""
        names = [event["event"] for event in self.journal()]
        resume = ("--bench-resume",) if "run_created" in names else ()
        self.sessions_before = names.count("session_started")
        self.sessions += 1
        output = self.folder / f"output-{self.sessions}.txt"
        self.outputs.append(output)
        without = [word for name in _WITHOUT for word in ("-p", f"no:{name}")]
        argv = [sys.executable, "-m", "pytest", *without, f"--bench-results={self.results}", *resume, *options]
        with output.open("wb") as stream:
            return subprocess.Popen(
                argv,
                cwd=self.folder,
                env={**_environment(), **(self.clock.environment if self.clock else {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def command(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """One command of `benchrun` on the results."""
        argv = [sys.executable, "-m", "pytest_benchrun", name, str(self.results), *options]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=self.folder, env=_environment())

    def marks(self) -> list[Mark]:
        """What the units have left, oldest first."""
        path = self.folder / "marks"
        return [Mark(*orjson.loads(line)) for line in _whole_lines(path)]

    def journal(self) -> list[dict[str, Any]]:
        """The events of the run."""
        parts = sorted(self.results.glob("journal.*.jsonl"), key=lambda path: int(path.name.split(".")[1]))
        return [orjson.loads(line) for path in [*parts, self.results / "journal.jsonl"] for line in _whole_lines(path)]

    def last_output(self) -> str:
        """What the last session has said."""
        return self.outputs[-1].read_text("utf-8", "replace") if self.outputs else ""


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**{name: value for name, value in os.environ.items() if not _UNWANTED.match(name)}, "PYTHONPATH": path}


def _whole_lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
