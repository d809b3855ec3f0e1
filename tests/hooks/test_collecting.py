"""Collecting: a run begins only with a work list, and every item of it is a unit with an id of its own."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

BROKEN = {"test_broken.py": "import no_such_module_anywhere\n", "test_right.py": "def test_right(): pass\n"}


def test_after_a_collection_error_no_run_begins(campaign: Campaign, engine: str) -> None:
    campaign.write(BROKEN)
    session = campaign.run(engine=engine)
    assert session.exit_code == 2
    assert session.outcomes["errors"] == 1
    assert "no_such_module_anywhere" in session.text
    assert not campaign.results.exists()


def test_after_a_collection_error_a_finished_run_stays_in_its_place(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_right.py": BROKEN["test_right.py"]})
    campaign.run()
    before = campaign.files()
    campaign.write(BROKEN)
    for option in ((), ("--bench-resume",), ("--bench-fresh",)):
        assert campaign.run(*option, engine=engine).exit_code == 2
        assert campaign.files() == before


def test_a_resume_with_nothing_to_do_is_no_success_when_a_module_is_broken(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_right.py": BROKEN["test_right.py"]})
    campaign.run()
    campaign.write(BROKEN)
    assert campaign.run("--bench-resume", engine=engine).exit_code == 2
    assert campaign.run("--bench-resume", "--continue-on-collection-errors", engine=engine).exit_code == 1


def test_a_resume_that_selects_nothing_of_an_unfinished_run_is_no_success(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\ndef test_b(): pass\n"})
    campaign.run("--bench-time-limit=0s")
    before = campaign.files()
    assert campaign.run("--bench-resume", "-k", "typo", engine=engine).exit_code == 5
    assert campaign.files() == before


def test_a_resume_that_selects_nothing_of_a_finished_run_says_so(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    campaign.run()
    assert campaign.run("--bench-resume", "-k", "typo", engine=engine).exit_code == 5


def test_pytest_may_be_told_to_go_on_after_collection_errors(campaign: Campaign, engine: str) -> None:
    campaign.write(BROKEN)
    session = campaign.run("--continue-on-collection-errors", engine=engine)
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 1, "errors": 1}
    assert session.ended() == {"test_right.py::test_right": "completed"}
    said = "pytest could not collect the units of 1 place: they are no part of this session"
    assert f"benchrun: {said}" in session.text
    assert [one["text"] for one in session.events("noted")] == [said]


def test_a_broken_conftest_is_pytests_own_error(campaign: Campaign, engine: str) -> None:
    campaign.write({"conftest.py": "import no_such_module_anywhere\n", **BROKEN})
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert not campaign.results.exists()


def test_a_path_that_is_not_there_is_pytests_own_error(campaign: Campaign, engine: str) -> None:
    campaign.write(BROKEN)
    session = campaign.run("nowhere.py", engine=engine)
    assert session.exit_code == campaign.plain("nowhere.py", engine=engine, has_us=False).exit_code
    assert "INTERNALERROR" not in session.text
    assert not campaign.results.exists()


@pytest.mark.parametrize("args", [(), ("-k", "nothing"), ("-m", "nothing"), ("--deselect=test_right.py",)])
def test_without_tests_no_run_begins_and_pytest_says_so(campaign: Campaign, engine: str, args: tuple[str, ...]) -> None:
    campaign.write({"test_right.py": "def test_right(): pass\n" if args else "X = 1\n"})
    session = campaign.run(*args, engine=engine)
    assert session.exit_code == 5
    assert not campaign.results.exists()


def test_a_module_that_skips_itself_is_no_unit(campaign: Campaign, engine: str) -> None:
    skipped = "import pytest\npytest.skip('all of it', allow_module_level=True)\n"
    campaign.write({"test_skipped.py": skipped, "test_right.py": "def test_right(): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 1, "skipped": 1}
    assert session.status()["total_tasks"] == 1


def test_a_file_named_twice_runs_twice(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "def test_a(benchrun): benchrun.metric('m', 1)\n"})
    session = campaign.run("test_a.py", "test_a.py", "--keep-duplicates", engine=engine)
    assert session.outcomes == {"passed": 2}
    assert session.ended() == {"test_a.py::test_a": "completed", "test_a.py::test_a#2": "completed"}
    assert session.status()["completed"] == 2
    assert session.stats()["metrics"]["m"]["n"] == 2


TWINS = {
    "conftest.py": """
import pytest

class Twin(pytest.Item):
    def runtest(self): assert self.config.rootpath.joinpath("mended").exists() or not self.is_wrong

class Twins(pytest.File):
    def collect(self):
        for is_wrong in (False, True, False):
            twin = Twin.from_parent(self, name="twin")
            twin.is_wrong = is_wrong
            yield twin

def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".twins":
        return Twins.from_parent(parent, path=file_path)
""",
    "some.twins": "",
}
TWIN_IDS = ["some.twins::twin", "some.twins::twin#2", "some.twins::twin#3"]


def test_items_of_one_id_are_units_of_their_own(campaign: Campaign, engine: str) -> None:
    campaign.write(TWINS)
    session = campaign.run(engine=engine)
    assert session.ended() == dict(zip(TWIN_IDS, ["completed", "failed", "completed"], strict=True))


def test_of_several_with_one_id_only_the_failed_one_runs_again(campaign: Campaign, engine: str) -> None:
    campaign.write(TWINS)
    campaign.run(engine=engine)
    campaign.write({"mended": ""})
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.executions()[3:] == [TWIN_IDS[1]]
    assert session.status()["completed"] == 3


def test_when_they_are_held_back_each_has_its_skip(campaign: Campaign) -> None:
    campaign.write(TWINS)
    campaign.write({"test_first.py": "def test_first(): raise AssertionError\n"})
    session = campaign.run("-x", "test_first.py", "some.twins")
    assert session.outcomes == {"failed": 1, "skipped": 3}


def test_a_suite_whose_order_is_shuffled_is_the_same_work_list(campaign: Campaign, engine: str) -> None:
    conftest = """
import random

def pytest_collection_modifyitems(items):
    random.shuffle(items)
"""
    source = "import pytest\n@pytest.mark.parametrize('x', range(20))\ndef test_a(x): assert x % 5\n"
    campaign.write({"conftest.py": conftest, "test_a.py": source})
    first = campaign.run(engine=engine)
    assert first.status()["failed"] == 4
    session = campaign.run("--bench-resume", engine=engine)
    assert len(session.executions()) == 24
    assert session.status()["total_tasks"] == 20


def test_workers_that_collect_different_units_are_refused(campaign: Campaign) -> None:
    source = """
import os
import pytest

@pytest.mark.parametrize("worker", [os.environ.get("PYTEST_XDIST_WORKER", "none")])
def test_a(worker): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine="n2")
    assert session.exit_code == 4
    assert "collected other units than the first one" in session.text
    assert "test_a.py::test_a[gw" in session.text
    assert "  -> make the parameters the same in every process" in session.text
    assert not campaign.results.exists()


def test_deselected_units_are_not_of_the_run(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\ndef test_b(): pass\n"})
    session = campaign.run("--deselect=test_a.py::test_b", engine=engine)
    assert session.ended() == {"test_a.py::test_a": "completed"}
