"""`@pytest.mark.benchrun(repeat=N, warmup=M)`: units of their own, in whose figures no warm-up counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session

SUITE = """
import pytest

@pytest.mark.benchrun(repeat=3, warmup=1)
def test_plain(benchrun):
    benchrun.metric("repeat", -1 if benchrun.repeat is None else benchrun.repeat)
    assert benchrun.is_warmup == (benchrun.repeat is None)
    assert benchrun.params == {}

@pytest.mark.benchrun(repeat=2)
@pytest.mark.parametrize("x", ["a", "b"])
def test_params(x, benchrun):
    assert benchrun.params == {"x": x}
    assert benchrun.repeat in (0, 1)

@pytest.mark.parametrize("x", ["a"])
def test_once(x, benchrun):
    assert benchrun.repeat is None and not benchrun.is_warmup
"""
IDS = [
    *("test_plain[w0]", "test_plain[r0]", "test_plain[r1]", "test_plain[r2]"),
    *("test_params[a-r0]", "test_params[a-r1]", "test_params[b-r0]", "test_params[b-r1]"),
    "test_once[a]",
]


def ids(session: Session) -> list[str]:
    """The units in the order of the work list, without their file."""
    return [unit["unit_id"].partition("::")[2] for unit in units(session)]


def units(session: Session) -> list[dict[str, Any]]:
    """The units as the journal has them."""
    return [unit for event in session.events("units_added") for unit in event["units"]]


def test_each_repeat_and_warm_up_is_a_unit_of_its_own(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 9}
    assert ids(session) == IDS
    assert sorted(session.ended()) == sorted(f"test_a.py::{name}" for name in IDS)
    assert [unit["unit_id"] for unit in units(session) if unit["is_warmup"]] == ["test_a.py::test_plain[w0]"]
    assert {case.name.partition("::")[2] for case in session.cases()} == set(IDS)


def test_the_repeat_is_no_parameter(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    found = {unit["unit_id"].partition("::")[2]: unit["param_names"] for unit in units(campaign.run(engine=engine))}
    assert found["test_plain[r0]"] == []
    assert found["test_params[a-r1]"] == ["x"]


def test_repeats_share_the_group_of_the_unit_that_they_are_of(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    found = {unit["unit_id"].partition("::")[2]: unit["group"] for unit in units(campaign.run(engine=engine))}
    assert {found[name] for name in IDS[:4]} == {"test_a.py::test_plain"}
    assert {found[name] for name in IDS[4:6]} == {"test_a.py::test_params[a]"}
    assert found["test_once[a]"] == "test_a.py::test_once[a]"


def test_a_group_that_was_said_stays(campaign: Campaign) -> None:
    campaign.write({"test_a.py": SUITE})
    found = {unit["unit_id"]: unit["group"] for unit in units(campaign.run("--bench-group-by=x"))}
    assert found["test_a.py::test_params[b-r1]"] == "b"
    assert found["test_a.py::test_plain[r1]"] == "test_a.py::test_plain"


def test_a_pilot_goes_by_the_parameters_that_people_know(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    assert ids(campaign.run("--bench-select", "x=b", engine=engine)) == ["test_params[b-r0]", "test_params[b-r1]"]
    refused = campaign.run("--bench-fresh", "--bench-select", "_benchrun_repeat=0", engine=engine)
    assert refused.exit_code == 4
    assert "known: x" in refused.text


def test_warm_ups_are_in_no_figure(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    stats = campaign.run(engine=engine).stats()
    assert (stats["units"]["total"], stats["units"]["completed"], stats["warmups"]) == (9, 9, 1)
    assert stats["unit_seconds"]["n"] == 8
    assert stats["by_function"]["test_a.py::test_plain"]["n"] == 3
    assert stats["by_group"]["test_a.py::test_plain"]["n"] == 3
    assert stats["by_phase"]["run"]["n"] == 8
    assert (stats["metrics"]["repeat"]["n"], stats["metrics"]["repeat"]["min"]) == (3, 0)
    assert "test_a.py::test_plain[w0]" not in [slow["unit_id"] for slow in stats["slowest"]]


def test_a_warm_up_that_fails_is_a_failure(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.benchrun(repeat=2, warmup=1)
def test_a(benchrun): assert not benchrun.is_warmup
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 2, "failed": 1}
    assert session.status()["failed_groups"] == ["test_a.py::test_a"]
    assert [failure["unit_id"] for failure in session.stats()["failures"]] == ["test_a.py::test_a[w0]"]
    assert [case.name for case in session.cases() if case.children] == ["test_a::test_a[w0]"]


def test_a_resume_runs_the_repeats_that_have_no_end(campaign: Campaign, engine: str) -> None:
    source = """
