"""`benchrun stats` and `benchrun export`: of a run that goes on, was killed, or is whole; and what they refuse."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite, assert_refused

UNITS = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(benchrun, until, n):
        benchrun.metric("energy", n / 2, unit="eV", better="lower")
        assert n != 1
        if n == 4:
            until("go")
"""


def test_a_run_that_goes_on_has_figures_and_tables(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start()
    wait_until(lambda: len(suite.marks()) == 5 or child.has_ended, "the fifth unit")
    before = {path.name for path in suite.results.iterdir()}
    stats = suite.benchrun("stats")
    assert (stats.code, "3 completed, 1 failed" in stats.output) == (0, True), stats.output
    view = json.loads(suite.benchrun("stats", "--json").output)
    assert view["metrics"]["energy"]["n"] == 3
    rows = list(csv.DictReader(io.StringIO(suite.benchrun("export").output)))
    assert [row["status"] for row in rows] == ["completed", "failed", "completed", "completed", "running", "pending"]
    assert [row["metric.energy"] for row in rows[:4]] == ["0.0", "0.5", "1.0", "1.5"]
    assert {path.name for path in suite.results.iterdir()} == before
    suite.touch("go")
    assert child.wait().code == 1
    assert json.loads(suite.benchrun("stats", "--json").output) == json.loads(
        (suite.results / "runstats.json").read_bytes()
    )


def test_a_table_goes_into_a_file_whole(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    suite.run("-n2")
    target = suite.folder / "attempts.jsonl"
    ended = suite.benchrun("export", "--what=attempts", "--format=jsonl", "-o", str(target))
    assert (ended.code, ended.output) == (0, "")
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert sorted(row["unit_id"] for row in rows) == [f"test_it.py::test_it[{n}]" for n in range(6)]
    assert {row["worker"] for row in rows} <= {"gw0", "gw1"}


@pytest.mark.parametrize("command", ["stats", "export"])
def test_without_a_run_or_with_a_damaged_one_it_says_what_to_type(suite: Suite, command: str) -> None:
    suite.results.mkdir()
    assert_refused(suite.benchrun(command), "there is no run in", "-> name the directory")
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    suite.run()
    journal = suite.results / "journal.jsonl"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    assert_refused(suite.benchrun(command), "the journal is damaged", "rebuild")


def test_a_file_that_cannot_be_written_costs_nothing(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    suite.run()
    assert_refused(suite.benchrun("export", "-o", "missing/units.csv"), "missing/units.csv", "-> name a file")
    assert_refused(suite.benchrun("export", "-o", str(suite.results / "journal.jsonl")), "is a file of the run itself")


TURNS = """
    import pathlib, time
    import pytest

    HERE = pathlib.Path(__file__).parent

    @pytest.mark.parametrize("n", range(6))
    def test_it(benchrun, n):
        for number in range(20):
            with benchrun.turn(session_id="=1+1", number=number) as turn:
                with turn.time("storage_ms", adapter="L2"):
                    pass
        benchrun.event("done")
        if n == 4 and not (HERE / "go").exists():
            (HERE / "reached").touch()
            time.sleep(3600)
"""


def turns_of(suite: Suite) -> list[tuple[str, int, int]]:
    """Unit, attempt and index of each row, as CSV and as JSON lines alike."""
    table = list(csv.DictReader(io.StringIO(suite.benchrun("export", "--what=turns").output)))
    lines = suite.benchrun("export", "--what=turns", "--format=jsonl").output.splitlines()
    told = [(row["unit_id"], int(row["attempt"]), int(row["turn_index"])) for row in table]
    assert told == [(row["unit_id"], row["attempt"], row["turn_index"]) for row in map(json.loads, lines)]
    assert {(row["session_id"], row["number"]) for row in table} == {("'=1+1", str(number)) for number in range(20)}
    assert all(json.loads(row["storage_ms_by"]).keys() == {"L2"} for row in table)
    return sorted(told)


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_turns_are_a_table_of_a_killed_run_and_of_the_resumed_one(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", TURNS)
    child = suite.start(*engine, "--bench-turn-rotate=2K")
    wait_until((suite.folder / "reached").exists, "the unit in flight")
    wait_until(lambda: len(suite.events("unit_ended")) >= (5 if engine else 4), "the units beside it")
    child.kill()
    wait_until(lambda: not child.descendants(), "the end of the workers")
    ended = [event["unit_id"] for event in suite.events("unit_ended")]
    told = turns_of(suite)
    assert {turn for turn in told if turn[0] in ended} == {(unit, 1, number) for unit in ended for number in range(20)}
    assert len(set(told)) == len(told)
    suite.touch("go")
    assert suite.run("--bench-resume", "--bench-turn-rotate=2K", *engine).code == 0
    assert list(suite.results.glob("turn_metrics.*.jsonl.gz"))
    last = {event["unit_id"]: event["attempt"] for event in suite.events("unit_ended")}
    expected = sorted((unit, attempt, number) for unit, attempt in last.items() for number in range(20))
    assert [turn for turn in turns_of(suite) if turn[1] == last[turn[0]]] == expected


def test_a_turn_that_cannot_be_read_is_left_out_and_named(suite: Suite) -> None:
    suite.write("test_it.py", TURNS)
    suite.touch("go")
    assert suite.run().code == 0
    path = suite.results / "turn_metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"#\n", *lines[2:]]))
    ended = suite.benchrun("export", "--what=turns", "-o", str(suite.folder / "turns.csv"))
    assert ended.code == 1
    assert "turn_metrics.jsonl, line 2: it is no JSON" in ended.output
    assert "1 lines left out\n  -> benchrun verify" in ended.output
    assert len((suite.folder / "turns.csv").read_text("utf-8").splitlines()) == 120
    assert_refused(suite.benchrun("export", "--what=turns", "-o", str(path)), "is a file of the run itself")
    told = suite.benchrun("verify")
    assert (told.code, "turn_metrics.jsonl, line 2: it is no JSON -> benchrun rebuild" in told.output) == (1, True)
    assert "1 lines of turn_metrics.jsonl are left out" in suite.benchrun("rebuild", "--salvage").output
    assert suite.benchrun("verify").code == 0
    assert suite.benchrun("export", "--what=turns").code == 0
