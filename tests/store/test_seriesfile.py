"""The file of a series: whole lines, whatever happened to the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.seriesfile import SeriesFile
from tests.store.faulty import FaultyDisk, no_space


def test_lines_are_appended(tmp_path: Path) -> None:
    file = SeriesFile(RunDir(tmp_path), "node-1")
    file.append(b"{}\n")
    file.append(b"[]\n")
    assert (tmp_path / "timeseries" / "node-1.jsonl").read_bytes() == b"{}\n[]\n"


def test_a_torn_line_takes_none_with_it(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    SeriesFile(rundir, "h").append(b"1\n")
    rundir.timeseries("h").write_bytes(b'1\n{"at')
    SeriesFile(rundir, "h").append(b"2\n")
    assert rundir.timeseries("h").read_bytes().splitlines() == [b"1", b'{"at', b"2"]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    class Short(FaultyDisk):
        """Takes three bytes of the second line."""

        def write(self, descriptor: int, data: bytes) -> int:
            return super().write(descriptor, data if data == b"first\n" else data[:3])

    rundir = RunDir(tmp_path, Short())
    file = SeriesFile(rundir, "h")
    file.append(b"first\n")
    with pytest.raises(OSError, match="there is no room"):
        file.append(b"second\n")
    assert rundir.timeseries("h").read_bytes() == b"first\n"


def test_every_fault_of_the_disk_is_an_error_and_no_broken_line(tmp_path: Path) -> None:
    for fails_at in (1, 2):
        with pytest.raises(OSError, match="No space"):
            SeriesFile(RunDir(tmp_path, FaultyDisk(fails_at, no_space)), "h").append(b"line\n")


@pytest.mark.parametrize("host", ["../../etc/passwd", "a/b", "", ".", "ho st", "x" * 300, "\udcff"])
def test_no_name_of_a_host_leaves_the_directory(tmp_path: Path, host: str) -> None:
    rundir = RunDir(tmp_path)
    SeriesFile(rundir, host).append(b"{}\n")
    assert [path.parent for path in (tmp_path / "timeseries").iterdir()] == [tmp_path / "timeseries"]
