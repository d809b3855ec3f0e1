"""What repeats and warm-ups are called, and which of them belong together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.repeats import asked_of, base_of, repeats_of, warmed_up_together
from pytest_benchrun.core.runstats import runstats_view
from tests.stories import FAILED, Story, make_unit


def units(*unit_ids: str) -> list[Unit]:
    """Units; those of a label with a `w` are warm-ups."""
    return [
        replace(make_unit(unit_id), is_warmup="[w" in unit_id or "-w" in unit_id, group=base_of(unit_id))
        for unit_id in unit_ids
    ]


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        ({}, []),
        ({"repeat": 1, "warmup": 0}, []),
        ({"repeat": 2}, ["r0", "r1"]),
        ({"warmup": 1}, ["w0", "r0"]),
        ({"repeat": 2, "warmup": 2}, ["w0", "w1", "r0", "r1"]),
    ],
)
def test_warm_ups_come_first_and_what_runs_once_has_no_label(said: dict[str, int], labels: list[str]) -> None:
    assert [repeat.label for repeat in repeats_of(asked_of(said))] == labels


@pytest.mark.parametrize(
    ("unit_id", "base"),
    [
        ("t.py::f[r0]", "t.py::f"),
        ("t.py::f[w12]", "t.py::f"),
        ("t.py::f[a-r0]", "t.py::f[a]"),
        ("t.py::f[a-b-w3]", "t.py::f[a-b]"),
        ("t.py::f[a]-r0-r1]", "t.py::f[a]-r0]"),
        ("t.py::f[-r0]", "t.py::f[]"),
        ("t.py::f", "t.py::f"),
        ("t.py::f[a-r0-b]", "t.py::f[a-r0-b]"),
        ("t.py::f[a-r0]#2", "t.py::f[a-r0]#2"),
        ("t.py::f[xr0]", "t.py::f[xr0]"),
    ],
)
def test_the_base_is_what_the_unit_would_be_called_if_it_ran_once(unit_id: str, base: str) -> None:
    assert base_of(unit_id) == base


@given(st.text(), st.integers(1, 3), st.integers(0, 3))
def test_all_repeats_of_a_unit_have_its_id_as_their_base(param: str, repeats: int, warmups: int) -> None:
    labels = [repeat.label for repeat in repeats_of((repeats, warmups))]
    assert {base_of(f"t.py::f[{param}-{label}]") for label in labels} <= {f"t.py::f[{param}]"}


def test_repeats_without_a_warm_up_may_run_anywhere() -> None:
    found = warmed_up_together(units("f[w0]", "f[r0]", "f[r1]", "g[a-r0]", "g[a-r1]", "g[b-w0]", "g[b-r0]", "h"))
    assert found == {"f[w0]": "f", "f[r0]": "f", "f[r1]": "f", "g[b-w0]": "g[b]", "g[b-r0]": "g[b]"}
    assert warmed_up_together(units("g[a-r0]", "h")) == {}


def test_warm_ups_are_left_out_of_all_figures_but_the_totals() -> None:
    story = Story().begin(*units("f[w0]", "f[w1]", "f[r0]", "f[r1]"))
    story.run("f[w0]", seconds=100)
    story.run("f[w1]", FAILED, 50)
    story.run("f[r0]", seconds=2)
    story.run("f[r1]", seconds=4)
    stats = runstats_view(story.campaign)
    assert (stats["units"]["total"], stats["units"]["completed"], stats["units"]["failed"]) == (4, 3, 1)
    assert stats["warmups"] == 2
    for figures in (stats["unit_seconds"], stats["by_function"]["f"], stats["by_group"]["f"], stats["by_phase"]["run"]):
        assert (figures["n"], figures["mean"], figures["max"]) == (2, 3.0, 4.0)
    assert [slow["unit_id"] for slow in stats["slowest"]] == ["f[r1]", "f[r0]"]
    assert [failure["unit_id"] for failure in stats["failures"]] == ["f[w1]"]
    assert stats["busy_s"] == 156.0
