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
