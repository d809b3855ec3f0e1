"""`--bench-full-disk-wait`: how long a run waits for room on its disk."""

from __future__ import annotations

import errno
import os

import pytest

import pytest_benchrun.run
from pytest_benchrun.store.files import Disk
from tests.hooks.campaigns import Campaign

UNITS = "def test_before(): pass\ndef test_it(): pass\ndef test_after(): pass\n"
END = (b'"event":"unit_ended"', b"::test_it")
"""With workers the result of a unit comes with its end."""


class FullDisk(Disk):
    """A disk that has no room for one kind of line, by default the result of the second unit.

    Attributes:
        line: what is in it, in that order.
        times: how often it says so.
        code: how it says so.
    """

    line: tuple[bytes, ...] = (b'"event":"unit_result"', b"::test_it")
    times = 0
    code = errno.ENOSPC

    def write(self, descriptor: int, data: bytes) -> int:
        if FullDisk.times and all(part in data for part in FullDisk.line):
            FullDisk.times -= 1
            raise OSError(FullDisk.code, os.strerror(FullDisk.code))
        return super().write(descriptor, data)


@pytest.fixture(autouse=True)
def _disk(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_benchrun.run, "Disk", FullDisk)
    fill(0)
    campaign.write({"test_unit.py": UNITS})


def fill(times: int, code: int = errno.ENOSPC) -> None:
    """The disk refuses so often."""
    FullDisk.times, FullDisk.code = times, code


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_run_waits_for_room_and_goes_on(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, engine: str, code: int
) -> None:
    monkeypatch.setattr(FullDisk, "line", END)
    fill(1, code)
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 3}
    status = session.status()
    assert (status["state"], status["reason"], status["completed"]) == ("complete", None, 3)
    journal = (campaign.results / "journal.jsonl").read_text("utf-8")
    assert journal.count("the disk was full from ") == 1


@pytest.mark.parametrize("limit", ["0s", "0.1s"])
def test_after_that_time_it_pauses_and_can_be_resumed(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, engine: str, limit: str
) -> None:
    monkeypatch.setattr(FullDisk, "line", END)
    fill(9)
    session = campaign.run(f"--bench-full-disk-wait={limit}", engine=engine)
    assert session.exit_code == 1
    assert "No space left on device" in session.text
    fill(0)
    assert campaign.run("--bench-resume").status()["state"] == "complete"


def test_other_faults_of_the_disk_are_not_waited_for(campaign: Campaign) -> None:
    fill(9, errno.EIO)
    session = campaign.run()
    assert session.exit_code == 1
    assert "Input/output error" in session.text


def test_a_resume_closes_the_last_unit_when_only_its_end_could_not_be_recorded(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FullDisk, "line", (b'"event":"unit_ended"', b"::test_after"))
    fill(1, errno.EIO)
    session = campaign.run()
    assert (session.exit_code, session.status()["running"]) == (1, 1)
    status = campaign.run("--bench-resume").status()
    assert (status["state"], status["completed"], status["running"]) == ("complete", 3, 0)


def test_a_resume_says_complete_when_the_fault_came_after_the_last_record(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FullDisk, "line", (b'"event":"unit_result"', b"::test_after"))
    fill(1, errno.EIO)
    session = campaign.run()
    assert (session.exit_code, session.status()["state"]) == (1, "paused")
    assert campaign.run("--bench-resume").status()["state"] == "complete"


def test_the_time_limit_of_the_session_ends_the_wait(campaign: Campaign) -> None:
    fill(99)
    session = campaign.run("--bench-time-limit=1s")
    assert session.exit_code == 1
    assert "No space left on device" in session.text


def test_the_configuration_file_sets_it(campaign: Campaign) -> None:
    campaign.ini("bench_full_disk_wait = 0s")
    fill(1)
    assert campaign.run().exit_code == 1


@pytest.mark.parametrize("text", ["x", "-1", "for ever"])
def test_other_values_are_refused_with_an_example(campaign: Campaign, text: str) -> None:
    session = campaign.run(f"--bench-full-disk-wait={text}")
    assert session.exit_code == 4
    assert f"--bench-full-disk-wait={text!r} is not a time" in session.text
    assert "  -> for example: --bench-full-disk-wait=1h" in session.text
    assert not campaign.results.exists()


def test_a_stop_of_a_crash_loop_that_cannot_be_recorded_pauses_the_run_too(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FullDisk, "line", (b'"event":"stop_asked"',))
    fill(99)
    campaign.write({"test_unit.py": "import os\ndef test_it(): os._exit(1)\ndef test_after(): pass\n"})
    session = campaign.run("--bench-max-consecutive-failures=1", engine="n2")
    assert "INTERNALERROR" not in session.text
    assert session.exit_code == 1
    assert "No space left on device" in session.text
