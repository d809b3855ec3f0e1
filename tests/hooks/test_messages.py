"""The one line that status, summary and records have of an error."""

from __future__ import annotations

from tests.hooks.campaigns import Campaign

SOURCE = '''
import pytest

def test_fixture(molecul): pass

def test_assert(): assert 1 == 2, "not converged"

def test_without_a_traceback(): pytest.fail("said in words", pytrace=False)

def wrong():
    """
    >>> 1 + 1
    3
    """

def raises():
    """
    >>> 1 / 0
    """
'''


def test_the_message_says_what_is_wrong(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SOURCE})
    session = campaign.run("--doctest-modules", engine=engine)
    said = {end["unit_id"].rpartition("::")[2]: end["outcome"]["message"] for end in session.events("unit_ended")}
    path = campaign.folder / "test_a.py"
    assert said == {
        "test_a.wrong": f"{path}:12: DocTestFailure",
        "test_a.raises": f"{path}:18: UnexpectedException",
        "test_fixture": "fixture 'molecul' not found",
        "test_assert": "AssertionError: not converged",
        "test_without_a_traceback": "Failed: said in words",
    }
