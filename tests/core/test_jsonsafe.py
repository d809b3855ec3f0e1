"""Any Python value comes out as JSON; none raises, none is lost."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.jsonsafe import (
    REPR_LENGTH,
    TEXT_LENGTH,
    safe_repr,
    safe_text,
    to_json,
    to_metric,
    to_name,
    to_scalar,
    to_text,
)
from pytest_benchrun.core.model import Metric
from tests.core.hostile import HOSTILE, CountingList, Endless, Walks


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Mode(StrEnum):
    FAST = "fast"


Point = namedtuple("Point", "x y")  # noqa: PYI024  # a test of what users have, the untyped kind too

ANY_TEXT = st.text(st.characters()) | st.text(st.characters(categories=["Cs"]), max_size=3)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.complex_numbers()
    | ANY_TEXT
    | st.binary()
    | st.decimals(allow_nan=False)  # a signaling one is no key of a set
    | st.fractions()
    | st.datetimes()
    | st.uuids()
    | st.sampled_from([Colour.RED, Level.HIGH, Mode.FAST, int, len, ...])
)
NUMPY = st.sampled_from(
    [
        np.float16("nan"),
        np.float32(1.5),
        np.float64("inf"),
        np.longdouble(2),
        np.int8(-1),
        np.uint64(2**64 - 1),
        np.bool_(True),  # noqa: FBT003  # the value itself
        np.complex128(1j),
        np.str_("\ud800"),
        np.bytes_(b"\xff"),
        np.datetime64("2026-11-21"),
        np.datetime64("NaT", "s"),
        np.timedelta64(5, "s"),
        np.array(3.5),
        np.array([1.0, math.nan]),
        np.array([], dtype=object),
        np.ma.masked,
    ]
)
HASHABLE = SCALARS | NUMPY.filter(lambda value: not isinstance(value, np.ndarray))
VALUES = st.recursive(
    SCALARS | NUMPY,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(deque)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.dictionaries(ANY_TEXT, inner, max_size=4).map(MappingProxyType)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
)


@given(VALUES)
def test_any_value_is_json_to_orjson_and_to_the_standard(value: object) -> None:
    made = to_json(value)
    assert json.loads(json.dumps(made, allow_nan=False)) == orjson.loads(orjson.dumps(made)) == made


@given(VALUES)
def test_what_is_json_already_stays_as_it_is(value: object) -> None:
    made = to_json(value)
    assert to_json(made) == made


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=50), inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_json_goes_through_unchanged(value: object) -> None:
    assert to_json(value) == value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_is_kept_as_some_text(name: str) -> None:
    value = HOSTILE[name]()
    for wrapped in (value, [value], {"key": value}, (value, value)):
        assert orjson.dumps(to_json(wrapped))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_never_breaks_a_metric(name: str) -> None:
    value = HOSTILE[name]()
    metric, _ = to_metric("recall", value, "s", None)
    assert orjson.dumps(metric)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_unit_of_measure_or_direction_never_breaks_a_metric(name: str) -> None:
    value = HOSTILE[name]()
    metric, warnings = to_metric("recall", 1.0, value, value)
    assert orjson.dumps([metric, warnings])
    assert (metric.value, metric.better) == (1.0, None)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, "9223372036854775808"),
        pytest.param(10**5000, "<int: repr raised ValueError>", id="5001 digits"),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (1j, "1j"),
        (b"\xff", "b'\\xff'"),
        (bytearray(b"x"), "bytearray(b'x')"),
        ((1, (2, 3)), [1, [2, 3]]),
        (Point(1, 2), [1, 2]),
        (range(3), [0, 1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({"b": 1, 2: [3], None: 4}, {"b": 1, "2": [3], "None": 4}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ("\ud800", "\\ud800"),
        ({"\udfff": "\ud800x"}, {"\\udfff": "\\ud800x"}),
        (Colour.RED, "<Colour.RED: 'red'>"),
        (Level.HIGH, 3),
        (Mode.FAST, "fast"),
        (Decimal("1.5"), "Decimal('1.5')"),
        (Fraction(1, 2), "Fraction(1, 2)"),
        (datetime(2026, 11, 21, tzinfo=UTC), "datetime.datetime(2026, 11, 21, 0, 0, tzinfo=datetime.timezone.utc)"),
        (np.float32(1.5), 1.5),
        (np.int64(7), 7),
        (np.bool_(True), True),  # noqa: FBT003  # the value itself
        (np.float64("nan"), None),
        (np.array(2.5), 2.5),
        (np.array([1, 2], dtype="int8"), "array([1, 2], dtype=int8) #a12871fe"),
        (np.str_("x"), "x"),
    ],
)
def test_values_that_json_has_not_become_what_comes_nearest(value: object, made: object) -> None:
    found = to_json(value)
    assert found == made
    assert type(found) is type(made)


def test_a_long_repr_is_cut() -> None:
    made = to_json(b"x" * 1000)
    assert isinstance(made, str)
    assert len(made) == REPR_LENGTH
    assert made.startswith("b'xxx")


def test_a_long_text_is_cut_later_than_a_repr() -> None:
    made = to_json("x" * 5000)
    assert isinstance(made, str)
    assert len(made) == TEXT_LENGTH


@given(st.characters(exclude_categories=["Cs"]), st.integers(0, 2999), st.sampled_from([str, str.encode, list]))
def test_two_long_values_never_look_the_same(letter: str, place: int, kind: Callable[[str], object]) -> None:
    one = "x" * 3000
    other = one[:place] + letter + one[place + 1 :]
    assert (to_json(kind(one)) == to_json(kind(other))) == (one == other)


def test_two_large_arrays_never_look_the_same() -> None:
    one, other = np.zeros(10_000), np.zeros(10_000)
    other[5000] = 1.0
    assert repr(one) == repr(other)
    assert to_json(one) != to_json(other)


def test_an_address_in_a_repr_is_left_out() -> None:
    assert to_json(object()) == "<object object>"
    assert to_json(object()) == to_json(object())


def test_a_circular_list_ends_in_a_repr() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert b"[[...]]" in orjson.dumps(to_json(circle))


def test_a_circular_dict_ends_in_a_repr() -> None:
    circle: dict[str, object] = {}
    circle["again"] = circle
    assert b"{...}" in orjson.dumps(to_json(circle))


def test_a_deep_value_is_cut_and_not_an_error() -> None:
    deep: object = "bottom"
    for _ in range(100_000):
        deep = [deep]
    assert orjson.dumps(to_json(deep))


def test_a_circle_with_many_ways_round_is_walked_only_so_far() -> None:
    walks = Walks()
    circle = CountingList(walks)
    circle += [circle, circle, circle]
    made = orjson.dumps(to_json(circle))
    assert len(made) < 1_000_000
    assert walks.done <= Walks.LIMIT


def test_a_value_that_holds_itself_twice_on_every_level_is_walked_only_so_far() -> None:
    value: list[object] = []
    for _ in range(60):  # its repr would have 2 ** 60 brackets
        value = [value, value]
    assert len(orjson.dumps(to_json(value))) < 1_000_000


def test_a_sequence_without_an_end_is_walked_only_so_far() -> None:
    walks = Walks()
    made = orjson.dumps(to_json(Endless(walks)))
    assert len(made) < 1_000_000
    assert walks.done <= Walks.LIMIT


def test_two_long_keys_never_look_the_same() -> None:
    assert to_json({"x" * 3000 + "a": 1, "x" * 3000 + "b": 2}) != to_json({"x" * 3000 + "b": 2})


@given(ANY_TEXT)
def test_safe_text_can_always_be_written(text: str) -> None:
    assert safe_text(text).encode("utf-8").decode("utf-8") == safe_text(text)


@given(st.text(), st.integers(1, 20))
def test_safe_text_is_never_longer_than_asked(text: str, length: int) -> None:
    made = safe_text(text, length)
    assert len(made) <= length
    assert made == text or (made[:-1] == text[: length - 1] and made[-1] == "…")


def test_safe_repr_cuts_where_it_is_told() -> None:
    assert safe_repr("abcdef", 5) == "'abc…"


@pytest.mark.parametrize(
    ("value", "scalar"), [(np.float32(0.5), 0.5), (np.array(7), 7), (3, 3), ("x", "x"), (None, None)]
)
def test_a_foreign_scalar_is_the_number_it_holds(value: object, scalar: object) -> None:
    made = to_scalar(value)
    assert made == scalar
    assert type(made) is type(scalar)


def test_an_array_is_no_scalar() -> None:
    array = np.array([1.0])
    assert to_scalar(array) is array


@pytest.mark.parametrize(
    ("value", "kept", "warning"),
    [
        (0.5, 0.5, None),
        (3, 3, None),
        (True, 1, None),
        (np.float32(0.5), 0.5, None),
        (np.int64(7), 7, None),
        (np.array(2.5), 2.5, None),
        (2**63, float(2**63), None),
        (1.7976931348623157e308, 1.7976931348623157e308, None),
        (-1.75e308, -1.75e308, None),
        (math.nan, None, "metric 'recall' is not finite (nan): kept as null"),
        (math.inf, None, "metric 'recall' is not finite (inf): kept as null"),
        (np.float64("-inf"), None, "metric 'recall' is not finite (np.float64(-inf)): kept as null"),
        (10**400, None, f"metric 'recall' is not finite (1{'0' * 38}…): kept as null"),
        ("fast", "'fast'", "metric 'recall' is not a number ('fast'): kept as text, in no statistic"),
        (None, "None", "metric 'recall' is not a number (None): kept as text, in no statistic"),
        ([1], "[1]", "metric 'recall' is not a number ([1]): kept as text, in no statistic"),
        (1j, "1j", "metric 'recall' is not a number (1j): kept as text, in no statistic"),
    ],
)
def test_a_metric_keeps_numbers_and_says_what_was_none(value: object, kept: object, warning: str | None) -> None:
    metric, warnings = to_metric("recall", value, "s", "lower")
    assert metric == Metric(value=metric.value, unit="s", better="lower")
    assert metric.value == kept
    assert type(metric.value) is type(kept)
    assert warnings == ([] if warning is None else [warning])


@pytest.mark.parametrize(
    ("unit", "better", "kept", "warnings"),
    [
        ("MB/s", "higher", ("MB/s", "higher"), []),
        ("", None, ("", None), []),
        (None, None, ("", None), ["metric 'recall': unit=None is not text"]),
        (7, None, ("7", None), ["metric 'recall': unit=7 is not text"]),
        ("\ud800", None, ("\\ud800", None), []),
        (
            "s",
            "bigger",
            ("s", None),
            ["metric 'recall': better='bigger' is neither 'lower' nor 'higher': kept without direction"],
        ),
        (
            "s",
            1,
            ("s", None),
            ["metric 'recall': better=1 is neither 'lower' nor 'higher': kept without direction"],
        ),
    ],
)
def test_a_metrics_unit_is_text_and_its_direction_lower_or_higher(
    unit: object, better: object, kept: tuple[str, str | None], warnings: list[str]
) -> None:
    metric, said = to_metric("recall", 1.0, unit, better)
    assert (metric.unit, metric.better) == kept
    assert said == warnings


@given(SCALARS | NUMPY, SCALARS, SCALARS)
def test_any_metric_can_be_written(value: object, unit: object, better: object) -> None:
    made = to_metric("recall", value, unit, better)
    assert orjson.dumps(made)
    number = made[0].value
    assert not isinstance(number, float) or math.isfinite(number)


class Mute:
    """Has no text, but a `repr`."""

    def __str__(self) -> str:
        raise ValueError

    def __repr__(self) -> str:
        return "<mute>"


def test_what_refuses_to_be_text_is_its_repr() -> None:
    assert [to_text(value) for value in (Mute(), "a", 7, "\ud800")] == ["<mute>", "a", "7", "\\ud800"]


def test_a_name_shows_what_a_terminal_would_obey_and_keeps_long_ones_apart() -> None:
    assert to_name("a\x1b\n\u202eb") == "a\\x1b\\n\\u202eb"
    assert to_name("ä b") == "ä b"
    assert to_name(7) == "7"
    assert len({to_name("x" * 300 + end) for end in "ab"}) == 2


def test_the_repr_of_a_large_dict_ends() -> None:
    assert safe_repr({number: [number] * 10 for number in range(5000)}).startswith("{0: [")
    assert safe_repr({"a": {"b": 1}}) == "{'a': {'b': 1}}"
