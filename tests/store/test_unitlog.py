"""The log of an attempt: whole, limited, and never a reason to fail."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.unitlog import UnitLog


class FullDisk(Disk):
    def write(self, descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_nothing_is_made_before_the_first_piece(tmp_path: Path) -> None:
    log = UnitLog(RunDir(tmp_path), "test_a.py::test_it", 1)
    assert not log.path.exists()
    log.add("Captured stdout call", b"said\n")
    assert log.path.read_bytes() == b"--- Captured stdout call: 5 bytes\nsaid\n"


def test_a_file_is_kept_whole_and_its_position_stays(tmp_path: Path) -> None:
    log = UnitLog(RunDir(tmp_path), "test_a.py::test_it", 2)
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 10_000)
    with source.open("rb") as file:
        file.seek(7)
        log.add_file("title", file.fileno(), 2_560_000)
        assert file.tell() == 7
    assert log.path.read_bytes().partition(b"\n")[2] == source.read_bytes()
    assert log.path.name == "output.2.log"


def test_the_limit_counts_for_all_pieces_together_and_is_said(tmp_path: Path) -> None:
    log = UnitLog(RunDir(tmp_path), "unit", 1, limit=10)
    log.add("one", b"a" * 6)
    log.add("two", b"b" * 6)
    log.add("three", b"c" * 6)
    text = log.path.read_text("ascii")
    assert (text.count("a" * 6), text.count("b" * 4 + "\n"), text.count("ccc")) == (1, 1, 0)
    assert "this log ends at 10 bytes" in text


def test_a_full_disk_is_a_problem_that_is_told_and_no_error(tmp_path: Path) -> None:
    log = UnitLog(RunDir(tmp_path, FullDisk()), "unit", 1)
    log.add("one", b"a")
    assert log.problem is not None
    assert "No space left on device" in log.problem
