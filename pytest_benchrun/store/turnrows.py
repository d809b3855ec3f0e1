"""The turns of a run as rows of a table, read from their files line by line: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any, Self

import orjson

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.turns import fault_of_line, is_turn_line
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnread import UNREADABLE, Line, TurnReader

_loads = orjson.loads  # now: a unit may patch them

NAMED = 5
"""Lines without a turn that are named one by one."""


class TurnRows:
    """One dict a turn, as its line has it; can be gone through again.

    Args:
        rundir: whose turns.

    Attributes:
        left_out: lines in which no turn could be read, of the last time.
        named: file, line and fault of the first of them.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._rundir = rundir
        self._reader = TurnReader(rundir)
        self.left_out = 0
        self.named: list[tuple[Path, int, str]] = []

    def __enter__(self) -> Self:
        try:
            self._reader.__enter__()
        except UNREADABLE as error:
            raise self._unreadable(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.left_out, self.named = 0, []
        for line in self._lines():
            record, fault = decode(line.data)
            if record is not None:
                if is_turn_line(record):
                    yield record
                continue
            self.left_out += 1
            if len(self.named) < NAMED:
                self.named.append((line.path, line.number, fault))

    def _lines(self) -> Iterator[Line]:
        try:
            yield from self._reader
        except UNREADABLE as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DirectoryProblem:
        problem = f"cannot read the turns of {self._rundir.path}: {error}"
        return DirectoryProblem(problem, hint=f"benchrun verify {quote(str(self._rundir.path))}   (says what is wrong)")


def decode(data: bytes) -> tuple[dict[str, Any] | None, str]:
    """The record of a line, and what is wrong with it: one of the two."""
    try:
        record = _loads(data)
    except ValueError:
        return None, "it is no JSON"
    fault = fault_of_line(record)
    return (record, "") if fault is None else (None, fault)
