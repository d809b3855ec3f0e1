"""Joining: no line lost, none twice, whenever the process is killed or the disk fails."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnjoin import tidy_turns, turn_sources
from tests.store.faulty import FaultyDisk, HalfDisk, die, fork, input_output_error, no_space, wait

AT = "2026-11-21T08:00:00.000Z"
BIG = 1 << 40
PARTS = {
    "turn_metrics.jsonl": b"m1\nm2\n",
    "turn_metrics.gw0.jsonl": b"a1\na2\na3\n",
    "turn_metrics.gw1.jsonl": b"b1\nb2\ntorn",
}
LINES = sorted([b"m1", b"m2", b"a1", b"a2", b"a3", b"b1", b"b2"])


def fill(folder: Path) -> RunDir:
    folder.mkdir(exist_ok=True)
    for name, data in PARTS.items():
        (folder / name).write_bytes(data)
    return RunDir(folder)


def all_lines(rundir: RunDir) -> list[bytes]:
    """As a reader has them, at any moment."""
    lines: list[bytes] = []
    for path, size in turn_sources(rundir):
        data = path.read_bytes()[:size]
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        lines += [line[:-1] for line in data.splitlines(keepends=True) if line.endswith(b"\n")]
    return sorted(lines)


def run_dying(folder: Path, disk: FaultyDisk, rotate_bytes: int) -> bool:
    """Whether the process died in the middle."""
    disk.is_durable = False  # no kill at a sync: it changes nothing that a killed process leaves

    def work() -> int:
        tidy_turns(RunDir(folder, disk), rotate_bytes, AT)
        return 0

    return wait(fork(work)) == 9


def test_parts_become_one_file(tmp_path: Path) -> None:
    rundir = fill(tmp_path)
    (note,) = tidy_turns(rundir, BIG, AT)
    assert note.startswith("the last line of turn_metrics.gw1.jsonl was torn and is cut off; its bytes are in ")
    assert rundir.turns.read_bytes() == b"m1\nm2\na1\na2\na3\nb1\nb2\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        "turn_metrics.jsonl",
        "turn_metrics.gw1.jsonl.torn-2026-11-21T080000.000Z",
    }
    assert tidy_turns(rundir, BIG, AT) == []


def test_the_first_part_becomes_the_file_where_there_is_none(tmp_path: Path) -> None:
    """At whatever operation it is killed, and whoever looks then."""
    for fails_at in range(1, 100):
        folder = tmp_path / str(fails_at)
        rundir = fill(folder)
        rundir.turns.unlink()
        part = rundir.turn_part("gw0").stat().st_ino
        was_killed = run_dying(folder, FaultyDisk(fails_at, die), BIG)
        assert all_lines(rundir) == [line for line in LINES if not line.startswith(b"m")]
        tidy_turns(RunDir(folder, Disk(is_durable=False)), BIG, AT)
        assert (rundir.turns.read_bytes(), rundir.turns.stat().st_ino) == (b"a1\na2\na3\nb1\nb2\n", part)
        assert (rundir.turn_parts(), rundir.turns_joining.exists()) == ([], False)
        if not was_killed:
            return
    pytest.fail("the kill was never out of reach")


def test_nothing_to_do_touches_nothing(tmp_path: Path) -> None:
    disk = FaultyDisk(1, input_output_error)
    assert tidy_turns(RunDir(tmp_path, disk), BIG, AT) == []
    assert (disk.done, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("rotate_bytes", [BIG, 5])
def test_two_kills_anywhere_lose_no_line_and_double_none(tmp_path: Path, rotate_bytes: int) -> None:
    """In a process of its own: hundreds of forks of one that has run many tests take minutes."""
    code = "import sys, pathlib; from tests.store.test_turnjoin import kill_twice; "
    code += "kill_twice(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    argv = [sys.executable, "-c", code, str(tmp_path), str(rotate_bytes)]
    ended = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def kill_twice(path: Path, rotate_bytes: int) -> None:
    """Kill a join at each of its operations, and the one that mends it at each of its own."""
    for first in range(1, 100):
        killed = path / str(first)
        fill(killed)
        was_killed = run_dying(killed, FaultyDisk(first, die), rotate_bytes)
        assert all_lines(RunDir(killed)) == LINES
        for second in range(1, 100):
            folder = path / f"{first}-{second}"
            shutil.copytree(killed, folder)
            was_killed_again = run_dying(folder, FaultyDisk(second, die), rotate_bytes)
            rundir = RunDir(folder, Disk(is_durable=False))
            assert all_lines(rundir) == LINES
            assert [note for note in tidy_turns(rundir, rotate_bytes, AT) if "not all" in note] == []
            assert all_lines(rundir) == LINES
            assert (rundir.turn_parts(), rundir.turns_joining.exists()) == ([], False)
            if not was_killed_again:
                break
        if not was_killed:
            assert first > 10
            return
    pytest.fail("the kill was never out of reach")


@pytest.mark.parametrize("fault", [input_output_error, no_space])
def test_a_disk_that_fails_anywhere_loses_no_line_and_the_next_try_joins(
    tmp_path: Path, fault: Callable[[], NoReturn]
) -> None:
    for fails_at in range(1, 100):
        rundir = fill(tmp_path / str(fails_at))
        disk = FaultyDisk(fails_at, fault)
        notes = tidy_turns(RunDir(rundir.path, disk), 5, AT)
        assert all_lines(rundir) == LINES
        assert disk.has_failed == any("are not all in turn_metrics.jsonl yet" in note for note in notes)
        tidy_turns(rundir, 5, AT)
        assert all_lines(rundir) == LINES
        assert (rundir.turn_parts(), rundir.turns_joining.exists()) == ([], False)
        if not disk.has_failed:
            return
    pytest.fail("the fault was never out of reach")


def test_a_short_write_is_taken_back(tmp_path: Path) -> None:
    rundir = fill(tmp_path)
    for number in range(1, 6):
        tidy_turns(RunDir(tmp_path, HalfDisk(number)), BIG, AT)
        assert all_lines(rundir) == LINES
    tidy_turns(rundir, BIG, AT)
    assert sorted(rundir.turns.read_bytes().splitlines()) == LINES


def test_a_new_part_of_the_same_worker_is_not_taken_for_the_joined_one(tmp_path: Path) -> None:
    """The note could not be removed; the next session's worker has the name of the one before."""
    for fails_at in range(1, 30):
        rundir = fill(tmp_path / str(fails_at))
        tidy_turns(RunDir(rundir.path, FaultyDisk(fails_at, input_output_error)), BIG, AT)
        with rundir.turn_part("gw0").open("ab") as file:
            file.write(b"new\n")
        tidy_turns(rundir, BIG, AT)
        assert all_lines(rundir) == sorted([*LINES, b"new"])


def test_full_files_are_compressed_and_numbered_on(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    for number in (1, 2):
        rundir.turns.write_bytes(b"%d\n" % number * 10)
        tidy_turns(rundir, 20, AT)
    assert [(number, path.name) for number, path in rundir.full_turns()] == [
        (1, "turn_metrics.1.jsonl.gz"),
        (2, "turn_metrics.2.jsonl.gz"),
    ]
    assert gzip.decompress((tmp_path / "turn_metrics.2.jsonl.gz").read_bytes()) == b"2\n" * 10
    assert {path.name for path in rundir.ours()} == {"turn_metrics.1.jsonl.gz", "turn_metrics.2.jsonl.gz"}


def test_a_damaged_note_stops_the_joining_and_nothing_else(tmp_path: Path) -> None:
    rundir = fill(tmp_path)
    rundir.turns_joining.write_bytes(b"[]")
    (note,) = [note for note in tidy_turns(rundir, BIG, AT) if "torn" not in note]
    assert note.startswith("the workers' turns are not all in turn_metrics.jsonl yet: ")
    assert rundir.turn_part("gw0").read_bytes() == PARTS["turn_metrics.gw0.jsonl"]
