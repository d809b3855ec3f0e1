"""The journal under faults: a write that fails costs no event, a kill at most the one in flight."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NoReturn

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.errors import DiskFull, JournalWriteFailed
from pytest_benchrun.core.events import Event, Noted, event_from_json
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import (
    JournalReader,
    JournalWriter,
    decode_line,
    encode_line,
)
from pytest_benchrun.store.rundir import RunDir
from tests.store.faulty import FaultyDisk, ShortDisk, fork, input_output_error, no_space, wait
from tests.store.lines import AT, LINES, NEXT, NOTES, read


@pytest.fixture
def disk() -> ShortDisk:
    """A disk that can run full."""
    return ShortDisk()


@pytest.mark.parametrize("room", [0, 1, 50, len(LINES[2]) - 1])
def test_a_short_write_is_taken_back_and_said(tmp_path: Path, disk: ShortDisk, room: int) -> None:
    rundir = RunDir(tmp_path, disk)
    writer = JournalWriter(rundir)
    for event in NOTES[:2]:
        writer.append(event)
    before = rundir.journal.read_bytes()
    disk.room = room
    with pytest.raises(DiskFull, match=os.strerror(errno.ENOSPC)):
        writer.append(NOTES[2])
    assert rundir.journal.read_bytes() == before
    disk.room = None
    writer.append(NOTES[2])
    writer.close()
    assert read(rundir) == NOTES


def test_a_torn_line_that_cannot_be_taken_back_swallows_no_later_one(tmp_path: Path, disk: ShortDisk) -> None:
    rundir = RunDir(tmp_path, disk)
    writer = JournalWriter(rundir)
    writer.append(NOTES[0])
    disk.room, disk.is_stiff = 20, True
    with pytest.raises(JournalWriteFailed) as caught:
        writer.append(NOTES[1])
    assert not isinstance(caught.value, DiskFull), "room would not mend it"
    disk.room = None
    kept = [NOTES[0]]
    try:
        writer.append(NOTES[2])
        kept.append(NOTES[2])
    except JournalWriteFailed:
        pass  # refusing is right too
    writer.close()
    assert list(JournalReader(rundir)) == kept


@pytest.mark.parametrize("fault", [no_space, input_output_error])
def test_a_write_that_fails_is_said_and_the_file_is_as_before(tmp_path: Path, fault: Callable[[], NoReturn]) -> None:
    disk = FaultyDisk()
    rundir = RunDir(tmp_path, disk)
    writer = JournalWriter(rundir)
    writer.append(NOTES[0])
    disk.fails_at, disk.fault = len(disk.done) + 1, fault
    with pytest.raises(JournalWriteFailed) as caught:
        writer.append(NOTES[1])
    assert str(rundir.journal) in caught.value.problem
    assert "--bench-resume" in caught.value.hint
    writer.close()
    assert read(rundir) == NOTES[:1]


@pytest.mark.parametrize(
    ("code", "is_full"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False), (errno.EROFS, False), (errno.EFBIG, False)],
)
def test_only_what_room_would_mend_is_a_full_disk(tmp_path: Path, code: int, is_full: bool) -> None:  # noqa: FBT001
    def fault() -> NoReturn:
        raise OSError(code, os.strerror(code))

    disk = FaultyDisk()
    writer = JournalWriter(RunDir(tmp_path, disk))
    disk.fails_at, disk.fault = len(disk.done) + 1, fault
    with pytest.raises(JournalWriteFailed, match=os.strerror(code)) as caught:
        writer.append(NOTES[0])
    assert isinstance(caught.value, DiskFull) == is_full
    writer.append(NOTES[0])
    writer.close()


def test_a_sync_that_finds_no_room_has_lost_something_and_is_no_full_disk(tmp_path: Path) -> None:
    disk = FaultyDisk(fault=no_space)
    writer = JournalWriter(RunDir(tmp_path, disk))
    writer.append(NOTES[0])
    disk.fails_at = len(disk.done) + 1
    writer.sync()
    with pytest.raises(JournalWriteFailed) as caught:
        writer.append(NOTES[1])
    assert not isinstance(caught.value, DiskFull)
    writer.close()


def test_a_journal_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    rundir.journal.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalWriteFailed, match=os.strerror(errno.ELOOP)):
        JournalWriter(rundir)
    assert not (tmp_path / "elsewhere").exists()


class InterruptedDisk(Disk):
    """A signal arrives right after the operating system has taken a line, or a part of one.

    Attributes:
        is_interrupted: whether it arrives at the next write.
        room: bytes that a write takes at most.
    """

    is_interrupted = False
    room = 10**9

    def write(self, descriptor: int, data: bytes) -> int:
        written = super().write(descriptor, data[: self.room])
        if self.is_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt
        return written


@pytest.mark.parametrize("room", [0, 20, 10**9])
def test_a_ctrl_c_in_the_middle_of_an_append_does_not_damage_the_journal(tmp_path: Path, room: int) -> None:
    disk = InterruptedDisk(is_durable=False)
    rundir = RunDir(tmp_path, disk)
    writer = JournalWriter(rundir)
    writer.append(NOTES[0])
    disk.is_interrupted, disk.room = True, room
    with pytest.raises(KeyboardInterrupt):
        writer.append(NOTES[1])
    disk.room = 10**9
    writer.append(NOTES[2])
    writer.close()
    assert read(rundir) in ([NOTES[0], NOTES[2]], NOTES)


def test_appending_does_not_wait_for_the_disk_and_one_sync_is_for_all(tmp_path: Path) -> None:
    disk = FaultyDisk()
    writer = JournalWriter(RunDir(tmp_path, disk))
    for event in NOTES:
        writer.append(event)
    writer.sync()
    writer.sync()
    writer.close()
    assert disk.done == ["open_append", "sync_dir", "write", "write", "write", "sync"]


def test_closing_syncs_what_was_not(tmp_path: Path) -> None:
    disk = FaultyDisk()
    writer = JournalWriter(RunDir(tmp_path, disk))
    writer.append(NEXT)
    writer.close()
    assert disk.done[-1] == "sync"


def test_a_run_that_need_not_survive_the_loss_of_power_never_syncs(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.is_durable = False
    writer = JournalWriter(RunDir(tmp_path, disk))
    writer.append(NEXT)
    writer.close()
    assert "sync" not in disk.done


def test_a_sync_that_fails_makes_the_next_append_fail(tmp_path: Path) -> None:
    disk = FaultyDisk()
    rundir = RunDir(tmp_path, disk)
    writer = JournalWriter(rundir)
    writer.append(NOTES[0])
    disk.fails_at = len(disk.done) + 1
    writer.sync()
    for event in NOTES[1:]:
        with pytest.raises(JournalWriteFailed):
            writer.append(event)
    writer.close()
    assert read(rundir) == NOTES[:1]


def test_a_rotation_that_fails_anywhere_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        directory.mkdir()
        disk = FaultyDisk(number)
        rundir = RunDir(directory, disk)
        kept: list[Event] = []
        try:
            writer = JournalWriter(rundir, rotate_bytes=len(LINES[0]) + 1)
        except JournalWriteFailed:
            continue
        for event in NOTES:
            try:
                writer.append(event)
                kept.append(event)
            except JournalWriteFailed:
                pass  # the conductor gives up; appending goes on here to see that it does no harm
        writer.close()
        found = list(JournalReader(RunDir(directory)))
        assert found == kept, disk.done
        if not disk.has_failed:
            assert number > len(NOTES)
            return


def test_a_forked_child_that_comes_back_writes_nothing(rundir: RunDir) -> None:
    writer = JournalWriter(rundir)
    writer.append(NOTES[0])

    def come_back() -> int:
        writer.append(NOTES[1])
        writer.close()
        return 0

    assert wait(fork(come_back)) == 0
    writer.append(NEXT)
    writer.close()
    assert read(rundir) == [NOTES[0], NEXT]


def test_a_process_killed_right_after_an_append_has_kept_the_event(rundir: RunDir) -> None:
    def append_and_die() -> int:
        writer = JournalWriter(rundir)
        writer.append(NOTES[0])
        os.kill(os.getpid(), 9)
        return 0

    assert wait(fork(append_and_die)) == -9
    assert read(rundir) == NOTES[:1]


@given(st.text(st.characters()), st.integers(1, 2**62))
def test_any_text_can_be_kept_or_is_refused_before_it_is_written(text: str, seq: int) -> None:
    try:
        line = encode_line(seq, Noted(at=AT, text=text))
    except (TypeError, orjson.JSONEncodeError):
        assert not text.isascii()
        return
    assert event_from_json(decode_line(line)) == Noted(at=AT, text=text)
