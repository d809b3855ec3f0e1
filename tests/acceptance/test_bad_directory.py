"""A directory or a disk that cannot be used: said before any work is spent; one that fills up pauses the run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.disks import FILLS, small_disk
from tests.acceptance.processes import PYTEST, Ended
from tests.acceptance.suite import Suite, assert_refused

GREEN = "def test_it(): pass"


def test_resume_in_a_directory_without_a_run_says_so_and_changes_nothing(suite: Suite) -> None:
    suite.write("test_it.py", GREEN)
    suite.results.mkdir()
    (suite.results / "thesis.txt").write_text("mine", "utf-8")
    assert_refused(suite.run("--bench-resume"), "no run to resume", str(suite.results), "-> ")
    assert (suite.results / "thesis.txt").read_text("utf-8") == "mine"


def test_a_file_in_the_place_of_the_directory_is_left_alone(suite: Suite) -> None:
    suite.write("test_it.py", GREEN)
    suite.results.write_text("a file of mine", "utf-8")
    for options in ((), ("--bench-resume",), ("--bench-fresh",), ("-n2",)):
        assert_refused(suite.run(*options), str(suite.results), "not a directory", "-> ")
    assert suite.results.read_text("utf-8") == "a file of mine"


def test_a_path_below_a_file_cannot_be_written(suite: Suite) -> None:
    suite.write("test_it.py", GREEN)
    (suite.folder / "file").write_text("", "utf-8")
    suite.results = suite.folder / "file" / "results"
    for options in ((), ("-n2",)):
        assert_refused(suite.run(*options), str(suite.results), "cannot write", "-> ")


def _without_privilege() -> list[str]:
    """The beginning of a command line that permissions bind."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root writes everywhere, and there is no setpriv to give that up")
    drop = "-dac_override,-dac_read_search"
    argv = ["setpriv", f"--inh-caps={drop}", f"--bounding-set={drop}"]
    tried = subprocess.run([*argv, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"root writes everywhere, and cannot give that up here: {tried.stderr.strip()}")
    return argv


def test_a_directory_without_write_permission_is_refused(suite: Suite) -> None:
    """Root is above permissions, but only by a capability, which can be given up."""
    suite.write("test_it.py", GREEN)
    suite.results.mkdir(mode=0o555)
    argv = [*_without_privilege(), *PYTEST, f"--bench-results={suite.results}"]
    assert_refused(
        suite.children.start(argv, suite.folder).wait(), str(suite.results), "cannot write", "Permission denied", "-> "
    )
    assert list(suite.results.iterdir()) == []


def test_a_read_only_disk_is_refused(suite: Suite, disk: Path) -> None:
    suite.write("test_it.py", GREEN)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for suite.results in (disk, disk / "results"):
        for options in ((), ("-n2",)):
            assert_refused(suite.run(*options), str(suite.results), "cannot write", "Read-only file system", "-> ")


def test_a_full_disk_is_refused_and_keeps_what_it_has(suite: Suite, tmp_path: Path) -> None:
    suite.write("test_it.py", GREEN)
    with small_disk(tmp_path / "disk", "64k") as disk:
        suite.results = disk / "results"
        (disk / "ballast").write_bytes(b"x" * 64 * 1024)
        for options in ((), ("-n2",)):
            assert_refused(suite.run(*options), str(suite.results), "No space left on device", "-> ")
        (disk / "ballast").write_bytes(b"x" * 30 * 1024)
        assert_refused(suite.run(), str(suite.results), "-> ")
        assert sorted(path.name for path in disk.iterdir()) == ["ballast"]


@dataclass(frozen=True, slots=True)
class FilledUp:
    """What a run said whose disk was full from its eleventh unit on.

    Attributes:
        shown: units that JUnit has as passed.
        recorded: units that the journal has as completed.
    """

    ended: Ended
    shown: set[str]
    recorded: set[str]


def _fill_up(suite: Suite, disk: Path, metrics: int, engine: tuple[str, ...]) -> FilledUp:
    suite.write("test_it.py", FILLS.format(metrics=metrics))
    suite.results = disk / "results"
    ended = suite.run("--junitxml=junit.xml", "--bench-full-disk-wait=0s", *engine)
    cases = suite.junit()
    assert len(cases) == 30
    return FilledUp(
        ended,
        shown={case.name.rpartition(".")[2] for case in cases if case.outcome == "passed"},
        recorded={
            end["unit_id"].rpartition("::")[2]
            for end in suite.events("unit_ended")
            if end["outcome"]["status"] == "completed"
        },
    )


# What the journal cannot take any more: the next line, whichever it is, or already the end of the eleventh unit.
METRICS = pytest.mark.parametrize("metrics", [0, 100], ids=["any-line", "an-end"])
ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])


@ENGINES
@METRICS
def test_a_disk_that_fills_up_pauses_the_run_and_a_resume_completes_it(
    suite: Suite, disk: Path, metrics: int, engine: tuple[str, ...]
) -> None:
    paused = _fill_up(suite, disk, metrics, engine).ended
    for unwanted in ("Traceback", "INTERNALERROR"):
        assert unwanted not in paused.output
    assert "No space left on device" in paused.output
    assert len(suite.marks()) < 30

    (disk / "ballast").unlink()
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == 30
    assert suite.benchrun("rebuild").code == 0

    assert "paused: " in paused.output
    assert paused.code == 1, paused.output


@ENGINES
def test_what_is_shown_as_passed_on_a_full_disk_is_in_the_journal(
    suite: Suite, disk: Path, engine: tuple[str, ...]
) -> None:
    filled = _fill_up(suite, disk, 100, engine)
    assert filled.shown <= filled.recorded


@ENGINES
def test_a_directory_deleted_under_the_run_is_never_green(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest, shutil

        @pytest.mark.parametrize("n", range(6))
        def test_it(request, n):
            if n == 3:
                shutil.rmtree(request.config.getoption("bench_results"))
        """,
    )
    ended = suite.run(*engine)
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.code != 0, "nothing of it was kept"
    assert "put it back from a copy" in ended.output
    assert "nothing recorded is lost" not in ended.output
    assert "\\n" not in ended.output
    counts = re.search(r"^units: 6: (.*)", ended.output, re.MULTILINE)
    assert counts is not None, ended.output
    assert sum(map(int, re.findall(r"\b(\d+) [a-z]+(?=,|$)", counts[1]))) == 6, counts[0]
