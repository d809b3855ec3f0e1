"""Units that run programs in sandboxes, stopped, killed and resumed: nothing of them is left."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psutil
import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

UNITS = """
    import pytest

    PROGRAM = "mkdir deep; echo $$ > deep/file; sleep 1000 & a=$!; setsid sleep 1000 & b=$!; echo up; {last}"

    @pytest.mark.benchrun(boilerplate="template")
    @pytest.mark.parametrize("n", range(4))
    def test_unit(benchrun, benchrun_sandbox, n):
        assert (benchrun_sandbox / "given").exists()
        benchrun_sandbox.collect("deep/*")
        last = "exec sleep 1000" if n == 1 and benchrun.attempt == 1 else "kill $a $b; wait"
        benchrun.command(["bash", "-c", PROGRAM.format(last=last)], metrics="program", timeout=900)
"""
IDS = [f"test_unit.py::test_unit[{n}]" for n in range(4)]
OPTIONS: dict[str, tuple[str, ...]] = {"bare": (), "n2": ("-n2",)}


@pytest.fixture(params=["bare", "n2"])
def options(request: pytest.FixtureRequest, suite: Suite) -> tuple[str, ...]:
    (suite.folder / "template").mkdir()
    suite.write("template/given", "")
    suite.write("test_unit.py", UNITS)
    return OPTIONS[request.param]


def is_up(suite: Suite) -> bool:
    """Whether the unit that sleeps has begun to."""
    logs = [path for path in (suite.results / "artifacts").glob("*-1-*/bash.log") if path.read_text("utf-8") == "up\n"]
    return bool(logs) and suite.status()["running"] == 1


def alive_in(suite: Suite) -> list[str]:
    """Command lines of the processes that work below the suite's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            place, command = process.cwd(), process.cmdline()
        except (psutil.Error, FileNotFoundError):
            continue
        if Path(place).is_relative_to(suite.folder):
            found.append(" ".join(command))
    return found


def prove_nothing_is_left(suite: Suite) -> None:
    wait_until(lambda: not alive_in(suite), "the end of all processes", within_s=30)
    names = {path.name for path in suite.results.iterdir()}
    assert "sandboxes" not in names
    assert not [name for name in names if name.startswith(".benchrun-tmp")]


def finish(suite: Suite, options: tuple[str, ...]) -> None:
    ended = suite.run("--bench-resume", *options)
    assert ended.code == 0, ended.output
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, IDS)
    prove_nothing_is_left(suite)
    assert len(list((suite.results / "artifacts").glob("*/collected/deep/file"))) == 4


def test_after_a_kill_nothing_lives_and_a_resume_completes(suite: Suite, options: tuple[str, ...]) -> None:
    child = suite.start(*options)
    wait_until(lambda: is_up(suite), "the program of the unit")
    assert [command for command in alive_in(suite) if "sleep 1000" in command]
    child.kill()
    wait_until(lambda: not alive_in(suite), "the end of all processes", within_s=30)
    assert (suite.results / "sandboxes").exists()
    ended = suite.run("--bench-resume", *options)
    assert re.search(r"removed (1 sandbox|2 sandboxes) of killed processes", ended.output), ended.output
    finish(suite, options)


def test_an_interrupt_ends_the_program_and_its_sandbox(suite: Suite, options: tuple[str, ...]) -> None:
    child = suite.start(*options)
    wait_until(lambda: is_up(suite), "the program of the unit")
    child.tell_all(signal.SIGINT)
    wait_until(lambda: "once more interrupts" in child.output, "the first signal to be told")
    assert [command for command in alive_in(suite) if "sleep 1000" in command]
    child.tell_all(signal.SIGINT)
    assert child.wait().code == 2, child.output
    prove_nothing_is_left(suite)
    finish(suite, options)


def test_gc_removes_what_a_kill_has_left_and_says_so(suite: Suite) -> None:
    suite.write(
        "test_unit.py", UNITS.replace('(boilerplate="template")', "").replace('"given").exists()', '"given").parent')
    )
    child = suite.start()
    wait_until(lambda: is_up(suite), "the program of the unit")
    refused = suite.benchrun("gc")
    assert refused.code == 4
    assert "benchrun stop" in refused.output
    assert suite.benchrun("gc", "--dry-run").code == 4
    child.kill()
    wait_until(lambda: not alive_in(suite), "the end of all processes", within_s=30)
    (suite.results / ".benchrun-tmp-1-1").touch()
    (suite.results / "mine").touch()
    dry = suite.benchrun("gc", "--dry-run")
    assert dry.output.count("would remove ") == 3  # the sandbox, a file of ours, and one that held room
    done = suite.benchrun("gc")
    assert (done.code, dry.output.replace("would remove", "removed")) == (0, done.output)
    assert "the sandbox of test_unit.py::test_unit[1], left by pid" in done.output
    prove_nothing_is_left(suite)
    assert (suite.results / "mine").exists()
    again = suite.benchrun("gc")
    assert (again.code, again.output) == (0, "nothing is left to remove\n")
