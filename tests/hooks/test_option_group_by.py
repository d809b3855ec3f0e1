"""`--bench-group-by`: the parameter whose values are the groups."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, Session

ENERGY = """
import pytest

@pytest.mark.parametrize("functional", ["pbe", "hf"])
@pytest.mark.parametrize("molecule", ["water", "ammonia"])
def test_energy(molecule, functional): pass

def test_alone(): pass
"""


def groups(session: Session) -> dict[str, str]:
    """The group of each unit."""
    return {unit["unit_id"]: unit["group"] for event in session.events("units_added") for unit in event["units"]}


def test_by_default_each_unit_is_its_own_group(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_energy.py": ENERGY})
    assert all(unit_id == group for unit_id, group in groups(campaign.run(engine=engine)).items())


def test_the_value_of_the_parameter_is_the_group(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_energy.py": ENERGY})
    session = campaign.run("--bench-group-by=molecule", engine=engine)
    assert groups(session)["test_energy.py::test_energy[water-hf]"] == "water"
    assert groups(session)["test_energy.py::test_energy[ammonia-pbe]"] == "ammonia"
    assert session.status()["failure_threshold"]["by"] == "molecule"


def test_a_unit_without_the_parameter_is_its_own_group(campaign: Campaign) -> None:
    campaign.write({"test_energy.py": ENERGY})
    session = campaign.run("--bench-group-by=molecule")
    assert groups(session)["test_energy.py::test_alone"] == "test_energy.py::test_alone"


def test_it_groups_the_figures(campaign: Campaign) -> None:
    campaign.write({"test_energy.py": ENERGY})
    stats = campaign.run("--bench-group-by=molecule").stats()
    assert {name: figures["n"] for name, figures in stats["by_group"].items()} == {"ammonia": 2, "water": 2}


def test_the_configuration_file_sets_it(campaign: Campaign, engine: str) -> None:
    campaign.ini("bench_group_by = functional")
    campaign.write({"test_energy.py": ENERGY})
    assert set(groups(campaign.run(engine=engine)).values()) == {"pbe", "hf", "test_energy.py::test_alone"}


def test_the_command_line_comes_before_the_configuration_file(campaign: Campaign) -> None:
    campaign.ini("bench_group_by = functional")
    campaign.write({"test_energy.py": ENERGY})
    assert "water" in groups(campaign.run("--bench-group-by=molecule")).values()


def test_a_parameter_that_no_unit_has_is_refused_with_the_nearest(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_energy.py": ENERGY})
    session = campaign.run("--bench-group-by=molecle", engine=engine)
    assert session.exit_code == 4
    assert "--bench-group-by='molecle': no unit has that parameter; known: functional, molecule" in session.text
    assert "  -> --bench-group-by=molecule" in session.text
    assert "Traceback" not in session.text
    assert session.shown == []
    assert not campaign.results.exists()


def test_without_any_parameter_the_hint_says_so(campaign: Campaign) -> None:
    campaign.write({"test_alone.py": "def test_alone(): pass\n"})
    session = campaign.run("--bench-group-by=molecule")
    assert session.exit_code == 4
    assert "known: none" in session.text
    assert "leave --bench-group-by away" in session.text


def test_a_refused_parameter_leaves_a_finished_run_alone(campaign: Campaign) -> None:
    campaign.write({"test_energy.py": ENERGY})
    campaign.run()
    before = campaign.files()
    assert campaign.run("--bench-group-by=nothing").exit_code == 4
    assert campaign.files() == before


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("[1, 1.5]", {"1", "1.5"}),
        ("[None, True]", {"None", "True"}),
        ("[(1, 2), {'a': 1}]", {"[1, 2]", "{'a': 1}"}),
        ("['', 'ä']", {"", "ä"}),
        ("[float('nan'), 10**30]", {"None", str(10**30)}),
    ],
)
def test_values_of_any_kind_make_groups(campaign: Campaign, values: str, expected: set[str]) -> None:
    source = f"import pytest\n@pytest.mark.parametrize('x', {values})\ndef test_unit(x): pass\n"
    campaign.write({"test_unit.py": source})
    assert set(groups(campaign.run("--bench-group-by=x")).values()) == expected


def test_a_resume_may_group_by_something_else_for_new_units_only(campaign: Campaign) -> None:
    campaign.write({"test_energy.py": ENERGY})
    campaign.run("--bench-group-by=molecule")
    campaign.write({"test_energy.py": ENERGY.replace('"hf"]', '"hf", "b3lyp"]')})
    session = campaign.run("--bench-resume", "--bench-group-by=molecule")
    assert session.exit_code == 0
    assert groups(session)["test_energy.py::test_energy[water-b3lyp]"] == "water"
