"""A log file: whole lines appended, faults noted once, nothing of anybody else's touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.logfile import LogFile, is_foreign
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turntail import MOST_BYTES, TurnTail
from tests.store.faulty import FaultyDisk, ShortDisk, fork, no_space, wait

LINE = "2026-11-21T10:00:00.000Z INFO    session 1 of demo began"


def test_lines_are_appended_at_once_and_the_file_is_made_by_the_first(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", Disk())
    assert not file.path.exists()
    file.write(["one", "two"])
    assert file.path.read_text() == "one\ntwo\n"
    file.write(["caf\udce9"])
    file.close()
    LogFile(file.path, Disk()).write(["three"])
    assert file.path.read_text().split("\n") == ["one", "two", "caf\\udce9", "three", ""]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_fault_is_noted_once_and_later_lines_are_tried(tmp_path: Path, fails_at: int) -> None:
    file = LogFile(tmp_path / "a.log", FaultyDisk(fails_at, no_space))
    file.write(["one"])
    assert file.problem == f"'{tmp_path / 'a.log'}' could not be written: No space left on device"
    file.write(["two"])
    assert file.path.read_text() == "two\n"
    assert file.problem.count("No space") == 1


def test_a_torn_line_ends_before_the_next_one(tmp_path: Path) -> None:
    disk = ShortDisk()
    file = LogFile(tmp_path / "a.log", disk)
    disk.room = 4
    file.write(["0123456789"])
    assert file.problem is not None
    disk.room = 0
    file.write(["lost"])
    disk.room = None
    file.write(["whole"])
    assert file.path.read_text() == "0123\nwhole\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("theirs")
    (tmp_path / "a.log").symlink_to("other")
    file = LogFile(tmp_path / "a.log", Disk())
    file.write(["one"])
    assert file.problem is not None
    assert (tmp_path / "other").read_text() == "theirs"


def test_a_child_of_a_unit_writes_nothing(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", Disk())
    file.write(["one"])

    def work() -> int:
        file.write(["child"])
        return 0

    assert wait(fork(work)) == 0
    assert file.path.read_text() == "one\n"


@pytest.mark.parametrize(
    ("content", "is_theirs"), [("", False), (f"{LINE}\n", False), ("\nimport os\n", True), ("2026,1\n", True)]
)
def test_a_file_of_somebody_else_is_known(tmp_path: Path, content: str, is_theirs: bool) -> None:  # noqa: FBT001  # by name
    path = tmp_path / "a.log"
    assert not is_foreign(path)
    path.write_text(content)
    assert is_foreign(path) is is_theirs
    assert is_foreign(tmp_path)


def test_turns_are_read_once_and_from_where_the_session_began(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    rundir.turns.write_bytes(b'{"turn_index": 0}\n')
    tail = TurnTail(rundir)
    assert tail.new_turns("main", is_owner=True) == []
    with rundir.turns.open("ab") as file:
        file.write(b'{"turn_index": 1}\n{"event": "e", "turn_index": 1}\nno json\n{"turn_index": 2}\n')
    assert [turn["turn_index"] for turn in tail.new_turns("main", is_owner=True)] == [1, 2]
    assert tail.new_turns("main", is_owner=True) == []
    rundir.turns.write_bytes(b'{"turn_index": 3}\n')  # put away, and begun anew
    assert [turn["turn_index"] for turn in tail.new_turns("main", is_owner=True)] == [3]


def test_turns_of_a_worker_are_in_a_file_of_its_own(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    tail = TurnTail(rundir)
    assert tail.new_turns("gw0", is_owner=False) == []
    rundir.turn_part("gw0").write_bytes(b'{"turn_index": 0}\n')
    assert len(tail.new_turns("gw0", is_owner=False)) == 1


def test_a_flood_of_turns_is_passed_over(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    tail = TurnTail(rundir)
    line = b'{"turn_index": 0}\n'
    rundir.turns.write_bytes(line * (2 * MOST_BYTES // len(line)))
    assert len(tail.new_turns("main", is_owner=True)) <= MOST_BYTES // len(line)
    assert Path(rundir.turns).stat().st_size > MOST_BYTES
    assert tail.new_turns("main", is_owner=True) == []
