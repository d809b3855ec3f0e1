"""Ctrl-C, an exit in a unit, a process that goes silently: never green, always resumable."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from tests.acceptance.processes import PYTEST, Child, wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
UNITS = [f"test_it.py::test_it[{n}]" for n in range(10)]
MISBEHAVES = """
    import os, pathlib, pytest

    @pytest.mark.parametrize("n", range(10))
    def test_it(n):
        if n == 4 and not (pathlib.Path(__file__).parent / "mended").exists():
            {what}
"""


def _resume_and_prove(suite: Suite, engine: tuple[str, ...]) -> None:
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, UNITS)
    assert suite.status()["state"] == "complete"


@ENGINES
@pytest.mark.parametrize("code", [0, 7])
def test_pytest_exit_in_a_unit_is_never_green(suite: Suite, code: int, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", MISBEHAVES.format(what=f"pytest.exit('bye', returncode={code})"))
    ended = suite.run("--junitxml=junit.xml", *engine)
    assert ended.code in {2, code or 2}, ended.output
    assert "bye" in ended.output
    assert "INTERNALERROR" not in ended.output
    assert suite.status()["state"] in {"stopped", "interrupted"}
    assert suite.benchrun("status", "--exit-code").code == 11
    assert len(suite.started()) < 10
    suite.touch("mended")
    _resume_and_prove(suite, engine)


@pytest.mark.parametrize("what", ["pytest.exit('bye')", "raise KeyboardInterrupt"], ids=["exit", "interrupt"])
def test_an_exit_of_a_units_own_making_ends_bare_and_on_workers_alike(suite: Suite, what: str) -> None:
    """The rest is reported as skipped, so that JUnit and totals stay true, and the state is the same one."""
    states = []
    for engine in ((), ("-n2",)):
        suite.write("test_it.py", MISBEHAVES.format(what=what))
        suite.run("--junitxml=junit.xml", "--bench-fresh", *engine)
        view = suite.status()
        outcomes = Counter(case.outcome for case in suite.junit())
        states.append((view["state"], view["interrupted"], view["pending"], outcomes["error"], outcomes.total()))
    assert states[0] == states[1]
    assert states[0][-2:] == (1, 10)


def test_a_worker_that_exits_with_zero_is_a_failure(suite: Suite) -> None:
    suite.write("test_it.py", MISBEHAVES.format(what="os._exit(0)"))
    ended = suite.run("-n2", "--junitxml=junit.xml")
    assert ended.code == 1, ended.output
    assert [case.outcome for case in suite.junit()].count("failure") == 1
    assert (suite.status()["completed"], suite.status()["failed"]) == (9, 1)
    suite.touch("mended")
    _resume_and_prove(suite, ("-n2",))


def test_a_process_that_exits_with_zero_in_the_middle_is_dead_and_not_complete(suite: Suite) -> None:
    suite.write("test_it.py", MISBEHAVES.format(what="os._exit(0)"))
    assert suite.run().code == 0, "nobody lives who could say otherwise, but all who come after do:"
    said = suite.benchrun("status", "--exit-code")
    assert said.code == 13
    assert "it was killed, or a unit ended it with os._exit" in said.output
    [unit_id] = {one for one in suite.started() if one not in {e["unit_id"] for e in suite.events("unit_ended")}}
    sentence = f"was killed, or a unit ended it with os._exit while {unit_id} ran"
    said = suite.benchrun("verify")
    assert said.code == 1
    assert sentence in said.output
    said = suite.run()
    assert said.code == 4
    assert sentence in said.output
    suite.touch("mended")
    said = suite.run("--bench-resume")
    assert said.code == 0
    assert sentence in said.output


@ENGINES
def test_a_keyboard_interrupt_of_a_units_own_making_can_be_resumed(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", MISBEHAVES.format(what="raise KeyboardInterrupt('enough')"))
    ended = suite.run(*engine)
    assert ended.code == 2, ended.output
    assert "INTERNALERROR" not in ended.output
    assert suite.status()["state"] in {"stopped", "interrupted"}
    suite.touch("mended")
    _resume_and_prove(suite, engine)


@ENGINES
def test_system_exit_of_a_unit_is_its_failure(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", MISBEHAVES.format(what="raise SystemExit(0)"))
    ended = suite.run(*engine)
    assert ended.code == 1, ended.output
    assert (suite.status()["completed"], suite.status()["failed"]) == (9, 1)
    suite.touch("mended")
    _resume_and_prove(suite, engine)


IN_FLIGHT = """
    import pathlib, pytest
    here = pathlib.Path(__file__).parent

    @pytest.fixture
    def warm(n):
        yield
        (here / f"torn-down-{{n}}").touch()

    @pytest.mark.parametrize("n", range(10))
    def test_it(warm, until, n):
        if n == 4 and not (here / "mended").exists():
            (here / "reached").touch()
            {workload}
        elif n > 4 and not (here / "mended").exists():
            until("go")
