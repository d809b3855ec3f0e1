"""What real runs write fits the schemas of the package: bare, with workers, killed, resumed, stopped, paused."""

from __future__ import annotations

import orjson
import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite
from tests.schemas import faults, faults_of_run

ENGINES = pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
UNITS = """
    import pytest

    @pytest.mark.benchrun(group="kind")
    @pytest.mark.parametrize("kind", ["good", "bad", "skipped", "xfail", "broken", "held", "held too", "last"])
    def test_it(benchrun, until, kind, request):
        benchrun.metric("recall", 0.5, better="higher")
        benchrun.metric("odd", "text")
        benchrun.checkpoint.save({"step": [1, None]})
        for number in range(3):
            with benchrun.turn(session_id="s", role="user", topic="x") as turn:
                with turn.time("llm_ms"): pass
                with turn.time("storage_ms", adapter="L2"): pass
                with turn.time("embed_ms"): pass
                turn.tokens(input=number)
        benchrun.event("compacted", size=3)
        if kind == "skipped":
            pytest.skip("not here")
        if kind == "xfail":
            pytest.xfail("known")
        assert kind != "bad"
        if kind == "broken":
            with benchrun.turn(): raise ValueError("no")
        if "held" in kind:
            until("go")

    @pytest.mark.benchrun(repeat=2, warmup=1, exclusive=True)
    def test_repeated(): pass
"""


@ENGINES
def test_a_run_that_lives_is_killed_and_resumed(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start(*engine)
    wait_until(lambda: any("held" in mark.unit_id for mark in suite.marks()), "the held unit")
    wait_until(lambda: suite.status()["running"] > 0, "a status that shows it")
    assert faults("status.json", suite.status()) == []
    owner = orjson.loads((suite.results / ".benchrun.lock").read_bytes())
    assert (faults("owner.json", owner), owner["schema_version"]) == ([], 1)
    child.kill()
    wait_until(lambda: not child.descendants(), "the end of the workers")
    (suite.results / "runstats.json").write_bytes(suite.benchrun("stats", "--json").output.encode())
    assert faults_of_run(suite.results) == []
    assert list(suite.results.glob("checkpoints/*.json"))
    suite.touch("go")
    assert suite.run("--bench-resume", *engine).code == 1
    assert faults_of_run(suite.results) == []
    assert {event["event"] for event in suite.journal()} >= {"noted", "worker_up", "session_ended"}


@ENGINES
def test_a_run_that_is_stopped(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start(*engine)
    wait_until(lambda: any("held" in mark.unit_id for mark in suite.marks()), "the held unit")
    assert suite.benchrun("stop", "--reason=enough").code == 0
    suite.touch("go")
    assert child.wait().code == 2
    (request,) = suite.results.glob("STOP.obeyed-*")
    assert orjson.loads(request.read_bytes())["schema_version"] == 1
    assert faults_of_run(suite.results) == []
    assert suite.status()["state"] == "stopped"


@ENGINES
def test_a_run_that_is_paused(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    assert suite.run("--bench-max-failures=0", *engine).code == 1
    assert suite.status()["state"] == "paused"
    assert faults_of_run(suite.results) == []


def test_a_plan(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    ended = suite.run("--bench-plan=json", "-q")
    plan = orjson.loads(ended.output[ended.output.index("{") : ended.output.rindex("}") + 1])
    assert faults("plan.json", plan) == []
