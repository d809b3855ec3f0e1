"""Events from their JSON: what is whole comes back equal, what is not is refused."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.events import Event, HostSeen, event_from_json, outcome_from_json
from pytest_benchrun.core.model import JsonValue, Metric, Outcome, Unit
from tests.stories import COMPLETED, FAILED, OUTCOMES, PARAMS, TEXTS, Story, make_outcome, make_unit, stories


def record_of(event: Event) -> dict[str, Any]:
    """The decoded journal line of an event, without what the journal adds."""
    record: dict[str, Any] = json.loads(json.dumps({"event": event.name, **asdict(event)}))
    return record


def one_of_each() -> dict[str, Event]:
    """A run in which everything happens, one event of each kind."""
    story = Story().begin(make_unit("a[1]", "oak", size=1), "b", "c")
    story.start("a[1]")
    story.result("a[1]", make_outcome(COMPLETED, metrics={"recall": Metric(value=0.5, unit="", better="higher")}))
    story.end("a[1]", make_outcome(FAILED, "wrong sum", warnings=["odd"]))
    story.late_error("a[1]", "close failed")
    story.worker_down("main", "crashed")
    story.note("took over")
    story.stop()
    story.skip_rest("b", "c")
    story.finish()
    story.begin("b", removed=["c"])
    story.accept(group_by="molecule")
    story.tell(HostSeen(at=story.at, host="node-1", moment="end", facts={"load_1min": 0.5}))
    return {event.name: event for event in reversed(story.events)}


EVENTS = one_of_each()
FIELDS = [(name, f.name) for name, event in EVENTS.items() for f in fields(event) if f.name not in {"phases", "makes"}]


def test_a_kind_of_event_is_known_by_its_name() -> None:
    kinds = {kind.name for kind in Event.__subclasses__()}
    assert set(EVENTS) == kinds
    assert len(kinds) == 17


def test_what_earlier_versions_did_not_write_is_empty() -> None:
    record = record_of(EVENTS["session_started"])
    del record["phases"]
    assert event_from_json(record) == replace(EVENTS["session_started"], phases=[])  # type: ignore[call-arg]  # that kind has it


def test_units_of_earlier_versions_are_ordinary_ones() -> None:
    record = record_of(EVENTS["units_added"])
    for unit in record["units"]:
        del unit["is_exclusive"], unit["is_warmup"]
    assert event_from_json(record) == EVENTS["units_added"]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_comes_back_equal_from_its_json(name: str) -> None:
    assert event_from_json(record_of(EVENTS[name])) == EVENTS[name]


@given(stories())
def test_every_event_of_a_run_comes_back_equal(events: list[Event]) -> None:
    assert [event_from_json(record_of(event)) for event in events] == events


@given(st.dictionaries(TEXTS, PARAMS))
def test_parameters_come_back_in_their_order(params: dict[str, JsonValue]) -> None:
    unit = Unit(unit_id="a", function="a", group="a", param_names=tuple(params), param_values=tuple(params.values()))
    assert list(unit.params.items()) == list(params.items())


@given(OUTCOMES)
def test_an_outcome_comes_back_equal(outcome: Outcome) -> None:
    assert outcome_from_json(json.loads(json.dumps(asdict(outcome)))) == outcome


def test_a_key_that_a_later_version_adds_is_ignored() -> None:
    assert event_from_json({**record_of(EVENTS["noted"]), "mood": "good"}) == EVENTS["noted"]


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_missing_field_is_named(name: str, field: str) -> None:
    record = record_of(EVENTS[name])
    del record[field]
    with pytest.raises(ValueError, match=f"event '{name}' has no field '{field}'"):
        event_from_json(record)


@pytest.mark.parametrize("name", ["", "unit_exploded", None, 7, ["unit_ended"], {}])
def test_an_unknown_kind_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="unknown event"):
        event_from_json({"event": name, "at": "2026-11-21T10:00:00.000Z"})


def test_a_record_without_a_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown event None"):
        event_from_json({})


OUTCOME = record_of(EVENTS["unit_ended"])["outcome"]
OWNER = record_of(EVENTS["session_started"])["owner"]
UNIT = record_of(EVENTS["units_added"])["units"][0]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("unit_ended", "ended", "vanished"),
        ("unit_ended", "outcome", None),
        ("unit_ended", "outcome", {**OUTCOME, "status": "splendid"}),
        ("unit_ended", "outcome", {"status": "failed"}),
        ("unit_ended", "outcome", {**OUTCOME, "metrics": ["recall"]}),
        ("unit_ended", "outcome", {**OUTCOME, "metrics": {"recall": 0.5}}),
        ("unit_ended", "outcome", {**OUTCOME, "metrics": {"recall": {"size": 1}}}),
        ("session_ended", "state", "asleep"),
        ("stop_asked", "target", None),
        ("session_started", "owner", None),
        ("session_started", "owner", {"host": "node-1"}),
        ("session_started", "owner", {**OWNER, "shoe_size": 43}),
        ("units_added", "units", 7),
        ("units_added", "units", [{"unit_id": "a"}]),
        ("units_added", "units", [{**UNIT, "param_names": None}]),
    ],
)
def test_an_impossible_value_is_refused(name: str, field: str, value: object) -> None:
    record = record_of(EVENTS[name])
    record[field] = value
    with pytest.raises(ValueError, match=r".+"):
        event_from_json(record)
