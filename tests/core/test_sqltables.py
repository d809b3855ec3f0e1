"""The SQL tables: as many values as columns, kinds that both databases take, and nothing that cannot be stored."""

from __future__ import annotations

import json

import pytest

from pytest_benchrun.core.model import Metric
from pytest_benchrun.core.sqltables import (
    ATTEMPTS,
    METRICS,
    RUNS,
    SESSIONS,
    SQL_TABLES,
    TURNS,
    UNITS,
    SqlRow,
    Table,
    run_row,
    session_rows,
    sql_attempt,
    sql_metric,
    sql_turn,
    sql_units,
)
from pytest_benchrun.core.tables import attempt_rows, metric_rows
from tests.store.turnlines import turn_line
from tests.stories import FAILED, Story, make_unit

KINDS = {"text": str, "integer": int, "real": float}


def told() -> Story:
    """A resumed run with every kind of metric."""
    story = Story().begin(make_unit("a", "oak", size=1), "b")
    story.run("a", FAILED, 2.0, message="wrong sum")
    story.begin(run=["a", "b"])
    values = {"small": 3, "large": 2**53 + 1, "least": -(2**63), "odd": None, "word": "much", "real": 0.5}
    story.run("a", seconds=3.0, metrics={name: Metric(value=value) for name, value in values.items()})
    return story


def named(table: Table, row: SqlRow) -> dict[str, object]:
    assert len(row) == len(table.columns)
    for column, value in zip(table.columns, row, strict=True):
        assert value is None or type(value) is KINDS[column.kind], column.name
    return dict(zip((column.name for column in table.columns), row, strict=True))


def test_a_run_says_how_its_units_stand() -> None:
    run = named(RUNS, run_row(told().campaign))
    assert (run["run_id"], run["campaign"], run["state"]) == ("demo-20261121-100000-0123abcd", "demo", "running")
    assert (run["units"], run["completed"], run["pending"], run["sessions"]) == (2, 1, 1, 2)


def test_the_rows_of_every_table_fit_their_columns() -> None:
    story = told()
    campaign, run_id = story.campaign, story.campaign.run_id
    assert [named(SESSIONS, row)["session"] for row in session_rows(campaign)] == [1, 2]
    unit = named(UNITS, next(sql_units(campaign)))
    assert (unit["group_name"], unit["status"], unit["attempts"], unit["params"]) == (
        "oak",
        "completed",
        2,
        '{"size":1}',
    )
    attempts = [named(ATTEMPTS, sql_attempt(run_id, row)) for row in attempt_rows(story.events)]
    assert [(row["attempt"], row["session"], row["message"]) for row in attempts] == [
        (1, 1, "wrong sum"),
        (2, 2, None),
    ]


def test_the_columns_of_a_row_are_those_of_the_exported_tables() -> None:
    story = told()
    for table, row in ((ATTEMPTS, attempt_rows(story.events)[0]), (METRICS, metric_rows(story.events)[0])):
        names = [column.name for column in table.columns][1 : len(row) + 1]
        assert names == list(row)


@pytest.mark.parametrize(
    ("name", "value", "exact"),
    [
        ("small", 3.0, None),
        ("large", float(2**53 + 1), str(2**53 + 1)),
        ("least", -(2.0**63), str(-(2**63))),
        ("odd", None, None),
        ("word", None, "much"),
        ("real", 0.5, None),
    ],
)
def test_a_metric_is_a_double_and_exact_beside_it(name: str, value: float | None, exact: str | None) -> None:
    rows = {row["name"]: row for row in metric_rows(told().events)}
    row = named(METRICS, sql_metric("run", rows[name]))
    assert (row["value"], row["exact"]) == (value, exact)


def test_a_turn_keeps_the_fields_of_its_user() -> None:
    line = json.loads(turn_line("u", storage_ms_by={"L2": 1.5}, temperature=0.5, prompt="\0 \u2028"))
    row = named(TURNS, sql_turn(line))
    assert json.loads(str(row["storage_ms_by"])) == {"L2": 1.5}
    assert json.loads(str(row["fields"])) == {"temperature": 0.5, "prompt": "\0 \u2028"}


def test_a_count_beyond_sixty_four_bits_is_the_largest_and_a_time_a_double() -> None:
    line = json.loads(turn_line("u", tokens_in=2**64 - 1, llm_ms=2**64 - 1))
    row = named(TURNS, sql_turn(line))
    assert (row["tokens_in"], row["llm_ms"]) == (2**63 - 1, float(2**64 - 1))


def test_every_column_says_what_it_holds() -> None:
    for table in SQL_TABLES:
        assert all(column.about for column in table.columns)
        assert {name for index in table.indexes for name in index} <= {column.name for column in table.columns}