import os
import pytest

@pytest.mark.benchrun(repeat=4, warmup=1)
def test_a(benchrun): assert benchrun.repeat != 2 or os.path.exists("fixed")
"""
    campaign.write({"test_a.py": source})
    assert campaign.run(engine=engine).exit_code == 1
    campaign.write({"fixed": ""})
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.executions()[5:] == ["test_a.py::test_a[r2]"]


def test_more_repeats_on_a_resume_are_the_only_units_to_run(campaign: Campaign, engine: str) -> None:
    source = "import pytest\n@pytest.mark.benchrun(repeat={}, warmup=1)\ndef test_a(): pass\n"
    campaign.write({"test_a.py": source.format(2)})
    assert campaign.run(engine=engine).exit_code == 0
    campaign.write({"test_a.py": source.format(4)})
    session = campaign.run("--bench-resume", engine=engine)
    assert session.executions()[3:] == ["test_a.py::test_a[r2]", "test_a.py::test_a[r3]"]
    assert session.stats()["unit_seconds"]["n"] == 4


def test_without_a_run_the_tests_are_what_they_were(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    session = campaign.plain("-v", engine=engine)
    assert session.outcomes == {"passed": 1, "failed": 3}, "those of the suite ask for their number"
    assert {name for name, _ in session.counted} == {
        f"test_a.py::{name}" for name in ("test_plain", "test_params[a]", "test_params[b]", "test_once[a]")
    }


def test_once_and_without_a_warm_up_changes_no_id(campaign: Campaign, engine: str) -> None:
    source = (
        "import pytest\n@pytest.mark.benchrun(repeat=1, warmup=0)\ndef test_a(benchrun): assert {} == benchrun.params\n"
    )
    campaign.write({"test_a.py": source})
    assert ids(campaign.run(engine=engine)) == ["test_a"]


def test_a_warm_up_alone_is_one_unit_more(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.benchrun(warmup=2)\ndef test_a(): pass\n"})
    assert ids(campaign.run(engine=engine)) == ["test_a[w0]", "test_a[w1]", "test_a[r0]"]


def test_the_closest_mark_counts(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

pytestmark = pytest.mark.benchrun(repeat=2)

@pytest.mark.benchrun(warmup=1)
class TestA:
    def test_a(self): pass

    @pytest.mark.benchrun(repeat=1, warmup=0)
    def test_b(self): pass

@pytest.fixture(scope="module", params=["x", "y"])
def wide(request): return request.param

def test_c(wide): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    expected = [*(f"TestA::test_a[{label}]" for label in ("w0", "r0", "r1")), "TestA::test_b"]
    assert ids(session) == expected + [f"test_c[{wide}-r{number}]" for wide in "xy" for number in (0, 1)]


def test_it_multiplies_a_matrix(campaign: Campaign, engine: str) -> None:
    campaign.write(
        {
            "campaign.toml": '[matrix]\nm = ["a", "b"]\nn = [1, 2]\n[[exclude]]\nm = "a"\nn = 1\n',
            "test_a.py": """
import pytest

@pytest.mark.benchrun(repeat=2, group="m")
@pytest.mark.benchrun_matrix("m", "n")
def test_a(m, n): pass
""",
        }
    )
    session = campaign.run("--bench-config=campaign.toml", engine=engine)
    assert ids(session) == [f"test_a[{cell}-r{number}]" for cell in ("a-2", "b-1", "b-2") for number in (0, 1)]
    assert {unit["group"] for unit in units(session)} == {"a", "b"}


def test_a_keyword_selects_repeats(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    assert ids(campaign.run("-k", "test_plain and r1", engine=engine)) == ["test_plain[r1]"]


def test_an_id_selects_all_repeats_of_a_function(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    assert ids(campaign.run("test_a.py::test_plain", engine=engine)) == IDS[:4]
    assert ids(campaign.run("--bench-fresh", "test_a.py::test_plain[r1]", engine=engine)) == ["test_plain[r1]"]


def test_the_plan_and_a_look_name_the_same_units(campaign: Campaign) -> None:
    campaign.write({"test_a.py": SUITE})
    planned = campaign.run("--bench-plan").text
    looked = campaign.run("--collect-only", "-q").text
    for name in IDS:
        assert f"test_a.py::{name}  (new)" in planned
        assert f"test_a.py::{name}" in looked
    assert not campaign.results.exists()


@pytest.mark.parametrize("seed", range(3))
def test_warm_ups_come_directly_before_their_repeats_when_items_are_shuffled(
    campaign: Campaign, engine: str, seed: int
) -> None:
    source = """
import pytest

@pytest.mark.benchrun(repeat=2, warmup=2)
@pytest.mark.parametrize("x", range(3))
def test_a(x): pass

