"""`@pytest.mark.benchrun_matrix`: parameters from the campaign file."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

FILE = """
[matrix]
molecule = ["water", "ammonia"]
functional = ["pbe", "hf"]
size = [1, 1.5, true]
[[exclude]]
molecule = "water"
functional = ["hf"]
"""
CONFIG = "--bench-config=nmr.toml"
HEAD = "import pytest\n"
MARK = "@pytest.mark.benchrun_matrix"


def ids(campaign: Campaign, source: str, engine: str = "bare", **files: str) -> list[str]:
    """The parameters of the units of one function, in the order they ran."""
    campaign.write({"nmr.toml": FILE, "test_a.py": HEAD + source, **files})
    session = campaign.run(CONFIG, engine=engine)
    assert session.exit_code == 0, session.text
    return [unit_id.partition("[")[2].rstrip("]") for unit_id in session.executions()]


def test_every_combination_that_is_not_excluded_is_a_unit(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule", "functional")\ndef test_a(molecule, functional): pass\n'
    assert ids(campaign, source, engine) == ["water-pbe", "ammonia-pbe", "ammonia-hf"]


def test_several_marks_are_one_matrix_the_outermost_name_changes_slowest(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule")\n{MARK}("functional")\ndef test_a(molecule, functional): pass\n'
    assert ids(campaign, source, engine) == ["water-pbe", "ammonia-pbe", "ammonia-hf"]


def test_marks_of_class_and_module_count_too(campaign: Campaign) -> None:
    source = (
        f'pytestmark = pytest.mark.benchrun_matrix("functional")\n{MARK}("molecule")\nclass TestA:\n'
        "    def test_a(self, molecule, functional): pass\n"
    )
    assert ids(campaign, source) == ["pbe-water", "pbe-ammonia", "hf-ammonia"]


def test_a_name_that_is_given_twice_is_given_once(campaign: Campaign) -> None:
    source = f'{MARK}("functional", "functional")\n{MARK}("functional")\ndef test_a(functional): pass\n'
    assert ids(campaign, source) == ["pbe", "hf"]


def test_it_lives_beside_parametrize_and_fixtures(campaign: Campaign, engine: str) -> None:
    source = f"""
@pytest.fixture
def molecule(request): return request.param.upper()

@pytest.mark.parametrize("x", [7])
{MARK}("functional")
def test_a(functional, x): assert functional in ("pbe", "hf")
"""
    assert sorted(ids(campaign, source, engine)) == ["hf-7", "pbe-7"]


def test_values_keep_their_type(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("size")\ndef test_a(size): assert repr(size) in ("1", "1.5", "True")\n'
    assert sorted(ids(campaign, source, engine)) == ["1", "1.5", "True"]


def test_a_value_may_look_like_an_id(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule")\ndef test_a(molecule): pass\n'
    campaign.write({"nmr.toml": '[matrix]\nmolecule = ["a::b", "x[1]", "", "ä", "a/b"]\n', "test_a.py": HEAD + source})
    session = campaign.run(CONFIG, engine=engine)
    assert session.exit_code == 0
    assert len(session.executions()) == len(set(session.executions())) == 5
    again = campaign.run("--bench-resume", CONFIG, engine=engine)
    assert "nothing to do" in again.text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            f'{MARK}("molecle")\ndef test_a(molecle): pass\n',
            "@pytest.mark.benchrun_matrix at test_a.py::test_a: [matrix] has no 'molecle'; known: molecule, functional",
        ),
        (f"{MARK}()\ndef test_a(): pass\n", "at test_a.py::test_a takes names of parameters\n"),
        (f"{MARK}(7)\ndef test_a(): pass\n", "at test_a.py::test_a takes names of parameters, not 7\n"),
        (f"{MARK}(None)\ndef test_a(): pass\n", "at test_a.py::test_a takes names of parameters, not None\n"),
        (f'{MARK}(["molecule"])\ndef test_a(): pass\n', "takes names of parameters, not ['molecule']\n"),
        (f'{MARK}("molecule", only=1)\ndef test_a(molecule): pass\n', "takes names of parameters\n"),
        (f"{MARK}()\n{MARK}('size')\ndef test_a(size): pass\n", "takes names of parameters\n"),
    ],
)
def test_a_mark_that_cannot_be_right_is_refused_before_anything_begins(
    campaign: Campaign, engine: str, source: str, said: str
) -> None:
    campaign.write({"nmr.toml": FILE, "test_a.py": HEAD + source, "test_b.py": "def test_b(): pass\n"})
    for args in ((), ("--bench-group-by=molecule",), ("--bench-plan",)):
        session = campaign.run(CONFIG, *args, engine=engine)
        assert session.exit_code == 4
        assert said in session.text
        assert "  -> " in session.text
        assert "Traceback" not in session.text
        assert session.shown == []
        assert not campaign.results.exists()


def test_exclusions_that_leave_nothing_are_refused(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule", "functional")\ndef test_a(molecule, functional): pass\n'
    everything = FILE + '[[exclude]]\nmolecule = "ammonia"\n[[exclude]]\nfunctional = "pbe"\n'
    campaign.write({"nmr.toml": everything, "test_a.py": HEAD + source})
    session = campaign.run(CONFIG, engine=engine)
    assert session.exit_code == 4
    assert "[[exclude]] in nmr.toml leaves nothing of molecule x functional" in session.text


def test_without_a_file_the_option_is_named(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": f'{HEAD}{MARK}("molecule")\ndef test_a(molecule): pass\n'})
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert 'write molecule = ["...", "..."] under [matrix] in --bench-config=FILE' in session.text


def test_without_a_run_a_wrong_mark_is_said_and_nothing_of_its_module_runs(campaign: Campaign, engine: str) -> None:
    campaign.write({"nmr.toml": FILE, "test_a.py": f'{HEAD}{MARK}("molecle")\ndef test_a(molecle): pass\n'})
    session = campaign.plain(CONFIG, engine=engine)
    assert session.exit_code == (4 if engine == "bare" else 1)
    assert "[matrix] has no 'molecle'; known: molecule, functional, size" in session.text
    assert "fixture 'molecle' not found" not in session.text


def test_a_unit_that_a_value_makes_new_runs_and_no_other(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule")\ndef test_a(molecule): pass\n'
    campaign.write({"nmr.toml": FILE, "test_a.py": HEAD + source})
    campaign.run(CONFIG, engine=engine)
    campaign.write({"nmr.toml": FILE.replace('"ammonia"]', '"ammonia", "methane"]')})
    session = campaign.run(CONFIG, "--bench-resume", engine=engine)
    assert session.executions()[2:] == ["test_a.py::test_a[methane]"]


def test_a_unit_that_an_exclusion_takes_away_is_removed(campaign: Campaign, engine: str) -> None:
    source = f'{MARK}("molecule")\ndef test_a(molecule): assert molecule == "water"\n'
    campaign.write({"nmr.toml": FILE, "test_a.py": HEAD + source})
    campaign.run(CONFIG, engine=engine)
    campaign.write({"nmr.toml": FILE + '[[exclude]]\nmolecule = "ammonia"\n'})
    session = campaign.run(CONFIG, "--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert "1 unit is no longer in the suite: test_a.py::test_a[ammonia]" in session.text
    assert session.status()["state"] == "complete"
