"""A run moves to the history whole, in however many attempts."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.history import earlier_seconds, finish_moving, move_to_history
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


def ended(unit_id: str, elapsed_s: object) -> bytes:
    return orjson.dumps({"seq": 1, "event": "unit_ended", "unit_id": unit_id, "elapsed_s": elapsed_s}) + b"\n"


def put(directory: Path, run_id: str, *lines: bytes, part: str = "journal.jsonl") -> None:
    path = directory / "history" / run_id / part
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))


def test_without_a_history_nothing_is_known_of_earlier_times(tmp_path: Path) -> None:
    assert earlier_seconds(RunDir(tmp_path)) == {}
    assert earlier_seconds(RunDir(tmp_path / "nowhere")) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_run_that_started_last_says_how_long_units_take_whatever_it_was_called(tmp_path: Path) -> None:
    put(tmp_path, "zz-20261120-100000-0123abcd", ended("a", 1.0))
    put(tmp_path, "aa-20261121-100000-0123abcd", ended("a", 2.0))
    put(tmp_path, "damaged-20261122T100000.000Z", ended("a", 9.0))
    assert earlier_seconds(RunDir(tmp_path)) == {"a": 2.0}


def test_the_last_attempt_that_was_measured_counts_over_all_parts(tmp_path: Path) -> None:
    put(tmp_path, RUN_ID, ended("a", 1.0), ended("b", 5.0), part="journal.1.jsonl")
    put(tmp_path, RUN_ID, ended("a", 2.0), part="journal.2.jsonl")
    put(tmp_path, RUN_ID, ended("a", 3.0), ended("a", None))
    assert earlier_seconds(RunDir(tmp_path)) == {"a": 3.0, "b": 5.0}


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"unit_ended","unit_id":"b"\n',
        b'["event":"unit_ended"]\n',
        b'"x","event":"unit_ended"\n',
        b'{"event":"unit_ended"}\n',
        b'{"event":"unit_ended","unit_id":[],"elapsed_s":1}\n',
        b'{"event":"unit_ended","unit_id":7,"elapsed_s":1}\n',
        b'{"event":"unit_ended","unit_id":"b","elapsed_s":"soon"}\n',
        b'{"event":"unit_ended","unit_id":"b","elapsed_s":"nan"}\n',
        b'{"event":"unit_ended","unit_id":"b","elapsed_s":-1}\n',
        b'{"event":"note","text":"\\"event\\":\\"unit_ended\\""}\n',
        b"\xff\x00\n",
        b'{"event":"unit_ended","unit_id":"b","elaps',
    ],
)
def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path, line: bytes) -> None:
    put(tmp_path, RUN_ID, line, ended("a", 1.0) if line.endswith(b"\n") else b"")
    assert earlier_seconds(RunDir(tmp_path)) == ({"a": 1.0} if line.endswith(b"\n") else {})


def test_a_history_that_is_no_history_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / RUN_ID).write_bytes(b"a file")
    assert earlier_seconds(RunDir(tmp_path)) == {}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "history").write_bytes(b"a file")
    assert earlier_seconds(RunDir(tmp_path / "other")) == {}


def test_a_part_that_is_a_folder_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, RUN_ID, ended("a", 1.0))
    (tmp_path / "history" / RUN_ID / "journal.1.jsonl").mkdir()
    assert earlier_seconds(RunDir(tmp_path)) == {"a": 1.0}
