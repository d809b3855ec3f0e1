"""Every error a user can meet; each says what is wrong and what to type next."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name with the fewest letters to change from `wrong` (Levenshtein 1966); `known` is not empty."""
    return min(known, key=lambda name: _letters_to_change(wrong, name))


def _letters_to_change(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


class BenchrunError(Exception):
    """Something the user can mend.

    Args:
        problem: what is wrong, the offending value in quotes.
        hint: what to type or do next; shown after an arrow.
    """

    def __init__(self, problem: str, *, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}\n  -> {self.hint}"


class UsageProblem(BenchrunError):
    """An option, a marker or a command line that cannot be right."""


class DirectoryProblem(BenchrunError):
    """A results directory that cannot be used for what was asked."""


class JournalDamaged(DirectoryProblem):
    """A line of the journal that does not check, anywhere but in a torn tail.

    Args:
        file: the journal file.
        line: 1-based number of the first bad line.
        why: what does not check.
        directory: the results directory, as a shell takes it.
    """

    def __init__(self, file: str, line: int, why: str, *, directory: str) -> None:
        super().__init__(
            f"the journal is damaged: {file}, line {line}: {why}",
            hint=f"benchrun rebuild {directory} --salvage   (keeps the good lines; the damaged file is kept beside it)",
        )
        self.file = file
        self.line = line


class NewerSchema(DirectoryProblem):
    """A file written by a newer version; it is never rewritten or deleted."""

    def __init__(self, file: str, version: int, known: int) -> None:
        super().__init__(
            f"{file} has schema_version {version}; this version reads up to {known}",
            hint="pip install --upgrade pytest-benchrun",
        )


class CheckpointUnusable(BenchrunError):
    """A checkpoint that is there, and that the attempt must not go on from."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the checkpoint was not used: {why}", hint="nothing to do: the unit begins anew")


class JournalWriteFailed(BenchrunError):
    """The journal could not be written: the only loss that stops a run."""


class DiskFull(JournalWriteFailed):
    """The journal is as before, and the same line can be tried again once there is room."""


class CommandProblem(BenchrunError):
    """A program that cannot be run as it was asked for."""


class ProgramMissing(CommandProblem):
    """A program that is not there, or that may not be run.

    Attributes:
        program: its name as it was asked for.
    """

    def __init__(self, program: str, why: str, hint: str) -> None:
        super().__init__(f"the program {program!r} {why}", hint=hint)
        self.program = program


class CommandFailed(CommandProblem):
    """A program that ended with another exit code than 0, or by a signal.

    Attributes:
        result: how it ended, with its log.
    """

    def __init__(self, problem: str, *, hint: str, result: object) -> None:
        super().__init__(problem, hint=hint)
        self.result = result


class CommandTimedOut(CommandFailed):
    """A program that was ended because its time was up; the status of its unit is `timeout`."""


class SandboxProblem(BenchrunError):
    """A sandbox that cannot be made as it was asked for."""
