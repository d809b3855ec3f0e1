"""STOP: obeyed when meant for this session, put aside when not, whatever it is on disk."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.stopfile import StopFile, read_request
from tests.fakes import FakeClock
from tests.store.faulty import FaultyDisk

RUN_ID = "demo-20261121-100000-0123abcd"
STOP = Stop("stop-file", "stop requested", RunState.STOPPED)
OBEYED, IGNORED = "STOP.obeyed-2026-11-21T100000.000Z", "STOP.ignored-2026-11-21T100000.000Z"


def request(session: int = 2, run_id: str = RUN_ID, reason: str | None = None) -> bytes:
    """What `benchrun stop` writes."""
    return orjson.dumps({"who": "me", "at": "now", "run_id": run_id, "session": session, "reason": reason})


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
