"""Removing a folder: all that is in it, and nothing that is not."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from pytest_benchrun.world.removal import remove_folder
from tests.store.faulty import fork, wait


def remove(path: Path) -> list[str]:
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return remove_folder(parent, path.name)
    finally:
        os.close(parent)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "outside"
    path.mkdir()
    (path / "precious").write_text("precious", "utf-8")
    return path


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "root" / "box"
    path.mkdir(parents=True)
    return path


def test_all_of_it_goes(box: Path) -> None:
    (box / "a" / "b").mkdir(parents=True)
    (box / "a" / "b" / "file").touch()
    (box / ".1").mkdir()
    os.mkfifo(box / "pipe")
    assert remove(box) == []
    assert list(box.parent.iterdir()) == []


def test_links_go_and_what_they_point_to_stays(box: Path, outside: Path) -> None:
    (box / "folder").symlink_to(outside)
    (box / "file").symlink_to(outside / "precious")
    (box / "up").symlink_to("../..")
    os.link(outside / "precious", box / "hard")
    assert remove(box) == []
    assert (outside / "precious").read_text("utf-8") == "precious"


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "box").symlink_to(outside)
    assert remove(tmp_path / "box")
    assert (outside / "precious").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../outside", "a/b"])
def test_a_name_that_leaves_the_folder_is_refused(box: Path, outside: Path, name: str) -> None:
    parent = os.open(box.parent, os.O_RDONLY | os.O_DIRECTORY)
    assert remove_folder(parent, name) == [f"{name!r} is no name"]
    os.close(parent)
    assert box.exists()
    assert outside.exists()


def test_a_tree_deeper_than_any_path_may_be_long_goes(box: Path) -> None:
    here = os.open(box, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=here)
        below = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert remove(box) == []


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folders_without_rights_go() -> None:
    home = Path(tempfile.mkdtemp())  # pytest's own folders are closed for others
    home.chmod(0o755)
    root = home / "root"
    (root / "box" / "a" / "b").mkdir(parents=True)
    (root / "box" / "a" / "b" / "file").touch()
    for path in (root, root / "box", root / "box" / "a", root / "box" / "a" / "b"):
        os.chown(path, NOBODY, NOBODY)
    for path in (root / "box" / "a" / "b", root / "box" / "a", root / "box"):
        path.chmod(0)
    parent = os.open(root, os.O_RDONLY)

    def remove_as_nobody() -> int:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return len(remove_folder(parent, "box"))

    assert wait(fork(remove_as_nobody)) == 0
    os.close(parent)
    root.rmdir()
    home.rmdir()


@pytest.mark.parametrize("where", ["mounted", "below/mounted"])
def test_a_mount_is_never_entered(box: Path, outside: Path, where: str) -> None:
    place = box / where
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "--bind", str(outside), str(place)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        problems = remove(box)
    finally:
        assert (outside / "precious").exists()
        (left,) = [
            Path(line.split()[4])
            for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
            if str(box.parent) in line
        ]
        subprocess.run(["umount", str(left)], check=True)
    assert any("busy" in problem for problem in problems)
