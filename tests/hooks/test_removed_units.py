"""Units that the suite has no more, and units that are only not looked at this time."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, Session
from tests.hooks.test_collecting import TWINS

A = """
import os
import pytest

@pytest.mark.parametrize("x", range(4))
def test_unit(x): assert x or os.path.exists("mended")

def test_alone(): pass
"""
B = "def test_b(): pass\nclass TestC:\n    def test_c(self): pass\n"
UNIT = "test_a.py::test_unit[{}]".format


@pytest.fixture
def stopped(campaign: Campaign) -> Campaign:
    """A run of seven units in two files that has only begun: the first one failed, nothing after it ran."""
    campaign.write({"test_a.py": A, "test_b.py": B})
    campaign.run("-x")
    campaign.write({"mended": ""})
    return campaign


def removed(session: Session) -> int:
    """How many units this session took out of the run."""
    last = session.events("session_started")[-1]["seq"]
    ranges = [part for event in session.events("units_removed") if event["seq"] > last for part in event["units"]]
    return sum(end - start for start, end in ranges)


@pytest.mark.parametrize(
    ("files", "gone"),
    [
        ({"test_b.py": None}, 2),
        ({"test_b.py": "def test_b(): pass\n"}, 1),
        ({"test_a.py": A.replace("range(4)", "range(1, 3)")}, 2),
        ({"test_a.py": A.replace("def test_alone", "def alone")}, 1),
        ({"test_a.py": "", "test_b.py": B}, 0),
        ({"test_b.py": "import pytest\npytest.skip('not today', allow_module_level=True)\n"}, 0),
    ],
)
def test_what_is_gone_is_removed_and_the_run_gets_complete(
    stopped: Campaign, engine: str, files: dict[str, str | None], gone: int
) -> None:
    for name, source in files.items():
        if source is None:
            (stopped.folder / name).unlink()
        else:
            stopped.write({name: source})
    session = stopped.run("--bench-resume", engine=engine)
    is_failed_left = files.get("test_a.py") == ""  # it was not collected, and is a failure still
    assert session.exit_code == is_failed_left
    assert removed(session) == gone
    status = session.status()
    assert status["total_tasks"] == 7
    if gone:
        assert f"{gone} unit{' is' if gone == 1 else 's are'} no longer in the suite: " in session.text
        assert (status["state"], status["skipped"], status["completed"]) == ("complete", gone, 7 - gone)
        again = stopped.run("--bench-resume", engine=engine)
        assert "nothing to do" in again.text
        assert again.exit_code == 0
    else:
        assert status["state"] == "stopped"


@pytest.mark.parametrize(
    "args",
    [
        ("-k", "test_b"),
        ("-k", "not test_unit"),
        ("--deselect=test_a.py::test_unit",),
        ("--deselect=test_a.py::test_unit[2]",),
        ("-m", "nothing_has_it or not nothing_has_it", "-k", "alone"),
        ("test_b.py",),
        ("test_b.py::test_b",),
        ("test_a.py", "test_b.py::TestC"),
        (f"test_a.py::test_unit[{3}]",),
        ("--ignore=test_a.py",),
        ("--lf",),
        ("--ff",),
        ("--sw",),
        ("--bench-select=x=1",),
        ("--bench-only=run",),
    ],
)
def test_what_is_only_not_looked_at_stays_in_the_run(stopped: Campaign, engine: str, args: tuple[str, ...]) -> None:
    session = stopped.run("--bench-resume", *args, engine=engine)
    assert session.exit_code in {0, 1}, "a unit that failed and was not selected is a failure still"
    assert session.events("units_removed") == []
    assert "no longer in the suite" not in session.text
    session = stopped.run("--bench-resume", engine=engine)
    assert set(session.ended().values()) == {"completed"}
    assert (len(session.ended()), session.status()["state"]) == (7, "complete")


def test_what_a_conftest_takes_out_stays_in_the_run(stopped: Campaign, engine: str) -> None:
    for hook in ("", "@pytest.hookimpl(tryfirst=True)\n"):
        conftest = f"""
import pytest

