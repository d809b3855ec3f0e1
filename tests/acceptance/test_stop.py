"""After a stop, a pause or `-x` no unit starts: of 400 units at most the one in flight beside the first ends.

The first unit gives the reason; every other unit waits until the end of the first is in the journal. So a unit
that runs beside it ends when the run has every reason to stop, and one more start would be one too many.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.acceptance.suite import Suite

TOTAL = 400
FIRST = "test_0.py::TestOne::test_a[0]"
FILE = """
    import pathlib
    import pytest

    REASON = %r
    FIRST = "test_0.py::TestOne::test_a[0]"

    @pytest.fixture(autouse=True)
    def _act(request, until_ended):
        yield
        if request.node.nodeid != FIRST:
            until_ended(FIRST)

    def act(request):
        if request.node.nodeid == FIRST:
            if REASON == "STOP":
                (pathlib.Path(__file__).parent / "results" / "STOP").touch()
            else:
                raise ValueError("the first one fails")

    class TestOne:
        @pytest.mark.parametrize("n", range(25))
        def test_a(self, request, n):
            act(request)

    class TestTwo:
        @pytest.mark.parametrize("n", range(25))
        def test_b(self, n):
            pass

    @pytest.mark.xdist_group("here")
    @pytest.mark.parametrize("n", range(25))
    def test_grouped(n):
        pass

    @pytest.mark.parametrize("n", range(25))
    def test_free(n):
        pass
"""
ENGINES = {
    "bare": (),
    "load": ("-n2",),
    "loadscope": ("-n2", "--dist=loadscope"),
    "loadfile": ("-n2", "--dist=loadfile"),
    "loadgroup": ("-n2", "--dist=loadgroup"),
    "worksteal": ("-n2", "--dist=worksteal"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run stops, and what everybody is told.

    Attributes:
        kind: what the first unit does.
        options: of the command line.
        reason: as units that did not start are told.
        state: of the run at its end.
        code: of pytest.
        status_code: of `benchrun status --exit-code`.
    """

    kind: str
    options: tuple[str, ...]
    reason: str
    state: str
    code: int
    status_code: int


CAUSES = {
    "STOP": Cause("STOP", (), "stop requested", "stopped", 2, 11),
    "threshold": Cause(
        "fail", ("--bench-max-failures=0",), "1 of 400 groups failed, more than 0 allowed", "paused", 1, 12
    ),
    "x": Cause("fail", ("-x",), "stopping after 1 failures", "stopped", 1, 11),
}


def _write(suite: Suite, cause: Cause) -> None:
    for number in range(4):
        suite.write(f"test_{number}.py", FILE % cause.kind)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_no_unit_starts_any_more_and_the_rest_is_skipped_with_the_reason(
    suite: Suite, cause: Cause, engine: str
) -> None:
    _write(suite, cause)
    ended = suite.run("--junitxml=junit.xml", "-rs", *cause.options, *ENGINES[engine])
    ran = suite.started()

    assert ended.code == cause.code, ended.output
    assert FIRST in ran
    assert len(ran) <= (1 if engine == "bare" else 2)
    assert sorted(mark.unit_id for mark in suite.marks()) == sorted(ran)
    assert len(suite.events("unit_ended")) == len(ran)

    reason = f"benchrun: {cause.reason}"
    assert reason in ended.output
    cases = suite.junit()
    assert len(cases) == len({case.name for case in cases}) == TOTAL
    assert [case for case in cases if not {"bench.run_id", "bench.group"} <= case.properties.keys()] == []
    assert {case.properties["bench.run_id"] for case in cases} == {suite.status()["run_id"]}
    skipped = [case for case in cases if case.outcome == "skipped"]
    assert len(skipped) == TOTAL - len(ran)
    assert {case.message for case in skipped} == {reason}

    view = suite.status()
    assert (view["state"], view["reason"], view["total_tasks"]) == (cause.state, cause.reason, TOTAL)
    assert view["skipped"] == TOTAL - len(ran)
    assert view["failures_total"] == (cause.kind == "fail")
    status = suite.benchrun("status", "--exit-code")
    assert status.code == cause.status_code
    assert cause.reason in status.output


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["bare", "n2"])
@pytest.mark.parametrize("name", ["STOP", "STOP_REQUESTED"])
def test_a_stopped_run_goes_on_and_runs_every_unit_once(suite: Suite, options: tuple[str, ...], name: str) -> None:
    suite.write(
        "test_it.py",
        f"""
        import pathlib, pytest

        @pytest.mark.parametrize("n", range(40))
        def test_it(n, until_ended):
            if n == 10:
                (pathlib.Path(__file__).parent / "results" / "{name}").touch()
            elif n > 10:
                until_ended("test_it.py::test_it[10]")
        """,
    )
    stopped = suite.run(*options)
    assert stopped.code == 2, stopped.output
    done = suite.started()
    assert 11 <= len(done) <= 12
    assert not (suite.results / name).exists()
    assert len(list(suite.results.glob("STOP.obeyed-*"))) == 1
    # the tenth has completed, so it does not stop the run again
    ended = suite.run("--bench-resume", *options)
    assert ended.code == 0, ended.output
    assert len(suite.marks()) == len(set(suite.started())) == len(suite.started()) == 40
    assert suite.status()["completed"] == 40
    assert suite.status()["resumed"] == len(done)


def test_a_stop_from_before_the_session_is_put_aside_and_not_obeyed(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass")
    suite.results.mkdir()
    (suite.results / "STOP").touch()
    ended = suite.run()
    assert ended.code == 0, ended.output
    assert len(list(suite.results.glob("STOP.ignored-*"))) == 1
    assert "STOP.ignored-" in ended.output
