"""Whether a run can be recorded where the user said. Imports no SQL: every session and worker reads its settings."""

from __future__ import annotations

import shlex
from pathlib import Path

from pytest_benchrun.core.dburl import sqlite_path
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.store import postgres


def check_database(url: str, what: str) -> None:
    """Make sure, before any unit runs, that a run can be recorded there once the database is up.

    Args:
        url: the address, or the path of an SQLite file.
        what: who names it, for the error.

    Raises:
        UsageProblem: the folder of the file is missing, or an extra.
    """
    path = sqlite_path(url, what)
    if path is None:
        postgres.check(url, what)
        return
    file = Path(path)
    if file.is_dir() or not file.parent.is_dir():
        problem = f"{what}={url!r}: {str(file.parent)!r} is no folder"
        if file.is_dir():
            problem = f"{what}={url!r} is a folder"
        raise UsageProblem(problem, hint=f"mkdir -p {shlex.quote(str(file.parent))}, or name a file in another folder")
