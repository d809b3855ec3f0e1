"""`benchrun_sandbox`: a working directory for one unit, made before it and cleared away after it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from pytest_benchrun.core.argv import masked
from pytest_benchrun.core.boilerplate import GitSource, read_boilerplate
from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.core.jsonsafe import safe_repr
from pytest_benchrun.core.model import Metric
from pytest_benchrun.hooks.bench import BenchRun
from pytest_benchrun.hooks.marks import Marks
from pytest_benchrun.hooks.userhooks import described
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.boilerplate import copy_folder, fetch_once
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.sandbox import Room, collect_files, keep_room, leave_root, make_room, remove_room

COMMIT = "boilerplate_commit"
"""Under this name the commit is among the metrics of the unit: a text, which no statistic counts."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How sandboxes are made while a campaign runs.

    Attributes:
        rundir: where.
        keep: which ones stay: `never`, `failed` or `always`.
    """

    rundir: RunDir
    keep: str


SANDBOXES = pytest.StashKey[SandboxSettings]()


class Sandbox:
    """A working directory of one attempt; `sandbox / "file"` is a path in it, and it can be given where a path can.

    Attributes:
        path: the directory.
        commit: of the boilerplate, where that is a git repository; else None.
    """

    def __init__(self, path: Path, commit: str | None = None) -> None:
        self.path = path
        self.commit = commit
        self.patterns: list[str] = []

    def __fspath__(self) -> str:
        return str(self.path)

    def __truediv__(self, other: str) -> Path:
        return self.path / other

    def collect(self, pattern: str) -> None:
        """Keep files when the sandbox goes: they are copied to `collected/` in the unit's artifacts, also after errors.

        Args:
            pattern: of paths in the sandbox, such as `*.out` or `logs/*`; a `*` matches `/` too. Links are left out.

        Raises:
            ValueError: a pattern that leads out of the sandbox.
        """
        pure = PurePosixPath(pattern)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            message = f"the pattern {pattern!r} must be of relative paths inside the sandbox, like '*.out'"
            raise ValueError(message)
        self.patterns.append(pattern)


class Failures:
    """Knows whether the unit in flight has failed so far; registered with the first sandbox of the session."""

    NAME = "benchrun-sandbox"

    def __init__(self) -> None:
        self.failed: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.when == "setup":
            self.failed = None
        if report.failed:
            self.failed = report.nodeid


def sandbox(request: pytest.FixtureRequest, bench: BenchRun) -> Generator[Sandbox]:
    """The fixture: validate, make, fill; then the unit; then collect, keep or remove, whatever the unit did."""
    boilerplate = Marks().of(request.node).get("boilerplate")
    source = _source(request.node, boilerplate)
    settings = request.config.stash.get(SANDBOXES, None)
    if settings is None:
        yield from _ordinary(request, bench, source)
        return
    plugins = request.config.pluginmanager
    failures: Failures | None = plugins.getplugin(Failures.NAME)
    if failures is None:
        failures = Failures()
        plugins.register(failures, Failures.NAME)
    root = settings.rundir.sandboxes
    room = make_room(root, bench.unit_id, bench.attempt, WallClock().now_at())
    made = Sandbox(room.path)
    try:
        made.commit = _fill(room.path, source, settings.rundir.boilerplates)
        if made.commit is not None:
            bench.metrics[COMMIT] = Metric(value=made.commit)
        bench.programs.cwd = room.path
        request.node.ihook.pytest_benchrun_sandbox_ready(item=request.node, benchrun=bench, sandbox=made)
        yield made
    finally:
        bench.programs.end()
        is_kept = settings.keep == "always" or (settings.keep == "failed" and failures.failed == request.node.nodeid)
        _clear_away(made, room, settings.rundir, _Unit(request.node, bench), is_kept=is_kept)


def _ordinary(request: pytest.FixtureRequest, bench: BenchRun, source: Path | GitSource | None) -> Generator[Sandbox]:
    """Without a run it is a folder of pytest's own, which pytest keeps or removes as it does."""
    home: Path = request.getfixturevalue("tmp_path")
    path = home / "sandbox"
    path.mkdir()
    made = Sandbox(path, _fill(path, source, home / "boilerplates"))
    bench.programs.cwd = path
    yield made
    collect_files(path, made.patterns, home / "collected")


def _source(item: pytest.Item, boilerplate: object) -> Path | GitSource | None:
    if boilerplate is None:
        return None
    shown = masked(safe_repr(boilerplate))
    read = read_boilerplate(boilerplate, f"@pytest.mark.benchrun(boilerplate={shown}) at {item.nodeid}")
    return read if isinstance(read, GitSource) else item.path.parent / read


def _fill(path: Path, source: Path | GitSource | None, boilerplates: Path) -> str | None:
    commit = None
    if isinstance(source, GitSource):
        source, commit = fetch_once(source, boilerplates)
    if source is not None:
        try:
            copy_folder(source, path)
        except OSError as error:
            problem = f"the boilerplate {str(source)!r} could not be copied: {error.strerror}: {error.filename!r}"
            raise SandboxProblem(problem, hint="see whether it may be read, and whether there is room") from error
    return commit


@dataclass(frozen=True, slots=True)
class _Unit:
    item: pytest.Item
    bench: BenchRun

    def tell(self, name: str, made: Sandbox) -> list[str]:
        """Call a hook of users; what it raises is a warning of the unit, as it is that unit which lacks something."""
        hook = getattr(self.item.ihook, name)
        try:
            hook(item=self.item, benchrun=self.bench, sandbox=made)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # pytest.skip and SystemExit too: cleaning up goes on
            return [f"{name}: {described(error)}"]
        return []


def _clear_away(made: Sandbox, room: Room, rundir: RunDir, unit: _Unit, *, is_kept: bool) -> None:
    """The end of a sandbox; what goes wrong is a warning of the unit, and never hides its own error."""
    problems, artifacts = unit.bench.warnings, rundir.artifacts(unit.bench.unit_id)
    try:
        problems += unit.tell("pytest_benchrun_collect", made)
        if made.patterns:
            problems += _named(collect_files(room.path, made.patterns, artifacts / "collected"))
        problems += unit.tell("pytest_benchrun_cleanup", made)
        if is_kept:
            keep_room(room, _free_name(artifacts, f"sandbox-{unit.bench.attempt}"))
    except OSError as error:
        problems += _named([f"{error.strerror or error}: {error.filename!r}"])
    finally:
        try:
            problems += _named(remove_room(room))
        finally:
            leave_root(rundir.sandboxes, room)


def _named(problems: list[str]) -> list[str]:
    return [f"sandbox: {problem}" for problem in problems]


def _free_name(folder: Path, name: str) -> Path:
    path, number = folder / name, 1
    while path.exists() or path.is_symlink():
        number += 1
        path = folder / f"{name}.{number}"
    return path
