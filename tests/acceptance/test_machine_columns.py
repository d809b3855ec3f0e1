"""What the machine did while a unit ran, in the tables of a run: of units that ended, and of one that was killed."""

from __future__ import annotations

import io
import json
from typing import Any

import psutil
import pyarrow.parquet
import pytest

from pytest_benchrun.core.series import COLUMNS
from pytest_benchrun.results import load_run
from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite

PACE = "--bench-sample-interval=0.1s"
UNITS = """
    import pytest, time

    @pytest.mark.parametrize("n", range(3))
    def test_it(until, n):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        if n == 2:
            until("go")
"""


def _rows(suite: Suite, what: str) -> list[dict[str, Any]]:
    ended = suite.benchrun("export", f"--what={what}", "--format=jsonl")
    assert ended.code == 0, ended.output
    return [json.loads(line) for line in ended.output.splitlines()]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_each_unit_has_the_figures_of_its_own_time(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start(PACE, *workers)
    wait_until(lambda: len(suite.marks()) == 3 and len(suite.events("unit_ended")) == 2, "two units")
    child.kill()
    for what in ("units", "attempts"):
        rows = {row["unit_id"][-2]: row for row in _rows(suite, what)}
        for n in "01":
            row = rows[n]
            assert row["machine.samples"] >= 2
            assert 0 < row["machine.cpu_percent_mean"] <= row["machine.cpu_percent_max"] <= 100
            assert row["machine.busiest_cpu_percent_max"] >= row["machine.cpu_percent_max"]
            assert 0 < row["machine.memory_used_bytes_max"] < psutil.virtual_memory().total
        assert [rows["2"][name] for name in COLUMNS] == [0, *[None] * (len(COLUMNS) - 1)]
    suite.touch("go")
    suite.run("--bench-resume", PACE, *workers)
    (row,) = [row for row in _rows(suite, "units") if row["unit_id"].endswith("[2]")]
    assert row["machine.samples"] >= 2
    assert [row["machine.samples"] for row in load_run(suite.results).to_rows()] == [
        row["machine.samples"] for row in _rows(suite, "units")
    ]
    assert not any("machine.samples" in row for row in _rows(suite, "metrics"))


def test_without_a_series_the_columns_are_there_and_empty(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass\n")
    suite.run("--bench-sample-interval=0")
    target = suite.folder / "units.parquet"
    assert suite.benchrun("export", "--format=parquet", "-o", str(target)).code == 0
    table = pyarrow.parquet.read_table(io.BytesIO(target.read_bytes()))
    assert table["machine.samples"].to_pylist() == [0]
    assert [str(table.schema.field(name).type) for name in COLUMNS[1:]] == ["double"] * (len(COLUMNS) - 1)
