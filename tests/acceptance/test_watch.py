"""`benchrun watch`: ends with the run and as it did; Ctrl-C ends the watching alone."""

from __future__ import annotations

import signal

import pytest

from pytest_benchrun.cli.status import Seen
from pytest_benchrun.core.moments import from_epoch_ms, parse
from tests.acceptance.processes import BENCHRUN, Child, wait_until
from tests.acceptance.suite import Suite
from tests.acceptance.terminal import Terminal

HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(until, n):
        if n >= 2:
            until("go")
        assert n != 5 or EXPECTED
"""


def _hold(suite: Suite, *options: str, is_good: bool = True) -> Child:
    """A run whose third unit waits."""
    suite.write("test_it.py", HELD.replace("EXPECTED", str(is_good)))
    child = suite.start(*options)
    wait_until(lambda: "test_it.py::test_it[2]" in suite.started(), "the held unit")
    wait_until(lambda: (suite.results / "status.json").exists() and suite.status()["running"] > 0, "its status")
    return child


def _watch(suite: Suite, *options: str) -> Child:
    """A watcher that has said its first line."""
    argv = [*BENCHRUN, "watch", str(suite.results), "--interval=0.05", *options]
    child = suite.children.start(argv, suite.folder)
    wait_until(lambda: "running: " in child.output, f"the first line: {child.output}")
    return child


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
@pytest.mark.parametrize("is_good", [True, False])
def test_watch_ends_with_the_run_and_with_its_exit_code(suite: Suite, engine: tuple[str, ...], is_good: bool) -> None:  # noqa: FBT001
    run = _hold(suite, *engine, is_good=is_good)
    watcher = _watch(suite)
    suite.touch("go")
    ended = watcher.wait()
    assert ended.code == run.wait().code == (0 if is_good else 1)
    last = ended.output.splitlines()[-1]
    assert last.endswith(f"complete: 6/6 (100.0 %), {0 if is_good else 1} failed")
    assert "\x1b" not in ended.output
    assert len(set(ended.output.splitlines())) == len(ended.output.splitlines())


def test_watch_of_a_run_that_is_stopped_exits_as_the_run_does(suite: Suite) -> None:
    run = _hold(suite)
    watcher = _watch(suite)
    assert suite.benchrun("stop", "--reason=enough").code == 0
    suite.touch("go")
    ended = watcher.wait()
    assert (ended.code, run.wait().code) == (2, 2)
    assert "stopped: 3/6" in ended.output
    assert "enough" in ended.output


def test_watch_of_a_killed_run_says_dead_with_its_pid_and_exits_with_13(suite: Suite) -> None:
    run = _hold(suite)
    watcher = _watch(suite)
    run.kill()
    ended = watcher.wait(within_s=5)
    assert ended.code == 13
    assert f"dead: 2/6 (33.3 %), 0 failed (its owner, pid {run.pid} on " in ended.output


def test_ctrl_c_ends_the_watching_and_not_the_run(suite: Suite) -> None:
    run = _hold(suite)
    watcher = _watch(suite)
    watcher.tell_all(signal.SIGINT)
    ended = watcher.wait()
    assert ended.code == 130
    assert ended.output.endswith("benchrun: the run goes on\n")
    assert not run.has_ended
    suite.touch("go")
    assert run.wait().code == 0


def test_watch_of_a_run_that_has_ended_says_so_at_once(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass")
    assert suite.run().code == 0
    ended = suite.benchrun("watch")
    assert (ended.code, ended.output.count("complete: 1/1")) == (0, 1)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon", "1e9"])
def test_an_interval_that_cannot_be_is_a_usage_message(suite: Suite, value: str) -> None:
    ended = suite.benchrun("watch", f"--interval={value}")
    assert ended.code == 2
    assert repr(value) in ended.output


def test_a_run_that_was_suspended_is_stalled_once_its_heartbeat_is_old(suite: Suite) -> None:
    run = _hold(suite)
    run.tell(signal.SIGSTOP)
    heartbeat_ms = round(parse(suite.status()["heartbeat_at"]).timestamp() * 1000)
    now, later = (Seen(str(suite.results), from_epoch_ms(heartbeat_ms + age_ms)) for age_ms in (29_000, 31_000))
    assert (now.state, later.state) == ("running", "stalled")
    assert f"no heartbeat for 31 s from pid {run.pid}" in later.lines[0]
    run.tell(signal.SIGCONT)
    suite.touch("go")
    assert run.wait().code == 0


def test_on_a_terminal_the_status_is_drawn_in_place_and_stays_at_the_end(suite: Suite) -> None:
    run = _hold(suite)
    argv = [*BENCHRUN, "watch", str(suite.results), "--interval=0.05"]
    terminal = Terminal(argv, suite.folder, (24, 40))
    try:
        wait_until(lambda: terminal.has_said("progress: 2/6"), "the first frame")
        frame = terminal.text.partition("\x1b[J")[0]
        assert frame.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
        lines = frame.rpartition("\x1b[H")[2].replace("\r", "").split("\x1b[K\n")
        assert all(len(line.replace("\x1b[1m\x1b[32m", "").replace("\x1b[0m", "")) < 40 for line in lines)
        terminal.resize(24, 200)
        wait_until(lambda: terminal.has_said("running: test_it.py::test_it[2] on "), "a frame of the new size")
        suite.touch("go")
        wait_until(lambda: terminal.has_said("progress: 6/6"), f"the end: {terminal.text[-500:]}")
        wait_until(lambda: terminal.process.poll() is not None and not terminal.has_said("\0"), "its exit")
    finally:
        terminal.close()
    assert terminal.process.returncode == run.wait().code == 0
    shown_at_last = terminal.text.rpartition("\x1b[?25h\x1b[?1049l")[2]
    assert "complete" in shown_at_last
    assert "6/6 (100.0 %)" in shown_at_last
