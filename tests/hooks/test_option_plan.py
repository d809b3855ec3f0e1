"""`--bench-plan`: what would run and why; nothing runs, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session

SUITE = """
import os
import pytest

@pytest.mark.parametrize("x", range(4))
def test_unit(x):
    assert x != 1 or os.path.exists("mended")
    if x == 2:
        pytest.skip("not here")

@pytest.mark.benchrun(phase="score")
def test_score(): pass
"""
UNIT = "test_a.py::test_unit[{}]".format


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """Five units in two phases; the second one fails, the third one skips itself."""
    campaign.write({"test_a.py": SUITE})
    return campaign


def everything(folder: Path) -> dict[str, bytes]:
    """All files and folders of the project, but what pytester itself keeps there."""
    found: dict[str, bytes] = {}
    for root, folders, names in os.walk(folder):
        found |= {str(Path(root, name).relative_to(folder)): b"" for name in folders}
        found |= {str(Path(root, name).relative_to(folder)): Path(root, name).read_bytes() for name in names}
    return found


def plan(campaign: Campaign, *args: str, engine: str = "bare") -> Session:
    """A session that must not change anything."""
    before = everything(campaign.folder)
    session = campaign.run("--bench-plan", *args, engine=engine)
    assert everything(campaign.folder) == before
    assert session.shown == []
    return session


def as_json(campaign: Campaign, *args: str) -> dict[str, Any]:
    """The plan as scripts get it: the standard output of a process of its own, all of it."""
    done = apart(campaign, "--bench-plan=json", *args)
    assert done.returncode == 0, done.stderr
    decoded: dict[str, Any] = json.loads(done.stdout)
    return decoded


def apart(campaign: Campaign, *args: str) -> subprocess.CompletedProcess[str]:
    plugins = [part for name in ("xdist", "timeout", "benchrun") for part in ("-p", name)]
    command = [sys.executable, "-m", "pytest", *plugins, f"--bench-results={campaign.results}", *args]
    return subprocess.run(command, cwd=campaign.folder, capture_output=True, text=True, check=False, timeout=120)


def reasons(session: Session) -> dict[str, str]:
    """By unit the verb and the reason."""
    found = {}
    for line in session.text.splitlines():
        verb, _, rest = line.strip().partition(" ")
        if verb in {"run", "keep"} and rest.endswith(")"):
            unit_id, _, reason = rest.strip().partition("  (")
            found[unit_id] = f"{verb}: {reason[:-1]}"
    return found


def test_a_new_run_says_every_unit_and_leaves_no_trace(suite: Campaign, engine: str) -> None:
    session = plan(suite, engine=engine)
    assert session.exit_code == 0
    assert reasons(session) == {UNIT(x): "run: new" for x in range(4)} | {"test_a.py::test_score": "run: new"}
    assert "phase run: 4 of 4 to run" in session.text
    assert "phase score: 1 of 1 to run" in session.text
    assert "plan: new run: 5 of 5 units to run" in session.text
    assert not suite.results.exists()
    assert not session.junit.exists()
    assert not (suite.folder / ".pytest_cache").exists()


def test_no_worker_is_started(suite: Campaign) -> None:
    suite.write({"conftest.py": "def pytest_configure(config):\n    assert not hasattr(config, 'workerinput')\n"})
    session = plan(suite, engine="n2")
    assert session.exit_code == 0
    assert "[gw0]" not in session.text
    assert "gw0 " not in session.text
    assert "bringing up nodes" not in session.text


def test_a_resume_says_why_each_unit_runs_or_not(suite: Campaign, engine: str) -> None:
    suite.run("--bench-to=run", engine=engine)
    suite.write({"test_b.py": "def test_new(): pass\n"})
    session = plan(suite, "--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert reasons(session) == {
        UNIT(0): "keep: completed",
        UNIT(1): "run: failed",
        UNIT(2): "keep: skipped",
        UNIT(3): "keep: completed",
        "test_b.py::test_new": "run: new",
        "test_a.py::test_score": "run: not run yet",
    }
    assert "3 of 6 units to run, about" in session.text
    left = plan(suite, "--bench-resume=unfinished", "--bench-only=run")
    assert reasons(left)[UNIT(1)] == "keep: failed, left alone"
    assert reasons(left)["test_a.py::test_score"] == "keep: not run yet; phase score is not selected"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("assert True", "assert 1", "run: stale: source changed"),
        ("assert True", "assert True  # sure", "keep: completed"),
        ("version=1", "version=2", "run: stale: version changed"),
        ("['data']", "['other']", "run: stale: inputs changed"),
        ("[7]", "[8]", "run: new"),
        ("{'x': 1}", "{'x': 2}", "run: stale: parameters changed"),
    ],
)
def test_the_plan_of_a_change_is_what_the_resume_does(campaign: Campaign, before: str, after: str, reason: str) -> None:
    source = """
