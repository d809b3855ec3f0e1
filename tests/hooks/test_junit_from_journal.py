"""JUnit from the journal: nobody can tell it from the file that pytest itself has written."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_benchrun.report.junit import junit_xml
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.rundir import RunDir
from tests.hooks.campaigns import UNLIMITED, Campaign

pytestmark = pytest.mark.skipif(
    pytest.version_tuple < (9, 2),
    reason="earlier ones count a test that fails in its teardown twice, cut no message and name no testsuites",
)

MIXED = """
import warnings
import pytest


def test_passes(benchrun):
    benchrun.metric("speed", 1.5, unit="MB/s")
    benchrun.metric("count", 3)
    benchrun.metric("lost", float("nan"))
    benchrun.metric("<odd & \\x01>", 1)

def test_fails():
    left, right = [1, 2, 3], [1, 2, 4]
    assert left == right, "they differ"

def test_fails_in_many_lines():
    raise ValueError("first\\n\\n  third <&>\\x00\\x1b[31m\\nfirst")

def test_fails_at_length():
    raise ValueError("word " * 300)

def test_fails_in_a_chain():
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise RuntimeError("outer") from error

def test_fails_without_trace():
    pytest.fail("said\\nin two lines", pytrace=False)

class TestClass:
    class TestInner:
        @pytest.mark.parametrize("x", ["a::b", "c[d]", "e/f.py", "\\u2603\\x07"])
        def test_deep(self, x):
            assert x == "a::b"

@pytest.fixture
def no_setup():
    raise OSError("no disk")

@pytest.fixture
def no_teardown():
    yield
    raise OSError("still open")

def test_no_setup(no_setup): pass
def test_no_teardown(no_teardown): pass
def test_no_such_fixture(nobody_has_it): pass

def test_skips(): pytest.skip("itself\\nand more")
@pytest.mark.skip(reason="marked")
def test_marked(): pass
@pytest.mark.skip
def test_marked_only(): pass
@pytest.mark.skipif(True, reason="a: 3: b")
def test_conditional(): pass

@pytest.mark.xfail(reason="known")
def test_xfails(): assert 0
@pytest.mark.xfail
def test_xfails_without_reason(): assert 0
@pytest.mark.xfail(reason="by now right")
def test_xpasses(): pass
@pytest.mark.xfail(strict=True, reason="must fail")
def test_xpasses_strictly(): pass
@pytest.mark.xfail(run=False, reason="never")
def test_is_not_run(): assert 0
def test_xfails_itself(): pytest.xfail("on the way")

@pytest.mark.benchrun(group="theirs")
def test_grouped(): pass
"""
WIDE = """
import pytest

@pytest.fixture(scope="module")
def wide():
    yield
    raise OSError("cannot close")

def test_first(wide): pass
def test_last(wide): pass
"""


def made(campaign: Campaign) -> ET.Element:
    """What the journal gives."""
    return ET.fromstring(junit_xml(JournalReader(RunDir(campaign.results)), is_live=False))  # noqa: S314  # our own


def comparable(root: ET.Element) -> list[object]:
    """The whole document, without what no two readings of a clock have alike; workers end in any order."""
    (suite,) = root
    assert float(suite.attrib.pop("time")) > 0
    assert suite.attrib.pop("timestamp").startswith("20")
    for case in suite:
        assert float(case.attrib.pop("time")) >= 0
    shown = sorted(ET.tostring(case, encoding="unicode") for case in suite)
    return [root.tag, dict(root.attrib), suite.tag, dict(suite.attrib), *shown]


def own(junit: Path) -> ET.Element:
    """What pytest has written."""
    return ET.parse(junit).getroot()  # noqa: S314  # pytest has just written it


def test_a_mixed_suite_gives_the_same_file(campaign: Campaign, engine: str) -> None:
    campaign.write({"below/test_mixed.py": MIXED, "test_wide.py": WIDE})
    session = campaign.run(*UNLIMITED, engine=engine)
    assert comparable(made(campaign)) == comparable(own(session.junit))


@pytest.mark.parametrize("style", ["short", "long", "line"])
def test_other_styles_of_traceback_give_the_same_file(campaign: Campaign, style: str) -> None:
    campaign.write({"test_mixed.py": MIXED})
    session = campaign.run(*UNLIMITED, f"--tb={style}")
    assert comparable(made(campaign)) == comparable(own(session.junit))


def test_the_cases_of_a_bare_session_are_in_the_same_order(campaign: Campaign) -> None:
    campaign.write({"test_mixed.py": MIXED, "test_wide.py": WIDE})
    session = campaign.run(*UNLIMITED)
    names = [[case.get("name") for case in root.iter("testcase")] for root in (made(campaign), own(session.junit))]
    assert names[0] == names[1]


@pytest.mark.parametrize("option", ["-x", "--bench-max-failures=0"])
def test_a_session_that_stops_in_the_middle_gives_the_same_file(campaign: Campaign, engine: str, option: str) -> None:
    campaign.write({"below/test_mixed.py": MIXED})
    session = campaign.run(option, engine=engine)
    assert session.status()["held_back"] > 5
    assert comparable(made(campaign)) == comparable(own(session.junit))


def test_units_of_one_name_are_named_as_pytest_names_them(campaign: Campaign) -> None:
    campaign.write({"test_twice.py": "def test_it(): pass\n"})
    session = campaign.run("--keep-duplicates", "test_twice.py", "test_twice.py::test_it", "test_twice.py")
    assert comparable(made(campaign)) == comparable(own(session.junit))


def test_after_a_resume_all_units_are_in_it_as_they_ended_last(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_flaky.py": "def test_it(benchrun): assert benchrun.attempt == 2\ndef test_other(): pass\n"})
    campaign.run(engine=engine)
    campaign.run("--bench-resume", engine=engine)
    (suite,) = made(campaign)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    attempts = {case.get("name"): case.findtext("properties") is not None for case in suite}
    assert attempts == {"test_it": True, "test_other": True}
    values = [one.get("value") for one in suite.iter("property") if one.get("name") == "bench.attempt"]
    assert values == ["2", "1"]
