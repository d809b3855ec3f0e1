"""JUnit from events alone: at any moment of any run, whatever its texts are."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from pytest_benchrun.core.events import Event
from pytest_benchrun.core.model import Metric
from pytest_benchrun.report.junit import escape, junit_xml, names_of, result_of, shortened, whole_message
from tests.stories import COMPLETED, FAILED, INTERRUPTED, Story, make_outcome, make_unit, stories


def suite_of(events: list[Event], *, is_live: bool = False) -> ET.Element:
    (suite,) = ET.fromstring(junit_xml(events, is_live=is_live))  # noqa: S314  # our own
    return suite


def results(story: Story, *, is_live: bool = False) -> dict[str | None, tuple[str, str | None] | None]:
    """By test case, the tag and message of what is not passed."""
    found: dict[str | None, tuple[str, str | None] | None] = {}
    for case in suite_of(story.events, is_live=is_live):
        said = [child for child in case if child.tag != "properties"]
        found[case.get("name")] = (said[0].tag, said[0].get("message")) if said else None
    return found


@given(stories())
def test_every_moment_of_a_run_has_a_file_whose_totals_are_true(events: list[Event]) -> None:
    for end in {0, 1, len(events) // 2, len(events)}:
        suite = suite_of(events[:end], is_live=end % 2 == 0)
        tags = Counter(child.tag for case in suite for child in case)
        assert suite.get("tests") == str(len(suite))
        for total, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped")):
            assert suite.get(total) == str(tags[tag])


def test_a_killed_run_has_all_units_and_says_what_became_of_each() -> None:
    story = Story().begin("a", "b", "c", "d")
    story.run("a")
    story.run("b", FAILED, message="wrong sum")
    story.start("c")
    killed = "benchrun: the run was killed while it ran"
    waiting = "benchrun: not started before the run ended"
    assert results(story) == {
        "a": None,
        "b": ("failure", "wrong sum"),
        "c": ("error", killed),
        "d": ("skipped", waiting),
    }


def test_a_live_run_says_what_is_going_on() -> None:
    story = Story().begin("a", "b")
    story.start("a")
    running, waiting = ("error", "benchrun: it is running"), ("skipped", "benchrun: not started yet")
    assert results(story, is_live=True) == {"a": running, "b": waiting}


def test_a_unit_that_has_spoken_stands_as_it_spoke_and_one_that_runs_again_does_not() -> None:
    story = Story().begin("a", "b")
    story.run("a", FAILED, message="wrong sum")
    story.start("b")
    story.result("b", make_outcome(COMPLETED))
    assert results(story) == {"a": ("failure", "wrong sum"), "b": None}
    story.close_killed_units()
    story.begin("a", "b", run=["a"])
    story.start("a")
    assert results(story, is_live=True) == {"a": ("error", "benchrun: it is running"), "b": None}


def test_a_stop_is_the_reason_of_the_rest_once_it_is_asked() -> None:
    story = Story().begin("a", "b")
    story.stop()
    assert results(story, is_live=True)["b"] == ("skipped", "benchrun: stop requested")
    story.skip_rest("a", "b")
    story.finish()
    assert results(story)["b"] == ("skipped", "benchrun: stop requested")


def test_an_interrupted_unit_is_an_error_with_its_reason() -> None:
    story = Story().begin("a")
    story.run("a", INTERRUPTED, message="second signal")
    assert results(story) == {"a": ("error", "benchrun: interrupted: second signal")}


def test_a_late_error_is_a_case_of_its_own_until_the_unit_runs_again() -> None:
    story = Story().begin("a")
    story.run("a")
    story.late_error("a", "cannot close")
    cases = [[child.tag for child in case] for case in suite_of(story.events)]
    assert cases == [["properties"], ["error"]]
    story.begin("a")
    story.run("a")
    assert len(suite_of(story.events)) == 1


def test_what_xml_cannot_hold_is_shown_in_every_place() -> None:
    hostile = "\x00\x1b31m\ud800\ufffe<&>\"'"
    unit = make_unit(f"{hostile}/test.py::{hostile}::test[{hostile}]", hostile)
    story = Story().begin(unit, "other")
    story.run(unit.unit_id, FAILED, message=hostile, metrics={hostile: Metric(value=hostile)})
    story.late_error(unit.unit_id, hostile)
    first, late, _ = suite_of(story.events)
    shown = "#x00#x1B31m#xD800#xFFFE<&>\"'"
    assert first.get("name") == f"test[{shown}]"
    assert first.get("classname") == f"{shown}.test.{shown}"
    values = {one.get("name"): one.get("value") for one in first.iter("property")}
    assert values["bench.group"] == values[f"bench.metric.{shown}"] == shown
    assert late.find("error") is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc\r", "a\tb\nc\r"),
        ("\x07\x7f\x85", "#x07#x7F\x85"),
        ("\uffff", "#xFFFF"),
        ("naïve \U0001f40d", "naïve \U0001f40d"),
    ],
)
def test_escapes_are_those_of_pytest(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(
    ("nodeid", "names"),
    [
        ("test_a.py::test_it", ["test_a", "test_it"]),
        (
            "below/it/test_a.py::TestA::TestB::test_it[x::y/z.py-[1]]",
            ["below.it.test_a", "TestA", "TestB", "test_it[x::y/z.py-[1]]"],
        ),
        ("docs/index.rst::index.rst", ["docs.index.rst", "index.rst"]),
        ("a[1].py::test_it", ["a[1]", "test_it"]),
        ("just a name", ["just a name"]),
    ],
)
def test_names_are_those_of_pytest(nodeid: str, names: list[str]) -> None:
    assert names_of(nodeid) == names


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("", ""),
        ("one\ntwo", "one\ntwo"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 500 + "...\n[truncated; full report in element text]"),
        ("x" * 400 + "\n" + "y" * 200, "x" * 400 + "\n[+1 more line; full report in element text]"),
        ("x" * 600 + "\ny\nz", "x" * 500 + "...\n[+2 more lines; full report in element text]"),
    ],
)
def test_long_messages_are_cut_as_pytest_cuts_them(message: str, kept: str) -> None:
    assert shortened(message) == kept


@pytest.mark.parametrize(
    ("message", "detail", "whole"),
    [
        ("boom", None, "boom"),
        ("boom", "E   boom\nE   again", "boom\nagain"),
        ("boom", "E   first\n\nchained:\n\nE   boom\nE   boom\n\na.py:1: E", "boom\nboom"),
        ("boom", "E   boom\n    indented\n    more", "boom\nindented\nmore"),
        ("said", "said\nin two", "said\nin two"),
        ("Failed: said", "said\nin two", "Failed: said\nin two"),
        ("boom", "nothing of the kind", "boom"),
    ],
)
def test_a_message_is_found_again_with_all_its_lines(message: str, detail: str | None, whole: str) -> None:
    assert whole_message(message, detail) == whole


def test_a_completed_unit_has_nothing_to_show() -> None:
    assert result_of(make_outcome(COMPLETED)) is None
