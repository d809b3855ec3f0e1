"""What the facts of hosts come to: changes in words, the units they touch, and whether a machine is fit."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.environment import changes_between, environment_view, unfit_now, unfit_to_measure
from pytest_benchrun.core.events import HostSeen
from pytest_benchrun.core.model import RunState
from tests.stories import Story

FACTS: dict[str, Any] = {
    "host": "h",
    "system": {"os": "Debian 12", "kernel": "6.1", "architecture": "x86_64", "container": None},
    "cpu": {"model": "X", "usable_threads": 4, "quota_cpus": None, "governors": ["performance"], "is_turbo_on": False},
    "memory": {"total_bytes": 8_000, "available_bytes": 1, "limit_bytes": None, "swap_used_bytes": 0},
    "load_1min": 0.5,
    "is_on_battery": None,
    "disks": [],
    "python": {"version": "3.12.1", "packages": {"numpy": "2.1.0", "old": "1"}},
    "variables": {"OMP_NUM_THREADS": "4"},
    "gpus": [{"name": "A100", "driver_version": "535"}],
    "git": {"commit": "0123456789abcdef", "is_dirty": False},
}


def _with(path: str, value: object) -> dict[str, Any]:
    facts = deepcopy(FACTS)
    *parts, last = path.split(".")
    place = facts
    for part in parts:
        place = place[part]
    place[last] = value
    return facts


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("cpu.governors", ["powersave"], "governor performance -> powersave"),
        ("cpu.governors", ["performance", "powersave"], "governor performance -> performance+powersave"),
        ("cpu.governors", [], "governor performance -> unknown"),
        ("cpu.is_turbo_on", True, "turbo off -> on"),
        ("cpu.quota_cpus", 1.5, "CPU quota none -> 1.5"),
        ("cpu.usable_threads", 2, "usable CPUs 4 -> 2"),
        ("is_on_battery", True, "power unknown -> battery"),
        ("memory.limit_bytes", 4_000, "memory limit none -> 4000"),
        ("system.kernel", "6.2", "kernel 6.1 -> 6.2"),
        ("python.version", "3.12.2", "Python 3.12.1 -> 3.12.2"),
        ("python.packages", {"numpy": "2.2.0", "old": "1"}, "package numpy 2.1.0 -> 2.2.0"),
        ("python.packages", {"numpy": "2.1.0"}, "package old 1 -> not installed"),
        ("variables", {}, "variable OMP_NUM_THREADS 4 -> not set"),
        ("gpus", [], "GPUs A100 -> none; GPU drivers 535 -> none"),
        ("git.commit", "f" * 40, "git commit 0123456789ab -> ffffffffffff"),
        ("git.is_dirty", True, "files beside the commit clean -> changed"),
        ("load_1min", 9.0, ""),
        ("memory.available_bytes", 5_000, ""),
    ],
)
def test_a_change_is_said_in_words(path: str, value: object, said: str) -> None:
    assert "; ".join(changes_between(FACTS, _with(path, value))) == said
    assert changes_between(FACTS, deepcopy(FACTS)) == []


def test_what_only_one_look_took_is_no_change() -> None:
    basic = deepcopy(FACTS)
    del basic["gpus"], basic["git"]
    basic["python"]["packages"] = {}
    assert changes_between(FACTS, basic) == []
    assert changes_between(basic, FACTS) == []
    assert changes_between(FACTS, _with("git", None)) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("cpu.governors", ["schedutil"], "the governor schedutil changes the clock speed"),
        ("cpu.is_turbo_on", True, "turbo is on"),
        ("load_1min", 2.01, "the load is 2.01 on 4 CPUs"),
        ("memory.swap_used_bytes", 100 * 1024**2, "100 MB are swapped out"),
        ("is_on_battery", True, "the machine runs on battery"),
    ],
)
def test_an_unfit_machine_is_named_with_what_to_type(path: str, value: object, said: str) -> None:
    (found,) = unfit_to_measure(_with(path, value))
    assert found.startswith(said)
    assert " -> " in found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("load_1min", 2.0),
        ("load_1min", None),
        ("memory.swap_used_bytes", None),
        ("cpu.usable_threads", None),
        ("cpu.is_turbo_on", None),
    ],
)
def test_what_is_not_known_is_no_complaint(path: str, value: object) -> None:
    assert unfit_to_measure(_with(path, value)) == []


def _look(story: Story, moment: str, facts: dict[str, Any], host: str = "node-1") -> None:
    story.tell(HostSeen(at=story.at, host=host, moment=moment, facts=facts))


def test_a_run_that_looked_at_no_host_has_no_environment() -> None:
    assert environment_view(Campaign()) is None
    assert unfit_now(Campaign()) == []


def test_a_change_within_a_session_names_its_units_and_one_between_sessions_none() -> None:
    story = Story().begin("a", "b", "c")
    _look(story, "start", FACTS)
    story.run("a")
    story.run("b")
    _look(story, "end", _with("cpu.is_turbo_on", value=True))
    assert unfit_now(story.campaign) == []
    story.finish(RunState.STOPPED)
    story.begin("a", "b", "c", run=["c"])
    _look(story, "start", _with("cpu.governors", ["powersave"]))
    view = environment_view(story.campaign)
    assert view is not None
    host = view["hosts"]["node-1"]
    assert [one["changes"] for one in host["drift"]] == [
        ["turbo off -> on"],
        ["governor performance -> powersave", "turbo on -> off"],
    ]
    assert [(one["session"], one["units_total"], one["units"]) for one in host["drift"]] == [
        (1, 2, ["a", "b"]),
        (2, 0, []),
    ]
    assert view["drift"] == [
        "node-1: turbo off -> on",
        "node-1: governor performance -> powersave",
        "node-1: turbo on -> off",
    ]
    assert host["start"] == FACTS
    assert [text[:12] for text in host["unfit"]] == ["the governor"]
    assert unfit_now(story.campaign) == host["unfit"]


def test_another_host_says_nothing_of_the_one_that_measures() -> None:
    story = Story().begin("a")
    _look(story, "start", FACTS)
    _look(story, "start", _with("cpu.governors", ["powersave"]), host="server")
    assert unfit_now(story.campaign) == []
    _look(story, "end", _with("cpu.is_turbo_on", value=True), host="server")
    view = environment_view(story.campaign)
    assert view is not None
    assert view["drift"] == ["server: governor powersave -> performance", "server: turbo off -> on"]
