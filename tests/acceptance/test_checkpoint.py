"""A unit of many steps that is killed in the middle goes on from its last checkpoint, not from its beginning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
LONG = "test_it.py::test_long"
UNITS = """
    import os, pathlib, signal

    HERE = pathlib.Path(__file__).parent

    def test_short(benchrun):
        benchrun.checkpoint.save("not needed any more")

    def test_long(benchrun, until):
        kept = benchrun.checkpoint.load() or {"step": 0, "sum": 0}
        benchrun.metric("began_at", kept["step"])
        for step in range(kept["step"], 10):
            if step == 6 and benchrun.attempt == 1:
                (HERE / "reached").touch()
                DIES
            kept = {"step": step + 1, "sum": kept["sum"] + step}
            benchrun.checkpoint.save(kept)
        benchrun.metric("sum", kept["sum"])
"""


def _prove(suite: Suite) -> None:
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, ["test_it.py::test_short", LONG])
    metrics: dict[str, Any] = suite.events("unit_ended")[-1]["outcome"]["metrics"]
    assert {name: metric["value"] for name, metric in metrics.items()} == {"began_at": 6, "sum": 45}
    assert list((suite.results / "checkpoints").iterdir()) == []


@ENGINES
def test_a_run_killed_in_the_middle_of_a_unit(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS.replace("DIES", "until('never')"))
    run = suite.start(*engine)
    wait_until((suite.folder / "reached").exists, "the sixth step")
    wait_until(lambda: len(suite.events("unit_ended")) == 1, "the end of the short one")
    run.kill()
    wait_until(lambda: run.descendants() == [], "the end of the workers")
    (kept,) = (suite.results / "checkpoints").glob("*.json")
    (kept.parent / ".benchrun-tmp-1-1").write_bytes(b"of a save that was killed")
    ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    _prove(suite)


def test_a_worker_killed_in_the_middle_of_a_unit(suite: Suite) -> None:
    suite.write("test_it.py", UNITS.replace("DIES", "os.kill(os.getpid(), signal.SIGKILL)"))
    ended = suite.run("-n2")
    assert ended.code == 0, ended.output
    _prove(suite)


@ENGINES
def test_a_unit_killed_at_every_step_comes_to_its_end(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write(
        "test_it.py",
        """
        import os, signal

        def test_long(benchrun):
            step = benchrun.checkpoint.load() or 0
            assert step == benchrun.attempt - 1
            benchrun.checkpoint.save(step + 1)
            if step < 4:
                os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    ended = suite.run(*engine)
    while ended.code != 0 and len(suite.started()) < 5:
        ended = suite.run("--bench-resume", *engine)
    assert ended.code == 0, ended.output
    assert suite.events("unit_ended")[-1]["attempt"] == 5
    assert list((suite.results / "checkpoints").iterdir()) == []
