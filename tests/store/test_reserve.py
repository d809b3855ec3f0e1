"""The room that a run holds for its last words."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_benchrun.store.reserve import RESERVE_BYTES, Reserve
from pytest_benchrun.store.rundir import RunDir
from tests.store.faulty import FaultyDisk, no_space


def _held(directory: Path) -> list[int]:
    return [path.stat().st_size for path in directory.iterdir()]


def test_it_holds_its_room_once_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(RunDir(tmp_path))
    reserve.take()
    reserve.take()
    assert _held(tmp_path) == [RESERVE_BYTES]
    reserve.release()
    reserve.release()
    assert _held(tmp_path) == []


def test_its_room_is_real(tmp_path: Path) -> None:
    Reserve(RunDir(tmp_path)).take()
    (path,) = tmp_path.iterdir()
    assert path.stat().st_blocks * 512 >= RESERVE_BYTES
    assert len(set(path.read_bytes())) > 200, "a disk that compresses would hold nothing"


def test_a_dead_owner_s_reserve_is_swept(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    Reserve(rundir).take()
    rundir.disk.sweep_temporary_files(tmp_path)
    assert _held(tmp_path) == []


def test_a_link_planted_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.write_text("theirs")
    (tmp_path / f".benchrun-tmp-reserve-{os.getpid()}").symlink_to(target)
    Reserve(RunDir(tmp_path)).take()
    assert target.read_text() == "theirs"


def test_a_disk_that_gives_no_room_is_no_error(tmp_path: Path) -> None:
    for fails_at in range(1, 4):
        Reserve(RunDir(tmp_path, FaultyDisk(fails_at, no_space))).take()
