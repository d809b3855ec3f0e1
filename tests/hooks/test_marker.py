"""`@pytest.mark.benchrun(group=...)`: known to pytest, and the group of a unit where no option says otherwise."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, Session


def groups(session: Session) -> dict[str, str]:
    """The group of each unit, by the id without the file."""
    units = [unit for event in session.events("units_added") for unit in event["units"]]
    return {unit["unit_id"].partition("::")[2]: unit["group"] for unit in units}


@pytest.mark.parametrize("options", [(), ("--bench-results=results",)], ids=["inactive", "campaign"])
def test_it_is_registered(campaign: Campaign, engine: str, options: tuple[str, ...]) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.benchrun(group='g')\ndef test_a(): pass\n"})
    assert campaign.plain("--strict-markers", *options, engine=engine).outcomes == {"passed": 1}


def test_pytest_lists_it(campaign: Campaign) -> None:
    text = campaign.plain("--markers").text
    assert "@pytest.mark.benchrun(group=None, phase='run', inputs=(), version=None, exclusive=False, " in text


def test_a_name_is_the_group(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.benchrun(group='storage')\ndef test_a(): pass\n"})
    assert groups(campaign.run(engine=engine)) == {"test_a": "storage"}


def test_the_name_of_a_parameter_gives_its_value(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.benchrun(group="model")
@pytest.mark.parametrize("model", ["small", "large"])
def test_a(model): pass
"""
    campaign.write({"test_a.py": source})
    assert groups(campaign.run(engine=engine)) == {"test_a[small]": "small", "test_a[large]": "large"}


def test_a_parametrized_fixture_is_a_parameter_too(campaign: Campaign) -> None:
    source = """
import pytest

@pytest.fixture(params=["x", "y"], scope="module")
def model(request): return request.param

@pytest.mark.benchrun(group="model")
def test_a(model): pass
"""
    campaign.write({"test_a.py": source})
    assert groups(campaign.run()) == {"test_a[x]": "x", "test_a[y]": "y"}


def test_the_closest_marker_counts(campaign: Campaign) -> None:
    source = """
import pytest

pytestmark = pytest.mark.benchrun(group="module")

def test_a(): pass

@pytest.mark.benchrun(group="class")
class TestB:
    def test_b(self): pass

    @pytest.mark.benchrun(group="function")
    def test_c(self): pass

@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.benchrun(group="parameter"))])
def test_d(x): pass
"""
    campaign.write({"test_a.py": source})
    assert groups(campaign.run()) == {
        "test_a": "module",
        "TestB::test_b": "class",
        "TestB::test_c": "function",
        "test_d[1]": "module",
        "test_d[2]": "parameter",
    }


def test_a_marker_without_a_group_leaves_each_unit_its_own(campaign: Campaign) -> None:
    source = "import pytest\n@pytest.mark.benchrun\ndef test_a(): pass\n@pytest.mark.benchrun()\ndef test_b(): pass\n"
    campaign.write({"test_a.py": source})
    assert groups(campaign.run()) == {"test_a": "test_a.py::test_a", "test_b": "test_a.py::test_b"}


def test_a_marker_added_by_a_conftest_counts(campaign: Campaign, engine: str) -> None:
    conftest = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.benchrun(group="added"))
"""
    campaign.write({"conftest.py": conftest, "test_a.py": "def test_a(): pass\n"})
    assert groups(campaign.run(engine=engine)) == {"test_a": "added"}


@pytest.mark.parametrize(
    ("value", "group"), [("1", "1"), ("('a', 1)", "('a', 1)"), ("''", ""), ("'\\ud800'", "\\ud800")]
)
def test_a_group_is_text(campaign: Campaign, engine: str, value: str, group: str) -> None:
    campaign.write({"test_a.py": f"import pytest\n@pytest.mark.benchrun(group={value})\ndef test_a(): pass\n"})
    assert groups(campaign.run(engine=engine)) == {"test_a": group}


def test_unittest_and_doctest_units_may_have_one(campaign: Campaign) -> None:
    source = '''
"""
>>> 1
1
"""
import unittest
import pytest

pytestmark = pytest.mark.benchrun(group="module")

class TestA(unittest.TestCase):
    def test_a(self): pass
'''
    campaign.write({"test_a.py": source})
    found = groups(campaign.run("--doctest-modules"))
    assert found["TestA::test_a"] == "module"
    assert set(found) == {"TestA::test_a", "test_a"}


def test_keywords_of_several_marks_add_up(campaign: Campaign) -> None:
    source = """
import pytest

pytestmark = pytest.mark.benchrun(group="module", version=1)

@pytest.mark.benchrun(version=2)
def test_a(): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run()
    (unit,) = [unit for event in session.events("units_added") for unit in event["units"]]
    assert unit["group"] == "module"
    assert unit["fingerprint"].endswith("version:2")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'storage'", "it takes keywords only"),
        ("grop='storage'", "there is no 'grop'"),
        ("group='g', timeout=3", "there is no 'timeout'"),
    ],
)
def test_what_it_does_not_know_is_refused_with_what_it_knows(
    campaign: Campaign, engine: str, arguments: str, said: str
) -> None:
    campaign.write({"test_a.py": f"import pytest\n@pytest.mark.benchrun({arguments})\ndef test_a(): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert "test_a.py::test_a" in session.text
    assert "known: boilerplate, exclusive, group, inputs, phase, repeat, stuck_timeout, version, warmup" in session.text
    assert "Traceback" not in session.text
    assert not campaign.results.exists()


@pytest.mark.parametrize("value", ["1", "'yes'", "None"])
def test_exclusive_is_true_or_false(campaign: Campaign, engine: str, value: str) -> None:
    campaign.write({"test_a.py": f"import pytest\n@pytest.mark.benchrun(exclusive={value})\ndef test_a(): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert f"@pytest.mark.benchrun(exclusive={value}) at test_a.py::test_a: it is true or false" in session.text
    assert "-> exclusive=True" in session.text
    assert not campaign.results.exists()


def test_without_a_run_it_may_say_anything(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.benchrun('storage', x=1)\ndef test_a(): pass\n"})
    assert campaign.plain().outcomes == {"passed": 1}
