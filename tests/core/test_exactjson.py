"""What JSON gives back exactly as it was passes; everything else is refused by its place."""

from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict, UserDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.exactjson import MAX_DEPTH, exact_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), parts),
    max_leaves=15,
)


class Size(enum.IntEnum):
    SMALL = 1


class Number(float):
    """Looks like a NumPy scalar."""

    shape = ()

    def item(self) -> float:
        return float(self)


def shape_of(value: object) -> object:
    """A value with the types of all its parts: `1 == 1.0 == True` for Python, and not here."""
    if isinstance(value, list):
        return list, [shape_of(part) for part in value]
    if isinstance(value, dict):
        return dict, [(key, shape_of(part)) for key, part in value.items()]
    return type(value), repr(value)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(VALUES)
def test_what_json_has_is_copied_with_its_types(value: object) -> None:
    assert shape_of(exact_json(value, "value")) == shape_of(value)


def test_a_copy_shares_nothing_with_its_original() -> None:
    value = {"steps": [1]}
    copy: Any = exact_json(value, "value")
    value["steps"].append(2)
    assert copy == {"steps": [1]}


def test_scalars_of_arrays_become_numbers() -> None:
    made = exact_json([Number(0.5)], "value")
    assert shape_of(made) == shape_of([0.5])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"state": [0, (1, 2)]}, "value['state'][1] is of type 'tuple', which JSON would not give back as it is"),
        ({1, 2}, "value is of type 'set'"),
        ([b"x"], "value[0] is of type 'bytes'"),
        (object(), "value is of type 'object'"),
        ([Size.SMALL], "value[0] is of type 'Size'"),
        (OrderedDict(a=1), "value is of type 'OrderedDict'"),
        (UserDict(a=1), "value is of type 'UserDict'"),
        ({"a": {1: 2}}, "value['a'] has a key of type 'int', and JSON has only text as keys"),
        ({None: 1}, "value has a key of type 'NoneType'"),
        (1j, "value is of type 'complex'"),
    ],
)
def test_a_type_that_json_has_not_is_named_with_its_place(value: object, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        exact_json(value, "value")
    assert str(caught.value).startswith(said)
    assert "\n  -> " in str(caught.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"loss": math.nan}, "value['loss'] is nan, which JSON has not"),
        ([math.inf, 1], "value[0] is inf, which JSON has not"),
        ([Number(-math.inf)], "value[0] is -inf"),
        (2**64, "value is an integer beyond 64 bits"),
        (-(2**63) - 1, "value is an integer beyond 64 bits"),
        ("\ud800", "value holds half a character"),
        ({"\udfff": 1}, "value holds half a character"),
        (nested(MAX_DEPTH + 1), "[0] is deeper than 100 levels"),
    ],
)
def test_a_value_that_json_cannot_hold_is_named_with_its_place(value: object, said: str) -> None:
    with pytest.raises(ValueError, match="\n  -> ") as caught:
        exact_json(value, "value")
    assert said in str(caught.value).partition("\n")[0]


def test_a_value_as_deep_as_allowed_passes() -> None:
    assert json.dumps(exact_json(nested(MAX_DEPTH), "value")) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


def test_a_value_inside_itself_is_refused_at_once() -> None:
    circle: list[Any] = [1]
    circle += [{"again": circle}, circle]
    with pytest.raises(ValueError, match=r"value\[1\]\['again'\] is inside itself"):
        exact_json(circle, "value")


def test_a_part_that_stands_in_two_places_is_no_circle() -> None:
    part = [1]
    assert exact_json([part, part], "value") == [[1], [1]]
