"""One owner at a time: living ones are respected, dead ones are no obstacle, races have one winner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import orjson
import pytest

from pytest_benchrun.core.model import Owner
from pytest_benchrun.store.lock import OwnedElsewhere, RunLock, read_owner
from pytest_benchrun.world.process import is_alive, this_process
from tests.fakes import moment
from tests.store.faulty import fork, wait

WAIT_S = 60
HOLD = """
import sys
from pathlib import Path
from pytest_benchrun.store.lock import RunLock
from pytest_benchrun.world.process import is_alive, this_process
RunLock(Path(sys.argv[1]), is_alive).acquire(this_process("2026-11-21T10:00:00.000Z"))
print("held", flush=True)
sys.stdin.read()
"""
"""A process that holds a lock until its standard input ends."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".benchrun.lock"


def me() -> Owner:
    return this_process(moment(0))


def lock_of(path: Path) -> RunLock:
    """A lock that asks the machine who lives."""
    return RunLock(path, is_alive)


def hold(path: Path) -> subprocess.Popen[str]:
    """A second process that owns the directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert stream(process.stdout).readline() == "held\n"
    return process


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=WAIT_S)


def test_a_free_directory_is_taken_and_given_back(path: Path) -> None:
    lock = lock_of(path)
    assert lock.acquire(me()) is None
    assert read_owner(path) == me()
    lock.release()
    assert path.read_bytes() == b""
    assert lock_of(path).acquire(me()) is None


def test_a_released_lock_can_be_taken_by_the_next_process(path: Path) -> None:
    lock = lock_of(path)
    lock.acquire(me())
    lock.release()
    process = hold(path)
    end(process)


def test_a_release_twice_or_without_the_lock_changes_nothing(path: Path) -> None:
    lock = lock_of(path)
    lock.release()
    lock.acquire(me())
    lock.release()
    path.write_bytes(b"somebody else's")
    lock.release()
    assert path.read_bytes() == b"somebody else's"


def test_a_release_after_the_directory_is_gone_is_no_error(path: Path) -> None:
    lock = lock_of(path)
    lock.acquire(me())
    path.unlink()
    path.parent.rmdir()
    lock.release()


def test_a_second_process_is_refused_and_told_who_owns_the_run(path: Path) -> None:
    process = hold(path)
    try:
        with pytest.raises(OwnedElsewhere) as caught:
            lock_of(path).acquire(me())
    finally:
        end(process)
    owner = caught.value.owner
    assert owner is not None
    assert (owner.pid, owner.host) == (process.pid, me().host)
    assert f"pid {process.pid} on host {me().host!r}, since 2026-11-21T10:00:00.000Z" in caught.value.problem
    assert f"benchrun stop {path.parent}" in caught.value.hint


def test_a_refused_process_leaves_the_owners_record_alone(path: Path) -> None:
    process = hold(path)
    try:
        before = path.read_bytes()
        with pytest.raises(OwnedElsewhere):
            lock_of(path).acquire(me())
        assert path.read_bytes() == before
    finally:
        end(process)


def test_a_second_session_in_the_same_process_is_refused(path: Path) -> None:
    lock = lock_of(path)
    lock.acquire(me())
    with pytest.raises(OwnedElsewhere, match=f"pid {os.getpid()}"):
        lock_of(path).acquire(me())
    lock.release()


def test_a_lock_that_is_held_counts_even_when_its_record_is_gone(path: Path) -> None:
    lock = lock_of(path)
    lock.acquire(me())
    path.write_bytes(b"")
    with pytest.raises(OwnedElsewhere, match="a process that left no name"):
        lock_of(path).acquire(me())
    lock.release()


def test_a_killed_owner_is_taken_over_from_and_named(path: Path) -> None:
    process = hold(path)
    end(process)
    previous = lock_of(path).acquire(me())
    assert previous is not None
    assert previous.pid == process.pid
    assert read_owner(path) == me()


@pytest.mark.parametrize(
    "owner",
    [
        replace(me(), boot_id="another-boot"),
        replace(me(), process_started="1"),
        replace(me(), pid=2**22 + 1),
    ],
    ids=["before a reboot", "whose pid was reused", "whose pid is gone"],
)
def test_an_owner_that_cannot_live_any_more_is_taken_over_from(path: Path, owner: Owner) -> None:
    path.write_bytes(orjson.dumps(asdict(owner)))
    lock = lock_of(path)
    assert lock.acquire(me()) == owner
    lock.release()


def test_an_owner_on_another_host_is_believed_and_the_hint_says_how_to_force_it(path: Path) -> None:
    elsewhere = replace(me(), host="node-17")
    path.write_bytes(orjson.dumps(asdict(elsewhere)))
    with pytest.raises(OwnedElsewhere, match="on host 'node-17'") as caught:
        lock_of(path).acquire(me())
    assert f"rm {path}" in caught.value.hint
    assert read_owner(path) == elsewhere


def test_the_forced_way_the_hint_names_works(path: Path) -> None:
    path.write_bytes(orjson.dumps(asdict(replace(me(), host="node-17"))))
    path.unlink()
    lock = lock_of(path)
    assert lock.acquire(me()) is None
    lock.release()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"7", b'"x"', b'{"pid": 1}', b"\xff\x00"])
def test_a_record_that_is_no_owner_is_nobodys(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    assert read_owner(path) is None
    lock = lock_of(path)
    assert lock.acquire(me()) is None
    lock.release()


def test_a_lock_file_that_is_not_there_has_no_owner(path: Path) -> None:
    assert read_owner(path) is None


def test_a_link_planted_as_the_lock_is_refused(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        lock_of(path).acquire(me())
    assert victim.read_bytes() == b"precious"


def test_an_owner_that_starts_between_two_looks_is_respected(path: Path) -> None:
    path.write_bytes(orjson.dumps(asdict(me())))
    answers = iter([False, True])
    refused = RunLock(path, lambda _: next(answers))
    with pytest.raises(OwnedElsewhere):
        refused.acquire(me())
    lock = RunLock(path, lambda _: False)
    assert lock.acquire(me()) is not None, "the refused one has kept the lock"
    lock.release()
    refused.release()


def test_a_start_that_came_to_nothing_leaves_the_record_of_the_dead_owner(path: Path) -> None:
    left_by_a_dead_owner(path)
    before = path.read_bytes()
    lock = lock_of(path)
    lock.acquire(me())
    lock.release()
    assert path.read_bytes() == before


def test_a_session_that_has_settled_what_was_left_gives_back_an_empty_file(path: Path) -> None:
    left_by_a_dead_owner(path)
    lock = lock_of(path)
    lock.acquire(me())
    lock.keep_nothing()
    lock.release()
    assert path.read_bytes() == b""


def test_an_owner_whose_lock_was_removed_by_force_leaves_the_next_ones_record_alone(path: Path) -> None:
    forced_out = RunLock(path, lambda _: False)
    forced_out.acquire(me())
    path.unlink()
    next_owner = replace(me(), host="node-17")
    RunLock(path, lambda _: False).acquire(next_owner)
    forced_out.release()
    assert read_owner(path) == next_owner


class Race:
    """Forked processes that all want one lock, let off together.

    Each writes one byte, `y` or `n`; the winner holds the lock until all have written.
    """

    def __init__(self, path: Path, runners: int) -> None:
        self._path = path
        self._go_read, self._go_write = os.pipe()
        self._said_read, self._said_write = os.pipe()
        self._over_read, self._over_write = os.pipe()
        self._pids = [fork(self._run) for _ in range(runners)]

    def _run(self) -> int:
        os.close(self._go_write)
        os.close(self._over_write)
        os.read(self._go_read, 1)  # until the starter closes its end
        try:
            lock_of(self._path).acquire(me())
        except OwnedElsewhere:
            os.write(self._said_write, b"n")
            return 0
        os.write(self._said_write, b"y")
        os.read(self._over_read, 1)
        return 0

    def start(self) -> str:
        """Let them off; what they said."""
        os.close(self._go_write)
        said = b""
        while len(said) < len(self._pids):
            said += os.read(self._said_read, 100)
        os.close(self._over_write)
        assert [wait(pid) for pid in self._pids] == [0] * len(self._pids)
        for descriptor in (self._go_read, self._said_read, self._said_write, self._over_read):
            os.close(descriptor)
        return said.decode()


def free(path: Path) -> None:
    """Nobody was here."""


def left_by_a_dead_owner(path: Path) -> None:
    """Somebody was killed here."""
    path.write_bytes(orjson.dumps(asdict(replace(me(), boot_id="another-boot"))))


@pytest.mark.parametrize(("rounds", "runners"), [(100, 2), (10, 20)])
@pytest.mark.parametrize("prepare", [free, left_by_a_dead_owner])
def test_processes_that_start_at_once_make_one_owner(
    tmp_path: Path, prepare: Callable[[Path], None], rounds: int, runners: int
) -> None:
    for number in range(rounds):
        path = tmp_path / f"{number}.lock"
        prepare(path)
        said = Race(path, runners).start()
        assert said.count("y") == 1, f"round {number}"


class Pipe:
    """Lets a child wait until the parent, or the last holder of its end, has gone."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def wait(self) -> int:
        """Until the other end is closed; 0."""
        os.close(self.write_end)
        return len(os.read(self.read_end, 1))

    def close(self) -> None:
        for descriptor in (self.read_end, self.write_end):
            os.close(descriptor)


