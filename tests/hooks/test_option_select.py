"""`--bench-select`: a pilot of the campaign."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

SUITE = """
import pytest

@pytest.mark.parametrize("size", [1, 10])
@pytest.mark.parametrize("molecule", ["water", "ammonia", "a::b"])
def test_energy(molecule, size): pass

def test_alone(): pass
"""


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """Six units with parameters, one without."""
    campaign.write({"test_a.py": SUITE})
    return campaign


def ids(*parameters: str) -> set[str]:
    return {f"test_a.py::test_energy[{parameter}]" for parameter in parameters}


@pytest.mark.parametrize(
    ("args", "selected"),
    [
        (("--bench-select", "molecule=water"), ids("water-1", "water-10")),
        (("--bench-select=molecule=w*",), ids("water-1", "water-10")),
        (("--bench-select=molecule=water", "--bench-select=size=1"), ids("water-1")),
        (("--bench-select=size=1", "--bench-select=size=10", "--bench-select= molecule =[!w]*"), None),
        (("--bench-select=molecule=a::b", "--bench-select=size=1?"), ids("a::b-10")),
        (("--bench-select=molecule=*", "-k", "water"), ids("water-1", "water-10")),
    ],
)
def test_only_what_matches_runs(suite: Campaign, engine: str, args: tuple[str, ...], selected: set[str] | None) -> None:
    session = suite.run(*args, engine=engine)
    assert session.exit_code == 0
    wanted = selected or ids("ammonia-1", "ammonia-10", "a::b-1", "a::b-10")
    assert set(session.ended()) == wanted
    assert session.status()["total_tasks"] == len(wanted)


def test_after_the_pilot_the_rest_joins_the_run(suite: Campaign, engine: str) -> None:
    suite.run("--bench-select=molecule=water", engine=engine)
    session = suite.run("--bench-resume", engine=engine)
    assert session.status()["total_tasks"] == 7
    assert len(session.executions()) == 7
    assert session.status()["state"] == "complete"


def test_what_is_not_selected_is_not_removed(suite: Campaign, engine: str) -> None:
    suite.run(engine=engine)
    before = suite.files()
    session = suite.run("--bench-resume", "--bench-select=molecule=water", engine=engine)
    assert session.exit_code == 0
    assert "nothing to do" in session.text
    assert suite.files() == before


@pytest.mark.parametrize(
    ("value", "said", "hint"),
    [
        ("", "--bench-select='' is not a parameter and a pattern", "--bench-select=molecule=compound_0[1-5]"),
        ("water", "--bench-select='water' is not a parameter and a pattern", "--bench-select=molecule="),
        ("=water", "--bench-select='=water' is not a parameter", "--bench-select=molecule="),
        ("molecule=", "--bench-select='molecule=' is not a parameter", "--bench-select=molecule="),
        (
            "molecle=water",
            "no unit has the parameter 'molecle'; known: molecule, size",
            "--bench-select molecule=water",
        ),
        ("molecule=gold", "--bench-select molecule=gold selects none of 7 units", "values of molecule: water, ammonia"),
        ("molecule=[", "--bench-select molecule=[ selects none of 7 units", "values of molecule: "),
    ],
)
def test_a_pilot_of_nothing_is_refused_in_one_message(
    suite: Campaign, engine: str, value: str, said: str, hint: str
) -> None:
    session = suite.run(f"--bench-select={value}", engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert hint in session.text
    assert "Traceback" not in session.text
    assert session.shown == []
    assert not suite.results.exists()


def test_without_parameters_there_is_nothing_to_select_by(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    session = campaign.run("--bench-select=x=1")
    assert session.exit_code == 4
    assert "known: none\n  -> parametrize the units" in session.text


@pytest.mark.parametrize(
    "option", ["--bench-select=molecule=water", "--bench-only=run", "--bench-from=run", "--bench-to=run"]
)
def test_without_a_results_directory_a_part_of_the_campaign_is_refused(
    suite: Campaign, option: str, engine: str
) -> None:
    session = suite.plain(option, engine=engine)
    assert session.exit_code == 4
    assert f"  -> for example: --bench-results=results {option}" in session.text
    assert session.shown == []
