"""A stop is seen while a long unit runs, and `benchrun stop --now` ends that unit, its fixtures torn down."""

from __future__ import annotations

import signal

import pytest

from tests.acceptance.processes import PYTEST, Child, wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
UNITS = [f"test_it.py::test_it[{n}]" for n in range(8)]
LONG = """
    import pathlib, pytest, time
    here = pathlib.Path(__file__).parent

    @pytest.fixture
    def torn_down(n):
        yield
        (here / f"torn-down-{n}").touch()

    @pytest.mark.parametrize("n", range(8))
    def test_it(torn_down, benchrun, until, n):
        if n >= 2 and not (here / "mended").exists():
            (here / f"reached-{n}").touch()
            WAITS
"""
WITHIN_S = 20.0
"""Until a unit of 60 s has ended after `--now`; on an idle machine it takes one."""


def _wait_for_units(suite: Suite, run: Child, engine: tuple[str, ...]) -> list[int]:
    """Wait until the long ones are in flight; returns their numbers."""
    numbers = [2, 3] if engine else [2]
    wait_until(
        lambda: run.has_ended or all((suite.folder / f"reached-{n}").exists() for n in numbers),
        f"the long units\n{run.output}",
    )
    wait_until(lambda: suite.status()["running"] == len(numbers), "a status that shows them")
    return numbers


def _prove_interrupted(suite: Suite, numbers: list[int], reason: str) -> None:
    view = suite.status()
    assert (view["state"], view["completed"], view["interrupted"]) == ("interrupted", 2, len(numbers))
    assert reason in view["reason"]
    for n in numbers:
        assert (suite.folder / f"torn-down-{n}").exists()
    assert (suite.results / "runstats.json").exists()
    passed = {case.name for case in suite.junit() if case.outcome == "passed"}
    assert {"test_it.test_it[0]", "test_it.test_it[1]"} <= passed
    assert suite.benchrun("status", "--exit-code").code == 11
    assert not (suite.results / "STOP").exists()


def _resume_and_prove(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.touch("mended")
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, UNITS)


@ENGINES
@pytest.mark.parametrize("is_soft_first", [False, True], ids=["at-once", "after-a-soft-stop"])
def test_stop_now_interrupts_a_unit_that_sleeps(suite: Suite, engine: tuple[str, ...], *, is_soft_first: bool) -> None:
    suite.write("test_it.py", LONG.replace("WAITS", "time.sleep(60)"))
    run = suite.start("--junitxml=junit.xml", *engine)
    numbers = _wait_for_units(suite, run, engine)
    if is_soft_first:
        assert suite.benchrun("stop").output.startswith("Stop requested. ")
        wait_until(lambda: suite.status()["state"] == "stopping", "a status that shows the stop")
    asked = suite.benchrun("stop", "--now", "--reason=the cluster burns")
    assert (asked.code, asked.output.partition(". ")[0]) == (0, "Stop requested"), asked.output
    ended = run.wait(within_s=WITHIN_S)
    assert ended.code == 2, ended.output
    assert "INTERNALERROR" not in ended.output
    assert run.descendants() == []
    _prove_interrupted(suite, numbers, "stop requested, at once: the cluster burns")
    _resume_and_prove(suite, engine)


@pytest.mark.parametrize("reason", ["\udcff\x1b[31m", "x" * 20_000], ids=["no-text", "long"])
def test_stop_now_is_heard_whatever_its_reason(suite: Suite, reason: str) -> None:
    suite.write("test_it.py", LONG.replace("WAITS", "time.sleep(60)"))
    run = suite.start()
    _wait_for_units(suite, run, ())
    asked = suite.benchrun("stop", "--now", f"--reason={reason}")
    assert asked.code == 0, asked.output
    ended = run.wait(within_s=WITHIN_S)
    assert ended.code == 2, ended.output
    assert "\x1b" not in ended.output
    assert suite.status()["state"] == "interrupted"


def test_stop_now_reaches_a_unit_that_computes(suite: Suite) -> None:
    suite.write("test_it.py", LONG.replace("WAITS", "while True: pass"))
    run = suite.start("--junitxml=junit.xml")
    numbers = _wait_for_units(suite, run, ())
    suite.benchrun("stop", "--now")
    assert run.wait(within_s=WITHIN_S).code == 2
    _prove_interrupted(suite, numbers, "stop requested, at once")


