"""Atomic writes: the old file whole or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
import re
import threading
from itertools import count
from pathlib import Path

import pytest

from pytest_benchrun.store.files import Disk
from tests.store.faulty import FaultyDisk, ShortDisk, die, fork, no_space, wait

OLD, NEW = b"old" * 1000, b"new content" * 10_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file with old content."""
    path = tmp_path / "status.json"
    path.write_bytes(OLD)
    return path


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_write_replaces_the_whole_file(target: Path) -> None:
    Disk().write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert names_in(target.parent) == ["status.json"]


def test_a_write_makes_a_file_that_is_not_there(tmp_path: Path) -> None:
    Disk().write_atomically(tmp_path / "new.json", b"")
    assert (tmp_path / "new.json").read_bytes() == b""


def test_a_write_goes_in_the_order_that_survives_the_loss_of_power(target: Path) -> None:
    disk = FaultyDisk()
    disk.write_atomically(target, NEW)
    assert disk.done == ["write", "sync", "replace", "sync_dir"]


def test_a_write_that_need_not_survive_it_syncs_nothing(target: Path) -> None:
    disk = FaultyDisk()
    disk.write_atomically(target, NEW, is_synced=False)
    disk.is_durable = False
    disk.write_atomically(target, NEW)
    assert disk.done == ["write", "replace", "write", "replace", "sync_dir"]


def test_a_write_that_fails_anywhere_leaves_the_old_file_whole_and_no_temporary_one(target: Path) -> None:
    for number in count(1):
        target.write_bytes(OLD)
        disk = FaultyDisk(number, no_space)
        try:
            disk.write_atomically(target, NEW)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  # the loop ends with the run that does not fail
        # once it has its name, the new file stays
        assert target.read_bytes() == (OLD if disk.has_failed and "sync_dir" not in disk.done else NEW)
        assert names_in(target.parent) == ["status.json"]
        if not disk.has_failed:
            assert number > 4
            return


def test_a_writer_killed_anywhere_leaves_a_whole_file_and_its_rest_can_be_swept(target: Path) -> None:
    for number in count(1):
        target.write_bytes(OLD)

        def write(number: int = number) -> int:
            FaultyDisk(number, die).write_atomically(target, NEW)
            return 0

        code = wait(fork(write))
        assert target.read_bytes() in {OLD, NEW}
        Disk().sweep_temporary_files(target.parent)
        assert names_in(target.parent) == ["status.json"]
        if code == 0:
            assert number > 4
            return
        assert code == 9


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(target: Path) -> None:
    disk = ShortDisk()
    disk.room = 4099
    disk.write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def test_a_directory_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Disk().write_atomically(tmp_path / "gone" / "status.json", NEW)


def test_readers_never_see_half_a_file(target: Path) -> None:
    contents = [OLD, NEW]
    is_over = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not is_over.is_set():
            seen.add(target.read_bytes())

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(300):
            Disk(is_durable=False).write_atomically(target, contents[number % 2])
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    assert seen <= set(contents)


def test_writers_in_many_threads_do_not_take_each_others_temporary_files(target: Path) -> None:
    def write(content: bytes) -> None:
        for _ in range(50):
            Disk(is_durable=False).write_atomically(target, content)

    writers = [threading.Thread(target=write, args=(bytes([65 + number]) * 5000,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert re.fullmatch(rb"A{5000}|B{5000}|C{5000}|D{5000}", target.read_bytes())
    assert names_in(target.parent) == ["status.json"]


def test_a_link_planted_as_the_target_is_replaced_and_not_followed(target: Path) -> None:
    victim = target.with_name("victim")
    target.rename(victim)
    target.symlink_to(victim)
    Disk().write_atomically(target, NEW)
    assert (target.is_symlink(), target.read_bytes(), victim.read_bytes()) == (False, NEW, OLD)


class NosyDisk(Disk):
    """Remembers what the last temporary file was called."""

    temporary = Path()

    def replace(self, source: Path, target: Path) -> None:
        self.temporary = source
        super().replace(source, target)


def test_a_link_planted_as_the_temporary_file_is_refused(target: Path) -> None:
    victim = target.with_name("victim")
    victim.write_bytes(b"precious")
    disk = NosyDisk()
    disk.write_atomically(target, OLD)
    stem, _, number = disk.temporary.name.rpartition("-")
    planted = [target.with_name(f"{stem}-{int(number) + ahead}") for ahead in range(1, 10)]
    for path in planted:
        path.symlink_to(victim)
    with pytest.raises(FileExistsError):
        disk.write_atomically(target, NEW)
    assert (victim.read_bytes(), target.read_bytes()) == (b"precious", OLD)
    assert all(path.is_symlink() for path in planted)


def test_a_link_planted_as_a_file_that_grows_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "journal.jsonl").symlink_to(victim)
    with pytest.raises(OSError, match=re.escape(os.strerror(errno.ELOOP))):
        Disk().open_append(tmp_path / "journal.jsonl")
    assert victim.read_bytes() == b"precious"


def test_sweeping_takes_only_temporary_files_of_ours(tmp_path: Path) -> None:
    ours = tmp_path / ".benchrun-tmp-4711-0"
    link = tmp_path / ".benchrun-tmp-4711-1"
    folder = tmp_path / ".benchrun-tmp-of-a-user"
    theirs = tmp_path / "benchrun-tmp-notes.txt"
    victim = tmp_path / "victim"
    folder.mkdir()
    for path in (ours, theirs, victim):
        path.write_bytes(b"x")
    link.symlink_to(victim)
    Disk().sweep_temporary_files(tmp_path)
    assert names_in(tmp_path) == sorted([folder.name, theirs.name, victim.name])


def test_free_bytes_are_those_of_the_disk_of_the_path(tmp_path: Path) -> None:
    stat = os.statvfs(tmp_path)
    assert 0 < Disk().free_bytes(tmp_path) <= stat.f_frsize * stat.f_blocks
