"""Lines on their way to a turn file: whatever ends the process or its disk, each is there once and in its place."""

from __future__ import annotations

import errno
import gzip
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnends import HEAD, MAGIC, SIZE, bring_home
from pytest_benchrun.store.turnfile import TurnFile
from pytest_benchrun.store.turnjoin import tidy_turns
from tests.store.faulty import FaultyDisk, HalfDisk, fork, no_space, wait

turnbuffer = pytest.importorskip("pytest_benchrun.store.turnbuffer", reason="the compiled parts were not built")

AT = "2026-11-21T08:00:00.000Z"
LIMIT_S = 60.0


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so within a time that is enough on any machine."""
    end = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def need_buffers(folder: Path) -> None:
    with (folder / "probe").open("w+b") as file:
        file.write(bytes(SIZE))
        file.flush()
        try:
            turnbuffer.TurnBuffer(file.fileno(), threading.Lock())
        except OSError as error:
            pytest.skip(f"{folder}: {error}")


def buffered_file(rundir: RunDir, worker: str | None = "gw0", *, rotate_bytes: int | None = None) -> TurnFile:
    """One that has a buffer; lines `old` are in it from the time before."""
    need_buffers(rundir.path)
    file = TurnFile(rundir, worker, rotate_bytes=rotate_bytes, now_at=lambda: AT)

    def append() -> bool:
        file.append(b"old\n")
        return file.buffer is not None

    assert eventually(append)
    return file


def new_lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line != b"old\n"]


def test_lines_that_come_fast_are_in_the_file_a_moment_later(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    lines = [b"%d\n" % number for number in range(2000)]
    for line in lines:
        file.append(line)
    assert eventually(lambda: new_lines(rundir.turn_part("gw0")) == lines)


def test_a_line_that_comes_alone_is_in_the_file_at_once(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    assert file.buffer is not None
    assert eventually(lambda: file.buffer is not None and file.buffer.is_empty)
    time.sleep(0.06)  # what is slow is said by the clock
    file.append(b"alone\n")
    assert new_lines(rundir.turn_part("gw0")) == [b"alone\n"]


def test_the_end_of_a_unit_has_them_in_the_file(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    lines = [b"%d\n" % number for number in range(100)]
    for line in lines:
        file.append(line)
    file.flush()
    assert new_lines(rundir.turn_part("gw0")) == lines
    assert rundir.turns_with_waiting() == [rundir.turn_part("gw0")]
    file.close()
    assert rundir.turns_with_waiting() == []
    file.append(b"late\n")
    assert new_lines(rundir.turn_part("gw0")) == [*lines, b"late\n"]


def test_its_thread_ends_with_it(rundir: RunDir) -> None:
    before = set(threading.enumerate())
    file = buffered_file(rundir)
    (thread,) = set(threading.enumerate()) - before
    file.close()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


def test_lines_of_any_length_keep_their_order(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    lines = [
        b"%d %b\n" % (size, b"x" * size) for size in (1, SIZE - HEAD - 10, 2, SIZE, 3, 2 * SIZE, 4, 70_000, 80_000)
    ]
    for line in lines:
        file.append(line)
    file.close()
    assert new_lines(rundir.turn_part("gw0")) == lines


def test_threads_lose_tear_and_reorder_nothing(rundir: RunDir) -> None:
    file = buffered_file(rundir)

    def write(thread: int) -> None:
        for number in range(20_000):
            file.append(b"%d %d\n" % (thread, number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    file.close()
    lines = new_lines(rundir.turn_part("gw0"))
    for thread in range(8):
        mine = [line for line in lines if line.startswith(b"%d " % thread)]
        assert mine == [b"%d %d\n" % (thread, number) for number in range(20_000)]


def test_a_full_file_is_put_away_and_no_line_with_it(rundir: RunDir) -> None:
    file = buffered_file(rundir, None, rotate_bytes=50_000)
    lines = [b"%d\n" % number for number in range(60_000)]
    for line in lines:
        file.append(line)
    file.close()
    parts = [path for _, path in rundir.full_turns()]
    assert len(parts) > 1
    assert [line for path in [*parts, rundir.turns] if path.exists() for line in new_lines(path)] == lines


def test_a_file_that_was_deleted_is_made_again(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    file.append(b"1\n")
    file.flush()
    rundir.turn_part("gw0").unlink()
    file.append(b"2\n")
    file.close()
    assert rundir.turn_part("gw0").read_bytes() == b"2\n"


def test_a_forked_child_writes_nothing(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    file.append(b"1\n")

    def work() -> int:
        for _ in range(1000):
            file.append(b"child\n")
        file.close()
        return 0

    assert wait(fork(work)) == 0
    file.append(b"2\n")
    file.close()
    assert new_lines(rundir.turn_part("gw0")) == [b"1\n", b"2\n"]


class _Interrupted(BaseException):
    """What a signal's handler raises, anywhere."""


