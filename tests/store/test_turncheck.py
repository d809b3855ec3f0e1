"""Verifying turns: what is wrong with a line is named with file and number, and a salvage makes it whole."""

from __future__ import annotations

import gzip

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turncheck import TurnJudge, check_turns, salvage_turns
from tests.fakes import moment
from tests.store.turnlines import event_line, turn_line
from tests.stories import Story

AT = moment(60)


def campaign() -> Campaign:
    """Unit `a` with two attempts, and `b` that never ran."""
    told = Story().begin("a", "b")
    told.run("a")
    told.begin(run=["a"])
    told.run("a")
    return told.campaign


def turn(**fields: object) -> bytes:
    return turn_line(**{"run_id": campaign().run_id, **fields})  # type: ignore[arg-type]  # names of fields


def event(**fields: object) -> bytes:
    return event_line(**{"run_id": campaign().run_id, **fields})  # type: ignore[arg-type]  # as above


def found(rundir: RunDir) -> list[tuple[str, int | None, str, str]]:
    return [(one.path.name, one.line, one.problem, one.hint) for one in check_turns(rundir, campaign())]


def test_what_units_have_written_has_no_finding(rundir: RunDir) -> None:
    lines = [turn(turn_index=index, attempt=attempt) for attempt in (1, 2) for index in (5, 0, 70_000)]
    rundir.turns.write_bytes(b"".join([*lines, event(), event(), event(turn_index=3)]))
    rundir.turn_part("gw0").write_bytes(turn(turn_index=1))
    assert found(rundir) == []
    assert salvage_turns(rundir, campaign(), AT) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{\n", "it is no JSON"),
        (turn(status="fine"), "its 'status' is 'fine'"),
        (turn(run_id="other"), "it is of run 'other'"),
        (turn(unit_id="c"), "the run has no unit 'c'"),
        (event(unit_id="c"), "the run has no unit 'c'"),
        (turn(unit_id="b"), "it is of attempt 1 of unit 'b', which has 0"),
        (turn(attempt=3), "it is of attempt 3 of unit 'a', which has 2"),
        (turn(turn_index=0), "turn 0 of attempt 1 of unit 'a' was there before"),
    ],
)
@pytest.mark.parametrize("name", ["turn_metrics.jsonl", "turn_metrics.1.jsonl.gz", "turn_metrics.gw0.jsonl"])
def test_a_wrong_line_is_named_and_a_salvage_leaves_it_out(rundir: RunDir, name: str, line: bytes, said: str) -> None:
    path = rundir.path / name
    good = [turn(turn_index=0), turn(turn_index=1)]
    data = b"".join([good[0], line, good[1]])
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    before = path.read_bytes()
    [(where, number, problem, hint)] = found(rundir)
    assert (where, number, problem) == (name, 2, said)
    assert hint.startswith(f"benchrun rebuild {rundir.path} --salvage")
    [told] = salvage_turns(rundir, campaign(), AT)
    assert told.startswith(f"1 lines of {name} are left out")
    kept = path.with_name(f"{name}.broken-{AT.replace(':', '')}")
    assert kept.read_bytes() == before
    after = path.read_bytes()
    assert (gzip.decompress(after) if name.endswith(".gz") else after) == b"".join(good)
    assert found(rundir) == []


def test_a_torn_end_is_named(rundir: RunDir) -> None:
    rundir.turns.write_bytes(turn() + b'{"timest')
    [(name, line, problem, hint)] = found(rundir)
    assert (name, line, problem) == ("turn_metrics.jsonl", None, "the file ends in the middle of a line")
    assert hint.startswith(f"benchrun rebuild {rundir.path} ")


def test_a_compressed_file_that_is_not_whole_keeps_what_can_be_read(rundir: RunDir) -> None:
    lines = [turn(turn_index=index, topic=str(index * 7919)) for index in range(5000)]
    path = rundir.path / "turn_metrics.1.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(lines))[:-2000])
    [(name, _, problem, _)] = found(rundir)
    assert (name, problem.partition(":")[0]) == (path.name, "cannot be read to its end")
    [told] = salvage_turns(rundir, campaign(), AT)
    assert told.startswith("0 lines and what could not be read of turn_metrics.1.jsonl.gz are left out")
    kept = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    assert kept == lines[: len(kept)]
    assert len(kept) > 3000
    assert found(rundir) == []


def test_a_note_of_a_join_that_makes_no_sense_is_named(rundir: RunDir) -> None:
    rundir.turns.write_bytes(turn())
    rundir.turns_joining.write_bytes(b"[]")
    [(name, _, problem, hint)] = found(rundir)
    assert name == ".benchrun.joining"
    assert "how far the workers' turns were joined" in problem
    assert hint.startswith("mv ")


def test_what_stands_in_the_place_of_a_file_is_named(rundir: RunDir) -> None:
    rundir.turns.mkdir()
    [(name, _, problem, _)] = found(rundir)
    assert (name, problem) == ("turn_metrics.jsonl", "is a directory")


def test_a_flood_of_wrong_lines_is_counted(rundir: RunDir) -> None:
    rundir.turns.write_bytes(b"#\n" * 1000)
    told = found(rundir)
    assert len(told) == 21
    assert told[-1][2] == "980 more lines of turns are wrong"


def test_a_million_turns_of_a_unit_are_told_apart_in_little_memory() -> None:
    judge = TurnJudge(campaign())
    for index in range(0, 2**40, 2**40 // 50):
        assert judge.fault(turn(turn_index=index)) is None
        assert judge.fault(turn(turn_index=index)) is not None


def test_what_a_salvaged_journal_has_forgotten_is_kept(rundir: RunDir) -> None:
    lines = [turn(run_id="before"), turn(unit_id="c"), turn(attempt=9)]
    rundir.turns.write_bytes(b"".join([*lines, lines[0]]))
    assert [number for _, number, _, _ in found(rundir)] == [1, 2, 3, 4]
    (rundir.path / "journal.jsonl.broken-2026-11-21T100000.000Z").write_bytes(b"#")
    assert [number for _, number, _, _ in found(rundir)] == [4]
    salvage_turns(rundir, campaign(), AT)
    assert rundir.turns.read_bytes() == b"".join(lines)
