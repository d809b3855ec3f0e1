"""A run as tables: what stands in each row, and what a spreadsheet must not compute."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.events import Event
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import Ending, Metric
from pytest_benchrun.core.tables import TABLES, Row, attempt_rows, metric_rows, unit_rows
from pytest_benchrun.report.export import as_csv, as_jsonl
from tests.hooks.hostile_texts import HOSTILE_TEXTS
from tests.stories import FAILED, Story, make_outcome, make_unit, stories


def told() -> list[Event]:
    """Two units in two sessions: one fails and completes later, one is in flight at the end."""
    story = Story().begin(make_unit("a", "oak", size=1), make_unit("b", mode="x"))
    story.run("a", FAILED, 2.0, message="wrong sum")
    story.start("b")
    story.begin(run=["a", "b"])
    story.run("a", seconds=3.0, metrics={"recall": Metric(value=0.5, unit="", better="higher")})
    story.start("b")
    return story.events


def test_a_unit_is_one_row_by_its_last_attempt_with_every_column() -> None:
    a, b = unit_rows(told())
    assert (a["unit_id"], a["group"], a["phase"], a["status"]) == ("a", "oak", "run", "completed")
    assert (a["attempts"], a["elapsed_s"]) == (2, 3.0)
    assert (a["param.size"], a["param.mode"], a["metric.recall"]) == (1, None, 0.5)
    assert list(a) == list(b)
    assert (b["status"], b["param.mode"], b["metric.recall"]) == ("running", "x", None)


def test_an_attempt_is_one_row_in_the_order_of_the_starts() -> None:
    rows = attempt_rows(told())
    assert [(row["unit_id"], row["attempt"], row["session"]) for row in rows] == [
        ("a", 1, 1),
        ("b", 1, 1),
        ("a", 2, 2),
        ("b", 2, 2),
    ]
    assert [row["status"] for row in rows] == ["failed", "interrupted", "completed", None]
    assert rows[0]["message"] == "wrong sum"
    assert rows[1]["ended"] == Ending.KILLED
    assert rows[0]["host"] == "node-1"


def test_a_metric_is_one_row() -> None:
    assert metric_rows(told()) == [
        {
            "unit_id": "a",
            "attempt": 2,
            "status": "completed",
            "name": "recall",
            "value": 0.5,
            "unit": "",
            "better": "higher",
        }
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_text_that_a_spreadsheet_would_compute_is_made_text(text: str) -> None:
    cells = list(csv.reader(io.StringIO(b"".join(as_csv([{text: text}])).decode(), newline="")))
    assert cells == [[f"'{text}"], [f"'{text}"]]


def test_no_text_breaks_out_of_its_cell_or_is_computed() -> None:
    texts = list(dict.fromkeys(safe_text(text) for text in HOSTILE_TEXTS))
    rows: list[Row] = [{"text": text, "n": number} for number, text in enumerate(texts)]
    read = list(csv.reader(io.StringIO(b"".join(as_csv(rows)).decode(), newline="")))
    assert [row[1] for row in read[1:]] == [str(number) for number in range(len(texts))]
    for (cell, _), text in zip(read[1:], texts, strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), text
        back = cell[1:] if cell[:2] in {"'=", "'+", "'-", "'@", "'\t"} else cell
        assert back == text.replace("\r", "\\r")


def test_numbers_stay_numbers_and_nothing_stays_empty() -> None:
    row: Row = {"a": -1.5, "b": None, "c": True, "d": [1, "x"], "e": 'say "hi", twice\n', "f": "a\rb"}
    assert list(csv.reader(io.StringIO(b"".join(as_csv([row])).decode(), newline="")))[1] == [
        "-1.5",
        "",
        "true",
        '[1,"x"]',
        'say "hi", twice\n',
        "a\\rb",
    ]


def test_no_rows_are_no_lines_of_json_and_an_empty_line_of_names() -> None:
    assert (b"".join(as_jsonl([])), b"".join(as_csv([]))) == (b"", b"\n")


@given(stories(), st.sampled_from(sorted(TABLES)))
def test_every_table_of_every_run_can_be_written_and_read_back(events: list[Event], what: str) -> None:
    rows = TABLES[what](events)
    assert [json.loads(line) for line in b"".join(as_jsonl(rows)).splitlines()] == rows
    read = list(csv.reader(io.StringIO(b"".join(as_csv(rows)).decode(), newline="")))
    assert len(read) == len(rows) + 1 if rows else len(read) <= 1


def test_an_outcome_without_a_start_makes_no_row() -> None:
    story = Story().begin("a")
    story.start("a")
    story.end("a", make_outcome(FAILED))
    assert attempt_rows(story.events[-1:]) == []