class InterruptedDisk(Disk):
    """Its next write is interrupted when so much of it is done; then all is well."""

    share: float | None = None

    def write(self, descriptor: int, data: bytes) -> int:
        if self.share is None:
            return super().write(descriptor, data)
        share, self.share = self.share, None
        super().write(descriptor, data[: int(len(data) * share)])
        raise _Interrupted


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_an_interrupt_in_the_middle_of_a_write_loses_and_doubles_nothing(tmp_path: Path, share: float) -> None:
    disk = InterruptedDisk(is_durable=False)
    rundir = RunDir(tmp_path, disk)
    file = buffered_file(rundir)
    lines = [b"line %d\n" % number for number in range(9)]
    for line in lines[:5]:
        file.append(line)
    disk.share = share
    with pytest.raises(_Interrupted):
        file.flush()
    for line in lines[5:]:
        file.append(line)
    file.close()
    assert new_lines(rundir.turn_part("gw0")) == lines
    assert file.take_problem() is None


def test_a_disk_that_fails_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """At every operation in turn: every line is kept or counted, in order, and the file has whole lines."""
    for fails_at in range(1, 60):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        disk = FaultyDisk(fault=no_space)
        file = buffered_file(RunDir(folder, disk))
        disk.fails_at = len(disk.done) + fails_at
        lines, lost = [b"%d\n" % number for number in range(50)], 0
        for first in range(0, 50, 10):
            for line in lines[first : first + 10]:
                file.append(line)
            file.flush()
            problem = file.take_problem()
            lost += int(problem.partition(" ")[0]) if problem else 0
        file.close()
        kept = new_lines(RunDir(folder).turn_part("gw0"))
        assert kept == [line for line in lines if line in kept]
        assert len(kept) + lost == 50
        if not disk.has_failed:
            return
    pytest.fail("the fault was never out of reach")


def test_where_there_can_be_no_buffer_each_line_goes_to_the_file(rundir: RunDir) -> None:
    rundir.waiting_turns(rundir.turn_part("gw0")).mkdir()
    file = TurnFile(rundir, "gw0", rotate_bytes=None, now_at=lambda: AT)
    rundir.turn_part("gw0").write_bytes(b"")
    lines = [b"%d\n" % number for number in range(50)]
    rundir.waiting_turns(rundir.turn_part("gw0")).rmdir()
    file.append(lines[0])
    rundir.waiting_turns(rundir.turn_part("gw0")).mkdir()
    for number, line in enumerate(lines[1:], 2):
        file.append(line)
        assert new_lines(rundir.turn_part("gw0")) == lines[:number]
    assert file.buffer is None


