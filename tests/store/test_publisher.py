"""The views on disk: written at once when asked, followed while the run goes on, never in its way."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import Metric, RunState
from pytest_benchrun.core.run_state import run_state_view
from pytest_benchrun.core.runstats import runstats_view
from pytest_benchrun.core.views import status_view
from pytest_benchrun.store.publisher import Publisher, mend_views, views_at_rest
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.clock import WallClock, monotonic_s
from tests.store.faulty import FaultyDisk
from tests.stories import Story

WAIT_S = 60


class Stage:
    """A publisher over a story.

    Attributes:
        synced: set at each sync of the journal.
        looked: taken once for each look for a stop.
    """

    def __init__(self, directory: Path, disk: FaultyDisk | None = None) -> None:
        self.story = Story().begin("a", "b")
        self.rundir = RunDir(directory, disk or FaultyDisk())
        self.synced = threading.Event()
        self.guard = threading.RLock()
        self.looked = threading.Semaphore(0)
        self.publisher = Publisher(
            self.rundir, self.story.campaign, WallClock(), self.guard, self.synced.set, self.looked.release
        )

    def run(self, unit_id: str) -> None:
        """A unit runs; the publisher hears of its end."""
        with self.guard:
            self.story.run(unit_id)
            self.publisher.on_event(self.story.events[-1])


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def test_the_files_at_rest_are_the_views_after_the_last_event(tmp_path: Path) -> None:
    story = Story().begin("a")
    story.run("a")
    stats = runstats_view(story.campaign)
    files = views_at_rest(RunDir(tmp_path), story.campaign, stats)
    status = status_view(story.campaign, results_dir=str(tmp_path), now_at=story.campaign.last_at)
    expected = {"status.json": status, "run_state.json": run_state_view(story.campaign), "runstats.json": stats}
    assert {path.name: json.loads(data) for path, data in files.items()} == expected


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    story = Story().begin("a")
    story.run("a")
    again = Campaign.of(story.events)
    first, second = (
        views_at_rest(RunDir(tmp_path), campaign, runstats_view(campaign)) for campaign in (story.campaign, again)
    )
    assert first == second


def test_views_that_were_lost_are_made_again_and_the_figures_are_told(tmp_path: Path) -> None:
    story = Story().begin("a")
    story.run("a")
    story.finish()
    stats = mend_views(RunDir(tmp_path), story.campaign)
    assert load(tmp_path / "runstats.json") == stats == runstats_view(story.campaign)
    assert load(tmp_path / "status.json")["state"] == RunState.COMPLETE


def test_the_first_status_is_there_before_the_first_unit(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.start()
    status = load(tmp_path / "status.json")
    stage.publisher.close()
    assert (status["state"], status["pending"]) == ("running", 2)


def test_the_journal_is_synced_soon_after_an_event(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.start()
    stage.run("a")
    assert stage.synced.wait(WAIT_S)
    stage.publisher.close()


def test_the_last_views_are_as_the_last_event_left_them(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.start()
    stage.run("a")
    stage.run("b")
    stage.story.finish()
    stats = stage.publisher.close()
    campaign = stage.story.campaign
    expected = status_view(campaign, results_dir=str(tmp_path), now_at=campaign.last_at)
    assert load(tmp_path / "status.json") == expected
    assert (expected["state"], expected["completed"]) == (RunState.COMPLETE, 2)
    assert load(tmp_path / "runstats.json") == stats == runstats_view(campaign)
    assert stage.publisher.problems == []


def test_the_status_follows_the_run_in_the_background(tmp_path: Path) -> None:
    written = threading.Event()

    class Watched(FaultyDisk):
        def replace(self, source: Path, target: Path) -> None:
            super().replace(source, target)
            if b'"completed": 1' in target.read_bytes():
                written.set()

    stage = Stage(tmp_path, Watched())
    stage.publisher.start()
    stage.run("a")
    assert written.wait(WAIT_S)
    stage.publisher.close()


def test_stops_are_looked_for_while_nothing_happens(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    started_s = monotonic_s()
    stage.publisher.start()
    assert all(stage.looked.acquire(timeout=WAIT_S) for _ in range(4))
    elapsed_s = monotonic_s() - started_s
    stage.publisher.close()
    # a heartbeat's time would be 20 s; an idle machine takes 2
    assert 1.0 < elapsed_s < 15


def test_looking_for_stops_writes_nothing(tmp_path: Path) -> None:
    disk = FaultyDisk()
    stage = Stage(tmp_path, disk)
    stage.publisher.start()
    before = list(disk.done)
    assert all(stage.looked.acquire(timeout=WAIT_S) for _ in range(2))
    assert disk.done == before == ["open_append", "write", *["write", "replace"] * 2]
    stage.publisher.close()


def test_a_view_that_cannot_be_written_is_said_once_and_is_no_error(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "gone")
    stage.publisher.start()
    stage.run("a")
    stage.publisher.close()
    (problem,) = stage.publisher.problems
    assert problem.startswith("a view could not be written: ")


def test_a_publisher_that_never_started_can_be_closed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.close()
    assert load(tmp_path / "status.json")["pending"] == 2


def test_metrics_as_large_as_numbers_get_do_not_cost_the_views(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.start()
    for unit_id, value in (("a", 1e300), ("b", -1e300)):
        stage.story.run(unit_id, metrics={"flops": Metric(value=value)})
    stage.publisher.close()
    assert load(tmp_path / "status.json")["completed"] == 2


def test_a_pause_is_shown_although_the_state_is_as_it_was(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publisher.show_pause("waiting for room")
    stage.publisher.start()
    paused = load(tmp_path / "status.json")
    stage.publisher.show_pause(None)
    stage.publisher.close()
    assert (paused["state"], paused["reason"], paused["message"]) == (
        "paused",
        "waiting for room",
        "paused: waiting for room",
    )
    assert paused["pending"] == 2
    assert load(tmp_path / "status.json")["state"] == "running"
