"""What an incident says: complete, safe, small."""

from __future__ import annotations

import orjson
import pytest

from pytest_benchrun.core.incident import (
    MAX_LISTED,
    MAX_STACKS,
    IncidentView,
    incident_view,
    is_of,
    mask_secrets,
    message_of_incident,
    outcome_of,
    where_in,
)

STACKS = """Thread 0x1 (most recent call first):
  File "/lib/threading.py", line 331 in wait

Current thread 0x2 (most recent call first):
  File "/x/pytest_benchrun/world/watch.py", line 1 in _hear
  File "/suite/test_it.py", line 12 in test_hangs
  File "/lib/pytest.py", line 1 in main
"""


def test_every_field_is_there_whatever_is_known() -> None:
    assert set(incident_view({})) == set(IncidentView.__annotations__)


def test_it_stays_small_and_can_be_written() -> None:
    facts = {
        "unit_id": "u" * 200_000,
        "params": {"x": "y" * 100_000},
        "stacks": "s" * 1_000_000,
        "output_tail": "\ud800" * 100_000,
        "note": "\ud800",
        "children": [{"pid": n, "command": "c" * 10_000, "age_s": 0.1} for n in range(10_000)],
        "open_files": ["f" * 10_000] * 10_000,
    }
    view = incident_view(facts)
    assert len(orjson.dumps(view)) < 200_000
    assert len(view["children"]) == MAX_LISTED
    assert len(view["stacks"]) < MAX_STACKS + 100


def test_parameters_that_are_too_many_stay_an_object() -> None:
    params = {f"p{n}": "x" * 500 for n in range(100)}
    assert isinstance(incident_view({"params": params})["params"], dict)


def test_where_is_the_line_of_the_main_thread_and_never_ours() -> None:
    assert where_in(STACKS) == "/suite/test_it.py:12 in test_hangs"
    assert where_in("") is None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("curl --token=abc x", "curl --token=*** x"),
        ("login --password hunter2", "login --password ***"),
        ("X_API_KEY=1 run", "X_API_KEY=*** run"),
        ("python -m pytest", "python -m pytest"),
    ],
)
def test_secrets_in_command_lines_are_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
    assert incident_view({"children": [{"pid": 1, "command": text, "age_s": 0.0}]})["children"][0]["command"] == masked


def test_it_is_of_its_attempt_alone() -> None:
    incident = incident_view({"unit_id": "a", "attempt": 2})
    assert is_of(incident, "a", 2)
    assert not is_of(incident, "a", 1)
    assert not is_of(incident, "b", 2)
    assert not is_of(incident_view({"unit_id": "a", "attempt": 2, "is_wide": True}), "a", 2)
    long = "u" * 5000
    assert is_of(incident_view({"unit_id": long, "attempt": 1}), long, 1)


def test_it_comes_to_a_timeout_with_its_message() -> None:
    message = message_of_incident("stuck", 1.5, "x.py:1 in f")
    assert message == "stuck: no sign of progress for 1.5 s, at x.py:1 in f"
    assert message_of_incident("timeout", 2, None) == "timeout: still running after 2 s"
    outcome = outcome_of(incident_view({"message": message}))
    assert (outcome.status, outcome.kind, outcome.message, outcome.detail) == ("timeout", "timeout", message, None)
