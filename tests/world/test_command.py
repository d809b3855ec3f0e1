"""A program, its keeper and its tree: how it ends, what it used, and that nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pytest_benchrun.core.errors import CommandProblem, ProgramMissing
from pytest_benchrun.world.command import CommandResult, Order, Running, run, tail_of
from tests.store.faulty import fork, wait

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")


def until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    def make(*argv: str, **more: object) -> Order:
        said = {"log": tmp_path / "log", "cwd": tmp_path, "env": dict(os.environ), **more}
        return Order(argv=argv, **said)  # type: ignore[arg-type]  # tests say what they need

    return make


def python(source: str) -> tuple[str, str, str]:
    return sys.executable, "-c", source


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_both_streams_are_in_the_log_in_order(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "echo one; echo two >&2; echo three"))
    assert (result.exit_code, result.signal, result.tail) == (0, None, "one\ntwo\nthree")
    assert result.log.read_text("utf-8") == "one\ntwo\nthree\n"


def test_an_exit_code_is_told(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "exit 3"))
    assert (result.exit_code, result.signal) == (3, None)


def test_a_signal_is_told_by_its_name(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "kill -SEGV $$"))
    assert (result.exit_code, result.signal) == (None, "SIGSEGV")


def test_it_reads_nothing_and_is_in_no_group_of_ours(order: Callable[..., Order]) -> None:
    source = "import os, sys; print(sys.stdin.read() == '', os.getpgrp() == os.getpid(), os.getsid(0))"
    result = run(order(*python(source)))
    is_empty, leads, session = result.tail.split()
    assert (is_empty, leads) == ("True", "True")
    assert int(session) != os.getsid(0)


def test_cpu_time_of_the_whole_tree_is_counted(order: Callable[..., Order]) -> None:
    source = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        while time.process_time() < 0.3: pass
        os._exit(0)
os.wait(); os.wait()
"""
    result = run(order(*python(source)))
    assert result.cpu_s >= 0.6
    assert result.wall_s > 0


@needs_linux
def test_memory_is_the_sum_over_the_tree(order: Callable[..., Order]) -> None:
    source = """
import os, time
read, write = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        held = bytearray(60_000_000)
        for place in range(0, len(held), 4096): held[place] = 1
        print("held", flush=True)
        os.read(read, 1)
        os._exit(0)
while not os.path.exists("seen"):
    print("waiting", flush=True)
    time.sleep(0.02)
os.write(write, b"xx"); os.wait(); os.wait()
"""
    wanted = order(*python(source))
    looks: list[bool] = []

    def look() -> None:
        if any(looks):  # the tree was looked at since
            (wanted.cwd / "seen").touch()
        looks.append(wanted.log.read_text("utf-8").count("held") == 2)

    result = run(wanted, look)
    assert 120_000_000 < result.rss_bytes < 400_000_000


@pytest.mark.parametrize(
    "source", ["sleep 100", "trap '' TERM; while :; do sleep 100; done", "setsid -f sleep 98765; sleep 100"]
)
def test_time_that_is_up_ends_the_whole_tree(order: Callable[..., Order], source: str) -> None:
    result = run(order("sh", "-c", f"echo $$; {source}", timeout_s=0.3, grace_s=0.2))
    assert result.is_timeout
    assert result.signal in {"SIGTERM", "SIGKILL"}
    assert not lives(int(result.tail))
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "98765"]]


def test_a_program_may_end_politely(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "trap 'echo bye; exit 7' TERM; while :; do :; done", timeout_s=0.3))
    assert (result.exit_code, result.tail, result.is_timeout) == (7, "bye", True)


@needs_linux
def test_what_a_program_leaves_behind_is_named_and_ended(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "setsid sleep 100 & echo $!"))
    assert (result.exit_code, result.left_behind) == (0, ("sleep",))
    assert not lives(int(result.tail))


def test_the_last_words_of_a_pipe_are_kept(order: Callable[..., Order]) -> None:
    result = run(order("sh", "-c", "(sleep 0.1; echo late) &"))
    assert (result.tail, result.left_behind) == ("late", ())


def test_whatever_comes_between_ends_it_first(order: Callable[..., Order]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Running(order("sh", "-c", "echo $$; exec sleep 100")).wait(interrupt)
    assert not lives(int(tail_of(order("x").log)))


def test_another_thread_can_end_it(order: Callable[..., Order]) -> None:
    running = Running(order("sleep", "100"))
    results: list[CommandResult] = []
    waiter = threading.Thread(target=lambda: results.append(running.wait(lambda: None)))
    waiter.start()
    running.end()
    waiter.join(30)
    assert results[0].signal == "SIGTERM"
    assert not results[0].is_timeout


@pytest.mark.parametrize("source", ["echo $$; exec sleep 100", "sleep 100 & echo $!; wait"], ids=["it", "its-child"])
def test_it_goes_with_the_process_that_asked_for_it(order: Callable[..., Order], source: str) -> None:
    wanted = order("sh", "-c", source)

    def ask() -> int:
        run(wanted)
        return 0

    pid = fork(ask)
    until(lambda: bool(tail_of(wanted.log)))
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    until(lambda: not lives(int(tail_of(wanted.log))))


def test_a_keeper_that_is_killed_is_said_and_the_program_goes(order: Callable[..., Order]) -> None:
    wanted = order("sh", "-c", "echo $PPID; exec sleep 100")
    with pytest.raises(CommandProblem, match="ended from outside"):
        Running(wanted).wait(lambda: os.kill(int(tail_of(wanted.log)), signal.SIGKILL))


def test_limits_hold(order: Callable[..., Order]) -> None:
    result = run(order(*python("bytearray(10**9)"), max_memory_bytes=300_000_000))
    assert "MemoryError" in result.tail
    assert run(order("sh", "-c", "while :; do :; done", max_cpu_s=1)).signal in {"SIGXCPU", "SIGKILL"}


def test_a_missing_program_is_named_with_its_package(order: Callable[..., Order]) -> None:
    with pytest.raises(ProgramMissing, match=r"'nwchem' is not on PATH\n  -> apt-get install nwchem"):
        run(order("nwchem", env={"PATH": "/nonexistent"}))


def test_what_cannot_be_started_says_why(order: Callable[..., Order], tmp_path: Path) -> None:
    with pytest.raises(CommandProblem, match="is no directory"):
        run(order("true", cwd=tmp_path / "nowhere"))
    with pytest.raises(CommandProblem, match=r"\(\d+ bytes\) and environment are more than the system takes"):
        run(order("true", *["x" * 100_000] * 100))
    script = tmp_path / "script"
    script.write_bytes(b"\x00\x01")
    with pytest.raises(ProgramMissing, match=r"may not be run\n  -> chmod \+x"):
        run(order("./script"))
    script.chmod(0o755)
    with pytest.raises(CommandProblem, match="no program that this system can run"):
        run(order("./script"))


def test_words_that_are_no_utf8_arrive_as_they_are(order: Callable[..., Order]) -> None:
    result = run(order("printf", "%s", os.fsdecode(b"\xff"), env={**os.environ, "ODD": os.fsdecode(b"\xfe")}))
    assert result.log.read_bytes() == b"\xff"


def test_a_log_is_never_opened_through_a_link(order: Callable[..., Order], tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        run(order("echo", "hi"))
    assert not (tmp_path / "target").exists()


def test_the_tail_is_the_last_twenty_lines_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{number}\n" for number in range(10_000)), "utf-8")
    assert tail_of(path).splitlines() == [str(number) for number in range(9_980, 10_000)]
    path.write_bytes(b"x" * 100_000)
    assert len(tail_of(path)) == 8192
