"""Attempts read three lines at a time: the state, the errors and the torn end of one line after the other."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import COMPLETED, Metric
from pytest_benchrun.core.replay import PlainAttempt, replay
from pytest_benchrun.store.journal import JournalReader, encode_line
from pytest_benchrun.store.plainlines import LINES, plain_attempt
from pytest_benchrun.store.rundir import RunDir
from tests.stories import FAILED, Story, make_outcome, state_of, stories


def encoded(events: list[Event]) -> list[bytes]:
    return [encode_line(seq, event) for seq, event in enumerate(events, 1)]


def told() -> list[Event]:
    story = Story().begin("a", "größe[\u2603]", 'quoted["]', "d", "e", "f")
    for unit_id, outcome in {
        "a": COMPLETED,
        "größe[\u2603]": COMPLETED,
        'quoted["]': COMPLETED,
        "d": replace(COMPLETED, metrics={"recall": Metric(value=0.5)}),
        "e": make_outcome(FAILED, "wrong"),
        "f": COMPLETED,
    }.items():
        story.start(unit_id)
        story.result(unit_id, outcome)
        story.end(unit_id, outcome)
    story.finish()
    return story.events


def outcome_of(rundir: RunDir, *, is_together: bool) -> tuple[object, ...]:
    """What a reader of the journal comes to, whichever way it reads."""
    reader, campaign = JournalReader(rundir), Campaign()
    said = ""
    try:
        replay(campaign, reader.attempts() if is_together else reader)
    except (DirectoryProblem, KeyError) as error:
        said = str(error)
    return state_of(campaign) if not said else None, reader.seq if not said else 0, reader.torn, said


@given(stories())
@settings(max_examples=60)
def test_attempts_fold_to_the_state_of_their_events(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event]
) -> None:
    rundir = RunDir(tmp_path_factory.mktemp("run"))
    rundir.journal.write_bytes(b"".join(encoded(events)))
    assert outcome_of(rundir, is_together=True) == outcome_of(rundir, is_together=False)


def test_most_units_are_read_at_once_and_others_by_their_events(tmp_path: Path) -> None:
    events = told()
    rundir = RunDir(tmp_path)
    rundir.journal.write_bytes(b"".join(encoded(events)))
    reader = JournalReader(rundir)
    found = list(reader.attempts())
    plain = [one.unit_id for one in found if isinstance(one, PlainAttempt)]
    assert plain == ["a", "größe[\u2603]", "f"]
    assert len(found) == len(events) - len(plain) * (LINES - 1)
    assert reader.seq == len(events)


@given(st.data())
@settings(max_examples=200)
def test_whatever_happens_to_the_file_both_ways_of_reading_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lines = encoded(told())
    whole = b"".join(lines)
    place = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "drop", "swap"]))
    number = data.draw(st.integers(0, len(lines) - 2))
    if kind == "flip":
        whole = whole[:place] + bytes([whole[place] ^ 1 << data.draw(st.integers(0, 7))]) + whole[place + 1 :]
    elif kind == "cut":
        whole = whole[:place]
    elif kind == "drop":
        whole = b"".join(lines[:number] + lines[number + 1 :])
    else:
        whole = b"".join([*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]])
    rundir = RunDir(tmp_path_factory.mktemp("run"))
    rundir.journal.write_bytes(whole)
    assert outcome_of(rundir, is_together=True) == outcome_of(rundir, is_together=False)


def resealed(line: bytes, old: bytes, new: bytes) -> bytes:
    head = line[: line.rindex(b',"crc"')].replace(old, new)
    return b'%b,"crc":"%08x"}\n' % (head, zlib.crc32(head))


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (0, b'"unit_id":"a"', b'"unit_id":"b"'),
        (1, b'"unit_id":"a"', b'"unit_id":"f"'),
        (2, b'"attempt":1', b'"attempt":2'),
        (2, b'"worker":"main"', b'"worker":"gw1"'),
        (2, b'"ended":"exited"', b'"ended":"lost"'),
        (2, b'"warnings":[]', b'"warnings":["odd"]'),
        (1, b'"schema_version":1', b'"schema_version":2'),
    ],
)
def test_lines_that_do_not_belong_together_are_left_to_the_other_way(number: int, old: bytes, new: bytes) -> None:
    lines = encoded(told())
    first = next(place for place, line in enumerate(lines) if b'"unit_started"' in line)
    lines = lines[first : first + LINES]
    seq = first + 1
    assert plain_attempt(lines, 0, seq) is not None
    changed = resealed(lines[number], old, new)
    assert changed != lines[number]
    assert plain_attempt([*lines[:number], changed, *lines[number + 1 :]], 0, seq) is None
    assert plain_attempt(lines, 0, seq + 1) is None
    assert plain_attempt(lines[:2], 0, seq) is None
