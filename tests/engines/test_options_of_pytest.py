"""pytest's own options keep their meaning in a campaign, in every engine."""

from __future__ import annotations

import re
from itertools import dropwhile

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign, Session

SELECTIONS = [
    "-k some_pass",
    "-k not_there or fails",
    "-m slow",
    "-m 'not slow'",
    "--deselect=test_a.py::test_fails",
    "--deselect=test_a.py",
    "--ignore=test_b.py",
    "--ignore-glob=*_b.py",
    "test_b.py",
    "test_b.py::TestClass",
    "test_a.py::test_some_pass[1]",
    "test_b.py test_a.py",
    "--runxfail",
    "--import-mode=importlib",
    "-W error",
    "-p no:cacheprovider",
    "-p no:logging",
    "--doctest-modules",
    "--assert=plain",
]
VIEWS = [
    "",
    "-v",
    "-vv",
    "-q",
    "-s",
    "-rA",
    "-ra -v",
    "--tb=no",
    "--tb=line",
    "--tb=native",
    "--show-capture=no",
    "--no-header --no-summary",
    "--setup-show",
    "--capture=no",
    "--capture=sys",
    "--capture=tee-sys",
    "--color=yes",
    "--log-cli-level=INFO",
    "-o console_output_style=count",
    "-o console_output_style=classic",
]


def words(line: str) -> list[str]:
    """Arguments as a shell would have them, for lines with one pair of quotes at most."""
    return [part.strip("'") for part in re.findall(r"-k .*|-m '.*'|\S+", line) for part in split_once(part)]


def split_once(part: str) -> list[str]:
    """`-k a or b` is an option and its one value."""
    return part.split(" ", 1)


@pytest.mark.parametrize(
    ("selection", "engine"),
    [*((selection, "bare") for selection in SELECTIONS), *((selection, "n2") for selection in SELECTIONS[::4])],
)
def test_a_selection_selects_the_same(suite: Campaign, selection: str, engine: str) -> None:
    args = words(selection)
    expected = suite.plain(*args, has_us=False)
    session = suite.run(*UNLIMITED, *args, engine=engine)
    assert expected.counted
    assert session.counted == expected.counted
    assert session.exit_code == expected.exit_code
    assert set(session.ended()) == {nodeid for nodeid, _ in expected.counted}


@pytest.mark.parametrize("view", VIEWS)
def test_bare_shows_every_line_that_pytest_shows(suite: Campaign, view: str) -> None:
    args = view.split()
    expected = lines_of(suite.plain(*args, has_us=False))
    shown = iter(lines_of(suite.run(*UNLIMITED, *args)))
    missing = [line for line in expected if not any(line == other for other in shown)]
    assert missing == []


def lines_of(session: Session) -> list[str]:
    """What was printed after the head, without times and addresses."""
    lines = dropwhile(lambda line: line.startswith(("plugins:", "platform", "rootdir:")), session.text.splitlines())
    return [re.sub(r"\d+\.\d+s|0x\w+|in \d+\.\d+|=+", "", line) for line in lines if not line.startswith("plugins:")]


@pytest.mark.parametrize("view", ["-v", "-q", "-s", "--setup-show", "-rA", "--capture=no", "--log-cli-level=INFO"])
def test_with_workers_a_view_changes_no_outcome(suite: Campaign, view: str) -> None:
    session = suite.run(*UNLIMITED, view, engine="n2")
    assert session.counted == suite.plain(has_us=False).counted


@pytest.mark.parametrize("option", ["-x", "--exitfirst", "--maxfail=1"])
def test_exitfirst_runs_what_it_runs_without_us(suite: Campaign, option: str) -> None:
    expected = suite.plain(option, has_us=False)
    session = suite.run(option)
    ran = [nodeid for nodeid, category in expected.counted if category]
    assert sorted(session.executions()) == sorted(ran)
    assert session.exit_code == expected.exit_code == 1
    assert session.status()["state"] == "stopped"
    assert "stopping after 1 failures" in session.text
    assert session.outcomes["failed"] == 1


