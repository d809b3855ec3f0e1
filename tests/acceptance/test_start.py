"""`benchrun start`: up when it returns, out of the terminal's reach, and nothing left behind where pytest refuses."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.acceptance.processes import BENCHRUN, PYTEST, Ended, wait_until
from tests.acceptance.suite import Suite, assert_refused, bytes_of
from tests.acceptance.terminal import Terminal

HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_it(until, n):
        print("hello from", n)
        if n >= 1:
            until("go")
"""
_OPTIONS = PYTEST[3:]


class Starter:
    """Starts runs, and ends what is left of them."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._pids: list[int] = []

    def argv(self, *options: str) -> list[str]:
        """The command line."""
        return [*BENCHRUN, "start", str(self._suite.results), "--", *_OPTIONS, *options]

    def run(self, *options: str) -> Ended:
        """`benchrun start` to its own end."""
        ended = self._suite.children.start(self.argv(*options), self._suite.folder).wait()
        self.remember(ended.output)
        return ended

    def remember(self, output: str) -> None:
        """The run that a start has spoken of."""
        if found := re.search(r"pid (\d+), output in", output):
            self._pids.append(int(found[1]))

    @property
    def pid(self) -> int:
        """Of the run that was started last."""
        return self._pids[-1]

    def end_all(self) -> None:
        """End the runs that still live, with their workers."""
        for pid in self._pids:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                for one in [process, *process.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()


@pytest.fixture
def starter(suite: Suite) -> Iterator[Starter]:
    """Starts runs in the background."""
    one = Starter(suite)
    yield one
    suite.touch("go")
    one.end_all()


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_start_returns_once_the_run_is_up_and_the_others_find_it(
    suite: Suite, starter: Starter, engine: tuple[str, ...]
) -> None:
    suite.write("test_it.py", HELD)
    started = starter.run("test_it.py", *engine)
    assert started.code == 0, started.output
    assert suite.status()["owner"]["pid"] == starter.pid
    assert os.getsid(starter.pid) == starter.pid
    assert suite.benchrun("status", "--exit-code").code == 15
    assert "Stop requested" in suite.benchrun("stop").output
    suite.touch("go")
    assert suite.benchrun("watch", "--interval=0.05").code == 2
    log = (suite.results / "benchmark.log").read_text("utf-8")
    assert "stop requested" in log
    assert not list(suite.results.glob(".benchrun-start-*"))


def test_a_terminal_that_is_closed_does_not_reach_the_run(suite: Suite, starter: Starter) -> None:
    suite.write("test_it.py", HELD)
    shell = ["sh", "-c", '"$@"; exec sleep 60', "sh", *starter.argv("test_it.py")]
    terminal = Terminal(shell, suite.folder, (24, 200))
    try:
        wait_until(lambda: terminal.has_said("output in"), "the run is up")
        starter.remember(terminal.text)
        terminal.hang_up()
        wait_until(lambda: terminal.process.poll() is not None, "the end of the shell")
    finally:
        terminal.close()
    assert terminal.process.returncode == -signal.SIGHUP
    assert suite.benchrun("status", "--exit-code").code == 15
    suite.touch("go")
    assert suite.benchrun("watch", "--interval=0.05").code == 0


def test_a_run_that_ends_before_anybody_looks_was_up_all_the_same(suite: Suite, starter: Starter) -> None:
    suite.write("test_it.py", "def test_it(): assert 0, 'no result'")
    started = starter.run("test_it.py")
    assert started.code == 0, started.output
    assert suite.benchrun("watch", "--interval=0.05").code == 1
    assert "no result" in (suite.results / "benchmark.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--no-such-option",), 4, "--no-such-option"),
        (("no_such_file.py",), 4, "no_such_file.py"),
        (("--bench-resume",), 4, "there is no run to resume"),
        (("broken.py",), 2, "no_such_module"),
    ],
)
def test_what_pytest_refuses_is_said_and_nothing_is_left(
    suite: Suite, starter: Starter, options: tuple[str, ...], code: int, said: str
) -> None:
    suite.write("broken.py", "import no_such_module")
    ended = starter.run(*options)
    assert ended.code == code, ended.output
    assert said in ended.output
    assert f"exit code {code}" in ended.output
    assert "Traceback" not in ended.output or "no_such_module" in ended.output
    assert not (suite.results / "journal.jsonl").exists()
    assert not list(suite.results.glob("*.log")) if suite.results.exists() else True


def test_an_unfinished_run_is_left_as_it_is(suite: Suite, starter: Starter) -> None:
    suite.write("test_it.py", HELD)
    run = suite.start()
    wait_until(lambda: len(suite.started()) == 2, "the second unit")
    assert_refused(starter.run("test_it.py"), f"pid {run.pid}", "-> ")
    run.kill()
    before = bytes_of(suite.results)
    assert_refused(starter.run("test_it.py"), "--bench-resume")
    assert bytes_of(suite.results) == before
    suite.touch("go")
    assert starter.run("test_it.py", "--bench-resume").code == 0
    assert suite.benchrun("watch", "--interval=0.05").code == 0


def test_logs_of_one_run_are_kept_beside_each_other_and_go_to_the_history_with_it(
    suite: Suite, starter: Starter
) -> None:
    suite.write("test_it.py", "import os\ndef test_it(): assert os.path.exists('good')")
    assert starter.run("test_it.py").code == 0
    assert suite.benchrun("watch", "--interval=0.05").code == 1
    suite.touch("good")
    assert starter.run("test_it.py", "--bench-resume").code == 0
    assert suite.benchrun("watch", "--interval=0.05").code == 0
    assert "1 failed" in (suite.results / "benchmark.1.log").read_text("utf-8")
    assert "1 passed" in (suite.results / "benchmark.log").read_text("utf-8")
    assert starter.run("test_it.py").code == 0
    assert suite.benchrun("watch", "--interval=0.05").code == 0
    (past,) = (suite.results / "history").iterdir()
    assert {path.name for path in past.glob("*.log")} == {"benchmark.log", "benchmark.1.log"}
    assert {path.name for path in suite.results.glob("*.log")} == {"benchmark.log"}


@pytest.mark.parametrize("words", [("--bench-results=x",), ("--bench-results", "x")])
def test_a_second_results_directory_is_refused(suite: Suite, starter: Starter, words: tuple[str, ...]) -> None:
    assert_refused(starter.run(*words), words[0], "-> leave it away: benchrun start ")
    assert not suite.results.exists()


def test_what_cannot_be_a_directory_is_refused(suite: Suite, starter: Starter) -> None:
    suite.results.write_text("a file")
    assert_refused(starter.run("test_it.py"), str(suite.results), "-> ")
    assert suite.results.read_text() == "a file"


def test_the_help_shows_the_way_by_hand(suite: Suite) -> None:
    ended = suite.children.start([*BENCHRUN, "start", "--help"], suite.folder).wait()
    assert ended.code == 0
    assert "nohup pytest --bench-results=DIR" in " ".join(ended.output.split())
