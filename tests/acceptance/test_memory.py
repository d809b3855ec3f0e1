"""A unit that prints without end costs the run's processes little memory."""

from __future__ import annotations

import pytest

from tests.acceptance.suite import Suite

LIMIT_KB = 64 * 1024


def _peaks(suite: Suite, *options: str) -> list[int]:
    """The largest resident size in kB that each process of a session had, smallest first."""
    ended = suite.run("-q", "--bench-fresh", *options)
    assert ended.code == 0, ended.output
    found = sorted(int(path.read_text("ascii")) for path in suite.folder.glob("peak.*"))
    for path in suite.folder.glob("peak.*"):
        path.unlink()
    return found


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_printing_200_mb_costs_less_than_64_mb(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.write(
        "conftest.py",
        """
        import os, pathlib, resource

        def pytest_unconfigure():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            (pathlib.Path(__file__).parent / f"peak.{os.getpid()}").write_text(str(peak))
        """,
    )
    suite.write(
        "test_it.py",
        """
        import sys

        LINE = "x" * 999_999 + chr(10)

        def test_flood():
            for _ in range(200): sys.stdout.write(LINE)
        """,
    )
    flooded = _peaks(suite, *workers)
    suite.write("test_it.py", "def test_quiet(): pass\n")
    quiet = _peaks(suite, *workers)
    assert len(flooded) == len(quiet) == (3 if workers else 1)
    assert max(flooded) - max(quiet) < LIMIT_KB
    assert sum(flooded) - sum(quiet) < LIMIT_KB
