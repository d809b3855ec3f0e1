"""A campaign of its own for each test: the files of its suite, its results, and the marks that its units leave.

The marks are the second witness beside the journal: each attempt appends one line to a file that the plugin
does not know, at the very start of its setup, and says whether its start stood in the journal by then.
"""

from __future__ import annotations

import hashlib
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.acceptance.processes import BENCHRUN, PYTEST, Child, Children, Ended

Json = dict[str, Any]

CONFTEST = '''
import json, os, pathlib, time
import pytest

HERE = pathlib.Path(__file__).parent


def events(config, name):
    """The journal's lines of one kind, as a reader beside the run sees them."""
    wanted = '"event":"%s"' % name
    for part in sorted(pathlib.Path(config.getoption("bench_results")).glob("journal*.jsonl")):
        for line in part.read_text("utf-8").splitlines():  # whatever locale a unit has set
            if wanted in line:
                yield json.loads(line)


def wait_for(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "what this unit waits for has not happened in 30 s"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def _mark(benchrun, request):
    """Leaves one line for this attempt, in one write."""
    if not request.config.getoption("bench_results"):
        return
    mine = (benchrun.unit_id, benchrun.attempt)
    is_recorded = any(mine == (e["unit_id"], e["attempt"]) for e in events(request.config, "unit_started"))
    line = json.dumps([*mine, os.getpid(), is_recorded]) + "\\n"
    descriptor = os.open(HERE / "marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@pytest.fixture
def until(request):
    """Waits for a file beside the suite."""
    return lambda name: wait_for((HERE / name).exists)


@pytest.fixture
def until_ended(request):
    """Waits until the journal has the end of the unit."""
    def wait(unit_id):
        wait_for(lambda: any(e["unit_id"] == unit_id for e in events(request.config, "unit_ended")))
    return wait
'''


@dataclass(frozen=True, slots=True)
class Mark:
    """What one attempt of a unit has left of itself."""

    unit_id: str
    attempt: int
    pid: int
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One test case of a JUnit file.

    Attributes:
        name: class and function, as JUnit has them.
        outcome: `passed`, `skipped`, `failure` or `error`.
        message: of the skip or failure; empty when passed.
    """

    name: str
    outcome: str
    message: str
    properties: dict[str, str]


class Suite:
    """The folder of one campaign.

    Args:
        folder: made here, with its own `pytest.ini` and `conftest.py`.
        children: starts its processes.
        results: the results directory; by default `results` in the folder.
    """

    def __init__(self, folder: Path, children: Children, results: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.results = results or folder / "results"
        self.children = children
        self.write("pytest.ini", "[pytest]\n")
        self.write("conftest.py", CONFTEST)

    def write(self, name: str, source: str) -> None:
        """Write one file of the suite."""
        (self.folder / name).write_text(textwrap.dedent(source), "utf-8")

    def append(self, name: str, source: str) -> None:
        """Add to one file of the suite."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(textwrap.dedent(source))

    def touch(self, name: str) -> None:
        """What units wait for with `until`."""
        (self.folder / name).touch()

    def start(self, *options: str) -> Child:
        """Start a session of the campaign."""
        return self.children.start(
            [*PYTEST, f"--bench-results={self.results}", "--bench-resources=off", *options], self.folder
        )

    def run(self, *options: str) -> Ended:
        """Run a session to its end."""
        return self.start(*options).wait()

    def benchrun(self, command: str, *options: str) -> Ended:
        """Run one command of `benchrun` on the results."""
        return self.children.start([*BENCHRUN, command, str(self.results), *options], self.folder).wait()

    def marks(self) -> list[Mark]:
        """What the units have left, oldest first; a line that is being written is not there yet."""
        path = self.folder / "marks"
        return [Mark(*orjson.loads(line)) for line in _whole_lines(path)] if path.exists() else []

    def journal(self) -> list[Json]:
        """The lines of the journal."""
        path = self.results / "journal.jsonl"
        return [orjson.loads(line) for line in _whole_lines(path)] if path.exists() else []

    def events(self, name: str) -> list[Json]:
        """The journal's lines of one kind."""
        return [event for event in self.journal() if event["event"] == name]

    def started(self) -> list[str]:
        """The unit of each start that the journal has."""
        return [event["unit_id"] for event in self.events("unit_started")]

    def status(self) -> Json:
        """`status.json`."""
        view: Json = orjson.loads((self.results / "status.json").read_bytes())
        return view

    def junit(self) -> list[Case]:
        """The test cases of `junit.xml` in the suite's folder."""
        root = ET.parse(self.folder / "junit.xml").getroot()  # noqa: S314  # our own pytest wrote it
        return list(_cases(root))

    def has_run(self) -> bool:
        """Whether a session has come so far that a resume has something to go on with."""
        return bool(self.events("run_created"))


def _whole_lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _cases(root: ET.Element) -> Iterator[Case]:
    for case in root.iter("testcase"):
        outcome, message = "passed", ""
        for child in case:
            if child.tag in {"skipped", "failure", "error"}:
                outcome, message = child.tag, child.get("message", "")
        properties = {entry.get("name", ""): entry.get("value", "") for entry in case.iter("property")}
        yield Case(f"{case.get('classname')}.{case.get('name')}", outcome, message, properties)


@dataclass(frozen=True, slots=True)
class FileState:
    """What must not change of a file that nobody touches."""

    size: int
    sha256: str
    mtime_ns: int


def state_of(folder: Path) -> dict[str, FileState]:
    """Every file below `folder` by its relative name."""
    return {
        path.relative_to(folder).as_posix(): FileState(
            path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def bytes_of(folder: Path) -> dict[str, str]:
    """The content of every file below `folder`, as a hash."""
    return {name: state.sha256 for name, state in state_of(folder).items()}


def assert_refused(ended: Ended, *said: str) -> None:
    """One message, exit 4, and nothing that looks like a fault of ours."""
    assert ended.code == 4, ended.output
    for unwanted in ("Traceback", "INTERNALERROR", " passed in "):
        assert unwanted not in ended.output
    for words in said:
        assert words in ended.output
