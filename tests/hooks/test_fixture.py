"""The `benchrun` fixture: the unit seen from inside, with a run and without one."""

from __future__ import annotations

import pytest

import pytest_benchrun
from tests.hooks.campaigns import Campaign

WITH_OR_WITHOUT = pytest.mark.parametrize("options", [(), ("--bench-results=results",)], ids=["without", "with"])


@WITH_OR_WITHOUT
def test_it_knows_its_unit(campaign: Campaign, engine: str, options: tuple[str, ...]) -> None:
    source = """
import pytest

class Thing: pass
THING = Thing()

@pytest.mark.parametrize("x", [pytest.param(THING, id="thing")])
@pytest.mark.parametrize("y", [2])
def test_a(benchrun, request, x, y):
    assert benchrun.unit_id == request.node.nodeid == "test_a.py::test_a[2-thing]"
    assert benchrun.params == {"x": THING, "y": 2}
    assert benchrun.params["x"] is THING
    assert benchrun.attempt == 1

def test_b(benchrun, request):
    assert benchrun.unit_id == request.node.nodeid
    assert benchrun.params == {}
"""
    campaign.write({"test_a.py": source})
    assert campaign.plain(*options, engine=engine).outcomes == {"passed": 2}


@WITH_OR_WITHOUT
def test_its_type_can_be_imported(campaign: Campaign, options: tuple[str, ...]) -> None:
    source = """
from pytest_benchrun import BenchRun

def test_a(benchrun: BenchRun):
    assert type(benchrun) is BenchRun
"""
    campaign.write({"test_a.py": source})
    assert campaign.plain(*options).outcomes == {"passed": 1}


def test_there_is_no_other_name_to_import() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        pytest_benchrun.Nothing  # noqa: B018  # that is the test


@WITH_OR_WITHOUT
def test_the_unit_and_its_fixtures_share_one(campaign: Campaign, engine: str, options: tuple[str, ...]) -> None:
    source = """
import pytest

@pytest.fixture
def mine(benchrun):
    return benchrun

def test_a(mine, benchrun, request):
    assert mine is benchrun is request.getfixturevalue("benchrun")
"""
    campaign.write({"test_a.py": source})
    assert campaign.plain(*options, engine=engine).outcomes == {"passed": 1}


@WITH_OR_WITHOUT
def test_it_is_no_fixture_for_wider_scopes(campaign: Campaign, options: tuple[str, ...]) -> None:
    source = """
import pytest

@pytest.fixture(scope="module")
def wide(benchrun): pass

def test_a(wide): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.plain(*options)
    assert session.outcomes == {"errors": 1}
    assert "ScopeMismatch" in session.text


@WITH_OR_WITHOUT
def test_unittest_and_doctest_units_have_it(campaign: Campaign, engine: str, options: tuple[str, ...]) -> None:
    source = """
import unittest
import pytest

