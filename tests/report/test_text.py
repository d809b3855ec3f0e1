"""What people read, to the letter; and nothing in it that a terminal would obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import Metric, RunState
from pytest_benchrun.core.plan import Plan, Wishes, make_plan
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.core.runstats import runstats_view
from pytest_benchrun.core.views import StatusView, status_view
from pytest_benchrun.report.status_text import left_of, status_lines
from pytest_benchrun.report.text import plan_line, summary_lines
from pytest_benchrun.report.words import clean, remaining, seconds
from tests.stories import COMPLETED, FAILED, SKIPPED, TIMEOUT, Story, make_outcome, make_unit

RUN_ID = "demo-20261121-100000-0123abcd"
HOSTILE = "\x1b[31mred\x1b[0m\r\n\x00\x07\x85\u2028\u202e::error::"


def summary(story: Story, *problems: str, results_dir: str = "/results") -> list[str]:
    return summary_lines(story.campaign, runstats_view(story.campaign), results_dir, list(problems))


def status(story: Story, state: str | None = None, note: str | None = None) -> list[str]:
    view = status_view(story.campaign, results_dir="/results", now_at=story.at)
    return status_lines(view, state or view["state"], note)


def night() -> Story:
    """A paused run: two completed, one failed, one timed out, one skipped itself, two held back."""
    units = [make_unit(f"bench.py::test_read[{number}]", "disk" if number < 3 else None) for number in range(7)]
    names = [unit.unit_id for unit in units]
    story = Story().begin(*units, limit=1)
    story.run(
        names[0],
        seconds=0.0123,
        metrics={"speed": Metric(value=12.5, unit="MB/s", better="higher"), "recall": Metric(value=0.25)},
    )
    story.run(names[1], seconds=75.0, metrics={"speed": Metric(value=25, unit="MB/s", better="higher")})
    story.run(names[2], FAILED, 2.0, message="AssertionError: slow\ndisk")
    story.run(names[3], TIMEOUT, 9000.0, message="no beacon for 15 min", warnings=["metric 'x' is not finite"])
    story.run(names[4], SKIPPED, 0.001, message="no GPU")
    story.stop(Stop("max-failures", "2 of 5 groups failed, more than 1 allowed", RunState.PAUSED))
    story.skip_rest(names[5], names[6])
    story.late_error(names[0], "close failed")
    story.finish(exit_code=1)
    return story


@pytest.mark.parametrize(
    ("unit", "values", "said"),
    [
        ("s", [0.004, 75.0], "p50 37.5 s, min 4 ms, max 1 min 15 s"),
        ("s", [-2.0, 4.0], "p50 1, min -2, max 4 s"),
        ("bytes", [0, 65_700_000], "p50 32.9 MB, min 0 bytes, max 65.7 MB"),
        ("bytes", [999.4, 999_499], "p50 500 kB, min 999 bytes, max 999 kB"),
        ("bytes", [999_500, 1.5e12], "p50 750 GB, min 1 MB, max 1.5 TB"),
        ("bytes", [5e16], "p50 50000 TB, min 50000 TB, max 50000 TB"),
        ("MB/s", [12.5], "p50 12.5, min 12.5, max 12.5 MB/s"),
    ],
)
def test_seconds_and_bytes_of_metrics_are_said_as_people_read_them(unit: str, values: list[float], said: str) -> None:
    units = [make_unit(f"bench.py::test_read[{number}]") for number in range(len(values))]
    story = Story().begin(*units)
    for one, value in zip(units, values, strict=True):
        story.run(one.unit_id, seconds=1.0, metrics={"m": Metric(value=value, unit=unit)})
    story.finish(exit_code=0)
    assert f"  m  {said} (n = {len(values)})" in summary(story)


def test_the_summary_of_a_paused_night() -> None:
    assert summary(night(), "a view could not be written: No space left on device") == [
        "paused: 5 of 7 units ended, 2 failed (2 of 5 groups failed, more than 1 allowed)",
        "units: 7: 2 completed, 1 failed, 1 timeout, 3 skipped",
        (
            "unit seconds: p50 37.5 s, p95 ~1 min 11 s, p99 ~1 min 14 s, max 1 min 15 s "
            "(n = 2; busy 2 h 31 min in 2 h 31 min; ~ means n is too small for it)"
        ),
        "metrics:",
        "  recall  p50 0.25, min 0.25, max 0.25 (n = 1)",
        "  speed   p50 18.75, min 12.5, max 25 MB/s (n = 2, higher is better)",
        "slowest:",
        "  2 h 30 min  bench.py::test_read[3]",
        "  1 min 15 s  bench.py::test_read[1]",
        "        2 s  bench.py::test_read[2]",
        "    12.3 ms  bench.py::test_read[0]",
        "       1 ms  bench.py::test_read[4]",
        "failures:",
        r"  bench.py::test_read[2]: call: AssertionError: slow\ndisk",
        "  bench.py::test_read[3]: timeout: no beacon for 15 min",
        "late error after bench.py::test_read[0]: close failed",
        "warnings: 1",
        "  bench.py::test_read[3]: metric 'x' is not finite",
        "problem: a view could not be written: No space left on device",
        "files: /results  (status.json, runstats.json, journal.jsonl)",
        "go on: the same command with --bench-resume   (benchrun status /results shows where it is)",
    ]


def test_the_summary_of_a_run_that_is_complete_says_no_more_than_it_must() -> None:
    story = Story().begin("a")
    story.run("a", seconds=1.0)
    story.finish()
    assert summary(story) == [
        "complete: 1 of 1 units ended",
        "units: 1: 1 completed",
        "unit seconds: p50 1 s, p95 ~1 s, p99 ~1 s, max 1 s (n = 1; busy 1 s in 1 s; ~ means n is too small for it)",
        "slowest:",
        "        1 s  a",
        "files: /results  (status.json, runstats.json, journal.jsonl)",
    ]


def test_the_summary_of_a_resume_says_what_came_from_earlier_sessions() -> None:
    story = Story().begin("a", "b")
    story.run("a")
    story.begin("a", "b", run=["b"])
    assert "units: 2: 1 completed, 1 pending (1 from earlier sessions)" in summary(story)


def test_the_summary_of_no_units() -> None:
    assert summary(Story().begin()) == [
        "running: 0 of 0 units ended",
        "units: 0: none",
        "files: /results  (status.json, runstats.json, journal.jsonl)",
    ]


def test_enough_units_carry_their_percentiles() -> None:
    names = [f"unit-{number:03}" for number in range(100)]
    story = Story().begin(*names)
    for name in names:
        story.run(name, seconds=2.0)
    assert "unit seconds: p50 2 s, p95 2 s, p99 2 s, max 2 s (n = 100; busy 3 min 20 s in 3 min 20 s)" in summary(story)


def test_a_metric_without_a_number_says_so() -> None:
    story = Story().begin("a")
    story.run("a", metrics={"mood": Metric(value="good", better="higher")})
    assert "  mood  no number (n = 0, higher is better)" in summary(story)


def test_the_summary_is_cut_where_it_would_fill_the_screen() -> None:
    names = [f"unit-{number:02}" for number in range(15)]
    story = Story().begin(*names)
    for name in names:
        story.run(name, FAILED, warnings=["odd"])
    story.begin("last")
    story.run("last", metrics={f"metric-{number:02}": Metric(value=1) for number in range(14)})
    lines = summary(story)
    assert lines.count("  ... and 5 more in runstats.json") == 1
    assert lines.count("  ... and 2 more in runstats.json") == 1
    assert "warnings: 15" in lines
    assert sum(line.startswith("  ") and line.endswith(": odd") for line in lines) == 5
    assert len(lines) < 50


def test_the_status_of_a_running_campaign() -> None:
    story = Story().begin("a", "b", "c", "d")
    story.run("a", seconds=3600.0)
    story.run("b", FAILED, 3600.0, message="wrong sum")
    story.start("c")
    story.clock.advance(150)
    assert status(story) == [
        f"{RUN_ID}: running",
        "progress: 2/4 (50.0 %), 1 failed",
        "running: c on main for 2 min 30 s, silent for 2 min 30 s",
        "remaining: 2.0 hours (1.0 hours to 3.7 hours)",
        "started: 2026-11-21T10:00:00.000Z, updated: 2026-11-21T12:00:00.000Z, session 1",
        "failed: b: call: wrong sum",
    ]


def test_the_status_of_a_paused_night() -> None:
    assert status(night()) == [
        f"{RUN_ID}: paused",
        "reason: 2 of 5 groups failed, more than 1 allowed",
        "progress: 5/7 (71.4 %), 2 failed",
        "started: 2026-11-21T10:00:00.000Z, updated: 2026-11-21T12:31:17.013Z, session 1",
        r"failed: bench.py::test_read[2]: call: AssertionError: slow\ndisk",
        "failed: bench.py::test_read[3]: timeout: no beacon for 15 min",
    ]


def test_the_status_of_a_dead_run_says_why_it_is_not_believed() -> None:
    story = Story().begin("a")
    assert status(story, "dead", "its process is gone")[0] == f"{RUN_ID}: dead (its process is gone)"


def test_the_status_of_a_run_without_units_divides_by_nothing() -> None:
    assert "progress: 0/0 (0.0 %), 0 failed" in status(Story().begin())


def test_the_status_of_a_run_that_has_just_begun_promises_nothing() -> None:
    story = Story().begin("a", "b")
    assert "remaining: not known yet" in status(story)
    assert left_of(status_view(story.campaign, results_dir="/results", now_at=story.at)) == ""
    story.run("a", seconds=600.0)
    assert left_of(status_view(story.campaign, results_dir="/results", now_at=story.at)).endswith(" left")


def test_the_status_shows_the_last_three_failures() -> None:
    names = [f"unit-{number}" for number in range(5)]
    story = Story().begin(*names)
    for name in names:
        story.run(name, FAILED)
    failed = [line for line in status(story) if line.startswith("failed: ")]
    assert failed == [f"failed: unit-{number}: call: " for number in (2, 3, 4)]


def hostile_story() -> Story:
    """A run in which every text that comes from outside fights the terminal."""
    unit = make_unit(f"bench.py::test[{HOSTILE}]", HOSTILE)
    other = make_unit(f"bench.py::test[{HOSTILE}2]", HOSTILE)
    story = Story().begin(unit, other)
    story.run(
        unit.unit_id,
        FAILED,
        message=HOSTILE,
        metrics={HOSTILE: Metric(value=1, unit=HOSTILE)},
        warnings=[HOSTILE],
    )
    story.run(other.unit_id, metrics={HOSTILE: Metric(value=1, unit=HOSTILE, better="lower")})
    story.begin(unit, other, run=[unit.unit_id])
    story.late_error(HOSTILE, HOSTILE)
    story.worker_up(HOSTILE)
    story.start(unit.unit_id, HOSTILE)
    story.stop(Stop("stop-file", HOSTILE, RunState.STOPPED))
    return story


def test_a_hostile_run_is_summed_up_in_printable_lines() -> None:
    story = hostile_story()
    assert [line for line in summary(story, HOSTILE, results_dir=f"/{HOSTILE}") if not line.isprintable()] == []
    story.end(next(iter(story.campaign.running)), make_outcome(FAILED, HOSTILE))
    assert [line for line in summary(story) if not line.isprintable()] == []


def test_a_hostile_run_has_a_printable_status() -> None:
    story = hostile_story()
    assert [line for line in status(story) if not line.isprintable()] == []


def test_a_hostile_status_file_is_shown_in_printable_lines() -> None:
    story = hostile_story()
    view = status_view(story.campaign, results_dir="/results", now_at=story.at)
    view = StatusView(**{**view, "run_id": HOSTILE, "started_at": HOSTILE, "updated_at": HOSTILE})
    view["failures"] = [
        {
            "unit_id": HOSTILE,
            "params": {},
            "group": HOSTILE,
            "phase": HOSTILE,
            "error": HOSTILE,
            "kind": HOSTILE,
            "timestamp": HOSTILE,
            "elapsed_s": None,
            "attempt": 1,
        }
    ]
    lines = status_lines(view, "dead", HOSTILE)
    assert [line for line in lines if not line.isprintable()] == []


@given(st.text(st.characters()), st.integers(3, 60))
def test_cleaned_text_is_one_printable_line_of_that_length(text: str, length: int) -> None:
    made = clean(text, length)
    assert made.isprintable()
    assert len(made) <= length


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=100))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202e", r"\u202e"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\U000e0001"),
        ("naïve 文", "naïve 文"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_its_code(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_long_text_loses_its_middle() -> None:
    assert clean("a" * 50 + "b" * 50, 11) == "aaaaa…bbbbb"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (0.000012, "0.012 ms"),
        (0.0123, "12.3 ms"),
        (0.9996, "1 s"),
        (1.0, "1 s"),
        (3.456, "3.46 s"),
        (59.4, "59.4 s"),
        (60.0, "1 min 0 s"),
        (125.4, "2 min 5 s"),
        (3599.6, "1 h 0 min"),
        (12_000.0, "3 h 20 min"),
        (360_000.0, "100 h 0 min"),
    ],
)
def test_seconds_are_said_as_people_say_them(value: float | None, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (None, "not known yet"),
        (0.0, "less than a minute"),
        (59 / 3600, "less than a minute"),
        (60 / 3600, "1 minute"),
        (0.5, "30 minutes"),
        (1.0, "1.0 hours"),
        (26.26, "26.3 hours"),
    ],
)
def test_what_remains_is_minutes_below_one_hour(hours: float | None, text: str) -> None:
    assert remaining(hours) == text


def test_the_plan_says_how_many_units_have_changed() -> None:
    campaign = Story().begin("a", "b").campaign
    assert plan_line(campaign, Plan(added=[], run=["a", "b"], stale=1, kept=0)) == (
        "benchrun: 0 units are done, 2 to run (1 of them changed since they were done)"
    )


def test_the_plan_is_one_line() -> None:
    story = Story().begin("a", "b")
    story.run("a", COMPLETED)
    units = [make_unit("a"), make_unit("b"), make_unit("c")]
    campaign = story.campaign
    assert plan_line(Campaign(), make_plan(Campaign(), units, Wishes())) == "benchrun: 3 units to run"
    assert plan_line(Campaign(), make_plan(Campaign(), units[:1], Wishes())) == "benchrun: 1 unit to run"
    assert plan_line(campaign, make_plan(campaign, units, Wishes(resume="all"))) == "benchrun: 1 unit is done, 2 to run"
    assert plan_line(campaign, Plan(added=[], run=[], stale=0, kept=2)) == (
        f"benchrun: nothing to do, none of 2 selected units of {RUN_ID} has to run"
    )
    assert plan_line(Campaign(), Plan(added=[], run=[])) == "benchrun: nothing to do, no unit was selected"


def test_a_plan_without_units_in_the_selected_phases_calls_no_unit_done() -> None:
    campaign = Story().begin("a").campaign
    assert plan_line(campaign, Plan(added=[], run=[], kept=1, other_phases=2)) == (
        "benchrun: nothing to do in the selected phases, 2 wait in phases that are not selected"
    )


def test_what_was_left_out_needs_another_command() -> None:
    story = Story().begin("a", "b")
    story.run("a")
    story.finish()
    assert summary(story)[-1] == (
        "go on: the same command with --bench-resume, without what left units out (--bench-to, --bench-only, -k, ...)"
        "   (benchrun status /results shows where it is)"
    )