@ENGINES
def test_stop_now_reaches_a_run_that_a_script_left_in_the_background(suite: Suite, engine: tuple[str, ...]) -> None:
    """`nohup` ignores SIGHUP, and the shell's `&` SIGINT: signals that arrive ignored stay so."""
    suite.write("test_it.py", LONG.replace("WAITS", "time.sleep(60)"))
    command = [*PYTEST, f"--bench-results={suite.results}", "--junitxml=junit.xml", *engine]
    run = suite.children.start(["sh", "-c", 'nohup "$@" & wait $!', "sh", *command], suite.folder)
    numbers = _wait_for_units(suite, run, engine)
    assert len(run.descendants()) == (5 if engine else 2)  # each process that runs units has its watchdog
    run.tell_all(signal.SIGHUP)
    wait_until(lambda: run.has_ended, "the end of the shell")
    suite.benchrun("stop", "--now")
    wait_until(lambda: run.descendants() == [], f"the end of the processes\n{run.output}", within_s=WITHIN_S)
    _prove_interrupted(suite, numbers, "stop requested, at once")
    _resume_and_prove(suite, engine)


def test_a_unit_that_swallows_the_interrupt_is_not_told_again(suite: Suite) -> None:
    """It goes on, as after a second Ctrl-C, and no other one starts; asking again says so and writes nothing."""
    stubborn = """while not (here / "go").exists():
                try:
                    time.sleep(0.02)
                except BaseException:
                    (here / "swallowed").touch()"""
    suite.write("test_it.py", LONG.replace("WAITS", stubborn))
    run = suite.start()
    _wait_for_units(suite, run, ())
    suite.benchrun("stop", "--now")
    wait_until((suite.folder / "swallowed").exists, "the interrupt", within_s=WITHIN_S)
    again = [suite.benchrun("stop", *options) for options in (("--now",), ())]
    assert [(ended.code, ended.output) for ended in again] == [(0, "Stop already requested.\n")] * 2
    assert not (suite.results / "STOP").exists()
    suite.touch("go")
    assert run.wait().code == 2
    view = suite.status()
    assert (view["state"], view["completed"], view["held_back"]) == ("interrupted", 3, 5)


@ENGINES
@pytest.mark.parametrize("cause", ["STOP", "SIGTERM", "time limit"])
def test_a_stop_is_shown_while_a_long_unit_runs(suite: Suite, engine: tuple[str, ...], cause: str) -> None:
    suite.write("test_it.py", LONG.replace("WAITS", "until('go')"))
    options = ("--bench-time-limit=4s",) if cause == "time limit" else ()
    run = suite.start(*options, *engine)
    numbers = _wait_for_units(suite, run, engine)
    if cause == "STOP":
        (suite.results / "STOP").touch()
    elif cause == "SIGTERM":
        run.tell(signal.SIGTERM)
    wait_until(lambda: suite.status()["state"] == "stopping", f"the stop in the status\n{run.output}", within_s=10)
    view = suite.status()
    reasons = {
        "STOP": "stop requested",
        "SIGTERM": "stop requested by SIGTERM",
        "time limit": "time limit of 4 s reached",
    }
    assert (view["reason"], view["running"]) == (reasons[cause], len(numbers))
    suite.touch("go")
    ended = run.wait()
    assert ended.code == 2, ended.output
    view = suite.status()
    assert (view["state"], view["reason"]) == ("stopped", reasons[cause])
    assert view["completed"] == 2 + len(numbers) == len(suite.started())


def test_a_stop_during_the_last_unit_leaves_a_complete_run(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(until): until('go')")
    run = suite.start()
    wait_until(lambda: len(suite.marks()) == 1, "the unit")
    (suite.results / "STOP").touch()
    wait_until(lambda: suite.status()["state"] == "stopping", "the stop in the status", within_s=10)
    suite.touch("go")
    ended = run.wait()
    assert ended.code == 0, ended.output
    assert suite.status()["state"] == "complete"
