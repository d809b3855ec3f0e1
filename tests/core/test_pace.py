"""What some units and the time that they took say about others."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.pace import MOST_S, Pace
from tests.stories import make_unit

MOLECULES = {"h2o": 1.0, "c6h6": 10.0, "c60": 100.0}
METHODS = {"hf": 1.0, "dft": 2.0, "mp2": 4.0}


def _expected(pace: Pace, unit_id: str, **params: JsonValue) -> float:
    return pace.of(make_unit(unit_id, None, "", **params)).seconds


def test_a_combination_that_never_ran_is_expected_to_cost_what_its_parts_make() -> None:
    cells = list(itertools.product(MOLECULES, METHODS))
    measured = [
        (make_unit(f"energy[{a}-{b}-{n}]", molecule=a, method=b), MOLECULES[a] * METHODS[b])
        for (a, b), n in itertools.product(cells, range(3))
        if (a, b) != ("c60", "mp2")
    ]
    unit = make_unit("energy[c60-mp2]", molecule="c60", method="mp2")
    assert Pace(measured).of(unit).seconds == pytest.approx(400.0, rel=0.15)


def test_a_parameter_that_changes_nothing_gets_no_effect() -> None:
    measured = [
        (make_unit(f"energy[{a}-{seed}]", molecule=a, seed=seed), MOLECULES[a]) for a in MOLECULES for seed in range(5)
    ]
    pace = Pace(measured)
    costs = [_expected(pace, f"energy[c60-{seed}]", molecule="c60", seed=seed) for seed in range(9)]
    assert costs == pytest.approx([100.0] * 9, rel=0.1)


def test_where_one_value_costs_the_same_whatever_the_others_are_they_change_nothing() -> None:
    cells = list(itertools.product(["h2", "h2o", "nh3", "ch4"], METHODS))
    measured = [(make_unit(f"energy[{a}-{b}]", molecule=a, method=b), METHODS[b]) for a, b in cells for _ in range(4)]
    measured += [
        (make_unit(f"energy[c60-{b}]", molecule="c60", method=b), 500.0) for b in ("hf", "dft") for _ in range(4)
    ]
    pace = Pace(measured)
    assert _expected(pace, "energy[c60-mp2]", molecule="c60", method="mp2") == pytest.approx(500.0, rel=0.25)
    assert _expected(pace, "energy[h2-mp2]", molecule="h2", method="mp2") == pytest.approx(4.0, rel=0.1)


def test_functions_are_told_apart() -> None:
    pace = Pace(
        [(make_unit(f"{name}[{n}]"), cost) for name, cost in (("read", 1.0), ("train", 500.0)) for n in range(9)]
    )
    assert _expected(pace, "read[new]") == pytest.approx(1.0, rel=0.2)
    assert _expected(pace, "train[new]") == pytest.approx(500.0, rel=0.2)


def test_groups_are_told_apart() -> None:
    pace = Pace(
        [(make_unit(f"it[{name}-{n}]", name), cost) for name, cost in (("a", 1.0), ("b", 50.0)) for n in range(9)]
    )
    assert pace.of(make_unit("it[b-new]", "b")).seconds == pytest.approx(50.0, rel=0.2)


def test_a_size_beyond_those_measured_is_on_their_line() -> None:
    measured = [(make_unit(f"sort[{n}]", size=n), n**2 / 1e4) for n in (10, 20, 40, 80, 160) for _ in range(3)]
    assert _expected(Pace(measured), "sort[320]", size=320) == pytest.approx(10.24, rel=0.3)


def test_a_name_that_was_not_measured_is_like_the_others_on_average() -> None:
    measured = [(make_unit(f"energy[{a}]", molecule=a), MOLECULES[a]) for a in MOLECULES for _ in range(4)]
    assert 20.0 < _expected(Pace(measured), "energy[new]", molecule="new") < 60.0


def test_what_was_measured_often_is_doubted_less_than_what_was_not() -> None:
    pace = Pace([(make_unit(f"it[{a}]", a=a), 3.0) for a in "xxxxxxxxxxxxy"])
    often, once, never = (pace.of(make_unit(f"it[{a}]", a=a)).doubt for a in "xyz")
    assert often < once < never


@pytest.mark.parametrize("value", [None, True, "", [1, [2]], {"a": {}}, 10**400, -1.5, 0])
def test_any_json_value_can_be_a_parameter(value: JsonValue) -> None:
    pace = Pace([(make_unit("it[x]", a=value), 2.0), (make_unit("it[1]", a=1), 2.0)] * 6)
    assert pace.of(make_unit("it[x]", a=value)).seconds == pytest.approx(2.0, rel=0.05)


@example([("f", 0, 0.0), ("f", 0, 0.0), ("f", 0, 1.0), ("f", 1, 11700948.0), ("g", 0, 937976302689.0)])
@given(st.lists(st.tuples(st.sampled_from("fgh"), st.integers(-3, 9), st.floats(0, 1e300)), min_size=1, max_size=40))
def test_an_expectation_is_a_time(rows: list[tuple[str, int, float]]) -> None:
    pace = Pace([(make_unit(f"{name}[{n}]", n=n), seconds) for name, n, seconds in rows])
    for unit in (make_unit("f[5]", n=5), make_unit("z[77]", n=77, other="x"), make_unit("g")):
        expected = pace.of(unit)
        assert 0.0 <= expected.seconds <= MOST_S
        assert expected.doubt >= 0.0
