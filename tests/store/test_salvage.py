"""A damaged journal: good lines go on, bad ones are said, damaged files stay."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import NewerSchema
from pytest_benchrun.core.events import Event, Noted, UnitEnded
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import JournalReader, JournalWriter, encode_line
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.salvage import salvage
from tests.fakes import moment
from tests.store.faulty import FaultyDisk, die, fork, wait
from tests.store.lines import resealed
from tests.stories import COMPLETED, Story

AT = moment(60)


def story() -> list[Event]:
    """Three units, all completed, in one session."""
    told = Story().begin("a", "b", "c")
    for unit_id in "abc":
        told.run(unit_id)
    told.finish()
    return told.events


EVENTS = story()
LINES = [encode_line(seq, event) for seq, event in enumerate(EVENTS, 1)]
START_OF_B = next(place for place, event in enumerate(EVENTS) if getattr(event, "unit_id", "") == "b")


def spoil(line: bytes) -> bytes:
    """The line with one byte changed."""
    return line[:30] + b"#" + line[31:]


def read(rundir: RunDir) -> list[Event]:
    return list(JournalReader(rundir))


def test_a_whole_journal_is_left_alone(rundir: RunDir) -> None:
    rundir.journal.write_bytes(b"".join(LINES))
    assert salvage(rundir, AT) == []
    assert [path.name for path in rundir.path.iterdir()] == ["journal.jsonl"]
    assert rundir.journal.read_bytes() == b"".join(LINES)


def test_an_empty_directory_is_left_alone(rundir: RunDir) -> None:
    assert salvage(rundir, AT) == []
    assert list(rundir.path.iterdir()) == []


@pytest.mark.parametrize("place", range(1, len(LINES)))
def test_a_broken_line_costs_itself_and_what_hangs_on_it(rundir: RunDir, place: int) -> None:
    broken = [*LINES[:place], spoil(LINES[place]), *LINES[place + 1 :]]
    rundir.journal.write_bytes(b"".join(broken))
    said = salvage(rundir, AT)
    assert said[0] == f"journal.jsonl, line {place + 1} is left out: its checksum does not match"
    kept = read(rundir)
    notes = [event.text for event in kept if isinstance(event, Noted)]
    assert notes == [f"salvaged: {sentence}" for sentence in said]
    assert [event for event in kept if not isinstance(event, Noted)] == [event for event in EVENTS if event in kept]
    assert len(kept) - len(notes) + len(said) == len(EVENTS)
    (damaged,) = rundir.path.glob("journal.jsonl.broken-*")
    assert damaged.read_bytes() == b"".join(broken)


def test_an_end_whose_start_is_lost_still_counts(rundir: RunDir) -> None:
    rundir.journal.write_bytes(b"".join([*LINES[:START_OF_B], b"garbage\n", *LINES[START_OF_B + 1 :]]))
    salvage(rundir, AT)
    kept = read(rundir)
    assert sum(isinstance(event, UnitEnded) for event in kept) == 3
    assert Campaign.of(kept).counts[COMPLETED] == 3


def test_a_lost_work_list_costs_its_units_and_no_traceback(rundir: RunDir) -> None:
    place = next(place for place, event in enumerate(EVENTS) if event.name == "units_added")
    rundir.journal.write_bytes(b"".join([*LINES[:place], *LINES[place + 1 :], b"garbage\n"]))
    said = salvage(rundir, AT)
    assert len(said) >= 7
    assert Campaign.of(read(rundir)).records == {}


def test_several_broken_lines_and_a_torn_tail_are_all_said(rundir: RunDir) -> None:
    broken = [*LINES[:-2], spoil(LINES[-2]), b"\n", LINES[-1][:20]]
    rundir.journal.write_bytes(b"".join(broken))
    said = salvage(rundir, AT)
    assert [sentence.partition(" is")[0] for sentence in said] == [
        f"journal.jsonl, line {number}" for number in range(len(LINES) - 1, len(LINES) + 2)
    ]
    reader = JournalReader(rundir)
    assert len(list(reader)) == len(LINES) - 2 + len(said)
    assert reader.torn == b""


def test_what_was_salvaged_can_be_gone_on_with(rundir: RunDir) -> None:
    rundir.journal.write_bytes(b"".join([*LINES[:-1], spoil(LINES[-1])]))
    salvage(rundir, AT)
    reader = JournalReader(rundir)
    before = list(reader)
    writer = JournalWriter(rundir, seq=reader.seq)
    writer.append(EVENTS[-1])
    writer.close()
    assert read(rundir) == [*before, EVENTS[-1]]
    assert salvage(rundir, AT) == []


def damage_parts(rundir: RunDir) -> dict[str, bytes]:
    """A journal in three parts, the second with a broken line; what the files hold."""
    contents = {
        "journal.1.jsonl": b"".join(LINES[:4]),
        "journal.2.jsonl": b"".join([*LINES[4:6], spoil(LINES[6]), *LINES[7:9]]),
        "journal.jsonl": b"".join(LINES[9:]),
    }
    for name, content in contents.items():
        (rundir.path / name).write_bytes(content)
    return contents


def test_parts_become_one_journal_and_all_damaged_files_are_kept(rundir: RunDir) -> None:
    contents = damage_parts(rundir)
    (said,) = salvage(rundir, AT)
    assert said.startswith("journal.2.jsonl, line 3 is left out")
    assert [path.name for path in rundir.journal_parts()] == ["journal.jsonl"]
    assert len(read(rundir)) == len(EVENTS)
    for name, content in contents.items():
        assert (rundir.path / f"{name}.broken-{AT.replace(':', '')}").read_bytes() == content


def test_a_salvage_killed_anywhere_can_be_done_again_and_loses_no_good_line(tmp_path: Path) -> None:
    for number in count(1):
        directory = tmp_path / str(number)
        directory.mkdir()
        rundir = RunDir(directory, Disk(is_durable=False))
        damage_parts(rundir)

        def work(number: int = number, directory: Path = directory) -> int:
            salvage(RunDir(directory, FaultyDisk(number, die)), AT)
            return 0

        code = wait(fork(work))
        salvage(rundir, moment(120))
        kept = [event for event in read(rundir) if not isinstance(event, Noted)]
        assert kept == [*EVENTS[:6], *EVENTS[7:]], f"killed at operation {number}"
        if code == 0:
            assert number > 4
            return


def test_a_newer_journal_is_refused_and_left_alone(rundir: RunDir) -> None:
    newer = resealed(LINES[-1], b'"schema_version":1', b'"schema_version":2')
    newer = resealed(newer, b'"session_ended"', b'"session_sung"')
    content = b"".join([*LINES[:-1], newer])
    rundir.journal.write_bytes(content)
    with pytest.raises(NewerSchema):
        salvage(rundir, AT)
    assert rundir.journal.read_bytes() == content
