"""The units that are run: a generated folder with one file of N parametrized tests."""

from pathlib import Path

LEDGER = "ledger"
"""Folder in TMPDIR where processes of the suite `burn` write down their own CPU time."""

HEAD = """\
import pytest


@pytest.mark.parametrize("number", range({units}))
"""

SOURCES = {
    "trivial": """\
def test_unit(number):
    assert number >= 0
""",
    "metric": """\
def test_unit(benchrun, number):
    assert number >= 0
    benchrun.metric("number", number, better="higher")
    benchrun.metric("read_mb_per_s", 1.5 * number, unit="MB/s", better="higher")
    benchrun.metric("latency_ms", 2.5 + number, unit="ms", better="lower")
""",
    "bag": """\
def test_unit(results_bag, number):
    assert number >= 0
    results_bag.number = number
""",
    "benchmark": """\
def test_unit(benchmark, number):
    assert benchmark(abs, number) >= 0
""",
    "burn": """\
def test_unit(number):
    import time

    until = time.process_time() + 0.02
    while time.process_time() < until:
        pass
""",
}

CONFTESTS = {
    # Registered late, so that it is called last but for what was registered before: execnet's own.
    "burn": f"""\
import atexit, json, os, pathlib, tempfile, time


def pytest_configure(config):
    atexit.register(confess, hasattr(config, "workerinput"))


def confess(is_worker):
    entry = pathlib.Path(tempfile.gettempdir(), "{LEDGER}", str(os.getpid()))
    entry.write_text(json.dumps({{"cpu_s": time.process_time(), "is_worker": is_worker}}))
""",
}


def write_suite(folder: Path, suite: str, units: int) -> Path:
    """Write a suite unless it is there already.

    Args:
        folder: where suites live.
        suite: a key of `SOURCES`.
        units: how many tests it collects.

    Returns:
        The folder of the suite, its own rootdir.
    """
    home = folder / f"{suite}-{units}"
    if not home.exists():
        home.mkdir(parents=True)
        (home / "pytest.ini").write_text("[pytest]\n")
        (home / "test_units.py").write_text(HEAD.format(units=units) + SOURCES[suite])
        if suite in CONFTESTS:
            (home / "conftest.py").write_text(CONFTESTS[suite])
    return home
