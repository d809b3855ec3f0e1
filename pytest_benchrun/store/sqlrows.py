"""The rows of a run for SQL, read from its journal and turn files piece by piece: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, SessionStarted, UnitEnded, UnitStarted, WorkerUp
from pytest_benchrun.core.sqltables import (
    ATTEMPTS,
    METRICS,
    RUNS,
    SESSIONS,
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
from pytest_benchrun.core.tables import Attempts, metrics_of
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnrows import TurnRows

NEEDED = (SessionStarted.name, WorkerUp.name, UnitStarted.name, UnitEnded.name)
"""The kinds of events that rows are made of, beside those that the state of the run is folded from."""

PIECE_ROWS = 1000
"""Rows that are held at a time."""

Insert = Callable[[Table, Iterable[SqlRow]], None]
"""Puts rows into a table."""


def insert_run(
    rundir: RunDir, campaign: Campaign, events: Iterable[Event], insert: Insert, *, has_turns: bool = True
) -> None:
    """Put every row of a run into its tables; the same files give the same calls.

    Args:
        rundir: where its turns are.
        campaign: what the events come to.
        events: all of them, or those of the kinds in `NEEDED`.
        insert: is given the rows.
        has_turns: whether turns are among them.

    Raises:
        OSError, DirectoryProblem: the journal or the turns cannot be read.
    """
    insert(RUNS, [run_row(campaign)])
    insert(SESSIONS, session_rows(campaign))
    insert(UNITS, sql_units(campaign))
    _insert_attempts(campaign.run_id, events, insert)
    if not has_turns:
        return
    with TurnRows(rundir) as lines:
        rows = (sql_turn(line) for line in lines)
        while piece := list(islice(rows, PIECE_ROWS)):
            insert(TURNS, piece)


def _insert_attempts(run_id: str, events: Iterable[Event], insert: Insert) -> None:
    """Attempts and their metrics, in one walk through the events."""
    made = Attempts()
    attempts: list[SqlRow] = []
    metrics: list[SqlRow] = []
    for event in events:
        ended = made.take(event)
        if ended is not None:
            attempts.append(sql_attempt(run_id, ended[1]))
        if isinstance(event, UnitEnded) and event.outcome.metrics:
            metrics += [sql_metric(run_id, row) for row in metrics_of(event)]
        if len(attempts) + len(metrics) >= PIECE_ROWS:
            insert(ATTEMPTS, attempts)
            insert(METRICS, metrics)
            attempts, metrics = [], []
    attempts += [sql_attempt(run_id, row) for _, row in made.in_flight()]
    insert(ATTEMPTS, attempts)
    insert(METRICS, metrics)
