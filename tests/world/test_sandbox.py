"""Rooms for units: made, kept, removed, and swept when their process is gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.world.sandbox import (
    collect_files,
    find_leftovers,
    keep_room,
    leave_root,
    make_room,
    remove_room,
    sweep,
)
from tests.fakes import moment
from tests.store.faulty import fork, wait

UNIT = "test_a.py::test_it[../../x]"


def make(results: Path, unit_id: str = UNIT) -> None:
    """A room of a process that is gone."""

    def work() -> int:
        room = make_room(results / "sandboxes", unit_id, 1, moment(0))
        (room.path / "file").touch()
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    wait(fork(work))


def test_a_room_is_below_its_root_whatever_the_unit_is_called(tmp_path: Path) -> None:
    root = tmp_path / "sandboxes"
    room = make_room(root, UNIT, 1, moment(0))
    assert room.path.resolve().parent.parent == root.resolve()
    assert list(room.path.iterdir()) == []
    assert remove_room(room) == []
    leave_root(root, room)
    assert not root.exists()


def test_a_root_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sandboxes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxProblem, match="cannot be the folder of sandboxes"):
        make_room(tmp_path / "sandboxes", UNIT, 1, moment(0))


def test_what_took_the_place_of_a_room_is_left_alone(tmp_path: Path) -> None:
    room = make_room(tmp_path / "sandboxes", UNIT, 1, moment(0))
    home = room.path.parent
    home.rename(tmp_path / "moved")
    home.mkdir()
    (home / "precious").touch()
    assert "another one has its name" in remove_room(room)[0]
    assert (home / "precious").exists()
    os.close(room.root)


def test_a_kept_room_moves_and_its_rest_goes(tmp_path: Path) -> None:
    room = make_room(tmp_path / "sandboxes", UNIT, 1, moment(0))
    (room.path / "file").touch()
    keep_room(room, tmp_path / "artifacts" / "sandbox-1")
    assert remove_room(room) == []
    leave_root(tmp_path / "sandboxes", room)
    assert [path.name for path in (tmp_path / "artifacts" / "sandbox-1").iterdir()] == ["file"]


def test_files_are_collected_by_pattern_and_links_are_not(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    for name in ("a.out", "deep/b.out", "c.txt"):
        (source / name).write_text(name, "utf-8")
    (source / "secret.out").symlink_to("/etc/passwd")
    (source / "etc").symlink_to("/etc")
    assert collect_files(source, ["*.out", "etc/*"], target) == []
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.*")) == ["a.out", "deep/b.out"]


def test_the_rooms_of_the_dead_are_swept_and_named(tmp_path: Path) -> None:
    make(tmp_path)
    (found,) = find_leftovers(tmp_path)
    assert found.what.startswith(f"the sandbox of {UNIT}, left by pid ")
    assert sweep(tmp_path) == ["removed 1 sandbox of killed processes"]
    assert list(tmp_path.iterdir()) == []
    assert sweep(tmp_path) == []


def test_the_rooms_of_the_living_stay(tmp_path: Path) -> None:
    room = make_room(tmp_path / "sandboxes", UNIT, 1, moment(0))
    assert sweep(tmp_path) == []
    assert room.path.exists()
    os.close(room.root)


@pytest.mark.parametrize("change", ["host", "inode", "text", "nothing", "linked"])
def test_what_is_not_proved_to_be_ours_stays(tmp_path: Path, change: str) -> None:
    make(tmp_path)
    (home,) = (tmp_path / "sandboxes").iterdir()
    record = home / "owner.json"
    said = json.loads(record.read_bytes())
    if change == "host":
        said["owner"]["host"] = "node-17"
    if change == "inode":
        shutil.copytree(home, tmp_path / "copy")
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "copy", home)
        assert home.stat().st_ino != said["inode"][1] or said.update(inode=[0, 0]) is None
    record.unlink()
    if change == "text":
        record.write_text("[1]", "utf-8")
    elif change == "linked":
        (tmp_path / "said").write_text(json.dumps(said), "utf-8")
        record.symlink_to(tmp_path / "said")
    elif change != "nothing":
        record.write_text(json.dumps(said), "utf-8")
    assert sweep(tmp_path) == []
    assert (home / "work" / "file").exists()


def test_a_removal_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    (tmp_path / "sandboxes" / ".going-1" / "work").mkdir(parents=True)
    (tmp_path / "boilerplates" / ".making-1" / "tree").mkdir(parents=True)
    (tmp_path / "boilerplates" / "project-1").mkdir()
    (tmp_path / "sandboxes" / "begun").mkdir()
    assert sweep(tmp_path) == ["removed 3 sandboxes of killed processes"]
    assert [path.name for path in (tmp_path / "boilerplates").iterdir()] == ["project-1"]


def test_planted_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    make(outside)
    (results := tmp_path / "results").mkdir()
    (results / "sandboxes").symlink_to(outside / "sandboxes")
    assert sweep(results) == []
    (results / "sandboxes").unlink()
    (results / "sandboxes").mkdir()
    (room,) = (outside / "sandboxes").iterdir()
    (results / "sandboxes" / "planted").symlink_to(room)
    (results / "sandboxes" / ".going-planted").symlink_to(room)
    sweep(results)
    assert (room / "work" / "file").exists()


def test_a_room_replaced_by_a_link_takes_nothing_with_it(tmp_path: Path) -> None:
    room = make_room(tmp_path / "sandboxes", UNIT, 1, moment(0))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    shutil.rmtree(room.path)
    room.path.symlink_to(outside)
    assert remove_room(room) == []
    assert (outside / "precious").exists()
    assert remove_room(replace(room, name="..")) != []
    os.close(room.root)
