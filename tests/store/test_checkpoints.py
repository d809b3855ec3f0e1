"""Checkpoints: what was kept comes back, whole or not at all, and only to the unit it belongs to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.errors import CheckpointUnusable, JournalWriteFailed, NewerSchema
from pytest_benchrun.core.model import Unit
from pytest_benchrun.store.checkpoints import CheckpointFile, forget_checkpoint, sweep_checkpoints
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir
from tests.core.test_exactjson import VALUES, shape_of
from tests.fakes import moment
from tests.store.faulty import FaultyDisk, die, fork, no_space, wait
from tests.stories import FAILED, Story

UNIT = Unit(
    unit_id="a.py::test_a[1-x]",
    function="a.py::test_a",
    group="a",
    param_names=("n", "name"),
    param_values=(1, "x"),
    fingerprint="source:0123456789ab inputs:00 version:1",
)
OLD, NEW = {"step": 1}, {"step": 2, "rest": list(range(1000))}


def keep(rundir: RunDir, unit: Unit = UNIT, *, run_id: str = "demo-1", attempt: int = 1) -> CheckpointFile:
    return CheckpointFile(rundir, run_id=run_id, unit=unit, attempt=attempt, now_at=lambda: moment(attempt))


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


@given(VALUES.filter(lambda value: value is not None))
def test_any_value_comes_back_as_it_was(value: object) -> None:
    with TemporaryDirectory() as folder:
        rundir = RunDir(Path(folder), Disk(is_durable=False))
        keep(rundir).write(value)
        assert shape_of(keep(rundir, attempt=2).read()) == shape_of(value)


def test_there_is_none_before_the_first(rundir: RunDir) -> None:
    assert keep(rundir).read() is None
    assert names_in(rundir.path) == []


def test_the_file_says_whose_it_is_and_when_it_was_saved(rundir: RunDir) -> None:
    keep(rundir, attempt=3).write(OLD)
    (path,) = rundir.checkpoints.iterdir()
    assert path == rundir.checkpoint(UNIT.unit_id)
    record = orjson.loads(path.read_bytes())
    assert len(record.pop("crc")) == 8
    assert record == {
        "schema_version": 1,
        "run_id": "demo-1",
        "unit_id": UNIT.unit_id,
        "fingerprint": UNIT.fingerprint,
        "params": {"n": 1, "name": "x"},
        "attempt": 3,
        "saved_at": moment(3),
        "value": OLD,
    }


def test_it_goes_to_the_disk_in_the_order_that_survives_the_loss_of_power(tmp_path: Path) -> None:
    disk = FaultyDisk()
    file = keep(RunDir(tmp_path, disk))
    file.write(OLD)
    file.write(NEW)
    atomically = ["write", "sync", "replace", "sync_dir"]
    assert disk.done == ["make_dir", "sync_dir", *atomically, *atomically]


def test_a_save_that_fails_anywhere_leaves_the_one_before_whole(tmp_path: Path) -> None:
    for number in count(1):
        rundir = RunDir(tmp_path / str(number))
        rundir.path.mkdir()
        keep(rundir).write(OLD)
        disk = FaultyDisk(number, no_space)
        file = keep(RunDir(rundir.path, disk), attempt=2)
        try:
            file.write(NEW)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  # the loop ends with the run that does not fail
        # once it has its name, the new one stays
        assert file.read() == (OLD if disk.has_failed and "sync_dir" not in disk.done else NEW)
        assert len(names_in(rundir.checkpoints)) == 1
        if not disk.has_failed:
            assert number > 4
            return


def test_a_unit_killed_anywhere_in_a_save_finds_the_old_value_or_the_new_one(tmp_path: Path) -> None:
    for number in count(1):
        rundir = RunDir(tmp_path / str(number))
        rundir.path.mkdir()
        keep(rundir).write(OLD)

        def save(number: int = number, rundir: RunDir = rundir) -> int:
            keep(RunDir(rundir.path, FaultyDisk(number, die))).write(NEW)
            return 0

        code = wait(fork(save))
        assert keep(rundir, attempt=2).read() in (OLD, NEW)
        sweep_checkpoints(rundir, Story().campaign, lambda: None)
        assert len(names_in(rundir.checkpoints)) == 1
        if code == 0:
            assert number > 4
            return
        assert code == 9


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(UNIT, param_values=(2, "x")), "the unit has changed since attempt 1: parameters"),
        (replace(UNIT, param_values=("1", "x")), "parameters"),
        (replace(UNIT, param_names=(), param_values=()), "parameters"),
        (replace(UNIT, fingerprint="source:ba9876543210 inputs:00 version:1"), "since attempt 1: source"),
        (replace(UNIT, fingerprint="source:0123456789ab inputs:01 version:2"), "since attempt 1: inputs, version"),
        (replace(UNIT, fingerprint=""), "source, inputs, version"),
    ],
)
def test_one_of_a_unit_that_has_changed_since_is_not_used(rundir: RunDir, now: Unit, said: str) -> None:
    keep(rundir).write(OLD)
    file = keep(rundir, now, attempt=2)
    with pytest.raises(CheckpointUnusable, match=said):
        file.read()
    file.write(NEW)
    assert file.read() == NEW


def test_one_that_came_from_another_run_is_not_used(rundir: RunDir) -> None:
    keep(rundir, run_id="demo-0").write(OLD)
    with pytest.raises(CheckpointUnusable, match="in run 'demo-0'"):
        keep(rundir).read()


def test_one_under_the_name_of_another_unit_is_not_used(rundir: RunDir) -> None:
    keep(rundir).write(OLD)
    other = replace(UNIT, unit_id="a.py::test_a[2-x]")
    rundir.checkpoint(UNIT.unit_id).rename(rundir.checkpoint(other.unit_id))
    with pytest.raises(CheckpointUnusable, match="test_a\\[1-x\\]"):
        keep(rundir, other).read()


def test_one_with_any_bit_flipped_or_cut_anywhere_is_not_used(rundir: RunDir) -> None:
    keep(rundir).write(OLD)
    path = rundir.checkpoint(UNIT.unit_id)
    good = path.read_bytes()
    flipped = [good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :] for at in range(len(good))]
    for bad in [*flipped, *(good[:length] for length in range(len(good)))]:
        path.write_bytes(bad)
        with pytest.raises(CheckpointUnusable):
            keep(rundir).read()


@given(st.binary(max_size=60) | st.sampled_from([b"null", b"[]", b"{}", b'{"schema_version":1}']))
def test_what_is_no_checkpoint_at_all_is_replaced_by_the_next_save(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        rundir = RunDir(Path(folder), Disk(is_durable=False))
        rundir.checkpoints.mkdir()
        rundir.checkpoint(UNIT.unit_id).write_bytes(data)
        with pytest.raises(CheckpointUnusable, match="it is damaged"):
            keep(rundir).read()
        keep(rundir).write(OLD)
        assert keep(rundir).read() == OLD


@pytest.mark.parametrize("is_checked", [True, False])
def test_one_of_a_newer_version_is_not_used_not_replaced_and_not_removed(rundir: RunDir, *, is_checked: bool) -> None:
    keep(rundir).write(OLD)
    path = rundir.checkpoint(UNIT.unit_id)
    newer = path.read_bytes().replace(b'"schema_version":1', b'"schema_version":99')
    if is_checked:
        newer = orjson.dumps({"schema_version": 99, "checked": "in another way"})
    path.write_bytes(newer)
    file = keep(rundir, attempt=2)
    with pytest.raises(CheckpointUnusable, match="schema_version 99"):
        file.read()
    with pytest.raises(NewerSchema):
        file.write(NEW)
    forget_checkpoint(rundir, UNIT.unit_id, lambda: None)
    assert path.read_bytes() == newer


def test_none_is_no_value_since_it_would_look_like_no_checkpoint(rundir: RunDir) -> None:
    with pytest.raises(ValueError, match="the checkpoint's value is None"):
        keep(rundir).write(None)
    assert keep(rundir).read() is None


def test_a_value_that_would_come_back_as_another_is_refused_and_the_one_before_stays(rundir: RunDir) -> None:
    keep(rundir).write(OLD)
    with pytest.raises(TypeError, match=r"the checkpoint's value\['at'\] is of type 'tuple'"):
        keep(rundir).write({"at": (1, 2)})
    assert keep(rundir).read() == OLD


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_one_that_cannot_be_read_is_an_error(rundir: RunDir) -> None:
    keep(rundir).write(OLD)
    rundir.checkpoint(UNIT.unit_id).chmod(0)
    with pytest.raises(PermissionError):
        keep(rundir).read()


def test_it_is_forgotten_only_after_the_end_of_its_unit_is_on_the_disk(tmp_path: Path) -> None:
    disk = FaultyDisk()
    rundir = RunDir(tmp_path, disk)
    keep(rundir).write(OLD)
    disk.done.clear()
    forget_checkpoint(rundir, UNIT.unit_id, lambda: disk.done.append("journal"))
    assert disk.done == ["journal", "unlink"]
    assert names_in(rundir.checkpoints) == []


def journal_is_lost() -> None:
    raise JournalWriteFailed("cannot write journal.jsonl", hint="make room")


def disk_fails() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("make_sure", [journal_is_lost, disk_fails])
def test_it_stays_where_the_end_of_its_unit_may_be_lost(rundir: RunDir, make_sure: Callable[[], None]) -> None:
    keep(rundir).write(OLD)
    forget_checkpoint(rundir, UNIT.unit_id, make_sure)
    assert keep(rundir).read() == OLD


def test_forgetting_costs_the_journal_nothing_where_there_is_no_checkpoint(rundir: RunDir) -> None:
    asked: list[str] = []
    forget_checkpoint(rundir, "other", lambda: asked.append("no folder"))
    keep(rundir).write(OLD)
    forget_checkpoint(rundir, "other", lambda: asked.append("no file"))
    assert asked == []


def test_a_sweep_takes_half_written_ones_and_those_of_units_that_have_completed(rundir: RunDir) -> None:
    story = Story().begin("done", "failed", "waits")
    story.run("done")
    story.run("failed", FAILED)
    for unit_id in story.campaign.records:
        keep(rundir, replace(UNIT, unit_id=unit_id)).write(OLD)
    (rundir.checkpoints / ".benchrun-tmp-4711-0").write_bytes(b"half")
    (rundir.checkpoints / "notes.txt").write_bytes(b"mine")
    sweep_checkpoints(rundir, story.campaign, lambda: None)
    expected = ["notes.txt", *(rundir.checkpoint(unit_id).name for unit_id in ("failed", "waits"))]
    assert names_in(rundir.checkpoints) == sorted(expected)


def test_a_sweep_without_checkpoints_makes_no_folder(rundir: RunDir) -> None:
    sweep_checkpoints(rundir, Story().begin("a").campaign, lambda: None)
    assert names_in(rundir.path) == []