"""
SAID = "units in flight finish, no further one starts"


def _reach(suite: Suite, workload: str, engine: tuple[str, ...]) -> Child:
    """A run whose fifth unit is in the middle of `workload`; on workers the sixth waits beside it."""
    suite.write("test_it.py", IN_FLIGHT.format(workload=workload))
    run = suite.start("--junitxml=junit.xml", *engine)
    last = UNITS[5 if engine else 4]
    wait_until(
        lambda: (suite.folder / "reached").exists() and last in {mark.unit_id for mark in suite.marks()},
        "the units in flight",
    )
    return run


@ENGINES
@pytest.mark.parametrize(
    ("number", "whom"), [(signal.SIGINT, "all"), (signal.SIGTERM, "owner"), (signal.SIGHUP, "all")]
)
def test_the_first_signal_lets_units_in_flight_finish(
    suite: Suite, number: signal.Signals, whom: str, engine: tuple[str, ...]
) -> None:
    run = _reach(suite, "until('go')", engine)
    started = set(suite.started())
    (run.tell_all if whom == "all" else run.tell)(number)
    wait_until(lambda: SAID in run.output or run.has_ended, "word of the signal")
    suite.touch("go")
    ended = run.wait()
    assert ended.code == 2, ended.output
    assert set(suite.started()) == started
    cases = suite.junit()
    assert len(cases) == 10
    assert sum(case.outcome == "passed" for case in cases) == len(started)
    skipped = {case.message for case in cases if case.outcome == "skipped"}
    assert len(skipped) == 1
    assert number.name in skipped.pop()
    view = suite.status()
    assert (view["state"], view["completed"], view["interrupted"]) == ("stopped", len(started), 0)
    suite.touch("mended")
    _resume_and_prove(suite, engine)


def test_sigterm_is_a_soft_stop_beside_a_handler_that_passes_it_on(suite: Suite) -> None:
    """As that of coverage does when it is told `sigterm = true`: it saves, and sends the signal once more."""
    suite.append(
        "conftest.py",
        """
        import signal

        def pass_on(number, frame):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        signal.signal(signal.SIGTERM, pass_on)
        """,
    )
    run = _reach(suite, "until('go')", ())
    run.tell(signal.SIGTERM)
    wait_until(lambda: SAID in run.output or run.has_ended, "word of the signal")
    suite.touch("go")
    ended = run.wait()
    assert ended.code == 2, ended.output
    assert suite.status()["state"] == "stopped"


@ENGINES
@pytest.mark.parametrize("workload", ["until('never')", "while True: pass"], ids=["waits", "computes"])
def test_the_second_ctrl_c_interrupts_and_tears_down(suite: Suite, workload: str, engine: tuple[str, ...]) -> None:
    run = _reach(suite, workload, engine)
    run.tell_all(signal.SIGINT)
    wait_until(lambda: SAID in run.output or run.has_ended, "word of the first")
    run.tell_all(signal.SIGINT)
    ended = run.wait(within_s=20)
    assert ended.code == 2, ended.output
    assert "INTERNALERROR" not in ended.output
    assert suite.status()["state"] == "interrupted"
    assert suite.benchrun("status", "--exit-code").code == 11
    assert (suite.folder / "torn-down-4").exists()
    assert run.descendants() == []
    suite.touch("mended")
    _resume_and_prove(suite, engine)


@ENGINES
def test_the_third_ctrl_c_ends_a_unit_that_swallows_the_second(suite: Suite, engine: tuple[str, ...]) -> None:
    stubborn = """while True:
                try:
                    until("never")
                except BaseException:
                    (here / "swallowed").touch()"""
    run = _reach(suite, stubborn, engine)
    run.tell_all(signal.SIGINT)
    wait_until(lambda: SAID in run.output or run.has_ended, "word of the first")
    run.tell_all(signal.SIGINT)
    wait_until((suite.folder / "swallowed").exists, "the end of the second")
    run.tell_all(signal.SIGINT)
    ended = run.wait(within_s=20)
    assert ended.code != 0
    wait_until(lambda: run.descendants() == [], "the end of the workers")
    assert suite.benchrun("status", "--exit-code").code in {11, 13}
    suite.touch("mended")
    _resume_and_prove(suite, engine)


def test_ctrl_c_before_the_first_unit_leaves_nothing_behind(suite: Suite) -> None:
    """While modules are imported nothing has begun: the next start is a first one."""
    suite.write(
        "test_it.py",
        """
        import os, pathlib, time, pytest
        here = pathlib.Path(__file__).parent
        if not (here / "mended").exists():
            (here / "reached").touch()
            time.sleep(60)

        @pytest.mark.parametrize("n", range(10))
        def test_it(n):
            pass
        """,
    )
    run = suite.start()
    wait_until((suite.folder / "reached").exists, "the import")
    run.tell_all(signal.SIGINT)
    ended = run.wait(within_s=20)
    assert ended.code == 2, ended.output
    assert not suite.results.exists()
    suite.touch("mended")
    ended = suite.run()
    assert ended.code == 0, ended.output
    assert suite.status()["completed"] == 10


@ENGINES
@pytest.mark.parametrize("count", [1, 2], ids=["soft", "hard"])
def test_sigterm_reaches_a_run_that_a_script_left_in_the_background(
    suite: Suite, engine: tuple[str, ...], count: int
) -> None:
    """`nohup` ignores SIGHUP and the shell's `&` SIGINT; SIGTERM is what schedulers send."""
    suite.write("test_it.py", IN_FLIGHT.format(workload="until('go')"))
    command = [*PYTEST, f"--bench-results={suite.results}", "--junitxml=junit.xml", *engine]
    shell = suite.children.start(["sh", "-c", 'nohup "$@" & wait $!', "sh", *command], suite.folder)
    last = UNITS[5 if engine else 4]
    wait_until(
        lambda: (suite.folder / "reached").exists() and last in {mark.unit_id for mark in suite.marks()},
        "the units in flight",
    )
    owner = suite.status()["owner"]["pid"]
    for number in range(count):
        os.kill(owner, signal.SIGTERM)
        wait_until(lambda: shell.has_ended or SAID in shell.output, "word of the first")
        assert number or not shell.has_ended, shell.output
    if count == 1:
        suite.touch("go")
    ended = shell.wait(within_s=5 if count > 1 else 60)
    assert ended.code == 2, ended.output
    view = suite.status()
    assert view["state"] == ("stopped" if count == 1 else "interrupted")
    outcomes = Counter(case.outcome for case in suite.junit())
    assert outcomes["passed"] == view["completed"]
    assert outcomes["error"] == view["interrupted"] == (0 if count == 1 else 2 if engine else 1)
    assert (suite.results / "runstats.json").exists()
    assert (suite.folder / "torn-down-4").exists()
    suite.touch("mended")
    suite.touch("go")
    _resume_and_prove(suite, engine)


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_a_second_signal_while_pytest_tells_of_the_stop_tears_nothing(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.append(
        "conftest.py",
        """
        import signal

        def pytest_keyboard_interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    suite.write(
        "test_it.py",
        """
        import os, pathlib, signal, time
        import pytest

        @pytest.mark.parametrize("n", range(9))
        def test_it(n, request, benchrun):
            if n == 1:
                worker = os.environ.get("PYTEST_XDIST_WORKER")
                os.kill(os.getppid() if worker else os.getpid(), signal.SIGTERM)
        """,
    )
    ended = suite.run(*engine)
    assert ended.code == 2, ended.output
    assert "Traceback" not in ended.output
    assert suite.status()["state"] == "stopped"
    assert suite.benchrun("verify").code == 0
