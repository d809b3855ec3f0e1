"""`--bench-config`: the campaign file, named on the command line or in the configuration file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session

FILE = """
[campaign]
name = "nmr"
group_by = "molecule"
max_failures = "none"
max_consecutive_failures = "none"

[matrix]
molecule = ["water", "ammonia"]

[parameters]
basis = "tz"
grid = {points = [1, 2]}
"""
SUITE = """
import pytest

@pytest.mark.benchrun_matrix("molecule")
def test_energy(molecule, benchrun):
    assert benchrun.config == {"basis": "tz", "grid": {"points": [1, 2]}}
    benchrun.config["grid"]["points"].append(3)
    benchrun.config["mine"] = 1
"""


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """Two units, and a campaign file."""
    campaign.write({"test_a.py": SUITE, "nmr.toml": FILE})
    return campaign


def created(session: Session) -> dict[str, Any]:
    [event] = session.events("run_created")
    return event


def refused(campaign: Campaign, *args: str, engine: str = "bare") -> str:
    """What is said when nothing may begin."""
    session = campaign.run(*args, engine=engine)
    assert session.exit_code == 4
    assert "Traceback" not in session.text
    assert "INTERNALERROR" not in session.text
    assert session.text.count("ERROR:") == 1
    assert "  -> " in session.text
    assert session.shown == []
    assert not campaign.results.exists()
    return session.text


def test_it_gives_name_options_and_parameters_to_every_unit(suite: Campaign, engine: str) -> None:
    session = suite.run("--bench-config=nmr.toml", engine=engine)
    assert session.exit_code == 0
    assert session.status()["run_id"].startswith("nmr-")
    assert session.status()["failure_threshold"] == {"limit": None, "groups_total": 2, "by": "molecule"}
    assert set(session.ended()) == {"test_a.py::test_energy[water]", "test_a.py::test_energy[ammonia]"}
    assert created(session)["config"] == {
        "group_by": "molecule",
        "parameters": {"basis": "tz", "grid": {"points": [1, 2]}},
    }


def test_yaml_says_the_same(suite: Campaign, engine: str) -> None:
    yaml = """
campaign: {name: nmr, group_by: molecule}
matrix:
  molecule: [water, ammonia]
parameters: {basis: tz, grid: {points: [1, 2]}}
"""
    suite.write({"nmr.yaml": yaml})
    first = created(suite.run("--bench-config=nmr.yaml", engine=engine))
    second = created(suite.run("--bench-config=nmr.toml", engine=engine))
    assert first["config_hash"] == second["config_hash"]


def test_the_configuration_file_names_it_relative_to_itself(suite: Campaign, engine: str) -> None:
    suite.ini("bench_config = nmr.toml")
    suite.write({"deep/test_b.py": SUITE})
    session = suite.run("deep", "-c", "pytest.ini", engine=engine)
    assert session.outcomes["passed"] == 2


def test_the_command_line_comes_before_the_file_and_the_file_before_the_configuration_file(suite: Campaign) -> None:
    suite.ini("bench_config = nmr.toml", "bench_group_by = other", "bench_max_failures = 7")
    assert suite.run().status()["failure_threshold"]["by"] == "molecule"
    limits = [suite.run(*args).status()["failure_threshold"]["limit"] for args in ((), ("--bench-max-failures=3",))]
    assert limits == [None, 3]
    suite.write({"nmr.toml": FILE.replace('max_failures = "none"', "", 1)})
    assert suite.run().status()["failure_threshold"]["limit"] == 7


def test_budgets_of_file_and_command_line_add_up_name_by_name(campaign: Campaign) -> None:
    source = (
        "import pytest\n@pytest.mark.parametrize('x', range(5))\ndef test_a(x, benchrun): benchrun.metric('usd', 1)\n"
    )
    campaign.write({"test_a.py": source, "a.toml": "[campaign.budget]\nusd = 2\n"})
    assert campaign.run("--bench-config=a.toml").status()["completed"] == 2
    session = campaign.run("--bench-config=a.toml", "--bench-fresh", "--bench-budget=usd=3", "--bench-budget=x=1")
    assert session.status()["completed"] == 3


def test_without_a_run_the_tests_are_ordinary_tests(suite: Campaign, engine: str) -> None:
    for args, ini in ((("--bench-config=nmr.toml",), ()), ((), ("bench_config = nmr.toml",))):
        suite.ini(*ini)
        session = suite.plain(*args, engine=engine)
        assert (session.exit_code, session.outcomes) == (0, {"passed": 2})
        assert not suite.results.exists()


def test_units_do_not_change_it_for_each_other(suite: Campaign, engine: str) -> None:
    suite.write({"test_b.py": SUITE, "test_c.py": SUITE})
    assert suite.run("--bench-config=nmr.toml", engine=engine).outcomes == {"passed": 6}


def test_workers_have_the_file_as_the_session_began(suite: Campaign) -> None:
    source = """
