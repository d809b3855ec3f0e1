"""What a unit has changed for all others is put back and named; what a wider fixture has changed stays."""

from __future__ import annotations

import bdb
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_benchrun.world.interpreter import look_at_interpreter, restore_interpreter
from pytest_benchrun.world.surroundings import Surroundings, look_at_limits, restore_limits


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])


def _set_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 1000)


def _handle() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _set_mask() -> None:
    os.umask(0o012)


def _set_variable() -> None:
    os.environ["BENCHRUN_A_TEST"] = "set"


def _limit_recursion() -> None:
    sys.setrecursionlimit(sys.getrecursionlimit() + 7)


def _set_threshold() -> None:
    gc.set_threshold(0)


def _trace(*_: object) -> None:
    return None


def _set_trace() -> None:
    sys.settrace(_trace)


def _set_profile() -> None:
    sys.setprofile(_trace)


CHANGES: dict[str, Callable[[], None]] = {
    "left the umask changed to 012": _set_mask,
    "left the environment changed: BENCHRUN_A_TEST": _set_variable,
    "left the handler of SIGHUP changed": _handle,
    "left signals blocked: SIGUSR1": _block,
    "left an alarm set": _set_alarm,
    f"left the recursion limit changed to {sys.getrecursionlimit() + 7}": _limit_recursion,
    "left garbage collection switched off": gc.disable,
    "left the thresholds of garbage collection changed to (0, 10, 10)": _set_threshold,
    "left the trace function changed": _set_trace,
    "left the profile function changed": _set_profile,
}


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """As they are now; what a test changes of the interpreter is put back after it."""
    (tmp_path / "expected").mkdir()
    monkeypatch.chdir(tmp_path / "expected")
    expected = look_at_interpreter()
    yield Surroundings()
    restore_interpreter(expected)


@pytest.mark.parametrize("said", CHANGES)
def test_a_change_is_named_once_and_put_back(surroundings: Surroundings, said: str) -> None:
    before = surroundings.look()
    CHANGES[said]()
    assert surroundings.restore() == [said]
    assert surroundings.restore() == []
    assert surroundings.look() == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_the_trace_function_of_a_debugger_stays(surroundings: Surroundings) -> None:
    debugger, before = bdb.Bdb(), sys.gettrace()
    debugger.reset()
    sys.settrace(debugger.trace_dispatch)
    try:
        said = surroundings.restore()
    finally:
        sys.settrace(before)
    assert said == []


def test_what_a_wide_fixture_sets_of_the_interpreter_stays(surroundings: Surroundings) -> None:
    before, limit = surroundings.look(), sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 7)
    try:
        surroundings.accept_change(before)
        gc.disable()
        assert surroundings.restore() == ["left garbage collection switched off"]
        assert sys.getrecursionlimit() == limit + 7
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("said", [said for said in CHANGES if "alarm" not in said])
def test_an_accepted_change_stays_and_one_before_it_does_not(surroundings: Surroundings, said: str) -> None:
    clean = surroundings.look()
    os.environ["BENCHRUN_ANOTHER"] = "set"
    before = surroundings.look()
    CHANGES[said]()
    after = surroundings.look()
    surroundings.accept_change(before)
    assert surroundings.restore() == ["left the environment changed: BENCHRUN_ANOTHER"]
    del after.environment[b"BENCHRUN_ANOTHER"]
    assert surroundings.look() == after
    surroundings.accept()
    os.umask(clean.umask)
    os.environ.pop("BENCHRUN_A_TEST", None)
    signal.signal(signal.SIGHUP, clean.handlers[2])
    signal.pthread_sigmask(signal.SIG_SETMASK, clean.blocked)


def test_the_working_directory_comes_back_also_from_a_removed_one(surroundings: Surroundings, tmp_path: Path) -> None:
    other = tmp_path / "other\x1b[2J"
    other.mkdir()
    os.chdir(other)
    (said,) = surroundings.restore()
    assert said == f"left the working directory changed to '{tmp_path}/other\\\\x1b[2J'"
    os.chdir(other)
    other.rmdir()
    assert surroundings.restore() == ["left the working directory removed"]
    assert Path.cwd() == tmp_path / "expected"


def test_a_directory_that_is_gone_is_told_and_no_error(surroundings: Surroundings, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    (tmp_path / "expected").rmdir()
    (said,) = surroundings.restore()
    assert "it cannot be put back: No such file" in said


def test_many_variables_are_not_all_listed(surroundings: Surroundings) -> None:
    os.environ.update({f"BENCHRUN_{number}": "x" for number in range(9)})
    assert surroundings.restore() == [
        "left the environment changed: BENCHRUN_0, BENCHRUN_1, BENCHRUN_2, BENCHRUN_3, BENCHRUN_4 and 4 more"
    ]


def test_a_limit_that_was_lowered_is_put_back_and_named() -> None:
    before = look_at_limits()
    resource.setrlimit(resource.RLIMIT_NOFILE, (77, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        assert restore_limits(before) == ["left the limit of open files changed to 77"]
        assert restore_limits(before) == []
        assert look_at_limits() == before
    finally:
        restore_limits(before)
