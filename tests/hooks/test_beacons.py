"""Stages, notes and beats of a unit: what they leave, and where people see them while it runs."""

from __future__ import annotations

import time

import pytest

from pytest_benchrun.hooks.beacons import KEPT_BEACONS, Beacons
from pytest_benchrun.world.clock import WallClock, monotonic_ns
from tests.hooks.campaigns import ENGINES, Campaign

LOOKS = """
import json, pathlib, time
import pytest

def shown(benchrun, **wanted):
    status = pathlib.Path(benchrun.config["status"])
    end = time.monotonic() + 20
    while time.monotonic() < end:
        tasks = json.loads(status.read_text())["current_tasks"]
        task = next((task for task in tasks if task["unit_id"] == benchrun.unit_id), None)
        if task is not None and all(task[name] == value for name, value in wanted.items()):
            return task
        time.sleep(0.02)
    raise AssertionError(f"never shown: {wanted}, last {tasks}")
"""


def test_a_stage_ends_the_note_before() -> None:
    beacons = Beacons("u", WallClock())
    beacons.enter_stage("loading")
    beacons.take_note("file 3 of 7")
    assert (beacons.pulse().stage, beacons.pulse().note) == ("loading", "file 3 of 7")
    beacons.enter_stage("solving")
    assert (beacons.pulse().stage, beacons.pulse().note) == ("solving", None)


def test_the_last_beacons_are_kept_with_their_words() -> None:
    beacons = Beacons("u", WallClock())
    assert [beacon.kind for beacon in beacons.recent()] == ["start"]
    for number in range(2 * KEPT_BEACONS):
        beacons.take_note(number)
    kept = beacons.recent()
    assert [(beacon.kind, beacon.text) for beacon in kept] == [("note", str(10 + number)) for number in range(10)]
    assert [beacon.at_ns for beacon in kept] == sorted(beacon.at_ns for beacon in kept)
    assert kept[-1].at_ns == beacons.last_ns


@pytest.mark.parametrize(
    ("total", "kept"),
    [(3, 3), (True, 1), (0, None), (-1, None), (None, None), (2.5, None), ("3", None), (10**30, None)],
)
def test_the_length_of_a_stage_is_a_number_of_turns_or_none(total: object, kept: int | None) -> None:
    beacons = Beacons("u", WallClock())
    beacons.enter_stage("asking", total)
    assert beacons.pulse().turns_total == kept


def test_turns_count_within_their_stage() -> None:
    news: list[None] = []
    beacons = Beacons("u", WallClock(), lambda: news.append(None))
    beacons.end_turn(monotonic_ns())
    assert (beacons.pulse().turns_done, len(news)) == (1, 0)
    beacons.enter_stage("asking", 3)
    assert (beacons.pulse().turns_done, beacons.pulse().turns_total) == (0, 3)
    beacons.end_turn(monotonic_ns())
    beacons.end_turn(monotonic_ns())
    assert (beacons.pulse().turns_done, len(news)) == (2, 3)  # who has said a length is watched turn by turn
    beacons.enter_stage("summing up")
    assert (beacons.pulse().turns_done, beacons.pulse().turns_total) == (0, None)


def test_a_beacon_is_a_moment_that_stays_while_the_unit_is_silent() -> None:
    beacons = Beacons("u", WallClock())
    beacons.beat()
    first = beacons.pulse().beacon_at
    start = time.monotonic()
    while time.monotonic() - start < 0.05:
        pass
    assert abs(_ms(beacons.pulse().beacon_at) - _ms(first)) <= 1
    beacons.beat()
    assert _ms(beacons.pulse().beacon_at) - _ms(first) >= 45


def _ms(at: str) -> float:
    hours, minutes, seconds = at[11:-1].split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("two\nlines\tand  more", "two lines and more"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\udcffb", "a\\udcffb"),
        ("x" * 5000, "x" * 199 + "…"),
        (None, "None"),
        (b"bytes", "b'bytes'"),
        (7.5, "7.5"),
    ],
)
def test_words_become_one_line_that_fits_every_sink(said: object, kept: str) -> None:
    beacons = Beacons("u", WallClock())
    beacons.enter_stage(said)
    beacons.take_note(said)
    assert (beacons.stage, beacons.note) == (kept, kept)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_people_see_stage_note_and_beacon_while_the_unit_runs(campaign: Campaign, engine: str) -> None:
    campaign.write(
        {
            "test_it.py": LOOKS
            + """
@pytest.mark.parametrize("x", [1, 2])
def test_it(benchrun, x):
    before = shown(benchrun, stage=None, note=None)
    benchrun.stage(f"solving {x}")
    benchrun.note("step 1")
    first = shown(benchrun, stage=f"solving {x}", note="step 1")
    assert first["last_beacon_at"] >= before["started_at"]
    benchrun.stage("checking")
    last = shown(benchrun, stage="checking", note=None)
    assert last["last_beacon_at"] >= first["last_beacon_at"]
""",
            "campaign.toml": f"[parameters]\nstatus = '{campaign.results}/status.json'\n",
        }
    )
    session = campaign.run("--bench-config=campaign.toml", engine=engine)
    assert session.outcomes == {"passed": 2}, session.text


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_turn_and_a_metric_are_beacons_too(campaign: Campaign, engine: str) -> None:
    campaign.write(
        {
            "test_it.py": LOOKS
            + """
def test_it(benchrun):
    benchrun.stage("one")
    before = shown(benchrun, stage="one")["last_beacon_at"]
    time.sleep(0.01)
    benchrun.metric("loss", 1.0)
    benchrun.stage("two")
    with benchrun.turn(): pass
    after = shown(benchrun, stage="two")["last_beacon_at"]
    assert after > before
    kinds = [beacon.kind for beacon in benchrun._beacons.recent()]
    assert kinds == ["start", "setup", "stage", "metric", "stage", "turn"]
""",
            "campaign.toml": f"[parameters]\nstatus = '{campaign.results}/status.json'\n",
        }
    )
    session = campaign.run("--bench-config=campaign.toml", engine=engine)
    assert session.outcomes == {"passed": 1}, session.text


@pytest.mark.parametrize("engine", list(ENGINES))
def test_people_see_how_many_turns_of_a_stage_are_done(campaign: Campaign, engine: str) -> None:
    campaign.write(
        {
            "test_it.py": LOOKS
            + """
def test_it(benchrun):
    status = json.loads(pathlib.Path(benchrun.config["status"]).read_text())
    assert status["stage"] == "Running benchmark"
    benchrun.stage("asking", total=3)
    shown(benchrun, stage="asking", turns_done=0, turns_total=3)
    for number in range(3):
        with benchrun.turn(): pass
        shown(benchrun, turns_done=number + 1, turns_total=3)
    benchrun.stage("summing up")
    shown(benchrun, stage="summing up", turns_done=0, turns_total=None)
""",
            "campaign.toml": f"[parameters]\nstatus = '{campaign.results}/status.json'\n",
        }
    )
    session = campaign.run("--bench-config=campaign.toml", engine=engine)
    assert session.outcomes == {"passed": 1}, session.text
    assert session.status()["stage"] is None


def test_without_a_run_they_do_nothing(campaign: Campaign) -> None:
    campaign.write(
        {"test_it.py": "def test_it(benchrun):\n    benchrun.stage('s')\n    benchrun.note('n')\n    benchrun.beat()\n"}
    )
    assert campaign.plain().outcomes == {"passed": 1}