import pytest

@pytest.mark.benchrun(version=1, inputs=['data'])
@pytest.mark.parametrize("number", [7])
@pytest.mark.parametrize("table", [{'x': 1}], ids=["t"])
def test_changed(number, table): assert True

def test_other(): pass
"""
    campaign.write({"test_a.py": source, "data": "1", "other": "2"})
    campaign.run()
    campaign.write({"test_a.py": source.replace(before, after)})
    said = reasons(plan(campaign, "--bench-resume"))
    assert said.pop("test_a.py::test_other") == "keep: completed"
    assert list(said.values()) == [reason]
    again = campaign.run("--bench-resume").executions()[2:]
    assert again == (list(said) if reason.startswith("run") else [])
    kept = plan(campaign, "--bench-resume", "--bench-keep-stale")
    assert set(reasons(kept).values()) == {"keep: completed"}


def test_the_plan_of_an_interrupted_run(suite: Campaign) -> None:
    suite.write({"test_a.py": SUITE.replace("assert x != 1 or", "if x == 1: raise KeyboardInterrupt\n    assert")})
    suite.run()
    said = reasons(plan(suite, "--bench-resume"))
    assert [said[UNIT(0)], said[UNIT(1)], said[UNIT(3)]][1:] == ["run: interrupted", "run: not run yet"]


def test_units_that_are_gone_and_back_are_said(suite: Campaign) -> None:
    suite.run("-x")
    suite.run("--bench-resume", "--maxfail=1")
    suite.write({"test_a.py": SUITE.replace("range(4)", "range(3)")})
    session = plan(suite, "--bench-resume")
    assert f"gone  {UNIT(3)}" in session.text
    assert f"note: 1 unit is no longer in the suite: {UNIT(3)}" in session.text
    suite.run("--bench-resume")
    suite.write({"test_a.py": SUITE})
    assert reasons(plan(suite, "--bench-resume"))[UNIT(3)] == "run: back in the suite"


def test_a_finished_run_would_be_put_aside_and_says_how_long_units_took(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_a(x): pass\n"})
    run_id = campaign.run().status()["run_id"]
    session = plan(campaign)
    assert session.exit_code == 0
    assert f"note: the earlier run {run_id} would be moved to the history" in session.text
    assert "plan: new run: 2 of 2 units to run, about" in session.text
    campaign.run()
    view = as_json(campaign)
    assert (view["start"], view["run_id"]) == ("new_after_history", None)
    assert view["expected_s"] > 0


def test_nothing_to_do_is_a_plan_too(suite: Campaign) -> None:
    suite.write({"mended": ""})
    suite.run()
    session = plan(suite, "--bench-resume")
    assert session.exit_code == 0
    assert "0 of 5 units to run" in session.text


def test_json_is_all_that_stands_on_standard_output(suite: Campaign) -> None:
    suite.write({"conftest.py": "def pytest_collection_modifyitems(): print('a user prints')\n"})
    for args in ((), ("-v",), ("-s",), ("-q", "-n2"), ("--collect-only",), ("-p", "no:terminal")):
        view = as_json(suite, *args)
        assert view["counts"] == {"total": 5, "run": 5, "kept": 0, "removed": 0}
        assert view["workers"] == (2 if "-n2" in args else 1)
        assert not suite.results.exists()


def test_ids_that_a_terminal_cannot_show_are_in_the_json(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    source = "import pytest\n@pytest.mark.benchrun(group='ä')\n@pytest.mark.parametrize('x', ['ü::ö'], ids=['::'])\n"
    campaign.write({"test_a.py": source + "def test_a(x): pass\n"})
    [unit] = as_json(campaign)["units"]
    assert (unit["unit_id"], unit["group"]) == ("test_a.py::test_a[::]", "ä")


def test_what_goes_wrong_is_said_on_standard_error(suite: Campaign) -> None:
    suite.run("-x")
    done = apart(suite, "--bench-plan=json")
    assert (done.returncode, done.stdout) == (4, "")
    assert "holds an unfinished run" in done.stderr
    assert "  -> go on with --bench-resume, or put it aside with --bench-fresh" in done.stderr
    suite.write({"test_b.py": "import no_such_module_anywhere\n"})
    done = apart(suite, "--bench-plan=json", "--bench-resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no_such_module_anywhere" in done.stderr


def test_the_same_suite_and_run_give_the_same_bytes(suite: Campaign) -> None:
    suite.run("-x")
    first, second = (apart(suite, "--bench-plan=json", "--bench-resume").stdout for _ in range(2))
    assert first == second != ""


def test_after_a_collection_error_there_is_no_plan_and_no_cache(suite: Campaign, engine: str) -> None:
    suite.write({"test_b.py": "import no_such_module_anywhere\n"})
    session = plan(suite, engine=engine)
    assert session.exit_code == 2
    assert "no_such_module_anywhere" in session.text
    assert reasons(session) == {}


def test_the_plan_goes_on_after_collection_errors_when_pytest_does(suite: Campaign) -> None:
    suite.write({"test_b.py": "import no_such_module_anywhere\n"})
    session = plan(suite, "--continue-on-collection-errors")
    assert session.exit_code == 1
    assert len(reasons(session)) == 5


@pytest.mark.parametrize("args", [("-k", "nothing"), ("--deselect=test_a.py",)])
def test_nothing_collected_is_pytests_own_exit_code(suite: Campaign, args: tuple[str, ...]) -> None:
    assert plan(suite, *args).exit_code == 5


def test_stepwise_and_last_failed_keep_what_they_knew(suite: Campaign) -> None:
    suite.run()
    assert (suite.folder / ".pytest_cache").exists()
    for args in (("--lf",), ("--sw",), ("--nf",), ("--ff",)):
        assert plan(suite, "--bench-resume", *args).exit_code == 0
    assert reasons(plan(suite, "--bench-resume", "--lf")) == {UNIT(1): "run: failed"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "holds an unfinished run"),
        (("--bench-resume", "--bench-accept-drift", "--bench-group-by=y"), "no unit has that parameter; known: x"),
        (("--bench-resume", "--bench-group-by=x"), "the configuration has changed since"),
        (("--bench-resume", "--bench-fresh"), "contradict each other"),
        (("--bench-resume", "--bench-select", "y=1"), "no unit has the parameter 'y'"),
        (("--bench-resume", "--bench-only=score"), "phase 'score' comes after run, where units have not ended"),
        (("--bench-resume", "--bench-accept-drift", "--bench-phases=run"), "there is no such phase; known: run"),
    ],
)
def test_what_a_session_would_refuse_the_plan_refuses(suite: Campaign, args: tuple[str, ...], said: str) -> None:
    suite.run("-x")
    session = plan(suite, *args)
    assert session.exit_code == 4
    assert said in session.text
    assert "  -> " in session.text
    assert "Traceback" not in session.text


@pytest.mark.parametrize("args", [("--bench-resume",), ("--bench-resume=unfinished",)])
def test_there_is_no_plan_of_a_resume_of_nothing(suite: Campaign, args: tuple[str, ...]) -> None:
    session = plan(suite, *args)
    assert session.exit_code == 4
    assert "there is no run to resume" in session.text


def test_accepted_drift_is_a_note(suite: Campaign) -> None:
    suite.run("-x")
    session = plan(suite, "--bench-resume", "--bench-group-by=x", "--bench-accept-drift")
    assert session.exit_code == 0
    assert "note: the configuration has changed and was accepted: group_by was not set, is now 'x'" in session.text


@pytest.mark.parametrize("option", ["--bench-plan", "--bench-plan=json"])
def test_without_a_results_directory_it_is_refused_and_nothing_runs(suite: Campaign, option: str, engine: str) -> None:
    session = suite.plain(option, engine=engine)
    assert session.exit_code == 4
    assert "--bench-plan needs --bench-results=DIR" in session.text
    assert "  -> for example: --bench-results=results --bench-plan" in session.text
    assert session.shown == []


def test_a_form_that_does_not_exist_is_refused(suite: Campaign) -> None:
    session = plan(suite, "--bench-plan=yaml")
    assert session.exit_code == 4
    assert "--bench-plan" in session.text


def test_a_path_after_it_is_a_path(suite: Campaign) -> None:
    suite.write({"other/test_b.py": "def test_b(): pass\n"})
    assert list(reasons(plan(suite, "other"))) == ["other/test_b.py::test_b"]
