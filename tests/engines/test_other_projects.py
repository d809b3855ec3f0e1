"""Suites that know nothing of campaigns give the same results with us as without us, in every engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pytest

from tests.engines.suites import SUITES, Suite
from tests.hooks.campaigns import UNLIMITED, Campaign, Case, Session, Shown, comparable

NAMES = [name for name, suite in SUITES.items() if pytest.version_tuple[:2] >= suite.minimum]
STATUS = {"passed": "completed", "xfailed": "completed", "xpassed": "completed", "skipped": "skipped"}
COUNTS = ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")
NOT_SHOWN_BY_XDIST = {"warnings": 0, "deselected": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of a suite: what pytest showed, what the fixtures wrote, and what the journal says."""

    session: Session
    has_directory: bool
    cases: list[Case]
    log: list[str]
    ended: dict[str, str]
    late: set[str]
    units: str
    status: dict[str, Any]
    executions: list[str]


Run: TypeAlias = Callable[[str], Result]


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str], Result]:
    """Results by suite and engine: each suite runs once an engine for all tests here."""
    return {}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """The suite's name."""
    found: str = request.param
    return found


@pytest.fixture
def suite(name: str) -> Suite:
    """The suite itself."""
    return SUITES[name]


@pytest.fixture
def run(campaign: Campaign, name: str, known: dict[tuple[str, str], Result]) -> Run:
    """Runs the suite in an engine, or `without us`, or `inactive`."""

    def get(engine: str) -> Result:
        if (name, engine) not in known:
            known[name, engine] = run_suite(campaign, SUITES[name], engine)
        return known[name, engine]

    return get


def run_suite(campaign: Campaign, suite: Suite, engine: str) -> Result:
    """Write the suite down and run it."""
    campaign.write(suite.files)
    (campaign.folder / "events.log").unlink(missing_ok=True)
    if engine in {"without us", "inactive"}:
        session = campaign.plain(*suite.args, plugins=suite.plugins, has_us=engine == "inactive")
    else:
        session = campaign.run("--bench-fresh", *UNLIMITED, *suite.args, engine=engine, plugins=suite.plugins)
    is_campaign = engine not in {"without us", "inactive"}
    log = campaign.folder / "events.log"
    added = session.events("units_added") if is_campaign else []
    return Result(
        session=session,
        has_directory=campaign.results.exists(),
        cases=session.cases(),
        log=log.read_text("utf-8").splitlines() if log.exists() else [],
        ended=session.ended() if is_campaign else {},
        late={event["unit_id"] for event in session.events("late_error")} if is_campaign else set(),
        units=comparable(json.dumps([unit for event in added for unit in event["units"]])),
        status=session.status() if is_campaign else {},
        executions=session.executions() if is_campaign else [],
    )


def by_test(shown: list[Shown]) -> list[Shown]:
    """Reports in the order of tests, as workers mix them; output of wide fixtures is where they were set up."""
    return sorted((replace(report, output=()) for report in shown), key=lambda report: report.nodeid)


def statuses(shown: list[Shown], late: frozenset[str]) -> dict[str, str]:
    """What the journal must say of each unit, from what pytest showed."""
    found: dict[str, str] = {}
    for report in shown:
        if report.nodeid in late and report.category == "error":
            continue
        if report.category in {"failed", "error"} or report.category.startswith("subtests failed"):
            found[report.nodeid] = "failed"
        elif report.category and found.get(report.nodeid) != "failed":
            found[report.nodeid] = STATUS.get(report.category, "completed")
    return found


@pytest.fixture
def shares_nothing(engine: str, suite: Suite) -> None:
    """Leave a suite out whose wide fixtures tear down otherwise in several processes."""
    if engine == "n2" and not suite.is_split:
        pytest.skip("each worker has its own wide fixtures, and each tears them down")


def test_inactive_nothing_changes(run: Run) -> None:
    expected, result = run("without us"), run("inactive")
    assert result.session.exit_code == expected.session.exit_code
    assert result.session.outcomes == expected.session.outcomes
    assert result.session.shown == expected.session.shown
    assert result.cases == expected.cases
    assert result.log == expected.log
    assert not result.has_directory


@pytest.mark.parametrize("engine", ["bare", "n0"])
def test_in_one_process_everything_happens_and_shows_in_the_same_order(run: Run, engine: str) -> None:
    expected, result = run("without us"), run(engine)
    assert result.session.told == expected.session.told
    assert result.log == expected.log


def test_with_workers_every_test_has_the_same_reports(run: Run, suite: Suite) -> None:
    if not suite.is_split:
        pytest.skip("each worker has its own wide fixtures, and each tears them down")
    assert by_test(run("n2").session.told) == by_test(run("without us").session.told)


@pytest.mark.usefixtures("shares_nothing")
def test_exit_code_and_outcomes_are_the_same(run: Run, engine: str) -> None:
    expected, result = run("without us").session, run(engine).session
    hidden = NOT_SHOWN_BY_XDIST if engine == "n2" else {}
    assert result.exit_code == expected.exit_code
    assert {**result.outcomes, **hidden} == {**expected.outcomes, **hidden}


@pytest.mark.usefixtures("shares_nothing")
def test_junit_has_the_same_test_cases(run: Run, engine: str) -> None:
    assert run(engine).cases == run("without us").cases


@pytest.mark.usefixtures("shares_nothing")
def test_the_journal_says_what_pytest_showed(run: Run, suite: Suite, engine: str) -> None:
    result = run(engine)
    assert result.ended == statuses(run("without us").session.shown, suite.late)
    assert result.late == suite.late


def test_every_unit_is_executed_once_and_counted_once(run: Run, engine: str) -> None:
    result = run(engine)
    assert result.status["state"] == "complete"
    assert len(result.executions) == len(set(result.executions)) == result.status["total_tasks"] > 0
    assert sum(result.status[count] for count in COUNTS) == result.status["total_tasks"]


@pytest.mark.parametrize("engine", ["n0", "n2"])
def test_every_engine_has_the_same_work_list(run: Run, engine: str) -> None:
    assert run(engine).units == run("bare").units
