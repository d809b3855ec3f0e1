"""`benchrun.command`: the programs of one attempt, started by its threads and ended with it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Literal, Protocol

import pytest

from pytest_benchrun.core.argv import check_argv, check_variables, shown_command
from pytest_benchrun.core.errors import CommandFailed, CommandProblem, CommandTimedOut, ProgramMissing
from pytest_benchrun.core.jsonsafe import safe_repr
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.world.command import CommandResult, Order, Running, environment, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a unit says of a command beside its words; see `BenchRun.command`."""

    timeout_s: float | None
    env: Mapping[str, str | None] | None = field(repr=False)
    cwd: str | os.PathLike[str] | None
    is_checked: bool
    log: str | None
    metrics: str | None
    missing: Literal["fail", "skip"]
    grace_s: float
    max_memory_bytes: int | None
    max_cpu_s: int | None


class TakesMetric(Protocol):
    """Where the figures of a program go."""

    def __call__(
        self, name: str, value: float, unit: str = "", better: Literal["lower", "higher"] | None = None
    ) -> None:
        """Record a number of the unit."""


class Programs:
    """The programs that one attempt runs.

    Args:
        find_artifact: the path of a file of the unit.
        record: takes their figures.
        warnings: of the unit.
        beacons: of the attempt; None where there is no run.

    Attributes:
        cwd: where they run when nothing else is said; None for the current directory.
        peak_bytes: most memory that the tree of one of them had; None before the first.
    """

    def __init__(
        self,
        find_artifact: Callable[[str], Path],
        record: TakesMetric,
        warnings: list[str],
        beacons: Beacons | None,
    ) -> None:
        self._find_artifact = find_artifact
        self._record = record
        self._warnings = warnings
        self._beacons = beacons
        self._running: list[Running] = []
        self._has_ended = False
        self.cwd: Path | None = None
        self.peak_bytes: int | None = None

    def run(self, argv: Sequence[str | os.PathLike[str]], wish: Wish) -> CommandResult:
        """Run a program to its end; see `BenchRun.command`."""
        __tracebackhide__ = True
        order = self._order(argv, wish)
        try:
            running = Running(order)
        except ProgramMissing as error:
            if order.log.stat().st_size == 0:
                order.log.unlink()
            if wish.missing == "skip":
                pytest.skip(f"{error.problem}: {error.hint}")
            raise
        self._running.append(running)
        if self._has_ended:
            running.end()  # a thread that outlived its unit
        try:
            result = running.wait(self._note_output)
        finally:
            self._running.remove(running)
        self.peak_bytes = max(self.peak_bytes or 0, result.rss_bytes)
        self._judge(result, wish)
        return result

    def end(self) -> None:
        """The attempt is over: end what threads of it still run."""
        self._has_ended = True
        for running in self._running.copy():
            running.end()

    def _note_output(self) -> None:
        if self._beacons is not None:
            self._beacons.beat("output")

    def _order(self, argv: Sequence[str | os.PathLike[str]], wish: Wish) -> Order:
        check_argv(argv)
        check_variables(wish.env)
        _check(wish)
        here = self.cwd or Path.cwd()
        cwd = here / Path(wish.cwd) if wish.cwd is not None else here
        return Order(
            argv=words(argv),
            log=self._make_log(words(argv)[0], wish.log),
            cwd=cwd,
            env=environment(wish.env, os.environ),
            timeout_s=wish.timeout_s,
            grace_s=wish.grace_s,
            max_memory_bytes=wish.max_memory_bytes,
            max_cpu_s=wish.max_cpu_s,
        )

    def _make_log(self, program: str, name: str | None) -> Path:
        """An empty file for the output; where none can be made, the unit is warned and the output is lost."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "-", program.rpartition("/")[2]).strip("-.")[:60] or "program"
        number = 1
        try:
            while True:
                path = self._find_artifact(name or (f"{stem}.log" if number == 1 else f"{stem}.{number}.log"))
                try:
                    os.close(os.open(path, flags | (os.O_TRUNC if name else os.O_EXCL), 0o666))
                except FileExistsError:
                    number += 1
                else:
                    return path
        except OSError as error:
            self._warnings.append(f"the output of {program} was not kept: {error.strerror or error}")
            return Path(os.devnull)

    def _judge(self, result: CommandResult, wish: Wish) -> None:
        __tracebackhide__ = True
        shown = shown_command(result.argv)
        if result.left_behind:
            names = ", ".join(sorted(set(result.left_behind)))
            self._warnings.append(f"{shown} left {len(result.left_behind)} processes behind, which were ended: {names}")
        if wish.metrics is not None:
            self._record(f"{wish.metrics}_wall_s", result.wall_s, "s", "lower")
            self._record(f"{wish.metrics}_cpu_s", result.cpu_s, "s", "lower")
            self._record(f"{wish.metrics}_rss_bytes", result.rss_bytes, "bytes", "lower")
        said = f"\nthe end of {result.log}:\n{result.tail}" if result.tail else f"\nit said nothing ({result.log})"
        if result.is_timeout:
            problem = f"{shown} was ended: it ran for longer than timeout={wish.timeout_s:g} s{said}"
            raise CommandTimedOut(problem, hint="give it more time, or less to do", result=result)
        if wish.is_checked and result.exit_code != 0:
            how = f"exited with {result.exit_code}" if result.signal is None else f"was ended by {result.signal}"
            hint = "check=False lets the unit judge by itself"
            raise CommandFailed(f"{shown} {how}{said}", hint=hint, result=result)


def _check(wish: Wish) -> None:
    seconds: tuple[tuple[str, object], ...] = (("timeout", wish.timeout_s), ("grace", wish.grace_s))
    for name, value in seconds:
        if value is not None and not (_is_number(value, int | float) and (value or name == "grace")):
            raise CommandProblem(f"{name}={safe_repr(value)} is no number of seconds", hint=f"for example: {name}=60")
    limits: tuple[tuple[str, object], ...] = (
        ("max_memory_bytes", wish.max_memory_bytes),
        ("max_cpu_s", wish.max_cpu_s),
    )
    for name, most in limits:
        if most is not None and not (_is_number(most, int) and most):
            raise CommandProblem(f"{name}={safe_repr(most)} is no whole number from 1 up", hint="None is no limit")
    if wish.missing not in {"fail", "skip"}:
        raise CommandProblem(f"missing={safe_repr(wish.missing)} is not fail or skip", hint='missing="skip"')
    if wish.cwd is not None and "\0" in os.fspath(wish.cwd):
        raise CommandProblem(f"cwd={safe_repr(wish.cwd)} has a NUL byte in it", hint="no path has one")


def _is_number(value: object, kind: type[int] | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and 0 <= float(value) < math.inf
