"""`--bench-log`: a log beside whatever else is shown."""

from __future__ import annotations

import re

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign

TURNS = """
import pytest
@pytest.mark.parametrize("x", range(2))
def test_one(benchrun, x):
    for _ in range(3):
        with benchrun.turn() as turn:
            with turn.time("llm_ms"): pass
    benchrun.metric("recall", 0.5)
def test_two(): assert 0, "no"
"""


@pytest.fixture
def suite(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    campaign.write({"test_one.py": TURNS})
    return campaign


def log_of(campaign: Campaign) -> str:
    return (campaign.results / "benchmark.log").read_text("utf-8")


def levels(log: str) -> set[str]:
    return {line.split()[1] for line in log.splitlines()}


def test_every_line_has_its_moment_and_level(suite: Campaign, engine: str) -> None:
    suite.run("--bench-log", *UNLIMITED, engine=engine)
    log = log_of(suite)
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) +\S.*"
    assert all(re.fullmatch(form, line) for line in log.splitlines())
    assert levels(log) == {"INFO", "ERROR"}
    assert log.count(" completed ") == 2


def test_v_adds_each_turn(suite: Campaign, engine: str) -> None:
    suite.run("--bench-log", "-v", *UNLIMITED, engine=engine)
    log = log_of(suite)
    assert len(re.findall(r"DEBUG   turn [012] ok llm_ms [\d.]+, total_ms", log)) == 6
    assert "recall=0.5" in log
    assert log.count("DEBUG   started ") == 3


def test_a_resume_does_not_say_turns_again(suite: Campaign, engine: str) -> None:
    suite.run("--bench-log", "-v", *UNLIMITED, engine=engine)
    suite.run("--bench-log", "-v", "--bench-resume", *UNLIMITED, engine=engine)
    assert len(re.findall(r"DEBUG   turn ", log_of(suite))) == 6


def test_q_leaves_failures_only(suite: Campaign, engine: str) -> None:
    suite.run("--bench-log", "-q", *UNLIMITED, engine=engine)
    assert levels(log_of(suite)) == {"ERROR"}


@pytest.mark.parametrize(
    ("named", "args", "expected"),
    [("debug", (), "DEBUG"), ("ERROR", (), "ERROR"), ("nonsense", (), "INFO"), ("ERROR", ("-v",), "DEBUG")],
)
def test_the_environment_says_how_much_when_nobody_else_does(
    suite: Campaign, monkeypatch: pytest.MonkeyPatch, named: str, args: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setenv("LOG_LEVEL", named)
    suite.run("--bench-log", *args, *UNLIMITED)
    order = ["DEBUG", "INFO", "WARNING", "ERROR"]
    assert min(levels(log_of(suite)), key=order.index) == expected


def test_a_file_of_its_own(suite: Campaign) -> None:
    suite.run("--bench-log=night.log", *UNLIMITED)
    assert "began: pid " in (suite.folder / "night.log").read_text("utf-8")
    assert not (suite.results / "benchmark.log").exists()
    suite.run("--bench-fresh", "--bench-log=night.log", *UNLIMITED)
    assert (suite.folder / "night.log").read_text("utf-8").count("began: pid ") == 2


def test_the_configuration_file_sets_it(suite: Campaign) -> None:
    suite.ini("bench_log = night.log")
    suite.run(*UNLIMITED)
    assert (suite.folder / "night.log").exists()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("test_one.py", "'test_one.py' names a test"),
        ("data.csv", "'data.csv' is there already, and is no log of a run"),
        ("test_one.py::test_one", "names a test"),
        ("nowhere/night.log", "there is no folder"),
        (".", "is there already, and is no log of a run"),
    ],
)
def test_what_is_no_place_for_a_log_is_refused(suite: Campaign, value: str, said: str) -> None:
    suite.write({"data.csv": "\n1,2\n"})
    session = suite.run("--bench-log", value)
    assert session.exit_code == 4
    assert said in session.text
    assert "-> for example: --bench-log=" in session.text
    assert not suite.results.exists()
    assert (suite.folder / "test_one.py").read_text("utf-8") == TURNS


def test_a_log_that_cannot_be_written_is_noted_once_and_the_run_goes_on(suite: Campaign, engine: str) -> None:
    (suite.folder / "elsewhere").write_text("")
    (suite.folder / "night.log").symlink_to("elsewhere")
    session = suite.run("--bench-log=night.log", *UNLIMITED, engine=engine)
    assert session.outcomes == {"passed": 2, "failed": 1}
    assert session.text.count("problem: '") == 1
    assert (suite.folder / "elsewhere").read_text("utf-8") == ""


def test_hostile_text_stays_text(suite: Campaign, engine: str) -> None:
    forged = "\\x1b[31mred\\r\\n2026-01-01T00:00:00Z INFO forged"
    suite.write({"test_one.py": f"def test_one(): raise ValueError('{forged}')\n"})
    suite.run("--bench-log", engine=engine)
    failed = [line for line in log_of(suite).splitlines() if " failed test_one.py" in line]
    assert len(failed) == 1
    assert all(line.isprintable() for line in log_of(suite).splitlines())
