"""What a host did over time: sampled from this one, for real."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import psutil
import pytest

from pytest_benchrun.world.timeseries import SAMPLES_AT_A_PACE, Gauge, Pace, interval_after, sampling

WAIT_S = 20.0
PACE_S = 0.02


def _pace(interval_s: float) -> Pace:
    return Pace(host="node-1", session=3, interval_s=interval_s)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_samples_come_while_the_block_lasts_and_one_at_its_end() -> None:
    lines: list[bytes] = []
    with sampling(lines.append, _pace(PACE_S), pytest.fail):
        _wait_until(lambda: len(lines) >= 3)
        before = len(lines)
    assert len(lines) >= before + 1
    samples = [orjson.loads(line) for line in lines]
    assert {(sample["session"], sample["host"]) for sample in samples} == {(3, "node-1")}
    assert [sample["at"] for sample in samples] == sorted(sample["at"] for sample in samples)
    costs = [sample["sampler_cpu_ms"] for sample in samples]
    assert 0 < costs[0] < costs[-1]
    assert not any(thread.name == "benchrun-timeseries" for thread in threading.enumerate())


def test_a_sample_costs_less_than_a_hundredth_of_ten_seconds_and_the_series_says_how_much() -> None:
    lines: list[bytes] = []
    with sampling(lines.append, _pace(PACE_S), pytest.fail):
        _wait_until(lambda: len(lines) >= 20)
    cost_ms = orjson.loads(lines[-1])["sampler_cpu_ms"] / len(lines)
    assert 0 < cost_ms < 100, "CPU time of the thread alone: what else runs here does not count"


def test_a_short_session_has_one_sample() -> None:
    lines: list[bytes] = []
    with sampling(lines.append, _pace(3600), pytest.fail):
        pass
    assert len(lines) == 1


def test_no_interval_is_no_series() -> None:
    lines: list[bytes] = []
    with sampling(lines.append, _pace(0), pytest.fail):
        assert not any(thread.name == "benchrun-timeseries" for thread in threading.enumerate())
    assert lines == []


def test_the_figures_are_those_of_the_host(tmp_path: Path) -> None:
    gauge = Gauge()
    end_s = time.monotonic() + 0.3
    while time.monotonic() < end_s:
        pass
    (tmp_path / "file").write_bytes(os.urandom(2_000_000))
    found = gauge.read()
    assert 0 < found["cpu_percent"] <= found["busiest_cpu_percent"] <= 100  # type: ignore[operator]  # they are numbers here
    memory = psutil.virtual_memory()
    assert abs(found["available_bytes"] - memory.available) < memory.total / 2  # type: ignore[operator]  # as above
    assert all(value is None or value >= 0 for value in found.values())


def test_a_counter_that_was_set_back_gives_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    gauge = Gauge()
    monkeypatch.setattr(psutil, "net_io_counters", lambda: None)
    assert "sent_bytes_per_s" not in gauge.read(), "the host counts no more"
    monkeypatch.undo()
    gauge.read()
    disks = psutil.disk_io_counters()
    if disks is None:
        pytest.skip("this host does not count")
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: disks._replace(read_bytes=-1))
    assert gauge.read()["disk_read_bytes_per_s"] is None


def test_a_series_that_cannot_be_written_ends_with_one_complaint() -> None:
    said: list[str] = []
    tried = []

    def refuse(line: bytes) -> None:
        tried.append(line)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with sampling(refuse, _pace(PACE_S), said.append):
        _wait_until(lambda: bool(said))
    assert len(tried) == 1
    assert said == ["the time series of this host ended: [Errno 28] No space left on device"]


def test_forty_hours_keep_their_tail_in_a_small_file() -> None:
    at_s, samples = 0.0, 0
    while at_s < 40 * 3600:
        at_s += interval_after(samples, 10)
        samples += 1
    assert 2 * SAMPLES_AT_A_PACE < samples < 3 * SAMPLES_AT_A_PACE
    assert interval_after(samples, 10) == 40, "the last hours have a sample every 40 s"


def test_a_year_of_samples_is_some_ten_thousand_lines() -> None:
    at_s, samples = 0.0, 0
    while at_s < 365 * 86400:
        at_s += interval_after(samples, 10)
        samples += 1
    assert samples < 50_000
