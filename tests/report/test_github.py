"""What GitHub Actions is told: escaped, so that no id or message is a command, markup or a mention."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.model import Metric
from pytest_benchrun.core.runstats import runstats_view
from pytest_benchrun.report.github import ANNOTATIONS, error_commands, step_summary
from tests.hooks.hostile_texts import HOSTILE_TEXTS
from tests.stories import FAILED, Story, make_unit

HOSTILE = "a|b <b>@me</b> [x](http://e) `c` %0A::error::\r\n::stop-commands::x \x1b[31m **bold**"


def failing(count: int, unit_id: str = "t.py::test[{}]", message: str = "boom") -> Story:
    names = [unit_id.replace("{}", str(number)) for number in range(count)]
    story = Story().begin(make_unit("t.py::test_ok"), *map(make_unit, names), limit=None)
    story.run("t.py::test_ok", seconds=2.0, metrics={"rate": Metric(value=4.0, unit="MB/s", better="higher")})
    for name in names:
        story.run(name, FAILED, 1.5, message=message)
    return story


def test_a_failure_is_an_annotation_by_the_rules_of_workflow_commands() -> None:
    (command,) = error_commands(runstats_view(failing(1, "t.py::test[a,b%]", "50% of it\nfailed").campaign))
    assert command == "::error title=t.py%3A%3Atest[a%2Cb%25]::call: 50%25 of it\\nfailed"


def test_at_most_ten_are_annotated() -> None:
    assert len(error_commands(runstats_view(failing(12).campaign))) == ANNOTATIONS


def test_a_hostile_message_is_one_command_and_no_other() -> None:
    (command,) = error_commands(runstats_view(failing(1, f"t.py::test[{HOSTILE}]", HOSTILE).campaign))
    assert command.isprintable()
    title, _, rest = command.removeprefix("::error title=").partition("::")
    assert ":" not in title
    assert "," not in title
    assert rest.startswith("call: a|b")


def test_the_summary_has_totals_failures_and_percentiles() -> None:
    story = failing(2)
    text = step_summary(story.campaign, runstats_view(story.campaign))
    assert "**3 units**: 1 completed, 2 failed" in text
    assert "| failed unit | kind | error | time |" in text
    assert "| t.py::test&#91;1&#93; | call | boom | 1.5 s |" in text
    assert "| all units | 1 | 2 s | ~2 s | ~2 s | 2 s |" in text
    assert "| rate | 1 | 4 MB/s | 4 MB/s | 4 MB/s |" in text


def test_many_failures_are_counted_not_listed() -> None:
    story = failing(60)
    text = step_summary(story.campaign, runstats_view(story.campaign))
    assert "... and 10 more in `runstats.json`" in text


def test_hostile_text_is_no_markup() -> None:
    story = failing(1, f"t.py::test[{HOSTILE}]", HOSTILE)
    text = step_summary(story.campaign, runstats_view(story.campaign))
    (row,) = [line for line in text.splitlines() if "call" in line]
    assert row.count("|") == 5
    assert not set("<>@`*[]\\") & set(row)
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_no_text_is_a_command_or_markup(text: str) -> None:
    story = failing(1, f"t.py::test[{text.replace('{}', '')}]", text or "none")
    stats = runstats_view(story.campaign)
    (command,) = error_commands(stats)
    title, _, data = command.removeprefix("::error title=").partition("::")
    assert command.isprintable()
    assert not {":", ","} & set(title)
    assert data.startswith("call: ")
    lines = step_summary(story.campaign, stats).splitlines()
    assert all(line.isprintable() for line in lines)
    (row,) = [line for line in lines if "| call |" in line]
    assert row.count("|") == 5
    assert not set("<>@`*[]\\") & set(row)
