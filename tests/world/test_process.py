"""Who lives: this process, its children, their ghosts, and whoever got their pid later."""

from __future__ import annotations

import os
import platform
import signal
from dataclasses import replace

import pytest

from pytest_benchrun.core.model import Owner
from pytest_benchrun.world.alive import boot_id, process_started
from pytest_benchrun.world.process import die_with, is_alive, this_process
from tests.fakes import moment
from tests.store.faulty import fork, wait


def me() -> Owner:
    return this_process(moment(0))


def pause() -> int:
    signal.pause()
    return 0


def child(pid: int) -> Owner:
    """A child of ours as an owner."""
    return replace(me(), pid=pid, process_started=process_started(pid) or "")


def test_this_process_lives() -> None:
    owner = me()
    assert (owner.pid, owner.host, owner.started_at) == (os.getpid(), platform.node(), moment(0))
    assert owner.process_started
    assert is_alive(owner) is True


def test_a_process_has_one_start_however_often_one_looks() -> None:
    assert process_started(os.getpid()) == process_started(os.getpid())


def test_a_boot_has_one_identity() -> None:
    assert boot_id() == boot_id()


def test_a_child_lives_until_it_is_killed_and_a_zombie_does_not() -> None:
    pid = fork(pause)
    owner = child(pid)
    lived = is_alive(owner)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it has ended and is not reaped: a zombie
    as_zombie = is_alive(owner)
    wait(pid)
    assert (lived, as_zombie, is_alive(owner)) == (True, False, False)
    assert process_started(pid) is None


def test_a_pid_that_was_given_to_another_process_is_not_the_owner() -> None:
    assert is_alive(replace(me(), process_started="1")) is False


def test_an_owner_from_before_a_reboot_is_dead_whatever_its_pid_is_now() -> None:
    assert is_alive(replace(me(), boot_id="another-boot")) is False


def test_nobody_here_knows_whether_a_process_of_another_host_lives() -> None:
    assert is_alive(replace(me(), host="node-17")) is None


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1])
def test_a_pid_that_no_process_has_is_dead(pid: int) -> None:
    assert process_started(pid) is None
    assert is_alive(replace(me(), pid=pid)) is False


def test_an_owner_without_a_start_is_not_taken_for_a_process_that_is_gone() -> None:
    assert is_alive(replace(me(), pid=2**22 + 1, process_started="")) is False


def test_a_name_full_of_brackets_does_not_hide_the_start() -> None:
    def rename_and_pause() -> int:
        with open("/proc/self/comm", "w", encoding="ascii") as file:  # noqa: PTH123  # of the child itself
            file.write(") Z (x) 1 2")
        os.write(said_write, b"x")
        return pause()

    said_read, said_write = os.pipe()
    pid = fork(rename_and_pause)
    os.read(said_read, 1)
    started = process_started(pid)
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    os.close(said_read)
    os.close(said_write)
    assert started is not None
    assert started.isdigit()
    assert int(started) >= int(process_started(os.getpid()) or 0)


def test_a_child_that_was_told_to_dies_with_its_parent() -> None:
    alive_read, alive_write = os.pipe()  # its last holder is the child
    told_read, told_write = os.pipe()

    def parent() -> int:
        fork(lambda: child_of(os.getppid()))
        return pause()

    def child_of(parent_pid: int) -> int:
        die_with(parent_pid)
        os.write(told_write, b"x")
        return pause()

    pid = fork(parent)
    os.close(alive_write)
    assert os.read(told_read, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    assert os.read(alive_read, 1) == b""  # nobody holds the other end any more
    for descriptor in (alive_read, told_read, told_write):
        os.close(descriptor)


def test_a_process_whose_parent_is_another_one_goes_on() -> None:
    def work() -> int:
        die_with(os.getpid())
        return 7

    assert wait(fork(work)) == 7
