"""Beside pytest-benchmark: its statistics are metrics of the unit; bare, with workers, after a kill and a resume.

It is not among what the tests install, for it changes what others of them count: `tox -e benchmark` runs these.
"""

from __future__ import annotations

import json

import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Json, Suite

pytest.importorskip("pytest_benchmark")

FAST = "--benchmark-min-rounds=7", "--benchmark-max-time=0.001", "--benchmark-min-time=0.000001"
SECONDS = {f"benchmark_{name}_s" for name in ("min", "max", "mean", "stddev", "median", "iqr", "q1", "q3")}
NAMES = SECONDS | {"benchmark_ops_per_s", "benchmark_rounds", "benchmark_iterations"}
UNITS = """
    import pathlib, time
    import pytest

    HERE = pathlib.Path(__file__).parent

    @pytest.mark.parametrize("n", range(4))
    def test_it(benchmark, n):
        benchmark(sum, range(n))
        if n == 2 and not (HERE / "go").exists():
            (HERE / "reached").touch()
            time.sleep(3600)
"""


def metrics_of(suite: Suite) -> dict[str, Json]:
    """By unit the metrics of its last attempt."""
    return {event["unit_id"].partition("::")[2]: event["outcome"]["metrics"] for event in suite.events("unit_ended")}


def test_its_statistics_are_metrics(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    ended = suite.run(*FAST, f"--benchmark-json={suite.folder / 'theirs.json'}", "--junitxml=junit.xml")
    assert ended.code == 0, ended.output
    theirs = {bench["name"]: bench["stats"] for bench in read(suite, "theirs.json")["benchmarks"]}
    ours = metrics_of(suite)
    assert ours.keys() == theirs.keys()
    for name, stats in theirs.items():
        assert ours[name].keys() == NAMES
        for metric, value in ours[name].items():
            key = metric.removeprefix("benchmark_").removesuffix("_per_s").removesuffix("_s")
            assert value["value"] == stats[key], metric
        assert {(ours[name][metric]["unit"], ours[name][metric]["better"]) for metric in SECONDS} == {("s", "lower")}
        assert ours[name]["benchmark_ops_per_s"]["better"] == "higher"
        assert stats["rounds"] >= 7
    figures = read(suite, "results/runstats.json")["metrics"]
    assert (figures["benchmark_mean_s"]["n"], figures["benchmark_mean_s"]["better"]) == (4, "lower")
    (case, *_) = [case for case in suite.junit() if case.name.endswith("[0]")]
    assert case.properties["bench.metric.benchmark_rounds"] == str(theirs["test_it[0]"]["rounds"])


def read(suite: Suite, name: str) -> Json:
    """A JSON document below the suite's folder."""
    document: Json = json.loads((suite.folder / name).read_bytes())
    return document


def test_with_workers_it_measures_nothing_and_nothing_is_recorded(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    suite.touch("go")
    ended = suite.run("-n2", *FAST)
    assert ended.code == 0, ended.output
    assert metrics_of(suite) == {f"test_it[{n}]": {} for n in range(4)}
    assert "Benchmarks are automatically disabled because xdist plugin is active" in ended.output


def test_a_kill_and_a_resume_keep_what_was_measured(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    child = suite.start(*FAST)
    wait_until((suite.folder / "reached").exists, "the unit in flight")
    child.kill()
    before = metrics_of(suite)
    assert list(before) == ["test_it[0]", "test_it[1]"]
    suite.touch("go")
    ended = suite.run("--bench-resume", *FAST)
    assert ended.code == 0, ended.output
    after = metrics_of(suite)
    assert {name: after[name] for name in before} == before
    assert {name: metrics.keys() for name, metrics in after.items()} == {f"test_it[{n}]": NAMES for n in range(4)}
    assert read(suite, "results/runstats.json")["metrics"]["benchmark_median_s"]["n"] == 4


KINDS = """
    import pytest

    def test_late(request): request.getfixturevalue("benchmark")(sum, [1])

    def test_through_another(other): pass

    @pytest.fixture
    def other(benchmark): return benchmark(sum, [1])

    def test_one_round(benchmark): benchmark.pedantic(sum, args=([1],), rounds=1)

    def test_never_used(benchmark): pass

    def test_not_asked_for(): pass

    def test_fails_inside(benchmark): benchmark(lambda: 1 / 0)

    def test_fails_after(benchmark):
        benchmark(sum, [1])
        assert False

    def test_its_own(benchrun, benchmark):
        benchmark(sum, [1])
        benchrun.metric("benchmark_mean_s", 7)
        benchrun.metric("mine", 1)

    @pytest.mark.benchrun(repeat=2)
    def test_repeated(benchmark): benchmark(sum, [1])
"""


def test_what_each_kind_of_test_records(suite: Suite) -> None:
    suite.write("test_it.py", KINDS)
    suite.run(*FAST)
    metrics = metrics_of(suite)
    assert {name for name in metrics if metrics[name].keys() == NAMES} == {
        "test_late",
        "test_fails_after",
        "test_repeated[r0]",
        "test_repeated[r1]",
    } | {"test_through_another"}
    assert metrics["test_one_round"].keys() == NAMES - {"benchmark_stddev_s"}
    assert metrics["test_its_own"].keys() == NAMES | {"mine"}
    assert metrics["test_its_own"]["benchmark_mean_s"]["value"] == 7
    assert {name for name in metrics if not metrics[name]} == {
        "test_never_used",
        "test_not_asked_for",
        "test_fails_inside",
    }


def test_disabled_it_measures_nothing(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(benchmark): assert benchmark(sum, [1]) == 1\n")
    assert suite.run("--benchmark-disable").code == 0
    assert metrics_of(suite) == {"test_it": {}}


def test_switched_off_it_is_not_looked_at(suite: Suite) -> None:
    suite.write(
        "test_it.py", "import pytest\n@pytest.fixture\ndef benchmark(): return 7\ndef test_it(benchmark): pass\n"
    )
    assert suite.run("-pno:benchmark").code == 0
    assert metrics_of(suite) == {"test_it": {}}