{hook}def pytest_collection_modifyitems(items, config):
    gone = [item for item in items if "unit" in item.name]
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=gone)
"""
        stopped.write({"conftest.py": conftest})
        session = stopped.run("--bench-resume", engine=engine)
        assert session.exit_code == 1, "the unit that failed is a failure still"
        assert session.events("units_removed") == []


def test_of_several_with_one_id_none_is_removed_by_a_selection(campaign: Campaign, engine: str) -> None:
    campaign.write({**TWINS, "some.twins": "", "test_a.py": "def test_a(): pass\n"})
    campaign.run("--bench-time-limit=0s", engine=engine)
    session = campaign.run("--bench-resume", "-k", "not twin", engine=engine)
    assert session.exit_code == 0
    assert session.events("units_removed") == []
    assert session.status()["total_tasks"] == 4


def test_where_collecting_failed_nobody_knows_what_is_gone(campaign: Campaign, engine: str) -> None:
    source = "import os\nimport pytest\ndef test_a(): assert os.path.exists('mended')\nclass TestC:\n"
    right, wrong = (
        "    def test_c(self): pass\n",
        "    @pytest.mark.parametrize('x', [1])\n    def test_c(self): pass\n",
    )
    campaign.write({"test_a.py": source + right})
    campaign.run("-x", engine=engine)
    campaign.write({"test_a.py": source + wrong, "mended": ""})
    session = campaign.run("--bench-resume", "--continue-on-collection-errors", engine=engine)
    assert session.events("units_removed") == []
    assert session.ended()["test_a.py::test_a"] == "completed"


def test_a_unit_that_is_put_back_runs_again(stopped: Campaign, engine: str) -> None:
    stopped.write({"test_b.py": ""})
    stopped.run("--bench-resume", engine=engine)
    (stopped.folder / "test_b.py").unlink()
    gone = stopped.run("--bench-resume", engine=engine)
    assert gone.status()["state"] == "complete"
    stopped.write({"test_b.py": B})
    session = stopped.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.executions()[-2:] == ["test_b.py::test_b", "test_b.py::TestC::test_c"]
    assert (session.status()["completed"], session.status()["state"]) == (7, "complete")


def test_a_completed_unit_that_is_put_back_keeps_its_result(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": A, "test_b.py": B, "mended": ""})
    campaign.run(engine=engine)
    (campaign.folder / "test_b.py").unlink()
    session = campaign.run("--bench-resume", engine=engine)
    assert (session.exit_code, removed(session), session.status()["completed"]) == (0, 2, 7)
    campaign.write({"test_b.py": B})
    session = campaign.run("--bench-resume", engine=engine)
    assert "nothing to do" in session.text
    assert len(session.executions()) == 7


def test_a_unit_that_is_put_back_for_a_phase_that_is_not_run_now_runs_later(campaign: Campaign, engine: str) -> None:
    score = "import pytest\n@pytest.mark.benchrun(phase='score')\ndef test_score(): pass\n"
    campaign.write({"test_a.py": "def test_a(): pass\n", "test_score.py": score})
    campaign.run("--bench-to=run", engine=engine)
    (campaign.folder / "test_score.py").unlink()
    campaign.run("--bench-resume", engine=engine)
    campaign.write({"test_score.py": score, "test_b.py": "def test_b(): pass\n"})
    part = campaign.run("--bench-resume", "--bench-to=run", engine=engine)
    assert part.executions()[1:] == ["test_b.py::test_b"]
    session = campaign.run("--bench-resume", engine=engine)
    assert session.executions()[2:] == ["test_score.py::test_score"]
    assert session.status()["state"] == "complete"


def test_a_run_whose_suite_is_gone_gets_complete(stopped: Campaign, engine: str) -> None:
    (stopped.folder / "test_a.py").unlink()
    (stopped.folder / "test_b.py").unlink()
    session = stopped.run("--bench-resume", engine=engine)
    assert removed(session) == 7
    assert session.status()["state"] == "complete"
    assert session.exit_code in {0, 5}
    assert "INTERNALERROR" not in session.text


@pytest.mark.parametrize("files", [{}, {"test_c.py": B}], ids=["no suite", "another suite"])
@pytest.mark.parametrize("looks", [(), ("--bench-plan",)], ids=["run", "plan"])
def test_a_resume_from_another_root_directory_is_refused(
    stopped: Campaign, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], looks: tuple[str, ...]
) -> None:
    before = stopped.files()
    elsewhere = stopped.folder / "elsewhere"
    elsewhere.mkdir()
    for name, source in files.items():
        (elsewhere / name).write_text(source, "utf-8")
    monkeypatch.chdir(elsewhere)
    session = stopped.run("--bench-resume", "--rootdir=.", *looks)
    assert session.exit_code == 4
    root = stopped.folder
    assert f"is in the root directory '{elsewhere}': 'test_a.py' is in '{root}'" in session.text
    assert f"-> --rootdir={root}, or benchrun resume {stopped.results}" in session.text
    assert stopped.files() == before
    monkeypatch.chdir(root)
    session = stopped.run("--bench-resume", "--ignore=elsewhere")
    assert (session.exit_code, session.status()["state"], session.status()["completed"]) == (0, "complete", 7)


def test_a_file_that_was_renamed_is_said_to_look_so(stopped: Campaign, engine: str) -> None:
    (stopped.folder / "test_b.py").rename(stopped.folder / "test_c.py")
    session = stopped.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert "2 units look renamed and will run again: test_b.py::test_b -> test_c.py::test_b, " in session.text
    assert set(session.ended()) >= {"test_c.py::test_b", "test_c.py::TestC::test_c"}
    assert session.status()["state"] == "complete"


def test_an_edit_of_one_function_runs_its_units_again_and_no_others(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": A, "test_b.py": B, "mended": ""})
    campaign.run(engine=engine)
    campaign.write({"test_a.py": A.replace("assert x or", "assert x > 0 or")})
    session = campaign.run("--bench-resume", engine=engine)
    assert sorted(session.executions()[7:]) == [UNIT(x) for x in range(4)]
    assert "3 units are done, 4 to run (4 of them changed since they were done)" in session.text
    campaign.write({"test_b.py": B.replace("pass", "pass  # a comment")})
    assert "nothing to do" in campaign.run("--bench-resume", engine=engine).text
