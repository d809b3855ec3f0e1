"""STOP: obeyed when meant for this session, put aside when not, whatever it is on disk."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.conductor import Conductor
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.stopfile import StopFile, look_for_stop, read_request
from tests.fakes import FakeClock, MemoryJournal
from tests.store.faulty import FaultyDisk
from tests.stories import Story

RUN_ID = "demo-20261121-100000-0123abcd"
STOP = Stop("stop-file", "stop requested", RunState.STOPPED)
OBEYED, IGNORED = "STOP.obeyed-2026-11-21T100000.000Z", "STOP.ignored-2026-11-21T100000.000Z"


def request(session: int = 2, run_id: str = RUN_ID, reason: str | None = None, *, now: object = False) -> bytes:
    """What `benchrun stop` writes."""
    said = {"who": "me", "at": "now", "run_id": run_id, "session": session, "reason": reason, "now": now}
    return orjson.dumps(said)


def stop_file(directory: Path) -> StopFile:
    """The stop files of session 2."""
    found = StopFile(RunDir(directory), FakeClock().now_at)
    found.belongs_to(RUN_ID, 2)
    return found


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_nobody_asks_where_there_is_no_file(tmp_path: Path) -> None:
    assert stop_file(tmp_path).find() is None
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["STOP", "STOP_REQUESTED"])
def test_a_touched_file_stops_whoever_runs(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert stop_file(tmp_path).find() == STOP
    assert names_in(tmp_path) == [OBEYED]


def test_a_file_written_for_this_session_is_obeyed_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(request(reason="the night is over"))
    assert stop_file(tmp_path).find() == Stop("stop-file", "stop requested: the night is over", RunState.STOPPED)
    assert read_request(tmp_path / OBEYED) is not None


def test_a_file_without_a_reason_is_obeyed_too(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(request())
    assert stop_file(tmp_path).find() == STOP


def test_a_stop_that_was_found_stays_found(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(request(reason="first"))
    found = stop_file(tmp_path)
    first = found.find()
    (tmp_path / "STOP").write_bytes(request(reason="second"))
    assert found.find() == first == Stop("stop-file", "stop requested: first", RunState.STOPPED)
    assert len(names_in(tmp_path)) == 2


def test_both_names_at_once_are_one_stop(tmp_path: Path) -> None:
    (tmp_path / "STOP").touch()
    (tmp_path / "STOP_REQUESTED").touch()
    assert stop_file(tmp_path).find() == STOP
    assert names_in(tmp_path) == [OBEYED, f"{OBEYED}-2"]


@pytest.mark.parametrize(
    ("reason", "said"), [(None, "stop requested, at once"), ("fire", "stop requested, at once: fire")]
)
def test_a_file_that_says_now_interrupts_and_says_why(tmp_path: Path, reason: str | None, said: str) -> None:
    (tmp_path / "STOP").write_bytes(request(reason=reason, now=True))
    found = stop_file(tmp_path)
    assert found.now is None
    assert found.find() == Stop("stop-file", said, RunState.INTERRUPTED)
    assert found.now == said


def test_one_that_says_now_is_seen_after_a_soft_one(tmp_path: Path) -> None:
    found = stop_file(tmp_path)
    (tmp_path / "STOP").touch()
    found.find()
    assert found.now is None
    (tmp_path / "STOP").write_bytes(request(reason="fire", now=True))
    assert found.find() == STOP
    assert found.now == "stop requested, at once: fire"


@pytest.mark.parametrize("text", [request(session=1, now=True), request(now="yes"), request(now=1), b"now"])
def test_what_does_not_say_now_to_this_session_interrupts_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "STOP").write_bytes(text)
    found = stop_file(tmp_path)
    found.find()
    assert found.now is None


def test_a_request_of_an_earlier_version_is_a_soft_one(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(orjson.dumps({**orjson.loads(request(reason="night")), "now": None}))
    read = read_request(tmp_path / "STOP")
    assert read is not None
    assert (read["now"], read["reason"]) == (False, "night")


def test_a_reason_brings_no_control_characters_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(request(reason="red\x1b[31m\nline"))
    found = stop_file(tmp_path).find()
    assert found is not None
    assert found.reason == "stop requested: red\\x1b[31m\\nline"


class Watch:
    """What the watching thread does, in this one: a conductor of a story that asks the stop file."""

    def __init__(self, directory: Path) -> None:
        self.stop_file = stop_file(directory)
        self.story = Story().begin("a")
        self.journal = MemoryJournal()
        self.interrupts: list[str] = []
        self.conductor = Conductor(
            campaign=self.story.campaign,
            journal=self.journal,
            settings=Settings(results_dir=str(directory)),
            clock=self.story.clock,
            listeners=(),
            find_stop=self.stop_file.find,
            guard=nullcontext(),
        )

    def look(self) -> None:
        look_for_stop(self.conductor, self.stop_file, self.interrupts.append)


def test_a_look_without_a_file_changes_nothing(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.look()
    assert (watch.journal.events, watch.interrupts) == ([], [])


def test_a_soft_stop_is_recorded_while_units_run_and_interrupts_none(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    (tmp_path / "STOP").touch()
    watch.look()
    watch.look()
    assert [event.name for event in watch.journal.events] == ["stop_asked"]
    assert (watch.story.campaign.state, watch.interrupts) == (RunState.STOPPING, [])


@pytest.mark.parametrize("is_soft_first", [True, False])
def test_a_stop_now_interrupts_at_every_look_until_it_is_heard(tmp_path: Path, *, is_soft_first: bool) -> None:
    watch = Watch(tmp_path)
    if is_soft_first:
        (tmp_path / "STOP").touch()
        watch.look()
    (tmp_path / "STOP").write_bytes(request(now=True))
    watch.look()
    watch.look()
    assert watch.interrupts == ["stop requested, at once"] * 2
    assert len(watch.journal.events) == 1


def test_a_stop_that_cannot_be_recorded_is_tried_again_and_interrupts_all_the_same(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    (tmp_path / "STOP").write_bytes(request(now=True))
    watch.journal.is_full = True
    watch.look()
    assert (watch.story.campaign.stop, watch.interrupts) == (None, ["stop requested, at once"])
    watch.journal.is_full = False
    watch.look()
    assert watch.story.campaign.stop is not None


@pytest.mark.parametrize("text", [request(session=1), request(session=3), request(run_id="another-run")])
def test_a_file_for_another_session_is_put_aside(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "STOP").write_bytes(text)
    found = stop_file(tmp_path)
    assert [found.find(), found.find()] == [None, None]
    assert (tmp_path / IGNORED).read_bytes() == text
    assert names_in(tmp_path) == [IGNORED]


def test_a_file_for_another_session_does_not_hide_one_for_this(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(request(session=1))
    (tmp_path / "STOP_REQUESTED").touch()
    assert stop_file(tmp_path).find() == STOP


@pytest.mark.parametrize(
    "text",
    [
        b"please",
        b"[]",
        b"null",
        b"{}",
        b'{"who":1}',
        b"\xff\xfe",
        request()[:-1],
        request().replace(b":2", b':"two"'),
        request().replace(b":2", b":null"),
        b"x" * 1_000_000,
    ],
)
def test_a_file_that_says_something_else_is_as_good_as_a_touched_one(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "STOP").write_bytes(text)
    assert stop_file(tmp_path).find() == STOP


def test_a_directory_named_stop_stops_and_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "STOP").mkdir()
    (tmp_path / "STOP" / "note").touch()
    assert stop_file(tmp_path).find() == STOP
    assert names_in(tmp_path / OBEYED) == ["note"]


def test_a_pipe_named_stop_stops_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "STOP")
    assert stop_file(tmp_path).find() == STOP


def test_a_link_named_stop_stops_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "STOP").symlink_to(tmp_path / "target")
    assert stop_file(tmp_path).find() == STOP
    assert (tmp_path / OBEYED).is_symlink()
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_a_link_to_nowhere_named_stop_stops(tmp_path: Path) -> None:
    (tmp_path / "STOP").symlink_to(tmp_path / "nowhere")
    assert stop_file(tmp_path).find() == STOP


def test_a_file_that_cannot_be_renamed_is_obeyed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "STOP").touch()
    found = StopFile(RunDir(tmp_path, FaultyDisk(1)), FakeClock().now_at)
    assert found.find() == STOP
    assert names_in(tmp_path) == ["STOP"]


def test_both_names_from_before_the_session_are_put_aside(tmp_path: Path) -> None:
    clock = FakeClock()
    found = StopFile(RunDir(tmp_path), clock.now_at)
    (tmp_path / "STOP").touch()
    first = found.put_aside_stale()
    clock.advance(1)
    (tmp_path / "STOP_REQUESTED").symlink_to(tmp_path / "nowhere")
    second = found.put_aside_stale()
    assert first == [IGNORED]
    assert second == ["STOP.ignored-2026-11-21T100001.000Z"]
    assert names_in(tmp_path) == [*first, *second]
    assert found.find() is None


def test_nothing_from_before_the_session_is_nothing_to_say(tmp_path: Path) -> None:
    assert stop_file(tmp_path).put_aside_stale() == []


def test_two_files_from_before_the_session_are_both_kept(tmp_path: Path) -> None:
    (tmp_path / "STOP").write_bytes(b"one")
    (tmp_path / "STOP_REQUESTED").write_bytes(b"other")
    stop_file(tmp_path).put_aside_stale()
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"one", b"other"]


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_request(tmp_path / "STOP") is None
