"""What pytest itself shows: ids that it was told to leave alone, and warnings, with every character visible."""

from __future__ import annotations

from pathlib import Path

from tests.hooks.campaigns import UNLIMITED, Campaign
from tests.hooks.hostile_texts import HOSTILE_TEXTS
from tests.hooks.test_hostile_texts import UNCLEAN

INI = "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
SOURCE = """
import warnings
import pytest
from hostile_texts import HOSTILE_TEXTS

@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=HOSTILE_TEXTS)
def test_warns(text): warnings.warn(text)

@pytest.mark.parametrize("n", [1, 2], ids=["\\x1b[31m", "\\\\x1b[31m"])
def test_twice(n): pass

@pytest.mark.parametrize("n", [1], ids=["日本語"])
def test_readable(n): pass
"""


def test_raw_ids_and_warnings_reach_no_sink(campaign: Campaign, engine: str) -> None:
    source = Path(__file__).with_name("hostile_texts.py").read_text("utf-8")
    campaign.write({"hostile_texts.py": source, "test_a.py": SOURCE, "pytest.ini": INI})
    session = campaign.run(*UNLIMITED, "-v", "-rA", "--bench-log=run.log", engine=engine)
    count = len(HOSTILE_TEXTS) + 3
    assert "INTERNALERROR" not in session.text
    assert (session.status()["total_tasks"], session.status()["completed"]) == (count, count)
    assert len(session.cases()) == len(session.ended()) == count
    assert UNCLEAN.findall(session.text) == []
    assert UNCLEAN.findall(session.junit.read_text("utf-8")) == []
    assert UNCLEAN.findall((campaign.folder / "run.log").read_text("utf-8")) == []
    assert [unit_id for unit_id in session.ended() if UNCLEAN.search(unit_id) or "\n" in unit_id] == []
    assert {"test_a.py::test_readable[日本語]", "test_a.py::test_twice[\\x1b[31m]-1"} <= session.ended().keys()
    again = campaign.run("--bench-resume", engine=engine)
    assert again.exit_code == 0
    assert again.status()["total_tasks"] == count


def test_the_line_that_pytest_shows_under_a_warning_is_visible_too(campaign: Campaign, engine: str) -> None:
    line = "def test_it(): warnings.warn('w', stacklevel=1)  # \x1b[2J \x9b6n \u202e"
    campaign.write({"test_a.py": f"import warnings\n{line}\n"})
    session = campaign.run("-W", "always", engine=engine)
    assert r"\x1b[2J \x9b6n \u202e" in session.text
    assert not {"\x1b", "\x9b", "\u202e"} & set(session.text)
