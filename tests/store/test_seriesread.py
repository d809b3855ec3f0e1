"""Series read back: whole lines of any host, and the tail of a run of forty hours."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.moments import from_epoch_ms
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.seriesfile import SeriesFile
from pytest_benchrun.store.seriesread import read_series
from pytest_benchrun.world.timeseries import interval_after, line_of

START_S = 1_800_000_000


def _line(at_s: float, host: str = "node-1", session: int = 1, interval_s: float = 10.0, cpu: float = 5.0) -> bytes:
    return line_of(from_epoch_ms(round(1000 * (START_S + at_s))), session, host, interval_s, {"cpu_percent": cpu})


def test_a_line_speaks_for_the_time_since_the_one_before(tmp_path: Path) -> None:
    file = SeriesFile(RunDir(tmp_path), "node-1")
    for line in (_line(10, cpu=1), _line(12, cpu=2), _line(3600, cpu=3), _line(7200, session=2, cpu=4)):
        file.append(line)
    series = read_series(RunDir(tmp_path))["node-1"]
    found = [
        (series.figures(START_S + at, START_S + at + 0.1)["machine.cpu_percent_max"], at)
        for at in (0, 11, 13, 3590, 3601, 7190)
    ]
    assert found == [(1.0, 0), (2.0, 11), (None, 13), (3.0, 3590), (None, 3601), (4.0, 7190)]


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "timeseries"
    folder.mkdir()
    without_host = {key: value for key, value in orjson.loads(_line(20)).items() if key != "host"}
    lines = [b"[1]\n", b"null\n", b'{"at": 7}\n', b'{"at": "x", "interval_s": 1}\n', b"\xff\n", _line(10)]
    lines += [orjson.dumps(without_host) + b"\n", b'{"at":"2026']
    (folder / "node-1.jsonl").write_bytes(b"".join(lines))
    (found,) = read_series(RunDir(tmp_path)).values()
    assert found.figures(START_S, START_S + 30)["machine.samples"] == 2


def test_a_run_without_series_has_none(tmp_path: Path) -> None:
    assert read_series(RunDir(tmp_path)) == {}


def test_a_host_has_its_own_name_whatever_its_file_is_called(tmp_path: Path) -> None:
    SeriesFile(RunDir(tmp_path), "me@node-2").append(_line(10, host="me@node-2"))
    assert set(read_series(RunDir(tmp_path))) == {"me@node-2"}


def test_forty_hours_keep_their_tail(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    file = SeriesFile(rundir, "node-1")
    at_s, samples = 0.0, 0
    while at_s < 40 * 3600:
        pause_s = interval_after(samples, 10)
        at_s += pause_s
        samples += 1
        file.append(_line(at_s, interval_s=pause_s, cpu=at_s / 3600))
    assert rundir.timeseries("node-1").stat().st_size < 2_000_000
    series = read_series(rundir)["node-1"]
    for hour in (1, 20, 39.9):
        found = series.figures(START_S + hour * 3600, START_S + hour * 3600 + 60)
        assert found["machine.cpu_percent_mean"] == pytest.approx(hour, abs=0.05)
