"""Imports run downward, in no circle, and say why when late; and the walk that finds this out can fail."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.layers import PACKAGE, Module, circles, climbs, late_comers, read_modules, strangers

ROOT = Path(__file__).resolve().parents[1] / PACKAGE


@pytest.fixture(scope="module")
def package() -> list[Module]:
    """The package as it is on disk."""
    return read_modules({path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.rglob("*.py")})


def test_the_walk_finds_the_package(package: list[Module]) -> None:
    assert {"__init__", "core", "store", "hooks", "plugin"} <= {module.room for module in package}
    assert sum(len(module.imports) for module in package) > 100


def test_imports_run_downward(package: list[Module]) -> None:
    assert list(climbs(package)) == []


def test_no_modules_import_each_other_in_a_circle(package: list[Module]) -> None:
    assert list(circles(package)) == []


def test_libraries_stay_on_their_floor(package: list[Module]) -> None:
    assert list(strangers(package)) == []


def test_late_imports_stand_where_they_may_and_say_why(package: list[Module]) -> None:
    assert list(late_comers(package)) == []


TYPING_BLOCK = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
IN_FUNCTION = "def f():\n    "
IN_METHOD = "class A:\n    async def f(self):\n        "


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("core/a.py", "import pytest_benchrun.store.journal", "core/a.py:1: core (floor 0) imports up"),
        ("core/a.py", "from pytest_benchrun.store import journal", "pytest_benchrun.store"),
        (
            "core/a.py",
            f"{TYPING_BLOCK}from pytest_benchrun.hooks.unit import Unit",
            "core/a.py:3: core (floor 0)",
        ),
        ("core/a.py", f"{IN_METHOD}from pytest_benchrun import plugin", "pytest_benchrun.plugin (floor 5)"),
        ("core/a.py", "from pytest_benchrun import load_run", "imports up: pytest_benchrun (floor 6)"),
        ("store/a.py", "from pytest_benchrun.world.clock import Clock", "imports sideways"),
        ("report/a.py", "import pytest_benchrun.store.rundir as rundir", "report (floor 1) imports sideways"),
        ("cli/a.py", "from pytest_benchrun.runner import BenchmarkRunner", "imports sideways"),
        (
            "engines/a.py",
            f"{IN_FUNCTION}__import__('pytest_benchrun.plugin')",
            "engines (floor 4) imports up",
        ),
        (
            "hooks/a.py",
            "from importlib import import_module as get\nget('pytest_benchrun.cli')",
            "hooks/a.py:2",
        ),
        ("run.py", "import pytest_benchrun.attic", "imports up: pytest_benchrun.attic"),
        ("core/a.py", "from . import b", "relative import of ."),
        ("attic/a.py", "import math", "'attic' is on no floor"),
    ],
)
def test_an_import_that_climbs_is_found(path: str, source: str, said: str) -> None:
    (found,) = climbs(read_modules({path: source}))
    assert said in found


def test_a_circle_is_shown_in_the_order_of_its_imports() -> None:
    sources = {
        "core/a.py": "from pytest_benchrun.core import b",
        "core/b.py": f"{TYPING_BLOCK}from pytest_benchrun.core.c import C",
        "core/c.py": f"{IN_FUNCTION}import pytest_benchrun.core.a",
    }
    (found,) = circles(read_modules(sources))
    shown = found.removeprefix("circle: ").partition(" -> ")[0].split(" imports ")
    assert shown[0] == shown[-1]
    steps = {(before[-1], after[-1]) for before, after in pairwise(shown)}
    assert steps == {("a", "b"), ("b", "c"), ("c", "a")}


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("core/a.py", "import pytest", "core/a.py:1: imports pytest (from floor 3); core is floor 0"),
        ("run.py", f"{TYPING_BLOCK}import pytest", "run.py:3: imports pytest (from floor 3)"),
        ("core/a.py", "from time import monotonic", "imports time"),
        ("core/a.py", f"{TYPING_BLOCK}from pathlib import Path", "imports pathlib"),
        ("core/a.py", "import os.path", "imports os.path"),
        ("core/a.py", f"{IN_FUNCTION}import random", "imports random"),
        ("core/a.py", "from concurrent.futures import Future", "imports concurrent.futures"),
        ("core/a.py", "from urllib import request", "imports urllib"),
        ("core/a.py", "import orjson", "imports orjson (from floor 1)"),
        (
            "hooks/a.py",
            "from xdist.scheduler import LoadScheduling",
            "imports xdist.scheduler (from floor 4)",
        ),
        ("hooks/a.py", f"{IN_FUNCTION}import distributed", "imports distributed"),
        ("plugin.py", "from _pytest.config import Config", "which is private"),
        ("store/a.py", "import requests", "imports requests, which has no floor"),
        ("core/a.py", "import datetime\ndatetime.datetime.now(None)", "core/a.py:2: datetime.datetime.now"),
        ("core/a.py", "from datetime import datetime as dt\nclock = dt.utcnow", "datetime.datetime.utcnow"),
        ("core/a.py", "from datetime import date\ndate.today()", "datetime.date.today"),
        ("core/a.py", "open('x')", "core/a.py:1: open reaches the world"),
    ],
)
def test_a_library_above_its_floor_is_found(path: str, source: str, said: str) -> None:
    (found,) = strangers(read_modules({path: source}))
    assert said in found


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("hooks/a.py", f"{IN_FUNCTION}import math  # it is slow to import", "move it to the top"),
        ("runner.py", "def f():\n    return lambda: __import__('math')", "runner.py:2"),
        ("world/a.py", "import importlib\nimportlib.import_module(name)", "hides what it imports"),
        ("cli/a.py", f"{IN_FUNCTION}import math", "cli/a.py:2: math is imported late without a reason"),
        ("cli/a.py", f"{IN_FUNCTION}import math  # noqa: PLC0415", "without a reason"),
        ("plugin.py", f"{IN_METHOD}import math  # type: ignore[import-untyped]", "without a reason"),
        ("engines/a.py", f"{IN_FUNCTION}__import__(name)", "engines/a.py:2"),
    ],
)
def test_a_late_import_without_right_or_reason_is_found(path: str, source: str, said: str) -> None:
    (found,) = late_comers(read_modules({path: source}))
    assert said in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/a.py", "import json\nfrom datetime import UTC, datetime\nat = datetime.fromisoformat(text)"),
        ("core/a.py", "from urllib.parse import quote"),
        ("core/a.py", "def f(self, open, clock):\n    return clock.now() + self.now + self.print()"),
        ("core/a.py", "from pytest_benchrun import __version__"),
        ("store/a.py", "import time\nimport orjson\nfrom pytest_benchrun.core.model import Unit"),
        ("store/a.py", "from pytest_benchrun.store import files\nimport pytest_benchrun.store.lock"),
        ("hooks/a.py", f"{TYPING_BLOCK}from pytest_benchrun.run import Run\nimport pytest"),
        ("engines/a.py", f"{IN_FUNCTION}import xdist  # the engine may be off"),
        ("cli/a.py", f"{IN_FUNCTION}from json import (  # status must answer fast\n        loads,\n    )"),
        ("cli/a.py", f"{IN_FUNCTION}import json  # noqa: PLC0415  # status must answer fast"),
        ("plugin.py", "import pytest\nfrom pytest_benchrun.hooks import options"),
        (
            "__init__.py",
            f"{IN_FUNCTION}from pytest_benchrun import runner  # the door is opened by who knocks",
        ),
        ("__main__.py", "from pytest_benchrun.cli import main"),
    ],
)
def test_what_the_plan_allows_passes(path: str, source: str) -> None:
    modules = read_modules({path: source})
    assert [*climbs(modules), *circles(modules), *strangers(modules), *late_comers(modules)] == []