@pytest.mark.benchrun(repeat=2)
@pytest.mark.parametrize("x", range(3))
def test_b(x): pass
"""
    campaign.write({"test_a.py": source})
    conftest = f"""
import random
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items): random.Random({seed}).shuffle(items)
"""
    campaign.write({"conftest.py": conftest})
    found = ids(campaign.run(engine=engine))
    assert len(set(found)) == 18
    for x in range(3):
        first = found.index(f"test_a[{x}-w0]")
        assert found[first : first + 4] == [f"test_a[{x}-{label}]" for label in ("w0", "w1", "r0", "r1")]
    assert [name for name in found if "test_b" in name] != [f"test_b[{x}-r{n}]" for x in range(3) for n in (0, 1)]


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadgroup", "loadscope", "loadfile"])
def test_warm_ups_run_before_their_repeats_in_the_same_process(campaign: Campaign, dist: str) -> None:
    source = """
import os
import pytest

@pytest.mark.benchrun(repeat=2, warmup=2)
@pytest.mark.parametrize("x", range(4))
def test_a(x, benchrun): benchrun.metric("pid", os.getpid())

@pytest.mark.parametrize("x", range(8))
def test_b(x): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(f"--dist={dist}", engine="n2")
    assert session.exit_code == 0
    for x in range(4):
        names = [f"test_a.py::test_a[{x}-{label}]" for label in ("w0", "w1", "r0", "r1")]
        assert len({session.metrics(name)["pid"]["value"] for name in names}) == 1
        assert [name for name in session.executions() if name in names] == names


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("repeat=0", "1 or more"),
        ("repeat='3'", "1 or more"),
        ("repeat=True", "1 or more"),
        ("repeat=None", "1 or more"),
        ("repeat=1.5", "1 or more"),
        ("warmup=-1", "0 or more"),
        ("warmup=True", "0 or more"),
    ],
)
@pytest.mark.parametrize("place", ["function", "class"])
def test_what_is_no_number_of_times_is_refused(
    campaign: Campaign, engine: str, said: str, why: str, place: str
) -> None:
    source = f"import pytest\n@pytest.mark.benchrun({said})\n"
    source += "def test_a(): pass\n" if place == "function" else "class TestA:\n    def test_a(self): pass\n"
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    node = "test_a.py::test_a" if place == "function" else "test_a.py::TestA"
    assert session.exit_code == 4
    assert f"@pytest.mark.benchrun({said}) at {node}: it is a whole number, {why}" in session.text
    assert "Traceback" not in session.text
    assert not campaign.results.exists()


CANNOT = {
    "unittest": "import unittest\nclass TestA(unittest.TestCase):\n    def test_a(self): pass\n",
    "doctest": '"""\n>>> 1\n1\n"""\n',
}


@pytest.mark.parametrize("kind", CANNOT)
@pytest.mark.parametrize("said", ["repeat=2", "warmup=1"])
def test_unittest_methods_and_doctests_cannot_be_repeated(
    campaign: Campaign, engine: str, kind: str, said: str
) -> None:
    source = f"{CANNOT[kind]}\nimport pytest\npytestmark = pytest.mark.benchrun({said})\n"
    campaign.write({"test_a.py": source})
    session = campaign.run("--doctest-modules", engine=engine)
    assert session.exit_code == 4
    assert f"@pytest.mark.benchrun({said}) at test_a.py::" in session.text
    assert "not unittest methods and doctests" in session.text
    assert not campaign.results.exists()


def test_a_mark_that_comes_too_late_is_refused(campaign: Campaign, engine: str) -> None:
    parameter = "pytest.param(1, marks=pytest.mark.benchrun(repeat=2))"
    campaign.write({"test_a.py": f"import pytest\n@pytest.mark.parametrize('x', [{parameter}])\ndef test_a(x): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert "@pytest.mark.benchrun(repeat=2) at test_a.py::test_a[1] cannot be done" in session.text
    assert "-> put it on the function, its class or its module" in session.text


def test_a_failing_unit_with_repeats_counts_once_for_the_threshold(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.benchrun(repeat=5)\ndef test_a(): raise OSError\n"})
    session = campaign.run("--bench-max-failures=1", engine=engine)
    assert session.outcomes == {"failed": 5}
    assert session.status()["failure_threshold"]["groups_total"] == 1


def test_each_repeat_of_an_exclusive_unit_is_exclusive(campaign: Campaign) -> None:
    source = "import pytest\n@pytest.mark.benchrun(repeat=2, warmup=1, exclusive=True)\ndef test_a(): pass\n"
    campaign.write({"test_a.py": source})
    assert [unit["is_exclusive"] for unit in units(campaign.run())] == [True] * 3
