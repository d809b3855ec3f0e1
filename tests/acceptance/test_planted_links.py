"""Somebody has planted links under the names that a run writes: nothing outside of the results is changed by it."""

from __future__ import annotations

import os
import platform
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.run import open_run
from tests.acceptance.suite import Suite, assert_refused

UNITS = """
import pytest, time

@pytest.mark.parametrize("n", range(3))
def test_unit(benchrun, benchrun_sandbox, n):
    (benchrun_sandbox / "file").write_text("x")
    benchrun_sandbox.collect("file")
    with benchrun.turn(): pass
    benchrun.checkpoint.save([n])
    benchrun.artifact("out").write_text("x")
    benchrun.command(["echo", "x"], log="echo.log")
    print("x" * 300_000)
    if n == 1: time.sleep(60)
"""
OPTIONS = ("--bench-stuck-timeout=2s", "--bench-log", "--bench-max-failures=none")
ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
FILES = (
    "journal.jsonl",
    "status.json",
    "run_state.json",
    "runstats.json",
    "results.sqlite",
    "environment.json",
    "run_error.json",
    "benchmark.log",
    "turn_metrics.jsonl",
    "turn_metrics.gw0.jsonl",
    "turn_metrics.gw1.jsonl",
    "stacks.gw0.txt",
    "stacks.gw1.txt",
    "stacks.main.txt",
    ".benchrun.lock",
    ".benchrun.joining",
    ".benchrun.moving",
)
FOLDERS = ("artifacts", "incidents", "timeseries", "sandboxes", "boilerplates", "checkpoints", "history")
KEPT = b"must stay as it is\n"


class Outside:
    """What the links lead to."""

    def __init__(self, place: Path) -> None:
        self.file = place / "victim"
        self.folder = place / "folder"
        self.absent = place / "absent"
        self.folder.mkdir(parents=True)
        (self.folder / "mine").write_bytes(KEPT)
        self.file.write_bytes(KEPT)
        os.utime(self.file, ns=(0, 0))

    def prove_untouched(self) -> None:
        assert self.file.read_bytes() == KEPT
        assert self.file.stat().st_mtime_ns == 0
        assert not self.absent.exists()
        assert [path.name for path in self.folder.rglob("*")] == ["mine"]
        assert (self.folder / "mine").read_bytes() == KEPT


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path / "outside")


def plant(suite: Suite, name: str, goal: Path) -> None:
    place = suite.results / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(goal)


def run(suite: Suite, *options: str) -> str:
    suite.write("test_it.py", UNITS)
    ended = suite.run(*OPTIONS, *options)
    for unwanted in ("Traceback", "INTERNALERROR"):
        assert unwanted not in ended.output
    return ended.output


@pytest.mark.parametrize("goal", ["file", "absent", "folder"])
@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_a_link_under_a_name_of_ours_is_refused_before_anything_is_written(
    suite: Suite, outside: Outside, name: str, goal: str
) -> None:
    """Through the door that every session goes through; a process each would take a minute."""
    plant(suite, name, getattr(outside, goal))
    with ExitStack() as stack, pytest.raises(DirectoryProblem, match=f"'{re.escape(name)}' in .* is a link") as caught:
        open_run(Settings(results_dir=str(suite.results)), "demo", stack)
    assert f"rm {suite.results / name}" in caught.value.hint
    assert [path.name for path in suite.results.iterdir()] == [name]
    outside.prove_untouched()


@ENGINES
@pytest.mark.parametrize("name", ["journal.jsonl", "artifacts"])
def test_a_user_is_told_which_link(suite: Suite, outside: Outside, engine: tuple[str, ...], name: str) -> None:
    plant(suite, name, outside.folder)
    suite.write("test_it.py", UNITS)
    ended = suite.run(*OPTIONS, *engine)
    assert_refused(ended, f"'{name}' in", "is a link")
    outside.prove_untouched()


@ENGINES
@pytest.mark.parametrize("name", ["STOP", "STOP_REQUESTED"])
def test_a_stop_that_is_a_link_is_never_written(
    suite: Suite, outside: Outside, engine: tuple[str, ...], name: str
) -> None:
    plant(suite, name, outside.file)
    run(suite, "-k", "0", *engine)
    suite.benchrun("stop")
    outside.prove_untouched()


@ENGINES
def test_links_below_our_folders_are_not_followed(suite: Suite, outside: Outside, engine: tuple[str, ...]) -> None:
    plant(suite, f"timeseries/{platform.node()}.jsonl", outside.file)
    plant(suite, "sandboxes/mine", outside.folder)
    plant(suite, "checkpoints/mine", outside.folder)
    run(suite, *engine)
    outside.prove_untouched()
    assert sorted(event["outcome"]["status"] for event in suite.events("unit_ended")) == [
        "completed",
        "completed",
        "timeout",
    ]


@ENGINES
def test_links_for_the_files_of_units_lead_nowhere(suite: Suite, outside: Outside, engine: tuple[str, ...]) -> None:
    run(suite, "-k", "0")
    (artifacts,) = (suite.results / "artifacts").iterdir()
    for path in sorted(artifacts.rglob("*")):
        if path.is_file() and path.name != "out":  # that one the unit itself writes
            path.unlink()
            path.symlink_to(outside.file)
    for attempt in (1, 2):
        log = artifacts / f"output.{attempt}.log"
        log.unlink(missing_ok=True)
        log.symlink_to(outside.file)
    (suite.results / "checkpoints").mkdir(exist_ok=True)
    (suite.results / "checkpoints" / f"{artifacts.name}.json").symlink_to(outside.file)
    suite.append("test_it.py", "\n    assert n >= 0\n")
    suite.run("--bench-resume", "-k", "0", *engine)
    outside.prove_untouched()


@ENGINES
def test_commands_that_make_files_again_follow_no_link(suite: Suite, outside: Outside, engine: tuple[str, ...]) -> None:
    run(suite, "-k", "0", *engine)
    for name in ("status.json", "run_state.json", "runstats.json", "environment.json", "results.sqlite"):
        (suite.results / name).unlink()
        plant(suite, name, outside.file)
    assert suite.benchrun("rebuild").code == 0
    assert suite.benchrun("verify").code == 0
    suite.benchrun("stop")
    suite.benchrun("gc")
    outside.prove_untouched()
