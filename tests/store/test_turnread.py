"""Every line once, in whatever state a run or a kill has left the files, and while they change."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.turns import TURN_FIELDS, fault_of_line
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnfile import put_away
from pytest_benchrun.store.turnjoin import tidy_turns
from pytest_benchrun.store.turnread import TurnReader
from pytest_benchrun.store.turnrows import TurnRows
from tests.fakes import moment
from tests.store.turnlines import event_line, turn_line

BIG = 1 << 40


def lines_in(reader: TurnReader) -> list[bytes]:
    return [line.data for line in reader]


def test_full_files_workers_files_and_the_current_one(rundir: RunDir) -> None:
    (rundir.path / "turn_metrics.1.jsonl.gz").write_bytes(gzip.compress(b"a\nb\n"))
    (rundir.path / "turn_metrics.2.jsonl").write_bytes(b"c\n")
    rundir.turns.write_bytes(b"d\n")
    rundir.turn_part("gw0").write_bytes(b"e\ntorn")
    with TurnReader(rundir) as reader:
        assert [(line.path.name, line.number, line.data) for line in reader] == [
            ("turn_metrics.1.jsonl.gz", 1, b"a\n"),
            ("turn_metrics.1.jsonl.gz", 2, b"b\n"),
            ("turn_metrics.2.jsonl", 1, b"c\n"),
            ("turn_metrics.jsonl", 1, b"d\n"),
            ("turn_metrics.gw0.jsonl", 1, b"e\n"),
        ]


def test_no_files_are_no_lines(rundir: RunDir) -> None:
    with TurnReader(rundir) as reader:
        assert lines_in(reader) == []


def test_what_happens_to_the_files_meanwhile_changes_nothing(rundir: RunDir) -> None:
    (rundir.path / "turn_metrics.1.jsonl").write_bytes(b"a\n")
    rundir.turns.write_bytes(b"b\n")
    rundir.turn_part("gw0").write_bytes(b"c\n")
    with TurnReader(rundir) as reader:
        assert lines_in(reader) == [b"a\n", b"b\n", b"c\n"]
        with rundir.turns.open("ab") as file:
            file.write(b"later\n")
        put_away(rundir)
        tidy_turns(rundir, 1, moment(0))  # joins, puts away, compresses
        assert sorted(path.suffix for path in rundir.path.iterdir()) == [".gz"] * 3
        assert lines_in(reader) == [b"a\n", b"b\n", b"c\n"]


def test_a_join_that_was_killed_doubles_nothing(rundir: RunDir) -> None:
    rundir.turns.write_bytes(b"a\nb\n")
    (rundir.path / "turn_metrics.joining-7-gw0.jsonl").write_bytes(b"b\nc\n")
    rundir.turns_joining.write_bytes(orjson.dumps({"part": "turn_metrics.joining-7-gw0.jsonl", "size": 2}))
    with TurnReader(rundir) as reader:
        assert lines_in(reader) == [b"a\n", b"b\n", b"c\n"]


def test_rows_are_turns_and_what_is_none_is_named(rundir: RunDir) -> None:
    good = [turn_line(turn_index=0), turn_line(turn_index=1, topic="x")]
    bad = [b"{\n", b"[]\n", turn_line(attempt=0)]
    rundir.turns.write_bytes(b"".join([good[0], bad[0], event_line(), bad[1], good[1], bad[2]]))
    with TurnRows(rundir) as rows:
        for _ in range(2):
            assert list(rows) == [orjson.loads(line) for line in good]
            assert rows.left_out == 3
            assert [(path.name, number) for path, number, _ in rows.named] == [
                ("turn_metrics.jsonl", 2),
                ("turn_metrics.jsonl", 4),
                ("turn_metrics.jsonl", 6),
            ]


@pytest.mark.parametrize("data", [b"no gzip at all", gzip.compress(b"a\n" * 100_000)[:-20]])
def test_a_file_that_cannot_be_read_is_an_error_that_says_what_to_type(rundir: RunDir, data: bytes) -> None:
    (rundir.path / "turn_metrics.1.jsonl.gz").write_bytes(data)
    with pytest.raises(DirectoryProblem) as caught, TurnRows(rundir) as rows:
        list(rows)
    assert "benchrun verify" in caught.value.hint


def test_a_note_of_a_join_that_makes_no_sense_is_an_error_that_says_what_to_type(rundir: RunDir) -> None:
    rundir.turns.write_bytes(turn_line())
    rundir.turns_joining.write_bytes(b"[]")
    with pytest.raises(DirectoryProblem, match="cannot read the turns"), TurnRows(rundir):
        pass


def test_memory_does_not_grow_with_the_turns(rundir: RunDir) -> None:
    def peak_bytes(turns: int) -> int:
        with rundir.turns.open("wb") as file:
            file.writelines(turn_line(turn_index=index) for index in range(turns))
        tracemalloc.start()
        with TurnRows(rundir) as rows:
            assert sum(1 for _ in rows) == turns
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few = peak_bytes(500)
    assert peak_bytes(20_000) < few + 100_000


TURN: dict[str, Any] = orjson.loads(turn_line())
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()) | st.just({"a": "b"})


@given(st.sampled_from(TURN_FIELDS), ODD)
def test_a_field_of_another_type_is_named(name: str, value: object) -> None:
    fault = fault_of_line({**TURN, name: value})
    is_same_kind = type(value) is type(TURN[name])
    assert fault is None or name in fault or "below the first" in fault or name == "storage_ms_by"
    assert fault is not None or is_same_kind or value is None or isinstance(value, int | float | str)


@pytest.mark.parametrize("name", TURN_FIELDS)
def test_a_missing_field_is_named(name: str) -> None:
    assert fault_of_line({key: value for key, value in TURN.items() if key != name}) == f"it has no {name!r}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"turn_index": True}, "its 'turn_index' is 'True'"),
        ({"turn_index": -1}, "below the first one"),
        ({"status": "fine"}, "its 'status' is 'fine'"),
        ({"storage_ms_by": {"L1": "x"}}, "its 'storage_ms_by' holds what is no number"),
        ({"total_ms": None}, "its 'total_ms' is 'None'"),
    ],
)
def test_what_a_turn_cannot_say(changes: dict[str, object], said: str) -> None:
    assert said in str(fault_of_line({**TURN, **changes}))


def test_an_event_is_no_turn_and_may_stand_outside_of_one() -> None:
    record = orjson.loads(event_line())
    assert fault_of_line(record) is None
    assert fault_of_line({**record, "turn_index": 3}) is None
    assert fault_of_line({**record, "event": None}) == "its 'event' is 'None'"
    assert fault_of_line([]) == "it is no object"


def test_a_folder_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    with TurnReader(RunDir(tmp_path / "none")) as reader:
        assert lines_in(reader) == []