from pathlib import Path
import os
import pytest

@pytest.mark.parametrize("number", range(6))
def test_kill(number, benchrun):
    assert benchrun.config["basis"] == "tz"
    Path("nmr.toml").write_text("[campaign]\\nname = 7\\n")
    if number == 1 and benchrun.attempt == 1:
        os._exit(1)
"""
    suite.write({"test_b.py": source})
    session = suite.run("--bench-config=nmr.toml", engine="n2")
    assert session.exit_code == 0
    assert set(session.ended().values()) == {"completed"}
    assert session.executions().count("test_b.py::test_kill[1]") == 2


def test_looking_only_needs_no_run(suite: Campaign) -> None:
    session = suite.run("--bench-config=nmr.toml", "--collect-only", "-q")
    assert session.exit_code == 0
    assert "test_a.py::test_energy[water]" in session.text
    assert not suite.results.exists()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nowhere.toml", "nowhere.toml' cannot be read: No such file or directory"),
        ("", "is neither a .toml nor a .yaml file"),
        (".", "is neither a .toml nor a .yaml file"),
        ("test_a.py", "test_a.py' is neither a .toml nor a .yaml file"),
        ("folder.toml", "folder.toml' cannot be read: Is a directory"),
        ("binary.toml", "binary.toml' cannot be read: 'utf-8' codec"),
        ("broken.toml", "broken.toml is no TOML: "),
        ("broken.yaml", "broken.yaml is no YAML: "),
        ("list.yaml", "list.yaml holds no table but list"),
        ("unknown.toml", "unknown.toml, [campaign]: there is no key 'max_failure'; known: name, phases"),
        ("option.toml", "option.toml, [campaign] max_failures: --bench-max-failures='lots' is not a number of groups"),
        ("budget.toml", "budget.toml, [campaign] budget: --bench-budget='usd=True' is not a metric"),
        ("phases.toml", "phases.toml, [campaign] phases names the phase 'run' twice"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_in_one_message(suite: Campaign, value: str, said: str) -> None:
    (suite.folder / "folder.toml").mkdir()
    (suite.folder / "binary.toml").write_bytes(b"\xff\xfe\x00")
    suite.write(
        {
            "broken.toml": "[campaign\n",
            "broken.yaml": "a: [\n",
            "list.yaml": "- a\n",
            "unknown.toml": "[campaign]\nmax_failure = 1\n",
            "option.toml": '[campaign]\nmax_failures = "lots"\n',
            "budget.toml": "[campaign.budget]\nusd = true\n",
            "phases.toml": '[campaign]\nphases = ["run", "run"]\n',
        }
    )
    assert said in refused(suite, f"--bench-config={value}")


def test_a_file_is_refused_before_workers_start_and_without_a_run_too(suite: Campaign, engine: str) -> None:
    suite.write({"bad.toml": "[matrx]\n"})
    assert "there is no table 'matrx'" in refused(suite, "--bench-config=bad.toml", engine=engine)
    session = suite.plain("--bench-config=bad.toml", engine=engine)
    assert (session.exit_code, session.shown) == (4, [])
    assert "did you mean matrix?" in session.text


def test_a_refused_file_leaves_a_run_alone(suite: Campaign) -> None:
    suite.run("--bench-config=nmr.toml")
    before = suite.files()
    for args in (("--bench-resume",), ("--bench-fresh",), ()):
        assert suite.run("--bench-config=nowhere.toml", *args).exit_code == 4
    assert suite.files() == before
