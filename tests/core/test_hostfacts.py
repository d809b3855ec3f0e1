"""Whatever a host answers, only what was asked for is kept, each of its kind."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.environment import changes_between, unfit_to_measure
from pytest_benchrun.core.hostfacts import kept_facts, kept_sample
from pytest_benchrun.core.series import FIELDS

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cpu", "memory", "governors", "gpus", "disks", "python", "packages", "variables"]), inner
        )
    ),
)


@pytest.mark.parametrize("answer", [None, 7, "text", [], {}, {"cpu": 1}])
def test_what_is_no_answer_is_none(answer: object) -> None:
    assert kept_facts(answer) is None


@given(st.dictionaries(st.sampled_from(["memory", "gpus", "disks", "python", "variables", "load_1min"]), ANY), ANY)
def test_any_answer_can_be_kept_and_judged(answer: dict[str, Any], cpu: object) -> None:
    facts = kept_facts({**answer, "cpu": {"governors": cpu, "usable_threads": cpu, "threads": 1}})
    assert facts is not None
    assert json.loads(orjson.dumps(facts)) == facts
    unfit_to_measure(facts)
    changes_between(facts, facts)
    changes_between(facts, kept_facts({"cpu": {}}) or {})


@given(ANY | st.dictionaries(st.sampled_from(FIELDS), ANY))
def test_a_sample_is_numbers(answer: object) -> None:
    sample = kept_sample(answer)
    if sample is not None:
        assert set(sample) <= set(FIELDS)
        assert all(value is None or isinstance(value, int | float) for value in sample.values())
        assert json.loads(orjson.dumps(sample)) == sample


def test_what_is_endless_is_cut() -> None:
    disk = {"device": "d" * 1000}
    packages = {str(number): "1" for number in range(10_000)}
    facts: Any = kept_facts({"cpu": {}, "disks": [disk] * 1000, "python": {"packages": packages}, "more": 1})
    assert len(facts["disks"]) == 256
    assert len(facts["disks"][0]["device"]) == 300
    assert len(facts["python"]["packages"]) == 5000
    assert "more" not in facts
