"""Real processes: 300 units in three phases, interfered with in every session, end as a campaign left alone."""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
from typing import Any

import orjson
import pytest

from tests.acceptance.processes import Child, Children, wait_until
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.suite import Suite

SEED = int(os.environ.get("BENCHRUN_ACCEPTANCE_SEED") or secrets.randbits(32))
"""Another one in every session; a failing test prints it, and the variable repeats it."""

PHASES = ("prepare", "run", "score")
UNITS = """
    import pytest

    @pytest.mark.benchrun(phase="score")
    @pytest.mark.parametrize("n", range(100))
    def test_score(n, benchrun):
        benchrun.metric("score", n, better="higher")

    @pytest.mark.parametrize("n", range(100))
    def test_run(n, benchrun):
        benchrun.metric("energy", n / 7, unit="eV", better="lower")

    @pytest.mark.benchrun(phase="prepare")
    @pytest.mark.parametrize("n", range(100))
    def test_prepare(n, benchrun):
        assert n != 13, "this one always fails"
"""
UNIT_IDS = [f"test_phases.py::test_{phase}[{n}]" for phase in PHASES for n in range(100)]
FAILS = "test_phases.py::test_prepare[13]"
OPTIONS = {"bare": (), "n2": ("-n2",)}
TIMES = frozenset({"mean", "std", "min", "p50", "p95", "p99", "max", "elapsed_s", "timestamp", "attempt"})


def interfere(suite: Suite, child: Child, act: str) -> None:
    """Stop or kill a session that runs; what it still says and writes is awaited."""
    if act == "STOP":
        (suite.results / "STOP").touch()
    elif act == "kill":
        child.kill()
        return
    else:
        child.tell(signal.SIGTERM)
    if act == "SIGTERM twice":
        wait_until(lambda: child.has_ended or "once more" in child.output, "the answer to the first signal")
        if not child.has_ended:
            child.tell(signal.SIGTERM)
    ended = child.wait()
    assert ended.code in {0, 1, 2}, ended.output


def figures(suite: Suite) -> dict[str, Any]:
    """`runstats.json` without what depends on the clock, the run's name and which worker was free."""
    stats: dict[str, Any] = orjson.loads((suite.results / "runstats.json").read_bytes())
    of_time = ("started_at", "ended_at", "wall_s", "busy_s", "attributed_s", "unattributed_s", "slowest")
    for name in ("run_id", "workers", "environment", *of_time):
        del stats[name]
    metrics = stats.pop("metrics")
    return {"metrics": metrics, **_without_times(stats)}


def _without_times(value: Any) -> Any:  # noqa: ANN401  # any part of a JSON document
    if isinstance(value, dict):
        return {key: _without_times(part) for key, part in value.items() if key not in TIMES}
    return [_without_times(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("engine", OPTIONS)
def test_a_campaign_that_is_interfered_with_ends_as_one_left_alone(
    suite: Suite, children: Children, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sys.stdout.write(f"BENCHRUN_ACCEPTANCE_SEED={SEED}\n")
    chance = random.Random(f"{SEED}-{engine}")  # noqa: S311  # moments, no secrets
    suite.write("test_phases.py", UNITS)
    unlimited = ("--bench-max-failures=none", "--bench-max-consecutive-failures=none")
    for act in chance.sample(["STOP", "SIGTERM", "SIGTERM twice", "kill", "kill"], 5):
        resume = ("--bench-resume=unfinished",) if suite.has_run() else ()
        child = suite.start(*resume, *unlimited, *OPTIONS[engine])
        wanted = len(suite.marks()) + chance.randint(5, 40)
        wait_until(
            lambda child=child, wanted=wanted: child.has_ended or len(suite.marks()) >= wanted,  # type: ignore[misc]  # bound now
            f"{wanted} marks",
        )
        interfere(suite, child, act)
    ended = suite.run("--bench-resume=unfinished", *unlimited, *OPTIONS[engine])
    assert ended.code == 1, ended.output
    assert suite.benchrun("verify").code == 0

    alone = Suite(tmp_path_factory.mktemp("alone"), children)
    alone.write("test_phases.py", UNITS)
    assert alone.run(*unlimited).code == 1
    assert figures(suite) == figures(alone)
    assert_journal_is_whole(suite)
    ended_as = {event["unit_id"]: event["outcome"]["status"] for event in suite.events("unit_ended")}
    assert ended_as == {unit_id: "failed" if unit_id == FAILS else "completed" for unit_id in UNIT_IDS}
    phases = [event["unit_id"].split("test_")[2].split("[")[0] for event in suite.events("unit_started")]
    assert phases == sorted(phases, key=PHASES.index), "a phase began before the one before it had ended"


def test_without_failures_every_unit_counts_once(suite: Suite) -> None:
    suite.write("test_phases.py", UNITS.replace("n != 13", "True"))
    for act in ("SIGTERM", "kill"):
        resume = ("--bench-resume",) if suite.has_run() else ()
        child = suite.start(*resume, "-n2")
        wanted = len(suite.marks()) + 20
        wait_until(lambda wanted=wanted: len(suite.marks()) >= wanted, f"{wanted} marks")  # type: ignore[misc]  # bound now
        interfere(suite, child, act)
    assert suite.run("--bench-resume", "-n2").code == 0
    assert_every_unit_counts_once(suite, UNIT_IDS)
