"""The journal: every line checks itself, a torn tail costs one event, a failed write costs none."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from itertools import accumulate, count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DirectoryProblem, JournalDamaged, NewerSchema
from pytest_benchrun.core.events import Event, Noted, event_from_json
from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.journal import (
    JournalReader,
    JournalWriter,
    cut_torn_tail,
    decode_line,
    encode_line,
)
from pytest_benchrun.store.rundir import RunDir
from tests.store.faulty import FaultyDisk
from tests.store.lines import AT, LINES, NEXT, NOTES, read, resealed, write
from tests.stories import FAILED, Story, state_of, stories


@given(stories())
def test_the_journal_folds_to_the_live_state(events: list[Event]) -> None:
    lines = [encode_line(seq, event) for seq, event in enumerate(events, 1)]
    read_back = [event_from_json(decode_line(line)) for line in lines]
    assert read_back == events
    assert state_of(Campaign.of(read_back)) == state_of(Campaign.of(events))


@given(stories(), st.integers(1, 2000))
@settings(max_examples=30)
def test_a_journal_of_any_run_reads_back_from_the_disk_however_often_it_is_rotated(
    events: list[Event], rotate_bytes: int
) -> None:
    with TemporaryDirectory() as directory:
        rundir = RunDir(Path(directory), Disk(is_durable=False))
        write(rundir, *events, rotate_bytes=rotate_bytes)
        assert read(rundir) == events


def test_a_line_is_json_with_version_number_kind_and_checksum() -> None:
    line = encode_line(7, NOTES[0])
    assert json.loads(line) == {
        "schema_version": 1,
        "seq": 7,
        "event": "noted",
        "at": AT,
        "text": "first",
        "crc": f"{zlib.crc32(line.rpartition(b',')[0]):08x}",
    }
    assert line.endswith(b"}\n")


def test_text_with_newlines_stays_on_one_line() -> None:
    event = Noted(at=AT, text='a\nb\r\u2028"}\n')
    line = encode_line(1, event)
    assert line.count(b"\n") == 1
    assert event_from_json(decode_line(line)) == event


def test_an_empty_directory_has_no_events(rundir: RunDir) -> None:
    assert read(rundir) == []


def test_sessions_go_on_where_the_last_one_ended(rundir: RunDir) -> None:
    write(rundir, NOTES[0])
    write(rundir, *NOTES[1:], seq=1)
    assert read(rundir) == NOTES


def flips(line: bytes) -> Iterator[bytes]:
    """The line with each of its bits flipped in turn."""
    for place in range(len(line)):
        for bit in range(8):
            yield line[:place] + bytes([line[place] ^ 1 << bit]) + line[place + 1 :]


def test_every_flipped_bit_of_every_kind_of_line_is_noticed() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED, message="wrong sum")
    story.stop()
    story.skip_rest("b")
    story.finish()
    for seq, event in enumerate(story.events, 1):
        for flipped in flips(encode_line(seq, event)):
            with pytest.raises(ValueError, match="checksum"):
                decode_line(flipped)


def test_every_flipped_bit_in_the_middle_is_an_error_that_names_file_and_line(rundir: RunDir) -> None:
    for flipped in flips(LINES[1]):
        rundir.journal.write_bytes(LINES[0] + flipped + LINES[2])
        reader = JournalReader(rundir)
        events = iter(reader)
        assert next(events) == NOTES[0]
        with pytest.raises(JournalDamaged) as caught:
            next(events)
        assert (caught.value.file, caught.value.line, reader.seq) == (str(rundir.journal), 2, 1)


def test_every_flipped_bit_of_the_last_line_is_an_error_or_a_torn_tail(rundir: RunDir) -> None:
    torn = 0
    for flipped in flips(LINES[2]):
        rundir.journal.write_bytes(LINES[0] + LINES[1] + flipped)
        reader = JournalReader(rundir)
        if flipped.endswith(b"\n"):
            with pytest.raises(JournalDamaged, match="line 3"):
                list(reader)
        else:
            assert list(reader) == NOTES[:2]
            assert reader.torn == flipped
            torn += 1
    assert torn == 8


def cut(rundir: RunDir, size: int) -> int:
    """Cut a journal of `LINES` at `size` bytes; returns how many whole lines stay."""
    rundir.journal.write_bytes(b"".join(LINES)[:size])
    return sum(end <= size for end in accumulate(map(len, LINES)))


def test_a_journal_cut_at_any_byte_has_its_whole_lines_and_a_torn_tail(rundir: RunDir) -> None:
    for size in range(len(b"".join(LINES)) + 1):
        whole = cut(rundir, size)
        reader = JournalReader(rundir)
        assert list(reader) == NOTES[:whole]
        assert reader.torn == b"".join(LINES)[len(b"".join(LINES[:whole])) : size]
        assert reader.seq == whole


def test_a_journal_cut_at_any_byte_can_be_mended_and_gone_on_with(rundir: RunDir) -> None:
    for size in range(len(b"".join(LINES)) + 1):
        whole = cut(rundir, size)
        reader = JournalReader(rundir)
        list(reader)
        if reader.torn:
            kept = cut_torn_tail(rundir, reader.torn, AT)
            assert kept.read_bytes() == reader.torn
            assert kept.name == "journal.jsonl.torn-2026-11-21T100000.000Z"
        write(rundir, NEXT, seq=reader.seq)
        assert read(rundir) == [*NOTES[:whole], NEXT]


def test_a_tail_torn_in_a_rotated_part_is_cut_off_there(rundir: RunDir) -> None:
    part = rundir.path / "journal.1.jsonl"
    part.write_bytes(LINES[0] + LINES[1][:20])
    reader = JournalReader(rundir)
    assert list(reader) == NOTES[:1]
    cut_torn_tail(rundir, reader.torn, AT)
    assert part.read_bytes() == LINES[0]


def test_a_part_that_ends_in_the_middle_before_another_one_is_damaged(rundir: RunDir) -> None:
    (rundir.path / "journal.1.jsonl").write_bytes(LINES[0] + LINES[1][:-1])
    rundir.journal.write_bytes(LINES[2])
    with pytest.raises(JournalDamaged, match=r"journal\.1\.jsonl, line 2: the file ends in the middle of a line"):
        list(JournalReader(rundir))


def test_cutting_a_torn_tail_fails_whole_or_leaves_both_copies(rundir: RunDir) -> None:
    for number in count(1):
        rundir.journal.write_bytes(LINES[0] + b"torn")
        disk = FaultyDisk(number)
        faulty = RunDir(rundir.path, disk)
        try:
            cut_torn_tail(faulty, b"torn", AT)
        except DirectoryProblem as error:
            assert "cannot cut the torn end off" in error.problem  # noqa: PT017  # ends with the run that does not fail
        reader = JournalReader(rundir)
        assert list(reader) == NOTES[:1]
        if reader.torn:
            assert cut_torn_tail(rundir, reader.torn, AT).read_bytes() == b"torn"
        assert read(rundir) == NOTES[:1]
        if not disk.has_failed:
            assert number > 4
            return


@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        ([LINES[0], LINES[2]], 2, "its seq is 3 where 2 was expected: lines are missing"),
        ([LINES[1]], 1, "its seq is 2 where 1 was expected"),
        ([LINES[0], LINES[0]], 2, "its seq is 1 where 2 was expected"),
        ([LINES[1], LINES[0]], 1, "its seq is 2 where 1 was expected"),
        ([LINES[0], b"\n"], 2, "it has no checksum at its end"),
        ([b"{}\n"], 1, "it has no checksum at its end"),
        ([b"\x00" * 500 + b"\n"], 1, "it has no checksum at its end"),
        ([resealed(LINES[0], b'"noted"', b'"sung"')], 1, "unknown event 'sung'"),
        ([resealed(LINES[0], b'"text"', b'"song"')], 1, "event 'noted' has no field 'text'"),
        ([resealed(LINES[0], b'"seq":1', b'"sex":1')], 1, "seq"),
        ([resealed(LINES[0], b'"schema_version":1,', b"")], 1, "schema_version"),
        ([resealed(LINES[0], b'"schema_version":1,', b'"schema_version":"1",')], 1, "not supported"),
        ([resealed(LINES[0], b'"first"', b'"first')], 1, "unexpected"),
    ],
)
def test_a_line_that_does_not_fit_is_an_error_that_names_it(
    rundir: RunDir, lines: list[bytes], line: int, why: str
) -> None:
    rundir.journal.write_bytes(b"".join(lines))
    with pytest.raises(JournalDamaged, match=why) as caught:
        list(JournalReader(rundir))
    assert (caught.value.file, caught.value.line) == (str(rundir.journal), line)
    assert caught.value.hint.startswith(f"benchrun rebuild {rundir.path} --salvage")


def test_a_line_with_impossible_metrics_is_damage_and_no_traceback(rundir: RunDir) -> None:
    story = Story().begin("a")
    story.run("a")
    lines = [encode_line(seq, event) for seq, event in enumerate(story.events, 1)]
    lines[-1] = resealed(lines[-1], b'"metrics":{}', b'"metrics":["recall"]')
    rundir.journal.write_bytes(b"".join(lines))
    with pytest.raises(JournalDamaged):
        list(JournalReader(rundir))


def test_a_newer_journal_is_refused_in_a_sentence_and_left_alone(rundir: RunDir) -> None:
    content = LINES[0] + resealed(LINES[1], b'"schema_version":1', b'"schema_version":2')
    rundir.journal.write_bytes(content)
    with pytest.raises(NewerSchema, match="schema_version 2; this version reads up to 1"):
        list(JournalReader(rundir))
    assert rundir.journal.read_bytes() == content


def test_a_newer_line_of_a_kind_unknown_here_is_newer_and_not_damaged(rundir: RunDir) -> None:
    newer = resealed(LINES[0], b'"schema_version":1', b'"schema_version":2')
    rundir.journal.write_bytes(resealed(newer, b'"noted"', b'"sung"'))
    with pytest.raises(NewerSchema):
        list(JournalReader(rundir))


def test_a_part_that_is_missing_in_the_middle_is_noticed(rundir: RunDir) -> None:
    write(rundir, *NOTES, NEXT, rotate_bytes=1)
    (rundir.path / "journal.2.jsonl").unlink()
    with pytest.raises(JournalDamaged, match=r"journal\.3\.jsonl, line 1: its seq is 3 where 2 was expected"):
        list(JournalReader(rundir))


def test_a_journal_rotated_at_any_byte_reads_back_in_order(rundir: RunDir) -> None:
    ends = list(accumulate(map(len, LINES)))
    for rotate_bytes in range(1, ends[-1] + 2):
        write(rundir, *NOTES, rotate_bytes=rotate_bytes)
        assert read(rundir) == NOTES
        for path in rundir.journal_parts():
            path.unlink()


def test_more_than_nine_parts_are_read_in_order(rundir: RunDir) -> None:
    events = [Noted(at=AT, text=str(number)) for number in range(25)]
    write(rundir, *events, rotate_bytes=1)
    assert len(rundir.journal_parts()) > 20
    assert read(rundir) == events


def test_a_journal_is_synced_from_another_thread_while_it_is_rotated(rundir: RunDir) -> None:
    journal = JournalWriter(rundir, seq=0, rotate_bytes=1)
    stop = threading.Event()
    errors: list[BaseException] = []

    def sync() -> None:
        try:
            while not stop.is_set():
                journal.sync()
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=sync)
    thread.start()
    for _ in range(300):
        journal.append(NEXT)
    stop.set()
    thread.join()
    journal.close()
    assert errors == []


def test_a_run_killed_between_the_two_steps_of_a_rotation_goes_on(rundir: RunDir) -> None:
    write(rundir, *NOTES)
    rundir.journal.rename(rundir.next_part())
    write(rundir, NEXT, seq=3)
    assert read(rundir) == [*NOTES, NEXT]
