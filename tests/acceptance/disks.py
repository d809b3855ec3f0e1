"""Small disks of their own, and a campaign that fills one up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory; unmounted at the end."""
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        # lazily: what a failed test has left running may still have files open there
        subprocess.run(["umount", "-l", str(place)], check=True)


FILLS = """
    import errno, pathlib, pytest

    def fill(ballast):
        with ballast.open("wb", buffering=0) as file:
            for size in (65536, 1):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    @pytest.mark.parametrize("n", range(30))
    def test_it(request, benchrun, n):
        if n == 10 and benchrun.attempt == 1:
            fill(pathlib.Path(request.config.getoption("bench_results")).parent / "ballast")
            for number in range({metrics}):
                benchrun.metric(f"{{number:0100d}}", number)
"""
"""Thirty units; the eleventh leaves no room, and its result needs much when it has `metrics`."""