def own_and_fork(path: Path, said: int, release: Pipe) -> int:
    """An owner with a forked child that outlives it."""
    lock = lock_of(path)
    lock.acquire(me())
    child = fork(release.wait)
    os.write(said, b"%d\n" % child)
    signal.pause()
    return 0


def test_a_forked_child_that_outlives_its_owner_does_not_block_the_takeover(path: Path) -> None:
    release = Pipe()
    said_read, said_write = os.pipe()
    owner = fork(lambda: own_and_fork(path, said_write, release))
    child = int(os.read(said_read, 100))
    os.kill(owner, signal.SIGKILL)
    assert wait(owner) == -signal.SIGKILL
    try:
        os.kill(child, 0)  # it lives
        lock = lock_of(path)
        previous = lock.acquire(me())
        assert previous is not None
        assert previous.pid == owner
        lock.release()
    finally:
        release.close()
        os.close(said_read)
        os.close(said_write)


def test_a_forked_child_gives_nothing_back(path: Path) -> None:
    lock = lock_of(path)
    lock.acquire(me())

    def give_back() -> int:
        lock.release()
        return 0

    assert wait(fork(give_back)) == 0
    assert read_owner(path) == me()

    def take() -> int:
        try:
            RunLock(path, lambda _: False).acquire(me())
        except OwnedElsewhere:
            return 7
        return 0

    assert wait(fork(take)) == 7, "the lock was given away by a forked child"
    lock.release()
