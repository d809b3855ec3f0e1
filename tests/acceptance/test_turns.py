"""Turns of completed units stand in the file once, whatever was killed and how often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from pytest_benchrun.store.turnends import HEAD
from tests.acceptance.processes import wait_until
from tests.acceptance.proof import assert_journal_is_whole
from tests.acceptance.suite import Suite

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
UNITS = """
    import os, pathlib, signal, time
    import pytest

    HERE = pathlib.Path(__file__).parent

    @pytest.mark.parametrize("x", range(8))
    def test_it(benchrun, x):
        for number in range(5):
            with benchrun.turn(number=number):
                pass
        if x == 5 and not (HERE / "released").exists():
            with benchrun.turn(number=5):
                (HERE / "reached").touch()
                DIES
"""


def lines_of(suite: Suite) -> list[dict[str, Any]]:
    """All of them from the one file that must be there."""
    names = [path.name for path in suite.results.glob("turn_metrics*") if ".torn-" not in path.name]
    assert names == ["turn_metrics.jsonl"]
    data = (suite.results / "turn_metrics.jsonl").read_bytes()
    assert data.endswith(b"\n")
    return [orjson.loads(line) for line in data.splitlines()]


def turns_of_the_first_attempt(lines: list[dict[str, Any]]) -> list[int]:
    """The turns that the unit which was killed had ended by then."""
    return [
        line["turn_index"] for line in lines if line["unit_id"] == "test_it.py::test_it[5]" and line["attempt"] == 1
    ]


def assert_turns_of_ended_units_stand_once(suite: Suite) -> None:
    counts = Counter((line["unit_id"], line["attempt"], line["turn_index"]) for line in lines_of(suite))
    assert set(counts.values()) == {1}
    for event in suite.events("unit_ended"):
        if event["outcome"]["status"] == "completed":
            found = {
                index
                for unit_id, attempt, index in counts
                if (unit_id, attempt) == (event["unit_id"], event["attempt"])
            }
            assert found == set(range(5)), event


def lines_of_waiting(path: Path) -> bytes:
    data = path.read_bytes()
    return data[HEAD : HEAD + int.from_bytes(data[16:24], "little")]


@ENGINES
def test_a_kill_of_the_owner_loses_no_turn_of_an_ended_unit(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS.replace("DIES", "time.sleep(3600)"))
    child = suite.start(*engine)
    wait_until((suite.folder / "reached").exists, "the unit in flight")
    wait_until(lambda: len(suite.events("unit_ended")) >= (7 if engine else 5), "the units beside it")
    child.kill()
    wait_until(lambda: not child.descendants(), "the end of the workers")
    ended_before = {event["unit_id"] for event in suite.events("unit_ended")}
    kept = b"".join(path.read_bytes() for path in suite.results.glob("turn_metrics*.jsonl"))
    lines = [orjson.loads(line) for line in kept.splitlines()]
    on_their_way = b"".join(lines_of_waiting(path) for path in suite.results.glob(".turn_metrics*.waiting"))
    assert {unit_id: sum(line["unit_id"] == unit_id for line in lines) for unit_id in ended_before} == dict.fromkeys(
        ended_before, 5
    )
    lines += [orjson.loads(line) for line in on_their_way.splitlines() if line not in kept]
    assert turns_of_the_first_attempt(lines) == list(range(5)), "each had ended when the kill came"
    suite.touch("released")
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert_journal_is_whole(suite)
    assert_turns_of_ended_units_stand_once(suite)
    assert turns_of_the_first_attempt(lines_of(suite)) == list(range(5))
    assert {line["attempt"] for line in lines_of(suite) if line["unit_id"] == "test_it.py::test_it[6]"} == {
        1
    } or not engine


def test_a_worker_that_dies_leaves_the_turns_of_its_units(suite: Suite) -> None:
    dies = "(HERE / 'released').touch()\n                os.kill(os.getpid(), signal.SIGKILL)"
    suite.write("test_it.py", UNITS.replace("DIES", dies))
    ended = suite.run("-n2")
    assert ended.code == 0, ended.output
    assert_turns_of_ended_units_stand_once(suite)
    assert turns_of_the_first_attempt(lines_of(suite)) == list(range(5))
    assert len(suite.events("worker_up")) == 3


@ENGINES
def test_a_torn_end_is_cut_off_and_the_good_lines_stay(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write(
        "test_it.py",
        UNITS.replace(
            "DIES",
            "os.kill(os.getppid() if os.environ.get('PYTEST_XDIST_WORKER') "
            "else os.getpid(), signal.SIGKILL); time.sleep(3600)",
        ),
    )
    child = suite.start(*engine)
    child.wait()
    wait_until(lambda: not child.descendants(), "the end of the workers")
    files = list(suite.results.glob("turn_metrics*.jsonl"))
    before = Counter(line for path in files for line in path.read_bytes().splitlines())
    for path in files:
        with path.open("ab") as file:
            file.write(b'{"torn":"2026-')
    suite.touch("released")
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert_turns_of_ended_units_stand_once(suite)
    after = Counter((suite.results / "turn_metrics.jsonl").read_bytes().splitlines())
    assert before <= after
    torn = list(suite.results.glob("turn_metrics*.torn-*"))
    assert len(torn) == len(files)
    assert suite.benchrun("verify").code == 0


def test_a_resume_with_nothing_to_do_joins_what_a_kill_at_the_end_has_left(suite: Suite) -> None:
    suite.write("test_it.py", UNITS.replace("DIES", "pass"))
    suite.touch("released")
    assert suite.run("-n2").code == 0
    whole = (suite.results / "turn_metrics.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    # as it is when the owner is killed between the end of the run and the end of the joining
    (suite.results / "turn_metrics.jsonl").write_bytes(b"".join(lines[:23]) + lines[23][:10])
    (suite.results / "turn_metrics.joining-7-gw1.jsonl").write_bytes(b"".join(lines[20:]))
    (suite.results / ".benchrun.joining").write_bytes(
        orjson.dumps({"part": "turn_metrics.joining-7-gw1.jsonl", "size": len(b"".join(lines[:20]))})
    )
    assert suite.run("--bench-resume").code == 0
    assert (suite.results / "turn_metrics.jsonl").read_bytes() == whole
    assert not (suite.results / ".benchrun.joining").exists()
    assert_turns_of_ended_units_stand_once(suite)