def test_maxfail_counts_failures_and_setup_errors(suite: Campaign) -> None:
    source = "import pytest\n@pytest.fixture\ndef broken(): raise OSError\n"
    source += "def test_1(broken): pass\ndef test_2(): raise OSError\ndef test_3(): pass\ndef test_4(broken): pass\n"
    suite.write({"test_a.py": source, "test_b.py": ""})
    for number, ran, state in ((1, 1, "stopped"), (2, 2, "stopped"), (3, 4, "complete")):
        session = suite.run("--bench-fresh", f"--maxfail={number}")
        assert len(session.executions()) == ran
        assert session.exit_code == 1
        assert session.status()["state"] == state


def test_with_workers_maxfail_is_over_all_of_them(suite: Campaign) -> None:
    source = "import pytest\n@pytest.mark.parametrize('x', range(40))\ndef test_unit(x): raise OSError\n"
    suite.write({"test_a.py": source, "test_b.py": ""})
    session = suite.run("--maxfail=3", engine="n2")
    assert 3 <= session.outcomes["failed"] <= 4
    assert session.exit_code == 1
    assert session.status()["state"] == "stopped"


def test_a_stop_at_the_very_last_unit_is_a_complete_run(suite: Campaign, engine: str) -> None:
    suite.write({"test_a.py": "def test_only(): raise OSError\n", "test_b.py": ""})
    session = suite.run("-x", engine=engine)
    assert session.status()["state"] == "complete"
    assert session.exit_code == 1


def failed_in(session: Session) -> set[str]:
    """What pytest keeps for `--last-failed`."""
    return {nodeid for nodeid, category in session.counted if category in {"failed", "error"}}


def test_last_failed_runs_what_failed(suite: Campaign, engine: str) -> None:
    failed = failed_in(suite.plain())
    session = suite.run("--lf", engine=engine)
    assert set(session.ended()) == failed


def test_a_campaign_teaches_last_failed_too(suite: Campaign, engine: str) -> None:
    failed = failed_in(suite.run(*UNLIMITED, engine=engine))
    assert {nodeid for nodeid, _ in suite.plain("--lf").counted} == failed


def test_failed_first_runs_them_first(suite: Campaign) -> None:
    expected = [shown.nodeid for shown in suite.plain("--ff").shown]
    suite.plain()
    session = suite.run(*UNLIMITED, "--ff")
    assert session.executions()[0].endswith("test_fails")
    assert sorted(set(expected)) == sorted(session.executions())


def test_new_first_is_taken(suite: Campaign, engine: str) -> None:
    assert suite.run(*UNLIMITED, "--nf", engine=engine).counted == suite.plain(has_us=False).counted


def test_stepwise_stops_at_a_failure_and_goes_on_there(suite: Campaign) -> None:
    expected = suite.plain("--sw", has_us=False)
    suite.plain("--cache-clear", "--collect-only")
    session = suite.run("--sw")
    ran = [nodeid for nodeid, category in session.counted if category != "skipped"]
    assert ran == [nodeid for nodeid, category in expected.counted if category != "skipped"]
    assert session.exit_code == expected.exit_code == 2
    assert session.status()["state"] == "stopped"
    again = suite.run("--sw", "--bench-resume")
    assert again.executions()[-1].endswith("test_fails")


def test_repeating_a_node_id_runs_it_once(suite: Campaign, engine: str) -> None:
    session = suite.run("test_b.py::TestClass::test_one", "test_b.py::TestClass::test_one", engine=engine)
    assert session.executions() == ["test_b.py::TestClass::test_one"]


def test_a_root_directory_elsewhere_gives_ids_relative_to_it(suite: Campaign, engine: str) -> None:
    suite.write({"below/test_below.py": "def test_below(): pass\n", "below/pytest.ini": "[pytest]\n"})
    session = suite.run("below", engine=engine)
    assert list(session.ended()) == ["test_below.py::test_below"]


