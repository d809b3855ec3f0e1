"""`--bench-resources`: what a unit and its processes use, as metrics of the unit."""

from __future__ import annotations

import gc
import re
import sqlite3
from pathlib import Path

import pytest

from pytest_benchrun.core.usage import NAMES
from tests.hooks.campaigns import Campaign

SURE = {"cpu_s", "cpu_children_s", "peak_rss_bytes", "read_bytes", "write_bytes"}
SUITE = {
    "test_a.py": """
import subprocess, sys, time

SPIN = "import time\\nwhile time.process_time() < 0.1: pass"

def test_short(): pass

def test_itself():
    until = time.process_time() + 0.1
    while time.process_time() < until: pass

def test_child(): subprocess.run([sys.executable, "-S", "-c", SPIN], check=True)

def test_program(benchrun): benchrun.command([sys.executable, "-S", "-c", SPIN])

def test_fails():
    test_itself()
    assert 0

def test_says_its_own(benchrun):
    test_itself()
    benchrun.metric("cpu_s", 7, "h")
"""
}


def test_units_say_what_they_used(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-resources=auto", engine=engine)
    metrics = {name: session.metrics(f"test_a.py::test_{name}") for name in ("itself", "child", "program", "fails")}
    for found in metrics.values():
        assert set(NAMES) >= found.keys() >= SURE
        assert {metric["better"] for metric in found.values()} == {"lower"}
        assert {name: metric["unit"] for name, metric in found.items()} == {
            name: "s" if name.endswith("_s") else "bytes" for name in found
        }
        assert found["peak_rss_bytes"]["value"] > 10_000_000
    assert metrics["itself"]["cpu_s"]["value"] >= 0.1
    assert metrics["fails"]["cpu_s"]["value"] >= 0.1
    assert metrics["child"]["cpu_children_s"]["value"] >= 0.1
    assert metrics["program"]["cpu_children_s"]["value"] >= 0.1
    assert metrics["program"]["peak_rss_children_bytes"]["value"] > 1_000_000


def test_they_are_in_every_file_that_has_metrics(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-resources=on", "--bench-environment=off", engine=engine)
    figures = session.stats()["metrics"]
    assert figures["peak_rss_bytes"]["n"] == 5
    assert (figures["write_bytes"]["unit"], figures["write_bytes"]["better"]) == ("bytes", "lower")
    with sqlite3.connect(session.results / "results.sqlite") as database:
        (count,) = database.execute("select count(*) from metrics where name = 'peak_rss_bytes'").fetchone()
    database.close()
    assert count == 6
    shown = {case.name: case.values("bench.metric.cpu_s") for case in session.cases()}
    for name, values in shown.items():
        recorded = session.metrics(name.replace("test_a::", "test_a.py::"))["cpu_s"]["value"]
        assert values == [str(recorded)]


def test_a_unit_that_records_the_name_itself_keeps_its_own(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-resources=on", "-k", "its_own", engine=engine)
    found = session.metrics("test_a.py::test_says_its_own")
    assert (found["cpu_s"]["value"], found["cpu_s"]["unit"]) == (7, "h")
    assert next(iter(found)) == "cpu_s"
    assert found.keys() >= SURE


@pytest.mark.parametrize(
    ("args", "ini", "has_short", "has_long"),
    [
        (("--bench-resources=on",), (), True, True),
        (("--bench-resources=off",), (), False, False),
        ((), ("bench_resources = on",), True, True),
        ((), ("bench_resources = off",), False, False),
        ((), (), None, True),
    ],
)
def test_the_option_says_of_which_units(
    campaign: Campaign, args: tuple[str, ...], ini: tuple[str, ...], *, has_short: bool | None, has_long: bool
) -> None:
    campaign.write(SUITE)
    campaign.ini(*ini)
    session = campaign.plain(f"--bench-results={campaign.results}", "-k", "short or itself", *args)
    assert session.exit_code == 0, session.text
    assert bool(session.metrics("test_a.py::test_itself")) is has_long
    if has_short is not None:  # by default it depends on whether the machine lets it be short
        assert bool(session.metrics("test_a.py::test_short")) is has_short


def test_a_campaign_file_says_it_too(campaign: Campaign, engine: str) -> None:
    campaign.write({**SUITE, "c.toml": "[campaign]\nresources = 'off'\n"})
    session = campaign.plain(
        f"--bench-results={campaign.results}", "--bench-config=c.toml", "-k", "itself", engine=engine
    )
    assert session.metrics("test_a.py::test_itself") == {}


def test_another_word_is_refused(campaign: Campaign) -> None:
    campaign.write(SUITE)
    assert campaign.run("--bench-resources=some").exit_code == 4
    campaign.ini("bench_resources = some")
    session = campaign.plain(f"--bench-results={campaign.results}")
    assert session.exit_code == 4
    assert "'some' is not auto, on or off" in session.text


def test_what_units_measure_is_shown_before_what_they_use(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(benchrun): benchrun.metric('zeal', 1)"})
    session = campaign.run("--bench-resources=on")
    names = re.findall(r"^  (\w+)  +p50", session.text, re.MULTILINE)
    assert (names[0], "cpu_s" in names) == ("zeal", True)


def open_files() -> list[str]:
    """Descriptors of this process, those aside that only wait to be collected."""
    gc.collect()
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_its_files_are_closed_at_the_end(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(): pass"})
    before = open_files()
    campaign.run("--bench-resources=on")
    assert open_files() == before
