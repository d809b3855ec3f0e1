"""`turn_metrics.jsonl` and parts of it: whole lines, whatever the disk, a dead writer or a fork does."""

from __future__ import annotations

import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnends import cut_torn_end
from pytest_benchrun.store.turnfile import TurnFile
from tests.store.faulty import FaultyDisk, HalfDisk, ShortDisk, fork, no_space, wait

AT = "2026-11-21T08:00:00.000Z"


def turn_file(rundir: RunDir, worker: str | None = None, *, rotate_bytes: int | None = None) -> TurnFile:
    return TurnFile(rundir, worker, rotate_bytes=rotate_bytes, now_at=lambda: AT, is_buffered=False)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_line_is_in_the_file_when_it_has_been_appended(rundir: RunDir) -> None:
    file = turn_file(rundir)
    for number in range(1, 4):
        file.append(b"%d\n" % number)
        assert len(lines_of(rundir.turns)) == number


def test_a_worker_has_a_part_of_its_own(rundir: RunDir) -> None:
    file = turn_file(rundir, "gw0")
    file.append(b"1\n")
    file.close()
    assert rundir.turn_parts() == [rundir.path / "turn_metrics.gw0.jsonl"]


@pytest.mark.parametrize("worker", ["1", "", "../x", "a/b", "ä", "joining-1", "\ud800"])
def test_any_name_of_a_worker_is_a_part_in_the_directory(rundir: RunDir, worker: str) -> None:
    path = rundir.turn_part(worker)
    path.write_bytes(b"")
    assert rundir.turn_parts() == [path]


@pytest.mark.parametrize("torn", [b"{", b"x" * 200_000, b'{"a":1}'])
@pytest.mark.parametrize("before", [b"", b"1\n2\n"])
def test_the_torn_end_of_a_dead_writer_is_cut_off_before_anything_follows(
    rundir: RunDir, before: bytes, torn: bytes
) -> None:
    rundir.turn_part("gw0").write_bytes(before + torn)
    file = turn_file(rundir, "gw0")
    file.append(b"3\n")
    file.close()
    assert rundir.turn_part("gw0").read_bytes() == before + b"3\n"
    (kept,) = rundir.path.glob("*.torn-*")
    assert (kept.name, kept.read_bytes()) == ("turn_metrics.gw0.jsonl.torn-2026-11-21T080000.000Z", torn)
    assert kept in rundir.ours()


def test_nothing_is_cut_off_a_whole_file(rundir: RunDir) -> None:
    rundir.turns.write_bytes(b"1\n")
    assert cut_torn_end(rundir, rundir.turns, AT) is None
    assert cut_torn_end(rundir, rundir.path / "missing", AT) is None