class TestA(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take(self, benchrun):
        self.benchrun = benchrun

    def test_a(self):
        self.benchrun.metric("m", 1)
        assert self.benchrun.params == {}
"""
    doctest = ">>> bench = getfixture('benchrun')\n>>> bench.metric('m', 1)\n>>> bench.params\n{}\n"
    campaign.write({"test_a.py": source, "test_b.txt": doctest})
    session = campaign.plain(*options, engine=engine)
    assert session.outcomes == {"passed": 2}
    if options:
        assert session.stats()["metrics"]["m"]["n"] == 2


def test_metrics_are_kept_with_unit_and_direction(campaign: Campaign, engine: str) -> None:
    source = """
def test_a(benchrun):
    benchrun.metric("speed", 1.5, unit="MB/s", better="higher")
    benchrun.metric("count", 3)
    benchrun.metric("size", 3, "B", "lower")
    benchrun.metric("flag", True)
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    metrics = session.metrics("test_a.py::test_a")
    assert metrics == {
        "speed": {"value": 1.5, "unit": "MB/s", "better": "higher"},
        "count": {"value": 3, "unit": "", "better": None},
        "size": {"value": 3, "unit": "B", "better": "lower"},
        "flag": {"value": 1, "unit": "", "better": None},
    }
    assert list(metrics) == ["speed", "count", "size", "flag"]
    assert session.stats()["metrics"]["speed"]["p50"] == 1.5


def test_a_metric_recorded_again_has_its_last_value(campaign: Campaign, engine: str) -> None:
    source = "def test_a(benchrun):\n    benchrun.metric('m', 1)\n    benchrun.metric('m', 2, unit='s')\n"
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.metrics("test_a.py::test_a") == {"m": {"value": 2, "unit": "s", "better": None}}


def test_metrics_of_setup_and_teardown_belong_to_the_unit(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.fixture
def measured(benchrun):
    benchrun.metric("setup", 1)
    yield
    benchrun.metric("teardown", 3)

def test_a(measured, benchrun):
    benchrun.metric("call", 2)
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert {name: metric["value"] for name, metric in session.metrics("test_a.py::test_a").items()} == {
        "setup": 1,
        "call": 2,
        "teardown": 3,
    }
    (case,) = session.cases()
    assert case.values("bench.metric.teardown") == ["3"]


def test_metrics_of_one_unit_are_not_the_next_ones(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.parametrize("x", range(4))
def test_a(benchrun, x):
    assert benchrun.metrics == {}
    benchrun.metric(f"m{x}", x)

def test_none(): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.outcomes == {"passed": 5}
    for x in range(4):
        assert list(session.metrics(f"test_a.py::test_a[{x}]")) == [f"m{x}"]
    assert session.metrics("test_a.py::test_none") == {}


def test_metrics_of_a_failed_unit_are_kept_but_in_no_figure(campaign: Campaign, engine: str) -> None:
    source = "def test_a(benchrun):\n    benchrun.metric('m', 1)\n    raise AssertionError\n"
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.metrics("test_a.py::test_a")["m"]["value"] == 1
    assert session.stats()["metrics"] == {}
    assert session.cases()[0].values("bench.metric.m") == ["1"]


def test_metrics_of_a_unit_that_skips_itself_are_kept(campaign: Campaign, engine: str) -> None:
    source = "import pytest\ndef test_a(benchrun):\n    benchrun.metric('m', 1)\n    pytest.skip('after all')\n"
    campaign.write({"test_a.py": source})
    assert campaign.run(engine=engine).metrics("test_a.py::test_a")["m"]["value"] == 1


def test_the_attempt_counts_over_sessions(campaign: Campaign, engine: str) -> None:
    source = (
        "def test_a(benchrun):\n    benchrun.metric('attempt', benchrun.attempt)\n    assert benchrun.attempt == 3\n"
    )
    campaign.write({"test_a.py": source})
    campaign.run(engine=engine)
    campaign.run("--bench-resume", engine=engine)
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.metrics("test_a.py::test_a")["attempt"]["value"] == 3
    assert session.cases()[0].values("bench.attempt") == ["3"]


def test_artifacts_are_kept_with_the_results(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.parametrize("x", ["a/b", "../..", "ä", " "])
def test_a(benchrun, x):
    path = benchrun.artifact("deep/er/out.txt")
    assert path.parent.is_dir() and not path.exists()
    path.write_text(benchrun.unit_id, "utf-8")
    assert benchrun.artifact("deep/er/out.txt") == path
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.outcomes == {"passed": 4}
    kept = {name: content for name, content in campaign.files().items() if name.startswith("artifacts/")}
    assert sorted(content.decode() for content in kept.values()) == sorted(session.ended())
    assert all(name.endswith("/deep/er/out.txt") and name.count("/") == 4 for name in kept)


def test_without_a_run_artifacts_are_temporary_and_nothing_is_recorded(campaign: Campaign, engine: str) -> None:
    source = """
def test_a(benchrun, tmp_path):
    path = benchrun.artifact("deep/out.txt")
    assert path == tmp_path / "deep" / "out.txt"
    assert path.parent.is_dir()
    benchrun.metric("m", float("nan"))
    assert benchrun.metrics == {}
    assert benchrun.warnings == []
"""
    campaign.write({"test_a.py": source})
    session = campaign.plain(engine=engine)
    assert session.outcomes == {"passed": 1}
    assert not campaign.results.exists()
    assert session.cases()[0].properties == ()


@WITH_OR_WITHOUT
def test_artifact_names_stay_inside_the_units_folder(campaign: Campaign, options: tuple[str, ...]) -> None:
    source = r"""
import pytest

@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/../../x", "a/..", "a/../b", "/x", "//x", "/", "a\0b", "./..", "./../x", "\0"]
)
def test_refused(benchrun, name):
    with pytest.raises(ValueError, match="must be a relative path inside the unit's own folder"):
        benchrun.artifact(name)

TAKEN = ["x", "./x", "a//b", "a/./b", "..x", "x..", "...", "~", "~root", "$HOME", "a\\..\\b", "C:", " ", "-rf", "ä"]

@pytest.mark.parametrize("name", TAKEN)
def test_taken(benchrun, name, request):
    path = benchrun.artifact(name)
    path.write_text("x")
    assert benchrun.artifact("beside").parent in path.resolve().parents
"""
    campaign.write({"test_a.py": source})
    session = campaign.plain(*options)
    assert session.outcomes == {"passed": 29}
    outside = [path for path in campaign.folder.iterdir() if path.name in {"x", "b", "..x"}]
    assert outside == []


def test_a_value_outside_the_direction_words_is_a_warning(campaign: Campaign, engine: str) -> None:
    source = "def test_a(benchrun): benchrun.metric('m', 1, better='sideways', unit=7)\n"
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert session.metrics("test_a.py::test_a") == {"m": {"value": 1, "unit": "7", "better": None}}
    assert "warnings: 2" in session.text
    assert "'sideways'" in session.text


def test_it_works_from_threads_and_tasks_of_the_unit(campaign: Campaign, engine: str) -> None:
    source = """
import asyncio
import threading

def test_threads(benchrun):
    threads = [threading.Thread(target=benchrun.metric, args=(f"m{number}", number)) for number in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

def test_tasks(benchrun):
    async def one(number):
        await asyncio.sleep(0)
        benchrun.metric(f"m{number}", number)
    async def main():
        await asyncio.gather(*map(one, range(8)))
    asyncio.run(main())
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert len(session.metrics("test_a.py::test_threads")) == 8
    assert len(session.metrics("test_a.py::test_tasks")) == 8
