"""The schemas of the package: valid themselves, as their types say, and so strict that they can fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docs.make_schemas import FOLDER, schemas
from pytest_benchrun.core.events import Event
from tests.schemas import closed, faults, schema
from tests.store.turnlines import event_line, turn_line


def test_they_are_what_the_types_say() -> None:
    shipped = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.iterdir()}
    assert shipped == json.loads(json.dumps(schemas())), "-> PYTHONPATH=. python docs/make_schemas.py"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_is_a_schema_of_the_dialect_that_it_names(name: str) -> None:
    document = schema(name)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(document)
    Draft202012Validator.check_schema(closed(document))


def test_every_event_has_one() -> None:
    names = {one["properties"]["event"]["const"] for one in schema("journal.json")["oneOf"]}
    assert names == {kind.name for kind in Event.__subclasses__()}
    assert len(names) >= 16


STATUS: dict[str, Any] = json.loads((FOLDER.parents[1] / "tests/core/gold/status.json").read_text("utf-8"))


def test_the_gold_status_fits() -> None:
    assert faults("status.json", STATUS) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "gone"}, "$.state"),
        ({"schema_version": 2}, "$.schema_version"),
        ({"total_tasks": "6"}, "$.total_tasks"),
        ({"updated_at": "yesterday"}, "$.updated_at"),
        ({"workers": [{}]}, "$.workers"),
        ({"new_field": 1}, "$: Additional properties"),
    ],
)
def test_a_document_that_does_not_fit_is_found(changes: dict[str, object], said: str) -> None:
    assert any(said in fault for fault in faults("status.json", {**STATUS, **changes}))


@pytest.mark.parametrize("changes", [{"tokens_in": -1}, {"status": "fine"}, {"turn_index": None}, {"attempt": 0}])
def test_a_turn_that_does_not_fit_is_found(changes: dict[str, object]) -> None:
    turn = json.loads(turn_line(topic="x"))
    assert faults("turn_metrics.json", turn, is_open=True) == []
    assert faults("turn_metrics.json", {**turn, **changes}, is_open=True)
    assert faults("turn_metrics.json", json.loads(event_line()), is_open=True) == []
