"""Lines of the log: what has one, at which level, and that it is one line."""

from __future__ import annotations

import pytest
from hypothesis import given

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Metric
from pytest_benchrun.report.log import Level, level_of, log_line, turn_text
from tests.stories import FAILED, TIMEOUT, Story, make_unit, stories


def lines_of(events: list[Event], level: Level = Level.INFO) -> list[str]:
    campaign = Campaign()
    lines = []
    for event in events:
        campaign.apply(event)
        line = log_line(event, campaign, level)
        lines += [] if line is None else [line]
    return lines


def told(story: Story, level: Level = Level.INFO) -> list[str]:
    return [line.partition(" ")[2] for line in lines_of(story.events, level)]


def night() -> Story:
    story = Story().begin(*map(make_unit, "abcd"))
    story.run("a", seconds=2, metrics={"rate": Metric(value=4, unit="MB/s")})
    story.run("b", FAILED, 1.5, message="no\nway")
    story.start("c")
    story.lose("c")
    story.note("the disk was full")
    story.run("d", TIMEOUT, 900, message="no beacon for 15 min")
    story.stop()
    story.finish(exit_code=1)
    return story


def test_each_thing_that_people_care_about_has_a_line() -> None:
    said = told(night())
    assert "INFO    4 of 4 units to run" in said
    assert "INFO    completed a 2 s" in said
    assert "ERROR   failed b 1.5 s: call: no\\nway" in said
    assert "INFO    the disk was full" in said
    assert any(line.startswith("ERROR   timeout d 15 min 0 s: ") for line in said)
    assert any(line.startswith("WARNING interrupted c ") for line in said)
    assert any(line.startswith("WARNING stopping: ") for line in said)
    assert said[-1].endswith("; exit code 1")


def test_in_detail_starts_attempts_and_metrics_too() -> None:
    said = told(night(), Level.DEBUG)
    assert "DEBUG   started a, attempt 1, on main" in said
    assert "INFO    completed a 2 s (attempt 1, main, rate=4MB/s)" in said


def test_of_errors_only_failures_stay() -> None:
    assert [line.split()[1] for line in told(night(), Level.ERROR)] == ["failed", "timeout"]


@given(stories())
def test_a_line_is_one_printable_line_and_a_higher_level_has_fewer(events: list[Event]) -> None:
    before = None
    for level in Level:
        lines = lines_of(events, level)
        assert all(line.isprintable() for line in lines)
        assert before is None or len(lines) <= before
        before = len(lines)


@pytest.mark.parametrize(
    ("verbosity", "named", "level"),
    [
        (0, None, Level.INFO),
        (1, "ERROR", Level.DEBUG),
        (-1, "DEBUG", Level.ERROR),
        (0, "debug", Level.DEBUG),
        (0, "warn", Level.WARNING),
        (0, "CRITICAL", Level.ERROR),
        (0, "verbose", Level.INFO),
        (0, "", Level.INFO),
    ],
)
def test_verbosity_comes_before_the_environment(verbosity: int, named: str | None, level: Level) -> None:
    assert level_of(verbosity, named) is level


def test_a_turn_says_its_times_and_its_error() -> None:
    turn = {"turn_index": 3, "status": "error", "llm_ms": 1.5, "storage_ms": None, "total_ms": 2, "error": "E: a\nb"}
    assert turn_text(turn) == "turn 3 error llm_ms 1.5, total_ms 2: E: a\\nb"
