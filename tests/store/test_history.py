"""A run moves to the history whole, in however many attempts."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.history import finish_moving, move_to_history
from pytest_benchrun.store.rundir import RunDir
from tests.store.faulty import FaultyDisk, die, fork, wait

RUN_ID = "demo-20261121-100000-0123abcd"
OURS = {
    "journal.jsonl": b"last\n",
    "journal.1.jsonl": b"first\n",
    "journal.2.jsonl": b"second\n",
    "journal.jsonl.torn-2026-11-21T100000.000Z": b"to",
    "status.json": b"{}",
    "runstats.json": b"{ }",
    "STOP.obeyed-2026-11-21T100000.000Z": b"",
    "artifacts/a-0123456789/out.txt": b"kept",
    "checkpoints/a-0123456789.json": b"{}",
}
THEIRS = {".benchrun.lock": b"owner", "notes.txt": b"mine", "STOP": b"", "history/older/journal.jsonl": b"older\n"}


def fill(directory: Path) -> None:
    for name, content in {**OURS, **THEIRS}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files_in(directory: Path) -> dict[str, bytes]:
    """Contents of all files by relative path."""
    found = [Path(folder) / name for folder, _, names in os.walk(directory) for name in names]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


MOVED = {**THEIRS, **{f"history/{RUN_ID}/{name}": content for name, content in OURS.items()}}


def test_a_run_moves_whole_and_nothing_else_does(tmp_path: Path) -> None:
    fill(tmp_path)
    assert move_to_history(RunDir(tmp_path), RUN_ID) == f"history/{RUN_ID}"
    assert files_in(tmp_path) == MOVED


def test_there_is_nothing_to_finish_where_nothing_moves(tmp_path: Path) -> None:
    fill(tmp_path)
    before = files_in(tmp_path)
    finish_moving(RunDir(tmp_path))
    assert files_in(tmp_path) == before


def test_a_move_killed_anywhere_is_finished_by_the_next_start(tmp_path: Path) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        fill(directory)

        def move(number: int = number, directory: Path = directory) -> int:
            move_to_history(RunDir(directory, FaultyDisk(number, die)), RUN_ID)
            return 0

        code = wait(fork(move))
        rundir = RunDir(directory)
        Disk().sweep_temporary_files(directory)
        is_on_its_way = rundir.moving.exists()
        finish_moving(rundir)
        if is_on_its_way or code == 0:
            assert files_in(directory) == MOVED
        else:
            # killed before the note was there (nothing has moved), or after it was gone (everything has)
            assert files_in(directory) in ({**OURS, **THEIRS}, MOVED)
        if code == 0:
            assert number > len(OURS)
            return


def test_a_move_that_fails_anywhere_says_so_and_is_finished_by_the_next_start(tmp_path: Path) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        fill(directory)
        disk = FaultyDisk(number)
        try:
            move_to_history(RunDir(directory, disk), RUN_ID)
        except DirectoryProblem as problem:
            assert f"history/{RUN_ID}" in problem.problem  # noqa: PT017  # the loop ends with the run that does not fail
        except OSError:
            assert not (directory / "history" / RUN_ID).exists()
        rundir = RunDir(directory)
        finish_moving(rundir)
        assert files_in(directory) in ({**OURS, **THEIRS}, MOVED)
        if not disk.has_failed:
            assert number > len(OURS)
            return


def test_a_move_killed_twice_is_finished_by_the_third_start(tmp_path: Path) -> None:
    fill(tmp_path)
    for number in (6, 3):
        rundir = RunDir(tmp_path, FaultyDisk(number))
        with pytest.raises(DirectoryProblem):
            move_to_history(rundir, RUN_ID) if number == 6 else finish_moving(rundir)
    finish_moving(RunDir(tmp_path))
    assert files_in(tmp_path) == MOVED


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "history" / RUN_ID).write_bytes(b"a file")
    with pytest.raises(DirectoryProblem, match=f"cannot move the earlier run to .*history/{RUN_ID}") as caught:
        move_to_history(RunDir(tmp_path), RUN_ID)
    assert "start again" in caught.value.hint


@pytest.mark.parametrize("run_id", ["../../elsewhere", "{outside}", "..", ".", ""])
def test_a_hostile_run_id_does_not_lead_out_of_the_history(tmp_path: Path, run_id: str) -> None:
    directory, outside = tmp_path / "a" / "results", tmp_path / "outside"
    fill(directory)
    (directory / ".benchrun.moving").write_text(run_id.format(outside=outside), "utf-8")
    before = set(files_in(tmp_path))
    with suppress(DirectoryProblem):
        finish_moving(RunDir(directory))
    came = set(files_in(tmp_path)) - before
    assert all(name.startswith("a/results/history/") for name in came)


def test_the_older_run_of_a_longer_id_is_not_touched(tmp_path: Path) -> None:
    fill(tmp_path)
    move_to_history(RunDir(tmp_path), "older-2")
    assert (tmp_path / "history/older/journal.jsonl").read_bytes() == b"older\n"
