"""What is wrong in a results directory, and reading its files whatever stands in their place."""

from __future__ import annotations

import shlex
import stat
from dataclasses import dataclass
from pathlib import Path

from pytest_benchrun.store.rundir import RunDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: the file.
        problem: what is wrong with it.
        hint: what to type.
        line: 1-based number of the line; None when it is the whole file.
    """

    path: Path
    problem: str
    hint: str
    line: int | None = None

    def __str__(self) -> str:
        place = str(self.path) if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.problem} -> {self.hint}"


def command(verb: str, rundir: RunDir, *options: str) -> str:
    """The `benchrun` command on this directory, as it is typed."""
    return shlex.join(["benchrun", verb, str(rundir.path), *options])


def aside(path: Path) -> str:
    """The command that moves something out of the way, as it is typed."""
    return shlex.join(["mv", str(path), f"{path}.aside"])


def what_stands_at(path: Path) -> str | None:
    """What it is instead of a plain file: opening a pipe would wait for ever; None for a plain file.

    Raises:
        OSError: nothing is there, or it cannot be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return None
    return "a directory" if stat.S_ISDIR(mode) else "no plain file"


def unreadable(path: Path, cure: str) -> Finding | None:
    """Why a file cannot be opened for reading; None when it can.

    Args:
        path: the file; it must exist.
        cure: what to type once the thing in its place is out of the way.
    """
    try:
        what = what_stands_at(path)
        if what is not None:
            return Finding(path=path, problem=f"is {what}", hint=f"{aside(path)} && {cure}")
        with path.open("rb"):
            return None
    except PermissionError:
        return Finding(
            path=path, problem="cannot be read: permission denied", hint=shlex.join(["chmod", "u+r", str(path)])
        )
    except OSError as error:
        return Finding(path=path, problem=f"cannot be read: {error.strerror}", hint=f"mend the disk, then {cure}")
