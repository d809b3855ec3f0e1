"""Verifying: every byte of a journal counts, what a salvage has noted does not, and a live run is left alone."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.events import Event, UnitEnded, UnitStarted
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.runstats import runstats_view
from pytest_benchrun.store.findings import Finding
from pytest_benchrun.store.journal import encode_line
from pytest_benchrun.store.publisher import views_at_rest
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.salvage import salvage
from pytest_benchrun.store.verify import VerifiedRun, verify
from tests.fakes import moment
from tests.stories import OWNER, Story

AT = moment(60)


def is_gone(_: Owner) -> bool:
    return False


def is_here(_: Owner) -> bool:
    return True


def nobody_knows(_: Owner) -> None:
    return None


def story() -> Story:
    """Two units, both completed, in one session that is over."""
    told = Story().begin("a", "b")
    told.run("a")
    told.run("b")
    told.finish()
    return told


def lines_of(events: list[Event]) -> list[bytes]:
    return [encode_line(seq, event) for seq, event in enumerate(events, 1)]


def fill(rundir: RunDir, told: Story) -> None:
    """The files of a run after its last event."""
    rundir.journal.write_bytes(b"".join(lines_of(told.events)))
    for path, data in views_at_rest(rundir, told.campaign, runstats_view(told.campaign)).items():
        path.write_bytes(data)


def findings(rundir: RunDir) -> list[Finding]:
    return [finding for run in verify(rundir, is_gone, AT) for finding in run.findings]


def only(runs: list[VerifiedRun]) -> VerifiedRun:
    (run,) = runs
    return run


def test_a_whole_run_has_no_finding(rundir: RunDir) -> None:
    fill(rundir, story())
    assert findings(rundir) == []


def test_every_flipped_bit_of_a_journal_is_noticed(rundir: RunDir) -> None:
    fill(rundir, story())
    whole = rundir.journal.read_bytes()
    for place in range(len(whole)):
        for flip in (1 << place % 8, 0xFF):
            spoilt = bytearray(whole)
            spoilt[place] ^= flip
            rundir.journal.write_bytes(spoilt)
            assert findings(rundir), f"byte {place} xor {flip}"


def test_a_journal_cut_anywhere_is_noticed(rundir: RunDir) -> None:
    fill(rundir, story())
    whole = rundir.journal.read_bytes()
    for size in range(len(whole)):
        rundir.journal.write_bytes(whole[:size])
        assert findings(rundir), f"cut to {size} bytes"


def test_every_bad_line_is_named_and_a_flood_of_them_is_counted(rundir: RunDir) -> None:
    fill(rundir, story())
    lines = lines_of(story().events)
    rundir.journal.write_bytes(b"".join([lines[0], b"#\n", *lines[2:4], b"#\n", *lines[5:]]))
    assert [finding.line for finding in findings(rundir)] == [2, 5]
    rundir.journal.write_bytes(b"#\n" * 1000)
    assert len(findings(rundir)) == 21
    assert "980 more lines" in str(findings(rundir)[-1])


@pytest.mark.parametrize("kind", [UnitStarted, UnitEnded])
def test_a_story_that_cannot_be_is_found_and_noted_by_a_salvage(rundir: RunDir, kind: type[Event]) -> None:
    told = story()
    place = next(place for place, event in enumerate(told.events) if isinstance(event, kind))
    told.events[place] = replace(told.events[place], attempt=7)  # type: ignore[call-arg]  # both kinds have one
    fill(rundir, told)
    (found, *_) = findings(rundir)
    assert found.line == place + 1
    assert "attempt 7 of unit 'a'" in found.problem
    assert found.hint == f"benchrun rebuild {rundir.path} --salvage"
    assert salvage(rundir, AT) != []
    run = only(verify(rundir, is_gone, AT))
    assert not [finding for finding in run.findings if finding.path == rundir.journal]
    assert "were noted when it was salvaged" in run.notes[0]
    assert salvage(rundir, AT) == []


def test_an_event_that_does_not_fold_is_found(rundir: RunDir) -> None:
    told = story()
    fill(rundir, told)
    at = next(place for place, event in enumerate(told.events) if isinstance(event, UnitStarted))
    events = [*told.events[:at], replace(told.events[at], unit_id="z"), *told.events[at + 1 :]]  # type: ignore[call-arg]  # it has one
    rundir.journal.write_bytes(b"".join(lines_of(events)))
    (found, *_) = findings(rundir)
    assert found.line == at + 1


def sealed(record: dict[str, object]) -> bytes:
    """A line that checks, whatever it says."""
    head = orjson.dumps(record)[:-1]
    return b'%s,"crc":"%08x"}\n' % (head, zlib.crc32(head))


def test_values_that_we_never_write_are_no_traceback(rundir: RunDir) -> None:
    fill(rundir, story())
    lines = lines_of(story().events)
    hostile: list[object] = [None, -1, "x", "\x00", [], {}, [[1]], [{}], [[0, "x"]], 1e308, {"pid": [], "host": {}}]
    for place, line in enumerate(lines):
        record = orjson.loads(line)
        del record["crc"]
        for key in record:
            for value in hostile:
                rundir.journal.write_bytes(
                    b"".join([*lines[:place], sealed({**record, key: value}), *lines[place + 1 :]])
                )
                for is_alive in (is_gone, is_here, nobody_knows):
                    verify(rundir, is_alive, AT)


def test_a_unit_in_flight_at_the_end_is_found(rundir: RunDir) -> None:
    told = Story().begin("a")
    told.start("a")
    told.finish()
    fill(rundir, told)
    (found,) = findings(rundir)
    assert "unit 'a' was in flight" in found.problem
    assert found.hint.startswith(f"benchrun resume {rundir.path} ")


def unfinished(rundir: RunDir, torn: bytes = b"") -> None:
    """A run in its middle, with its owner in the lock file."""
    told = Story().begin("a", "b")
    told.start("a")
    fill(rundir, told)
    rundir.journal.write_bytes(rundir.journal.read_bytes() + torn)
    rundir.status.write_bytes(b"anything")
    (rundir.path / ".benchrun-tmp-1-1").write_bytes(b"half")
    rundir.lock.write_bytes(orjson.dumps(OWNER))


def test_of_a_live_run_only_the_journal_is_looked_at(rundir: RunDir) -> None:
    unfinished(rundir, torn=b'{"schema_version":1,"se')
    run = only(verify(rundir, is_here, AT))
    assert run.findings == []
    assert "live, owned by pid 4711 on host node-1" in run.title
    rundir.journal.write_bytes(b"#\n" + rundir.journal.read_bytes())
    assert only(verify(rundir, is_here, AT)).findings[0].line == 1


@pytest.mark.parametrize("lock", [None, b"#"])
def test_a_lost_lock_record_makes_no_live_run_a_dead_one(rundir: RunDir, lock: bytes | None) -> None:
    unfinished(rundir)
    rundir.lock.unlink()
    if lock is not None:
        rundir.lock.write_bytes(lock)
    assert only(verify(rundir, is_here, AT)).findings == []


def test_a_lock_that_was_given_back_has_no_owner_whoever_has_the_pid_now(rundir: RunDir) -> None:
    unfinished(rundir)
    rundir.lock.write_bytes(b"")
    assert "has no end" in only(verify(rundir, is_here, AT)).findings[0].problem


def test_a_dead_run_is_found_with_its_pid_and_what_it_left(rundir: RunDir) -> None:
    unfinished(rundir)
    session, status, temporary = findings(rundir)
    assert "pid 4711 on host node-1, was killed" in session.problem
    assert "2 units have no result" in session.problem
    assert session.hint.startswith(f"benchrun resume {rundir.path} ")
    assert status.path == rundir.status
    assert temporary.hint == f"rm -r {rundir.path}/.benchrun-tmp-1-1"


def test_an_owner_on_another_host_is_believed_while_it_is_heard_of(rundir: RunDir) -> None:
    unfinished(rundir)
    assert only(verify(rundir, nobody_knows, moment(20))).findings == []
    (found,) = only(verify(rundir, nobody_knows, moment(31))).findings
    assert "31 s ago" in found.problem
    assert f"rm {rundir.lock}" in found.hint
    rundir.status.write_bytes(orjson.dumps({"heartbeat_at": moment(25)}))
    assert only(verify(rundir, nobody_knows, moment(31))).findings == []


def test_a_run_that_was_moved_is_whole_and_still_checked(rundir: RunDir, tmp_path: Path) -> None:
    place = RunDir(tmp_path / "here")
    place.path.mkdir()
    fill(place, story())
    moved = RunDir(place.path.rename(tmp_path / "there"))
    assert findings(moved) == []
    moved.status.write_bytes(moved.status.read_bytes().replace(b'"completed": 2', b'"completed": 3'))
    (found,) = findings(moved)
    assert (found.path, found.hint.split("   ")[0]) == (moved.status, f"benchrun rebuild {moved.path}")


def test_runs_in_the_history_are_checked_by_the_same_rules(rundir: RunDir) -> None:
    fill(rundir, story())
    past = RunDir(rundir.history / "demo-1")
    past.path.mkdir(parents=True)
    fill(past, story())
    fill(rundir, story())
    for path in (past.status, past.runstats):  # as they were written, before the run was put aside
        path.write_bytes((rundir.path / path.name).read_bytes())
    assert findings(rundir) == []
    past.journal.write_bytes(b"#" + past.journal.read_bytes())
    (found,) = findings(rundir)
    assert (found.path, found.line) == (past.journal, 1)
    assert found.hint == f"benchrun rebuild {past.path} --salvage"


def test_a_killed_run_that_was_put_into_the_history_is_a_note(rundir: RunDir) -> None:
    fill(rundir, story())
    past = RunDir(rundir.history / "demo-1")
    past.path.mkdir(parents=True)
    past.journal.write_bytes(b"".join(lines_of(story().events[:-1])))
    _, run = verify(rundir, is_gone, AT)
    assert run.findings == []
    assert "was put into the history so" in run.notes[0]


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.1.jsonl", "status.json", ".benchrun.lock"])
def test_a_pipe_is_named_and_never_waited_for(rundir: RunDir, name: str) -> None:
    fill(rundir, story())
    (rundir.path / name).unlink(missing_ok=True)
    os.mkfifo(rundir.path / name)
    assert any(finding.path.name == name for finding in findings(rundir))


def test_a_directory_without_anything_of_ours_has_no_run(rundir: RunDir) -> None:
    (rundir.path / "notes.txt").write_text("mine")
    (rundir.history / "older").mkdir(parents=True)
    assert verify(rundir, is_gone, AT) == []
