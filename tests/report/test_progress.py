"""The bar and the lines of a run: what they say, that they fit, and that nothing hostile is in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.pulse import Pulse
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.views import StatusView, status_view
from pytest_benchrun.report.progress import Pace, bar_row, cells, fit, progress_line, progress_rows, stage_row
from tests.stories import FAILED, Story, make_unit

HOSTILE = "\x1b[31mred\x1b[0m\r\n\x00{bar}\u202e%s\U0001f600漢字"


def view_of(story: Story, **pulses: Pulse) -> StatusView:
    return status_view(story.campaign, results_dir="/r", now_at=story.at, find_pulse=pulses.get)


def pulse(unit_id: str, stage: str | None = None, done: int = 0, total: int | None = None) -> Pulse:
    return Pulse(unit_id=unit_id, stage=stage, note=None, beacon_at="", turns_done=done, turns_total=total)


def half_way(*names: str) -> Story:
    story = Story().begin(*map(make_unit, ("a", "b", "c", "d", *names)))
    story.run("a", seconds=60)
    story.run("b", FAILED, seconds=60)
    story.start("c")
    story.clock.advance(65)
    return story


def test_the_bar_says_count_failures_time_and_estimate() -> None:
    row = bar_row(view_of(half_way()), 185, 80)
    assert len(row) == 79
    assert row.startswith(" 50%|███████")
    assert row.endswith("| 2/4, 1 failed [03:05, 1 minute left]")


def test_a_wide_terminal_has_room_for_the_range() -> None:
    story = Story().begin(*map(make_unit, "abcd"))
    story.run("a", seconds=600)
    story.run("b", seconds=1800)
    assert re.search(r"\[00:01, 39 minutes left \(\d+ (s|minutes) to 1\.\d hours\)\]$", bar_row(view_of(story), 1, 160))


def test_without_unicode_the_bar_has_other_letters() -> None:
    assert bar_row(view_of(half_way()), 185, 80, is_ascii=True).isascii()


def test_percent_is_100_only_when_all_is_done() -> None:
    names = [str(number) for number in range(300)]
    story = Story().begin(*map(make_unit, names))
    for name in names[:-1]:
        story.run(name)
    assert bar_row(view_of(story), 1, 80).startswith(" 99%|")
    story.run(names[-1])
    assert bar_row(view_of(story), 1, 80).startswith("100%|")


def test_a_run_that_stops_says_so_and_at_its_end_says_no_more_of_what_is_left() -> None:
    story = half_way()
    story.stop(Stop("stop-file", "stop requested", story.campaign.state.STOPPED))
    assert ", 1 failed [03:05, stopping]" in bar_row(view_of(story), 185, 80)
    assert "; stopping; running: c" in progress_line(view_of(story), 185)
    assert bar_row(view_of(story), 185, 80, is_over=True).endswith("| 2/4, 1 failed [03:05]")
    assert progress_line(view_of(story), 185, is_over=True) == "benchrun: 2/4 (50 %), 1 failed; took 3 min 5 s"


def test_a_unit_has_a_row_with_its_words_its_turns_and_its_time() -> None:
    rows = progress_rows(view_of(half_way(), c=pulse("c", "asking", 3, 12)), 185, 80, 24)
    assert len(rows) == 2
    assert rows[1].startswith("  c  asking   ")
    assert rows[1].endswith("| 3/12 01:05")
    assert "|███" in rows[1]
    assert len(rows[1]) == 79


def test_where_room_is_scarce_the_file_of_the_unit_goes_first() -> None:
    name = "tests/bench/test_dialogue.py::test_dialogue[large-3]"
    story = Story().begin(make_unit(name))
    story.start(name)
    rows = progress_rows(view_of(story, **{name: pulse(name, "asking", 3, 12)}), 185, 80, 24)
    assert rows[1].startswith("  test_dialogue[large-3]  asking ")
    assert progress_rows(view_of(story), 185, 80, 24)[1].startswith(f"  {name} ")


def test_more_turns_than_were_said_fill_the_bar() -> None:
    rows = progress_rows(view_of(half_way(), c=pulse("c", "asking", 13, 12)), 185, 80, 24)
    assert rows[1].endswith("| 12/12 01:05")


def test_each_worker_keeps_its_row() -> None:
    story = Story().begin(*map(make_unit, "abcd"))
    story.worker_up("gw0")
    story.start("b", "main")
    rows = progress_rows(view_of(story), 1, 80, 24)
    assert [row.split() for row in rows[1:]] == [["gw0", "-"], ["main", "b", "00:00"]]


def test_of_many_workers_the_longest_running_units_are_shown() -> None:
    names = [f"u{number}" for number in range(9)]
    story = Story().begin(*map(make_unit, names))
    for name in names:
        story.worker_up(f"w-{name}")
        story.start(name, f"w-{name}")
    rows = progress_rows(view_of(story), 1, 80, 24)
    assert [row.split()[1] for row in rows[1:4]] == ["u0", "u1", "u2"]
    assert rows[4:] == ["  ... and 6 more units are running"]
    assert len(progress_rows(view_of(story), 1, 80, 24, is_short=True)) == 1


def test_a_low_terminal_keeps_the_bar() -> None:
    assert len(progress_rows(view_of(half_way()), 1, 80, 2)) == 1


def test_the_line_says_what_runs() -> None:
    story = half_way()
    story.start("d")
    line = progress_line(view_of(story, c=pulse("c", "asking")), 185)
    assert (
        line
        == "benchrun: 2/4 (50 %), 1 failed; 03:05; 1 minute left (42 s to 3 minutes); running: c (asking) and 1 more"
    )


def test_before_anything_has_ended_nobody_knows_how_long() -> None:
    view = view_of(Story().begin(make_unit("a")))
    assert progress_line(view, 0) == "benchrun: 0/1 (0 %); 00:00; remaining time not known yet"


def test_a_stage_turns() -> None:
    assert len({stage_row("Processing results", at_s, 80) for at_s in (1.0, 1.2, 1.4, 1.6)}) == 4
    assert stage_row("Processing results", 65, 80).endswith(" Processing results 01:05")
    assert stage_row("Processing results", 65, 12) == fit(stage_row("Processing results", 65, 80), 11)


@given(
    columns=st.integers(10, 300),
    lines=st.integers(1, 50),
    unit=st.one_of(st.just(HOSTILE), st.text(max_size=300)),
    stage=st.one_of(st.none(), st.just(HOSTILE), st.text(max_size=300)),
    total=st.one_of(st.none(), st.integers(1, 10**12)),
    is_ascii=st.booleans(),
)
def test_no_row_is_as_wide_as_the_terminal_nor_has_a_letter_that_it_would_obey(
    *, columns: int, lines: int, unit: str, stage: str | None, total: int | None, is_ascii: bool
) -> None:
    story = half_way(f"u{unit}")
    story.start(f"u{unit}")
    view = status_view(
        story.campaign, results_dir="/r", now_at=story.at, find_pulse=lambda name: pulse(name, stage, 1, total)
    )
    rows = progress_rows(view, 3600 * 30, columns, lines, is_ascii=is_ascii)
    assert len(rows) < max(lines, 2)
    for row in rows:
        assert row.isprintable()
        assert cells(row) < columns
    assert progress_line(view, 10).isprintable()


@pytest.mark.parametrize(
    ("text", "room", "fitted"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 5, "ab…fg"), ("漢字漢字", 5, "漢…字"), ("abc", 1, "…"), ("abc", 0, "")],
)
def test_the_middle_is_left_out_of_what_is_too_long(text: str, room: int, fitted: str) -> None:
    assert fit(text, room) == fitted


def test_a_line_is_due_each_5_percent_or_minute() -> None:
    pace = Pace(0, 0.0)
    due = [ended for ended in range(1, 101) if pace.is_due(ended, 100, 0.0)]
    assert due == list(range(5, 101, 5))
    assert not pace.is_due(100, 100, 59.9)
    assert pace.is_due(100, 100, 60.0)
    assert not pace.is_due(100, 100, 60.0)


def test_a_resumed_run_counts_from_what_is_done() -> None:
    pace = Pace(95, 0.0)
    assert not pace.is_due(95, 100, 1.0)
    assert not pace.is_due(99, 100, 1.0)
    assert pace.is_due(100, 100, 1.0)
