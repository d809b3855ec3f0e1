"""`benchrun export DIR`: the run as a table, for other programs; reads only, at any time."""

from __future__ import annotations

from pytest_benchrun.cli.reading import made_of, put_out, run_in
from pytest_benchrun.report.export import TABLES, as_csv, as_jsonl

FORMATS = {"csv": as_csv, "jsonl": as_jsonl}


def export(directory: str, *, what: str, form: str, output: str | None) -> int:
    """Write one table of the run.

    Args:
        directory: the results directory.
        what: key of `TABLES`.
        form: key of `FORMATS`.
        output: the file, replaced in one step; None for the standard output.

    Raises:
        DirectoryProblem: there is no run, or its journal is damaged.
        UsageProblem: the file cannot be written.
    """
    rundir = run_in(directory)
    rows = made_of(rundir, TABLES[what])
    put_out(rundir, output, FORMATS[form](rows), f"{what}.{form}")
    return 0