def test_a_root_directory_above_gives_ids_relative_to_it(suite: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.ini()
    suite.write({"below/test_below.py": "def test_below(): pass\n"})
    monkeypatch.chdir(suite.folder / "below")
    assert list(suite.run(".").ended()) == ["below/test_below.py::test_below"]
    monkeypatch.chdir(suite.folder)
    assert "nothing to do" in suite.run("below", "--bench-resume").text


@pytest.mark.parametrize("attribute", ["shouldstop", "shouldfail"])
def test_a_test_may_ask_the_session_to_stop(suite: Campaign, engine: str, attribute: str) -> None:
    source = f"""
import pytest
@pytest.mark.parametrize("x", range(150))
def test_unit(request, x):
    if x == 2: request.session.{attribute} = 'said so'
"""
    suite.write({"test_a.py": source, "test_b.py": ""})
    session = suite.run(engine=engine)
    assert session.exit_code == 2
    assert session.status()["state"] == "stopped"
    assert "said so" in session.status()["reason"]
    assert session.outcomes["passed"] == 3 if engine != "n2" else session.outcomes["passed"] < 150
    assert session.status()["held_back"] == 150 - session.outcomes["passed"] == session.outcomes["skipped"]
    assert suite.run("--bench-resume", engine=engine).status()["completed"] == 150


@pytest.mark.parametrize("code", ["", ", returncode=0", ", returncode=1", ", returncode=7"])
def test_pytest_exit_in_a_unit_interrupts_it_and_is_never_green(suite: Campaign, engine: str, code: str) -> None:
    source = f"""
import os
import pytest
@pytest.mark.parametrize("x", range(8))
def test_unit(x):
    if x == 2 and not os.path.exists("mended"): pytest.exit("enough"{code})
"""
    suite.write({"test_a.py": source, "test_b.py": ""})
    session = suite.run(engine=engine)
    assert session.exit_code != 0
    assert session.ended()["test_a.py::test_unit[2]"] == "interrupted"
    assert "enough" in session.text
    assert session.status()["state"] in {"interrupted", "stopped"}
    suite.write({"mended": ""})
    again = suite.run("--bench-resume", engine=engine)
    assert again.exit_code == 0
    assert again.status()["completed"] == 8


def test_a_keyboard_interrupt_in_a_unit_interrupts_the_run(suite: Campaign, engine: str) -> None:
    source = """
import os
import pytest
@pytest.mark.parametrize("x", range(8))
def test_unit(x):
    if x == 2 and not os.path.exists("mended"): raise KeyboardInterrupt
"""
    suite.write({"test_a.py": source, "test_b.py": ""})
    session = suite.run(engine=engine)
    assert session.exit_code == 2
    assert session.ended()["test_a.py::test_unit[2]"] == "interrupted"
    suite.write({"mended": ""})
    again = suite.run("--bench-resume", engine=engine)
    assert again.exit_code == 0
    assert again.status()["completed"] == 8


@pytest.mark.parametrize("where", ["setup", "teardown"])
def test_an_exit_in_a_fixture_is_no_lost_unit(suite: Campaign, engine: str, where: str) -> None:
    body = "pytest.exit('enough')\n    yield" if where == "setup" else "yield\n    pytest.exit('enough')"
    source = (
        f"import pytest\n@pytest.fixture\ndef leaves():\n    {body}\ndef test_1(leaves): pass\ndef test_2(): pass\n"
    )
    suite.write({"test_a.py": source, "test_b.py": ""})
    session = suite.run(engine=engine)
    assert session.exit_code == 2
    status = session.status()
    names = ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")
    assert sum(status[name] for name in names) == status["total_tasks"] == 2
    assert status["running"] == 0


def test_an_internal_error_of_a_conftest_ends_its_process_and_the_run_can_be_resumed(
    suite: Campaign, engine: str
) -> None:
    conftest = """
import os

def pytest_runtest_logstart(nodeid):
    if "[2]" in nodeid and not os.path.exists("mended"):
        raise OSError("their hook")
"""
    source = "import pytest\n@pytest.mark.parametrize('x', range(4))\ndef test_unit(x): pass\n"
    suite.write({"conftest.py": conftest, "test_a.py": source, "test_b.py": ""})
    session = suite.run(engine=engine)
    # a worker dies of it as of any crash, and the other units go on; a session without workers has only itself
    expected = (1, "complete") if engine == "n2" else (3, "failed")
    assert (session.exit_code, session.status()["state"]) == expected
    suite.write({"mended": ""})
    again = suite.run("--bench-resume", engine=engine)
    assert again.exit_code == 0
    assert again.status()["completed"] == 4
