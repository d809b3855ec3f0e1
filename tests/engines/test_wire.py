"""What travels between controller and workers: everything arrives, whatever users put into it."""

from __future__ import annotations

import json
from collections import OrderedDict
from enum import Enum, IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import execnet.gateway_base
import numpy as np
import pytest

from pytest_benchrun.core.model import Unit
from pytest_benchrun.engines.wire import WorkList, fit_to_travel


class Level(IntEnum):
    LOW = 1


class Color(Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


class RaisingRepr:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1.5, 1.5),
        ("text", "text"),
        ("ä", "ä"),
        ("\ud800", "\\ud800"),
        (Text("text"), "text"),
        (np.float64(1.5), 1.5),
        (np.int32(7), 7),
        (np.bool_(1), True),
        (np.array(5), 5),
        (Level.LOW, 1),
        ((1, "a"), (1, "a")),
        ([1, [2]], [1, [2]]),
        ({"a": {"b": (1,)}}, {"a": {"b": (1,)}}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({1}, [1]),
        (range(3), [0, 1, 2]),
        (Path("/a"), repr(Path("/a"))),
        (Color.RED, repr(Color.RED)),
        (RaisingRepr(), "<RaisingRepr: repr raised RuntimeError>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_arrives_as_a_builtin_one(value: object, arrives: object) -> None:
    fitting = fit_to_travel(value)
    assert fitting == arrives
    assert type(fitting) is type(arrives)
    assert execnet.gateway_base.loads(execnet.gateway_base.dumps(fitting)) == arrives


def circular() -> list[Any]:
    """A list that holds itself."""
    values: list[Any] = [1]
    values.append(values)
    return values


def deep() -> list[Any]:
    """Deeper than the recursion limit."""
    values: list[Any] = []
    for _ in range(100_000):
        values = [values]
    return values


@pytest.mark.parametrize(
    "value",
    [
        circular(),
        deep(),
        {frozenset({1}): 1},
        {(frozenset({1}), "a"): 1},
        {RaisingRepr(): 1},
        {None: 1, 2.5: 2, b"x": 3},
        10**400,
        2**64,
        b"\xff",
        float("nan"),
        np.array([1, 2]),
        np.array([object()]),
        np.datetime64("2026-11-01"),
        memoryview(b"x"),
        iter(()),
        lambda: None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_keeps_a_message_from_being_sent(value: object) -> None:
    execnet.gateway_base.dumps(fit_to_travel({"value": value, "list": [value]}))


def test_a_work_list_arrives_as_it_was() -> None:
    units = [
        Unit(unit_id="t.py::test_a[1]", function="t.py::test_a", group="g", param_names=("x",), param_values=(1,)),
        Unit(unit_id="t.py::test_b", function="t.py::test_b", group="t.py::test_b"),
        Unit(
            unit_id="t.py::test_c[ä]",
            function="t.py::test_c",
            group="ä",
            param_names=("x", "y"),
            param_values=([1, {"a": None}], "ä"),
            is_exclusive=True,
            is_warmup=True,
        ),
    ]
    sent = WorkList(units, ["g", None, None])
    arrived = WorkList.decode(sent.encode())
    assert arrived == sent
    assert arrived.units[0].params == {"x": 1}


def test_a_work_list_is_json_that_any_process_reads_the_same() -> None:
    units = [Unit(unit_id="t.py::test_a", function="t.py::test_a", group="t.py::test_a")]
    data = WorkList(units, [None]).encode()
    assert json.loads(data)
    assert WorkList.decode(data).encode() == data


def test_units_of_one_function_share_its_texts() -> None:
    units = [
        Unit(unit_id=f"t.py::test_a[{x}]", function="t.py::test_a", group="g", param_names=("x",), param_values=(x,))
        for x in range(3)
    ]
    first, second, third = WorkList.decode(WorkList(units, [None] * 3).encode()).units
    assert first.function is second.function is third.function
    assert first.param_names is second.param_names is third.param_names
    assert first.group is second.group is third.group