def run_script(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    return done.stdout.strip() or done.stderr


NO_THREAD = """
import resource, sys
from pathlib import Path
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnfile import TurnFile

file = TurnFile(RunDir(Path(sys.argv[1])), "gw0", rotate_bytes=None, now_at=str)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2 * 2**20, -1))
for number in range(50):
    file.append(b"%d\\n" % number)
file.close()
print(file.take_problem())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory is used")
def test_where_there_is_no_memory_for_its_thread_each_line_goes_to_the_file(tmp_path: Path) -> None:
    assert run_script(NO_THREAD, tmp_path) == "None"
    assert new_lines(tmp_path / "turn_metrics.gw0.jsonl") == [b"%d\n" % number for number in range(50)]
    assert [path.name for path in tmp_path.iterdir()] == ["turn_metrics.gw0.jsonl"]


def test_nobody_may_write_over_it(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    waiting = rundir.waiting_turns(rundir.turn_part("gw0"))
    assert waiting.stat().st_mode & 0o777 == rundir.turn_part("gw0").stat().st_mode & 0o444
    file.close()
    assert not waiting.exists()


def test_it_keeps_no_descriptor(rundir: RunDir) -> None:
    file = buffered_file(rundir)
    targets = [path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [target for target in targets if target.endswith(".waiting")]
    file.close()


def test_an_interrupt_while_it_wakes_its_thread_stops_nobody(rundir: RunDir) -> None:
    """A handler that raises at any instruction, as that of a timeout does: no lock is left held."""
    file = buffered_file(rundir)

    def interrupt(*_: object) -> NoReturn:
        raise _Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + number * 1e-6)
                while True:
                    file.append(b"old\n")
                    file.flush()
            except _Interrupted:
                interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts == 300
    file.append(b"last\n")
    assert eventually(lambda: new_lines(rundir.turn_part("gw0")) == [b"last\n"])
    file.close()


class AlarmedDisk(Disk):
    """A handler raises while the buffer is made."""

    def make_new(self, path: Path, data: bytes) -> int:
        raise TimeoutError


def test_what_a_handler_raises_is_no_error_of_the_disk(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path, AlarmedDisk(is_durable=False))
    file = TurnFile(rundir, "gw0", rotate_bytes=None, now_at=lambda: AT)
    appended = 0

    def append() -> bool:
        nonlocal appended
        appended += 1
        file.append(b"%d\n" % appended)
        return False

    with pytest.raises(TimeoutError):
        eventually(append)
    file.append(b"last\n")
    file.close()
    assert new_lines(rundir.turn_part("gw0")) == [*(b"%d\n" % n for n in range(1, appended + 1)), b"last\n"]


WRITER = """
import mmap, sys
from pathlib import Path
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnfile import TurnFile

folder, told = Path(sys.argv[1]), open(sys.argv[2], "r+b")
acknowledged = mmap.mmap(told.fileno(), 8)
file = TurnFile(RunDir(folder), sys.argv[3] or None, rotate_bytes=100_000 if not sys.argv[3] else None, now_at=str)
number = 0
while True:
    file.append(b"%d\\n" % number)
    number += 1
    acknowledged[:] = number.to_bytes(8, "little")
"""


@pytest.mark.parametrize("worker", ["gw0", ""])
@pytest.mark.parametrize("after", [1, 3, 1000, 20_000, 300_000])
def test_every_line_of_a_killed_writer_is_there_once(tmp_path: Path, after: int, worker: str) -> None:
    told = tmp_path / "told"
    told.write_bytes(bytes(8))
    folder = tmp_path / "results"
    folder.mkdir()
    argv = [sys.executable, "-c", WRITER, str(folder), str(told), worker]
    with told.open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
        writer = subprocess.Popen(argv, cwd=Path(__file__).parents[2])
        try:
            assert eventually(lambda: int.from_bytes(shared[:], "little") >= after)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        acknowledged = int.from_bytes(shared[:], "little")
    rundir = RunDir(folder, Disk(is_durable=False))
    tidy_turns(rundir, 1 << 40, AT)
    assert rundir.turns_with_waiting() == []
    data = b"".join(gzip.decompress(path.read_bytes()) for _, path in rundir.full_turns()) + rundir.turns.read_bytes()
    lines = data.splitlines(keepends=True)
    assert len(lines) in {acknowledged, acknowledged + 1}
    assert lines == [b"%d\n" % number for number in range(len(lines))]


def waiting_file(rundir: RunDir, path: Path, belongs_at: int, lines: bytes) -> None:
    head = MAGIC + belongs_at.to_bytes(8, "little") + len(lines).to_bytes(8, "little")
    rundir.waiting_turns(path).write_bytes((head + lines).ljust(SIZE, b"\0"))


@given(arrived=st.integers(0, 30), before=st.sampled_from([b"", b"0\n", b"a\nb\n"]))
def test_what_has_not_arrived_is_appended(
    tmp_path_factory: pytest.TempPathFactory, arrived: int, before: bytes
) -> None:
    rundir = RunDir(tmp_path_factory.mktemp("turns"), Disk(is_durable=False))
    lines = b"".join(b"%d\n" % number for number in range(12))
    path = rundir.turn_part("gw0")
    path.write_bytes(before + lines[:arrived])
    waiting_file(rundir, path, len(before), lines)
    bring_home(rundir, path, AT)
    assert path.read_bytes() == before + lines
    assert rundir.turns_with_waiting() == []


def _bring_home(rundir: RunDir) -> int:
    bring_home(rundir, rundir.turn_part("gw0"), AT)
    return 0


@pytest.mark.parametrize("is_half", [False, True])
def test_bringing_them_home_can_be_killed_anywhere(tmp_path: Path, *, is_half: bool) -> None:
    lines = b"1\n22\n333\n"
    for fails_at in range(1, 20):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        rundir = RunDir(folder, Disk(is_durable=False))
        rundir.turn_part("gw0").write_bytes(b"0\n1\n2")
        waiting_file(rundir, rundir.turn_part("gw0"), 2, lines)
        disk = HalfDisk(fails_at, is_deadly=True) if is_half else FaultyDisk(fails_at, lambda: os._exit(9))
        was_killed = wait(fork(partial(_bring_home, RunDir(folder, disk)))) == 9
        bring_home(rundir, rundir.turn_part("gw0"), AT)
        assert rundir.turn_part("gw0").read_bytes() == b"0\n" + lines
        if not was_killed:
            assert fails_at > 1
            return
    pytest.fail("the kill was never out of reach")


def test_a_file_that_took_the_place_of_the_other_gets_all_of_them(rundir: RunDir) -> None:
    path = rundir.turn_part("gw0")
    path.write_bytes(b"x\nto")
    waiting_file(rundir, path, 1000, b"1\n2\n")
    bring_home(rundir, path, AT)
    assert path.read_bytes() == b"x\n1\n2\n"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"brturns",
        b"other1234567890123456789012345678",
        MAGIC + b"\xff" * 16,
        MAGIC + bytes(8) + b"\xff" * 16 + b"{",
    ],
)
def test_damage_brings_nothing_that_was_no_line(rundir: RunDir, damage: bytes) -> None:
    path = rundir.turn_part("gw0")
    path.write_bytes(b"x\n")
    rundir.waiting_turns(path).write_bytes(damage)
    bring_home(rundir, path, AT)
    assert path.read_bytes() == b"x\n"
    assert rundir.turns_with_waiting() == []


def test_while_the_disk_is_full_they_wait(tmp_path: Path) -> None:
    def full() -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    RunDir(tmp_path).turn_part("gw0").write_bytes(b"x\n")
    waiting_file(RunDir(tmp_path), RunDir(tmp_path).turn_part("gw0"), 2, b"1\n")
    notes = tidy_turns(RunDir(tmp_path, FaultyDisk(2, full)), 1 << 40, AT)
    assert notes == ["the workers' turns are not all in turn_metrics.jsonl yet: No space left on device"]
    assert tidy_turns(RunDir(tmp_path, Disk(is_durable=False)), 1 << 40, AT) == []
    assert (tmp_path / "turn_metrics.jsonl").read_bytes() == b"x\n1\n"
