"""JUnit: the properties of each test case, and totals that are true however the run ended."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.hooks.campaigns import Campaign

KINDS = """
import pytest

def test_passes(benchrun):
    benchrun.metric("speed", 1.5)
    benchrun.metric("lost", float("nan"))

def test_fails(): raise AssertionError
def test_skips(): pytest.skip("itself")
@pytest.mark.skip(reason="marked")
def test_marked(): pass
@pytest.mark.xfail
def test_xfails(): raise AssertionError
@pytest.fixture
def no_setup(): raise OSError
def test_no_setup(no_setup): pass
@pytest.fixture
def no_teardown():
    yield
    raise OSError
def test_no_teardown(no_teardown): pass
@pytest.mark.benchrun(group="theirs")
def test_grouped(record_property): record_property("own", "1")
"""


def test_every_case_says_run_group_and_attempt(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    session = campaign.run(engine=engine)
    cases = {case.name.rpartition("::")[2]: case for case in session.cases()}
    assert len(cases) == 8
    for name, case in cases.items():
        assert case.values("bench.run_id") == [session.status()["run_id"]], name
        assert case.values("bench.attempt") == ["1"], name
        assert case.values("bench.group") == ["theirs" if name == "test_grouped" else f"test_kinds.py::{name}"], name


def test_each_metric_is_a_property(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    cases = {case.name: case for case in campaign.run(engine=engine).cases()}
    passes = cases["test_kinds::test_passes"]
    assert passes.values("bench.metric.speed") == ["1.5"]
    assert passes.values("bench.metric.lost") == [""]
    assert cases["test_kinds::test_fails"].values("bench.metric.speed") == []


def test_properties_of_the_suite_stay(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    cases = {case.name: case for case in campaign.run(engine=engine).cases()}
    assert cases["test_kinds::test_grouped"].values("own") == ["1"]


@pytest.mark.parametrize("family", ["xunit1", "xunit2", "legacy"])
def test_every_family_has_them(campaign: Campaign, family: str) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    session = campaign.run("-o", f"junit_family={family}")
    assert session.cases()[0].values("bench.run_id") == [session.status()["run_id"]]


def test_without_a_run_there_are_none(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    session = campaign.plain(engine=engine)
    names = {name for case in session.cases() for name, _ in case.properties}
    assert names == {"own"}


def test_the_totals_are_those_of_plain_pytest(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    expected = totals(campaign, campaign.plain().exit_code)
    assert totals(campaign, campaign.run(engine=engine).exit_code) == expected


def totals(campaign: Campaign, exit_code: int) -> dict[str, str]:
    """The counts in the JUnit file's head."""
    (suite,) = ET.parse(campaign.folder / "junit.xml").iter("testsuite")  # noqa: S314  # pytest has just written it
    return {name: suite.get(name, "") for name in ("tests", "errors", "failures", "skipped")} | {"exit": str(exit_code)}


def test_units_that_never_started_are_skipped_with_attempt_zero(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

class TestMany:
    @pytest.mark.parametrize("x", range(20))
    def test_unit(self, x): raise AssertionError
"""
    campaign.write({"below/test_many.py": source})
    session = campaign.run("-x", engine=engine)
    held = [case for case in session.cases() if case.children[0][0] == "skipped"]
    assert len(held) == session.status()["held_back"] > 0
    for case in held:
        assert case.values("bench.attempt") == ["0"]
        assert case.values("bench.run_id") == [session.status()["run_id"]]
        assert case.name.startswith("below.test_many.TestMany::test_unit[")
    assert totals(campaign, 1)["tests"] == "20"


def test_a_resumed_session_lists_what_it_ran(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_kinds.py": KINDS})
    campaign.run(engine=engine)
    session = campaign.run("--bench-resume", engine=engine)
    assert {case.name: case.values("bench.attempt") for case in session.cases()} == {
        "test_kinds::test_fails": ["2"],
        "test_kinds::test_no_setup": ["2"],
        "test_kinds::test_no_teardown": ["2"],
    }
