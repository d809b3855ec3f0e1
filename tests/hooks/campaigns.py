"""A campaign in a pytester folder: write a suite, run it bare or with workers, read what it showed and left.

The sessions run in this process; with workers, the controller does. Plugins that a test does not ask for stay
out: a session takes 0.1 s then, and 0.5 s with two workers.
"""

from __future__ import annotations

import json
import linecache
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

import pytest

# What a session imports and was not there before it, pytester takes out of `sys.modules` again. Importing it here
# keeps every session from importing it anew, which NumPy does not survive and ours would pay for.
import pytest_benchrun.engines.bare  # noqa: F401  # see above
import pytest_benchrun.engines.xdist  # noqa: F401  # see above
from pytest_benchrun.report.words import clean

ENGINES: dict[str, tuple[str, ...]] = {"bare": (), "n0": ("-n0",), "n2": ("-n2",)}
QUIET = "--bench-resources=off"
"""What units use is another figure in every run: only tests of that ask for it."""
UNLIMITED = ("--bench-max-failures=none", "--bench-max-consecutive-failures=none")


@dataclass(frozen=True, slots=True)
class Shown:
    """One report that pytest showed.

    Attributes:
        nodeid: of its test.
        when: its phase.
        category: the word that the terminal counts it under; `""` for what it does not count.
        text: the error's lines without those of the traceback, or the reason.
        output: (title, text) of what was captured, of reports that are no plain pass.
    """

    nodeid: str
    when: str | None
    category: str
    text: str
    output: tuple[tuple[str, str], ...]


class ShownReports:
    """A plugin that keeps what the owner's pytest showed, in the order it did."""

    def __init__(self) -> None:
        self.all: list[Shown] = []
        self._config: pytest.Config | None = None

    @pytest.hookimpl
    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self._config is not None
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        category = status[0] if status else ""  # nobody says without a terminal
        output = () if report.passed else tuple(report.sections)
        self.all.append(Shown(report.nodeid, report.when, category, comparable(report.longreprtext), output))


@dataclass(frozen=True, slots=True)
class Case:
    """A `testcase` of a JUnit file: `children` are (tag, message) pairs."""

    name: str
    children: tuple[tuple[str, str], ...]
    properties: tuple[tuple[str, str], ...] = field(compare=False)

    def values(self, name: str) -> list[str]:
        """The values of all its properties of that name."""
        return [value for key, value in self.properties if key == name]


@dataclass(frozen=True, slots=True)
class Session:
    """What one pytest session showed, and what its results directory holds after it.

    Attributes:
        exit_code: of pytest.
        text: everything printed.
        outcomes: pytest's own last line.
        shown: the reports, in order.
        results: the results directory, whether it exists or not.
        junit: the JUnit file.
    """

    exit_code: int
    text: str
    outcomes: dict[str, int]
    shown: list[Shown]
    results: Path
    junit: Path

    @property
    def told(self) -> list[Shown]:
        """The reports that pytest counts or that say something, in order."""
        return [shown for shown in self.shown if shown.category or shown.text]

    @property
    def counted(self) -> list[tuple[str, str]]:
        """(node id, category) of all reports that pytest counts, sorted: workers end in any order."""
        return sorted((shown.nodeid, shown.category) for shown in self.shown if shown.category)

    def status(self) -> dict[str, Any]:
        """`status.json`."""
        return strict_json((self.results / "status.json").read_text("utf-8"))

    def stats(self) -> dict[str, Any]:
        """`runstats.json`."""
        return strict_json((self.results / "runstats.json").read_text("utf-8"))

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The journal's lines of these kinds; all of them without a name."""
        # only a line feed ends a line: texts may hold other separators
        lines = (self.results / "journal.jsonl").read_bytes().decode("utf-8").split("\n")[:-1]
        return [event for event in map(strict_json, lines) if not names or event["event"] in names]

    def ended(self) -> dict[str, str]:
        """By unit the status of its last attempt."""
        return {event["unit_id"]: event["outcome"]["status"] for event in self.events("unit_ended")}

    def executions(self) -> list[str]:
        """Unit ids in the order of their starts, once for each attempt."""
        return [event["unit_id"] for event in self.events("unit_started")]

    def metrics(self, unit_id: str) -> dict[str, dict[str, Any]]:
        """The metrics of a unit's last attempt by name."""
        outcomes = [event["outcome"] for event in self.events("unit_ended") if event["unit_id"] == unit_id]
        metrics: dict[str, dict[str, Any]] = outcomes[-1]["metrics"]
        return metrics

    def cases(self) -> list[Case]:
        """The JUnit test cases, sorted by name."""
        return cases_of(self.junit)


