"""Hooks of other plugins that look at a unit that is over, and at the one that comes next, which nobody knows."""

from __future__ import annotations

from tests.hooks.campaigns import UNLIMITED, Campaign

CONFTEST = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.user_properties.append(("has_it", "wide" in item.funcargs))
    return report

@pytest.fixture(scope="module")
def wide():
    yield
    raise RuntimeError("late")
"""
SOURCE = "def test_one(wide): pass\ndef test_two(wide): pass\n"


def test_hooks_find_the_fixtures_of_a_unit_that_is_over(campaign: Campaign, engine: str) -> None:
    campaign.write({"conftest.py": CONFTEST, "test_a.py": SOURCE, "test_b.py": SOURCE, "test_c.py": SOURCE})
    session = campaign.run(*UNLIMITED, engine=engine)
    assert "INTERNALERROR" not in session.text
    assert session.exit_code == 1
    assert session.outcomes["passed"] == 6
    assert len(session.ended()) == 6
    assert {event["message"] for event in session.events("late_error")} == {"RuntimeError: late"}
    assert session.status()["state"] == "complete"


NEXT = """
import pytest

def pytest_runtest_teardown(item, nextitem):
    if nextitem is not None:
        assert (nextitem.module, nextitem.cls) == (item.module, item.cls)
        assert not hasattr(nextitem, "nobody_has_it")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    for name in ("function", "obj", "originalname", "fixturenames", "nodeid", "path", "keywords", "location"):
        getattr(nextitem, name)
    return (yield)
"""


def test_hooks_find_a_next_unit_like_the_one_before(campaign: Campaign, engine: str) -> None:
    source = "def test_one(): pass\ndef test_two(): pass\nclass TestIt:\n    def test_three(self): pass\n"
    campaign.write({"conftest.py": NEXT, "test_a.py": source, "test_b.py": source})
    session = campaign.run(engine=engine)
    assert (session.exit_code, session.outcomes) == (0, {"passed": 6}), session.text
