"""Which turns a sample keeps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turns import EVENT_FIELDS, TURN_FIELDS, Sample

IDS = st.text(st.characters(), max_size=80)
SHARES = st.floats(0, 1)


@given(IDS, SHARES, st.integers(0, 10_000))
def test_a_sample_is_the_same_every_time(unit_id: str, share: float, index: int) -> None:
    assert Sample(unit_id, share).keeps(index) == Sample(unit_id, share).keeps(index)


@given(IDS, SHARES, SHARES, st.integers(0, 10_000))
def test_a_larger_share_keeps_all_that_a_smaller_one_does(unit_id: str, one: float, other: float, index: int) -> None:
    smaller, larger = sorted([one, other])
    assert Sample(unit_id, smaller).keeps(index) <= Sample(unit_id, larger).keeps(index)


@given(IDS, st.integers(0, 10_000))
def test_none_and_all(unit_id: str, index: int) -> None:
    assert not Sample(unit_id, 0).keeps(index)
    assert Sample(unit_id, 1).keeps(index)


def test_a_share_is_a_share_in_one_unit_and_over_units() -> None:
    one = Sample("test_a.py::test_a", 0.25)
    assert 2300 < sum(one.keeps(index) for index in range(10_000)) < 2700
    assert 2300 < sum(Sample(f"test_a.py::test_a[{n}]", 0.25).keeps(0) for n in range(10_000)) < 2700


def test_an_event_is_known_by_a_field_that_no_turn_has() -> None:
    assert EVENT_FIELDS[0] not in TURN_FIELDS
