"""`docs/python.md` says what is true; and a campaign is started, watched, stopped and resumed from Python."""

from __future__ import annotations

import contextlib
import io
import re
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_benchrun import BenchmarkRunner
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.runner import RunnerProblem
from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Suite

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"```([a-z-]+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
DIFFERS = (
    (r"suite-\d{8}-\d{6}-[0-9a-f]{8}", "RUN"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+", "TIME"),
    (r"in [\d.e-]+ m?s\b", "in SECONDS"),
    (r'(?<="duration_seconds": )[\d.e-]+', "SECONDS"),
    (r'(?<="host": )".*"', "HOST"),
    (r'(?<="traceback": )".*"', "TRACEBACK"),
    (r"benchrun status \S+", "benchrun status DIR"),
)


def steady(text: str) -> str:
    for pattern, word in DIFFERS:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture
def quiet(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite whose pytest loads no plugin that would make ids or the order others."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -p no:cacheprovider -p no:asyncio -o bench_resources=off")
    monkeypatch.delenv("BENCHRUN_DB", raising=False)
    return suite


def test_the_page_says_what_is_true(quiet: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(quiet.folder)
    quiet.write("test_energy.py", next(code for kind, code in BLOCKS if kind == "python-suite"))
    names: dict[str, object] = {}
    shown = [
        (code, text) for (kind, code), (next_kind, text) in pairwise(BLOCKS) if (kind, next_kind) == ("python", "text")
    ]
    assert len(shown) == sum(kind == "python" for kind, _ in BLOCKS) >= 8
    for code, text in shown:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102  # our own page
        assert steady(said.getvalue()) == steady(text), code


UNITS = """
    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_it(n, until):
        if n == 1:
            until("go")
"""


def runner_of(suite: Suite, *words: str) -> BenchmarkRunner:
    suite.write("test_it.py", UNITS)
    return BenchmarkRunner("results", ["test_it.py", *words], folder=suite.folder)


def test_a_run_is_watched_stopped_and_resumed(quiet: Suite) -> None:
    runner = runner_of(quiet)
    runner.start()
    wait_until(lambda: runner.status()["completed"] == 1, "the first unit")
    assert runner.results().state == "running"
    seen = runner.watch(interval_s=0.01)
    assert next(seen)["state"] == "running"
    runner.stop(reason="enough")
    quiet.touch("go")
    last = list(seen)[-1]
    assert (last["state"], last["completed"], last["reason"]) == ("stopped", 2, "stop requested: enough")
    again = BenchmarkRunner(quiet.results)
    assert again.resume("-q").state == "complete"
    assert [result.metadata["session"] for result in again.results()] == [1, 1, 2, 2]


def test_a_run_is_interrupted_at_once(quiet: Suite) -> None:
    runner = runner_of(quiet, "-n2")
    runner.start()
    wait_until(lambda: runner.status()["completed"] >= 1, "the first unit")
    runner.stop(now=True)
    (*_, last) = runner.watch(interval_s=0.01)
    assert last["state"] in {"interrupted", "stopped"}
    quiet.touch("go")
    assert {result.status.value for result in runner.resume()} == {"completed"}


def test_what_pytest_refuses_is_said_in_its_words(quiet: Suite) -> None:
    with pytest.raises(RunnerProblem, match="--bench-time-limit='soon' is not a time"):
        runner_of(quiet, "--bench-time-limit=soon").run()
    runner = runner_of(quiet)
    with pytest.raises(RunnerProblem, match="there is no run"):
        runner.status()
    with pytest.raises(RunnerProblem, match="there is no run"):
        runner.resume()
    with pytest.raises(DirectoryProblem, match="there is no run"):
        runner.results()


def test_a_finished_run_is_watched_once(quiet: Suite) -> None:
    quiet.touch("go")
    runner = runner_of(quiet)
    assert [result.status.value for result in runner.run()] == ["completed"] * 4
    assert [view["state"] for view in runner.watch()] == ["complete"]
