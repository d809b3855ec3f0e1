"""A wider fixture that fails in its teardown, beside plugins that look at the unit when reports are made."""

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
