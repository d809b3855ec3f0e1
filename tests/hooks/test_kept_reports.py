"""What pytest keeps of each unit to the end is no more than it must be."""

from __future__ import annotations

from tests.hooks.campaigns import Campaign

CONFTEST = """
import pytest

def pytest_runtest_logreport(report):
    KEPT.append(report)

KEPT = []

def pytest_runtest_makereport(item, call):
    if item.name == "test_b" and call.when == "call":
        item.keywords["found_late"] = True

def pytest_terminal_summary(terminalreporter):
    for name in ("test_a", "test_b"):
        reports = [report for report in KEPT if report.nodeid.endswith(name)]
        terminalreporter.write_line(f"{name}: {len({id(report.keywords) for report in reports})} keywords, "
                                    f"{['found_late' in report.keywords for report in reports]}")
"""


def test_the_reports_of_a_unit_share_their_keywords_where_they_are_the_same(campaign: Campaign, engine: str) -> None:
    campaign.write({"conftest.py": CONFTEST, "test_it.py": "def test_a(): pass\ndef test_b(): pass\n"})
    text = campaign.run(engine=engine).text
    assert "test_a: 1 keywords, [False, False, False]" in text
    assert "test_b: 2 keywords, [False, True, True]" in text
