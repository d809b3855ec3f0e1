"""Values that break serialisers, as parameters, ids, groups and names of folders, never end a run."""

from __future__ import annotations

import json
import os

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign
from tests.hooks.hostile import HEAD, failed, run

PARAMETERS = """
@pytest.mark.parametrize("x", [pytest.param(value, id=name) for name, value in {dictionary}.items()])
def test_value(benchrun, x):
    assert benchrun.params["x"] is x
"""


def test_as_a_parameter(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, PARAMETERS.format(dictionary="VALUES"))
    assert failed(session) == []
    params = {
        unit["unit_id"].partition("[")[2][:-1]: unit["param_values"][0]
        for event in session.events("units_added")
        for unit in event["units"]
    }
    assert params["numpy float"] == 1.5
    assert params["nan"] is None
    assert params["surrogate"] == "\\ud800 lone"
    assert params["set"] == ["a", 1, None]
    assert params["raising repr"] == "<RaisingRepr: repr raised RuntimeError>"


def test_as_a_parameter_whose_methods_raise(hostile: Campaign, engine: str) -> None:
    assert failed(run(hostile, engine, PARAMETERS.format(dictionary="EXOTIC"))) == []


def test_no_parameter_fills_the_journal(hostile: Campaign) -> None:
    session = run(hostile, "bare", PARAMETERS.format(dictionary="VALUES"))
    longest = max(len(json.dumps(unit)) for event in session.events("units_added") for unit in event["units"])
    assert longest < 100_000


def test_as_parameters_that_make_the_groups(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, PARAMETERS.format(dictionary="VALUES"), "--bench-group-by=x")
    assert failed(session) == []


def test_parameters_whose_ids_pytest_makes(hostile: Campaign, engine: str) -> None:
    run(hostile, engine, "@pytest.mark.parametrize('x', NAMABLE.values())\ndef test_value(x): pass\n")


def test_texts_as_ids(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("x", [pytest.param(1, id=text) for name, text in TEXTS.items() if "\\0" not in text])
def test_value(benchrun, x): benchrun.artifact("a").write_text("a")
"""
    session = run(hostile, engine, source)
    assert failed(session) == []
    assert sum(name.startswith("artifacts/") for name in hostile.files()) == session.status()["total_tasks"]


def test_texts_as_ids_that_pytest_does_not_escape(hostile: Campaign, engine: str) -> None:
    option = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
    source = """
TAKEN = [text for name, text in TEXTS.items() if "\\0" not in text and name != "surrogate"]
@pytest.mark.parametrize("x", [pytest.param(1, id=text) for text in TAKEN])
def test_value(benchrun, x): benchrun.artifact("a").write_text("a")
"""
    session = run(hostile, engine, source, "-o", f"{option}=true")
    assert failed(session) == []


@pytest.mark.parametrize("size", [100_000])
def test_units_with_very_long_ids_fail_skip_and_are_held_back(hostile: Campaign, engine: str, size: int) -> None:
    source = f"""
@pytest.mark.parametrize("x", [pytest.param(n, id=f"{{n}}" + "x" * {size}) for n in range(12)])
def test_value(benchrun, x):
    benchrun.metric("m", x)
    if x % 3 == 1: pytest.skip("this one")
    assert x < 4
"""
    hostile.write({"test_hostile.py": HEAD + source})
    session = hostile.run("--bench-max-failures=1", engine=engine)
    assert session.exit_code == 1
    assert session.status()["state"] == "paused"
    assert max(map(len, session.text.splitlines())) < 4 * size
    assert hostile.run("--bench-resume", *UNLIMITED, engine=engine).status()["state"] == "complete"


def test_as_the_group_of_a_marker(hostile: Campaign, engine: str) -> None:
    source = """
GROUPS = [*ALL.values(), *TEXTS.values()]
@pytest.mark.parametrize("x", [pytest.param(n, marks=pytest.mark.benchrun(group=g)) for n, g in enumerate(GROUPS)])
def test_group(x): pass
"""
    session = run(hostile, engine, source)
    assert failed(session) == []


def test_in_the_name_of_a_folder(campaign: Campaign, engine: str) -> None:
    folder = campaign.folder / os.fsdecode(b"no \xff text")
    folder.mkdir()
    (folder / "test_one.py").write_text("def test_one(benchrun): benchrun.artifact('a').write_text('a')\n", "utf-8")
    args = ("-p", "no:cacheprovider", "--junitxml=")  # pytest's own cache and JUnit file cannot hold such a name
    session = campaign.run(*args, engine=engine)
    assert session.exit_code == 0
    assert list(session.ended()) == ["no \\udcff text/test_one.py::test_one"]
    assert "nothing to do" in campaign.run("--bench-resume", *args, engine=engine).text
