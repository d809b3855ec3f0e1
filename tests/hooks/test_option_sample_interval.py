"""`--bench-sample-interval`: how often the host is looked at, or never."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {"test_it.py": "import time\ndef test_it(): time.sleep(0.5)\n"}


def _samples(results: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in (results / "timeseries").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]


def test_the_owner_samples_its_host(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    assert campaign.run("--bench-sample-interval=0.1s", engine=engine).exit_code == 0
    samples = _samples(campaign.results)
    assert len(samples) >= 3
    assert samples[0]["interval_s"] == 0.1


def test_a_resume_goes_on_in_the_same_file(campaign: Campaign) -> None:
    campaign.write({"test_it.py": "import os\ndef test_it(): assert os.path.exists('ok')\n"})
    campaign.run()
    campaign.write({"ok": ""})
    campaign.run("--bench-resume")
    assert [sample["session"] for sample in _samples(campaign.results)] == [1, 2]


@pytest.mark.parametrize("typed", ["0", "0s"])
def test_0_is_none(campaign: Campaign, typed: str) -> None:
    campaign.write({"test_it.py": "def test_it(): pass\n"})
    campaign.run(f"--bench-sample-interval={typed}")
    assert not (campaign.results / "timeseries").exists()


def test_a_bare_number_is_seconds_and_the_ini_file_counts(campaign: Campaign) -> None:
    campaign.write(SUITE)
    campaign.ini("bench_sample_interval = 30")
    campaign.run()
    assert [sample["interval_s"] for sample in _samples(campaign.results)] == [30.0]


@pytest.mark.parametrize("typed", ["-1", "soon", "0.01s", "10 s"])
def test_what_is_no_interval_is_refused(campaign: Campaign, typed: str) -> None:
    campaign.write(SUITE)
    session = campaign.run(f"--bench-sample-interval={typed}")
    assert session.exit_code == 4
    assert f"--bench-sample-interval={typed!r} is not" in session.text


def test_a_series_that_cannot_be_written_costs_no_unit(campaign: Campaign) -> None:
    campaign.write({**SUITE, "results/timeseries": "a file where the folder should be"})
    session = campaign.run("--bench-sample-interval=0.1s")
    assert session.exit_code == 0
    assert session.text.count("problem: the time series of this host ended") == 1
