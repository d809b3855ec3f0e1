"""`benchrun export DIR`: the run as a table, for other programs; reads only, at any time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from shlex import quote

from pytest_benchrun.cli.reading import made_of, put_out, run_in
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.events import Event
from pytest_benchrun.core.tables import TABLES, Row
from pytest_benchrun.core.turns import TURN_FIELDS
from pytest_benchrun.report.export import as_csv, as_jsonl
from pytest_benchrun.report.parquet import as_parquet
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.seriesread import add_machine, attempts_with_machine
from pytest_benchrun.store.turnrows import TurnRows

FORMATS: dict[str, Callable[[Iterable[Row], Iterable[str]], Iterator[bytes]]] = {
    "csv": as_csv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
}
EXIT_INCOMPLETE = 1
_LINE_LENGTH = 4000


def export(directory: str, *, what: str, form: str, output: str | None) -> int:
    """Write one table of the run.

    Args:
        directory: the results directory.
        what: `turns`, or a key of `TABLES`.
        form: key of `FORMATS`.
        output: the file, replaced in one step; None for the standard output.

    Returns:
        0; 1 when lines had to be left out, which are named.

    Raises:
        DirectoryProblem: there is no run, or its journal is damaged, or a turn file cannot be read.
        UsageProblem: the file cannot be written, or an extra is missing.
    """
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise UsageProblem("--format 'parquet' is nothing to read", hint=f"name a file: -o {what}.parquet")
    rundir = run_in(directory)
    if what == "turns":
        return _export_turns(rundir, form, output)
    rows = made_of(rundir, lambda events: _rows(rundir, what, events))
    put_out(rundir, output, FORMATS[form](rows, ()), f"{what}.{form}")
    return 0


def _rows(rundir: RunDir, what: str, events: list[Event]) -> list[Row]:
    if what == "attempts":
        return attempts_with_machine(rundir, events)
    rows = TABLES[what](events)
    return add_machine(rundir, events, rows) if what == "units" else rows


def _export_turns(rundir: RunDir, form: str, output: str | None) -> int:
    with TurnRows(rundir) as rows:
        put_out(rundir, output, FORMATS[form](rows, TURN_FIELDS), f"turns.{form}")
    for path, number, fault in rows.named:
        print(f"benchrun: left out: {clean(f'{path}, line {number}: {fault}', _LINE_LENGTH)}", file=sys.stderr)
    if rows.left_out:
        print(
            f"benchrun: {rows.left_out} lines left out\n  -> benchrun verify {quote(str(rundir.path))}", file=sys.stderr
        )
    return EXIT_INCOMPLETE if rows.left_out else 0