class Campaign:
    """A folder with a suite in it, and the sessions that run it.

    Attributes:
        folder: where the suite is; sessions start in it.
        results: `folder/results`, where `run` sends them.
    """

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        # a file may be written twice within the second and of one length, which is all that byte code goes by
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        self._pytester = pytester
        self.folder = pytester.path
        self.results = pytester.path / "results"

    def write(self, files: Mapping[str, str]) -> None:
        """Write files; a path may have folders."""
        for name, source in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")

    def ini(self, *lines: str) -> None:
        """Write a `pytest.ini`."""
        self.write({"pytest.ini": "\n".join(["[pytest]", *lines, ""])})

    def run(self, *args: str, engine: str = "bare", plugins: tuple[str, ...] = ()) -> Session:
        """Run the suite as a campaign into `results`."""
        return self.plain(f"--bench-results={self.results}", QUIET, *args, engine=engine, plugins=plugins)

    def plain(self, *args: str, engine: str = "bare", plugins: tuple[str, ...] = (), has_us: bool = True) -> Session:
        """Run the suite with exactly these arguments.

        Args:
            args: for pytest.
            engine: one of `ENGINES`.
            plugins: what is needed beside xdist, timeout and ours, by entry point.
            has_us: whether our plugin is loaded at all.
        """
        shown = ShownReports()
        junit = self.folder / "junit.xml"
        ours = ("benchrun",) if has_us else ()
        loaded = [part for name in ("xdist", "timeout", *ours, *plugins) for part in ("-p", name)]
        linecache.clearcache()  # a new process would begin without
        with warnings.catch_warnings():
            # a suite has the filters that it asks for, and not those of the test that runs it
            warnings.simplefilter("default")
            warnings.filterwarnings("error", module="pytest_benchrun")
            result = self._pytester.runpytest_inprocess(
                *loaded, f"--junitxml={junit}", *ENGINES[engine], *args, plugins=[shown], no_reraise_ctrlc=True
            )
        text = "\n".join([*result.outlines, *result.errlines])
        outcomes = result.parseoutcomes() if any(" in " in line for line in result.outlines[-1:]) else {}
        return Session(int(result.ret), text, outcomes, shown.all, self.results, junit)

    def apart(
        self, *args: str, plugins: tuple[str, ...] = (), within_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest in an interpreter of its own, for what could hang or cannot run twice in one.

        Args:
            args: for pytest.
            plugins: what is needed beside xdist, timeout and ours, by entry point.
            within_s: after so long it is killed with all its workers; its exit code is negative then.
        """
        hidden = ("PYTEST_XDIST", "PYTEST_CURRENT", "COV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        loaded = [part for name in ("xdist", "timeout", "benchrun", *plugins) for part in ("-p", name)]
        command = [sys.executable, "-m", "pytest", *loaded, *args]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, output)

    def files(self) -> dict[str, bytes]:
        """Everything under the results directory by relative path; nothing when it does not exist."""
        found = [Path(folder) / name for folder, _, names in os.walk(self.results) for name in names]
        return {path.relative_to(self.results).as_posix(): path.read_bytes() for path in found}


def cases_of(junit: Path) -> list[Case]:
    """The test cases of a JUnit file, sorted by name; two of one name (a late error is the second) become one."""
    cases: dict[str, Case] = {}
    for element in ET.parse(junit).iter("testcase"):  # noqa: S314  # pytest has just written it
        name = f"{element.get('classname')}::{element.get('name')}"
        children = tuple(
            (child.tag, comparable(child.get("message", "")))
            for child in element
            if child.tag in {"failure", "error", "skipped"}
        )
        properties = tuple((one.get("name", ""), one.get("value", "")) for one in element.iter("property"))
        first = cases.get(name)
        if first is not None:
            children, properties = first.children + children, first.properties + properties
        cases[name] = Case(name, children, properties)
    return sorted(cases.values(), key=lambda case: case.name)


def comparable(text: str) -> str:
    """What two sessions must show alike: no line of the worker, no frames, no addresses, no temporary folders."""
    lines = text.splitlines()
    errors = [line for line in lines if line.startswith("E ")]
    if "Exception Group Traceback" in text:
        errors = [match[0] for line in lines if (match := re.search(r"\w+(Group|Error|Failed): .*", line))]
    kept = "\n".join(errors) if errors else re.sub(r"^\[gw\d+\] .*\n?", "", text)
    return re.sub(r"0x[0-9a-f]{6,}|/\S*/pytest-\d+(?:/popen-gw\d+)?/\w+|Thread-\d+", "...", kept).strip()


def strict_json(text: str) -> dict[str, Any]:
    """A JSON object as the standard has it: Python's `NaN` and `Infinity` are refused."""
    decoded: dict[str, Any] = json.loads(text, parse_constant=_refuse)
    return decoded


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no JSON"
    raise ValueError(message)


def printable(text: str) -> str:
    """`text` as the terminal summary shows it."""
    return clean(text, 200)