def test_nothing_is_written_through_a_link(rundir: RunDir, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    rundir.turns.symlink_to(victim)
    file = turn_file(rundir)
    file.append(b"1\n")
    file.close()
    assert victim.read_bytes() == b"theirs"
    assert file.take_problem() == "1 turns or events were not kept: Too many levels of symbolic links"
    assert file.take_problem() is None


def test_a_disk_that_fails_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """At every operation in turn: no error comes out, every line is kept or counted, the file has whole lines."""
    for fails_at in range(1, 30):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        disk = FaultyDisk(fails_at, no_space)
        rundir = RunDir(folder, disk)
        rundir.turns.write_bytes(b"old\ntorn")
        file = turn_file(rundir)
        lost = 0
        for number in range(4):
            file.append(b"%d\n" % number)
            problem = file.take_problem()
            lost += int(problem.partition(" ")[0]) if problem else 0
            assert problem is None or os.strerror(errno.ENOSPC) in problem
        file.close()
        lines = lines_of(rundir.turns)
        assert all(line.endswith(b"\n") for line in lines)
        assert len(lines) - 1 + lost == 4
        if not disk.has_failed:
            assert lost == 0
            return
        assert lost == 1
    pytest.fail("the fault was never out of reach")


def test_a_line_that_was_written_short_is_taken_back(rundir: RunDir, tmp_path: Path) -> None:
    disk = ShortDisk()
    rundir = RunDir(tmp_path, disk)
    file = turn_file(rundir)
    file.append(b"line 0\n")
    disk.room = 3
    file.append(b"line 1\n")
    assert rundir.turns.read_bytes() == b"line 0\n"
    assert file.take_problem() == "1 turns or events were not kept: No space left on device"
    disk.room = None
    file.append(b"line 2\n")
    assert rundir.turns.read_bytes() == b"line 0\nline 2\n"


def test_what_cannot_be_taken_back_is_cut_off_before_the_next_line(tmp_path: Path) -> None:
    disk = ShortDisk()
    rundir = RunDir(tmp_path, disk)
    file = turn_file(rundir)
    file.append(b"line 0\n")
    disk.room, disk.is_stiff = 3, True
    for _ in range(2):
        file.append(b"line 1\n")
    disk.room, disk.is_stiff = None, False
    file.append(b"line 2\n")
    assert rundir.turns.read_bytes() == b"line 0\nline 2\n"
    assert file.take_problem() == "2 turns or events were not kept: No space left on device"


class _Interrupted(BaseException):
    """What a signal's handler raises, anywhere."""


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_interrupt_in_the_middle_of_a_write_loses_and_doubles_nothing(tmp_path: Path, share: float) -> None:
    class InterruptedDisk(Disk):
        is_armed = True

        def write(self, descriptor: int, data: bytes) -> int:
            if not self.is_armed:
                return super().write(descriptor, data)
            self.is_armed = False
            super().write(descriptor, data[: int(len(data) * share)])
            raise _Interrupted

    rundir = RunDir(tmp_path, InterruptedDisk(is_durable=False))
    file = turn_file(rundir)
    with pytest.raises(_Interrupted):
        file.append(b"line 0\n")
    for number in range(1, 5):
        file.append(b"line %d\n" % number)
    file.close()
    assert lines_of(rundir.turns) == [b"line %d\n" % number for number in range(5)]
    assert file.take_problem() is None


def test_threads_lose_and_tear_nothing(rundir: RunDir) -> None:
    file = turn_file(rundir)

    def write(thread: int) -> None:
        for number in range(2000):
            file.append(b"%d-%d\n" % (thread, number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    file.close()
    assert sorted(lines_of(rundir.turns)) == sorted(b"%d-%d\n" % (t, n) for t in range(8) for n in range(2000))


def test_a_forked_child_writes_nothing(rundir: RunDir) -> None:
    file = turn_file(rundir)
    file.append(b"1\n")

    def work() -> int:
        file.append(b"child\n")
        file.close()
        return 0

    assert wait(fork(work)) == 0
    file.close()
    assert rundir.turns.read_bytes() == b"1\n"


def test_a_file_that_was_deleted_is_made_again(rundir: RunDir) -> None:
    file = turn_file(rundir)
    file.append(b"1\n")
    rundir.turns.unlink()
    file.append(b"2\n")
    assert rundir.turns.read_bytes() == b"2\n"
    assert file.take_problem() is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which descriptor is whose")
@pytest.mark.parametrize("has_other", [True, False])
def test_a_unit_that_closes_it_gets_no_line_into_its_own_file(
    rundir: RunDir, tmp_path: Path, *, has_other: bool
) -> None:
    file = turn_file(rundir)
    file.append(b"1\n")
    (ours,) = (int(one.name) for one in Path("/proc/self/fd").iterdir() if one.resolve() == rundir.turns.resolve())
    os.close(ours)
    theirs = os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT) if has_other else None
    assert theirs in (ours, None)
    file.append(b"2\n")
    file.close()
    assert rundir.turns.read_bytes() == b"1\n2\n"
    assert file.take_problem() is None
    if theirs is not None:
        assert os.fstat(theirs).st_size == 0
        os.close(theirs)


def test_a_full_file_is_put_away_and_the_lines_go_on(rundir: RunDir) -> None:
    file = turn_file(rundir, rotate_bytes=4)
    for number in range(5):
        file.append(b"%d\n" % number)
    file.close()
    assert [path.read_bytes() for _, path in rundir.full_turns()] == [b"0\n1\n", b"2\n3\n"]
    assert rundir.turns.read_bytes() == b"4\n"
    assert rundir.turn_parts() == []


def test_while_a_join_is_half_done_the_owner_writes_a_part(rundir: RunDir) -> None:
    rundir.turns_joining.write_bytes(b'{"part":"turn_metrics.joining-1-gw0.jsonl","size":0}')
    file = turn_file(rundir, rotate_bytes=1)
    file.append(b"1\n")
    assert (rundir.turns.exists(), rundir.turn_part("main").read_bytes()) == (False, b"1\n")


def test_a_write_that_dies_half_way_leaves_a_torn_end_that_the_next_writer_cuts_off(tmp_path: Path) -> None:
    def work() -> int:
        dying = turn_file(RunDir(tmp_path, HalfDisk(1, is_deadly=True)), "gw0")
        dying.append(b"aaaa\n")
        return 0

    assert wait(fork(work)) == 9
    file = turn_file(RunDir(tmp_path), "gw0")
    file.append(b"next\n")
    assert RunDir(tmp_path).turn_part("gw0").read_bytes() == b"next\n"
    assert [torn.read_bytes() for torn in tmp_path.glob("*.torn-*")] == [b"aa"]


def _never() -> NoReturn:
    raise AssertionError


def test_nothing_to_write_touches_nothing(tmp_path: Path) -> None:
    disk = FaultyDisk(1, _never)
    file = turn_file(RunDir(tmp_path, disk))
    file.flush()
    file.close()
    assert disk.done == []
