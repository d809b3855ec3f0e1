"""`BenchRun`: what the `benchrun` fixture gives to a unit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import pytest

from pytest_benchrun.core.errors import CheckpointUnusable, NewerSchema
from pytest_benchrun.core.jsonsafe import to_metric, to_name
from pytest_benchrun.core.model import JsonValue, Metric
from pytest_benchrun.core.repeats import PARAMETER, Repeat
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.hooks.command import Programs, Wish
from pytest_benchrun.hooks.turnlines import UnitTurns
from pytest_benchrun.hooks.turns import NO_TURN, F, Turn, keep_event, opener_of, wrap
from pytest_benchrun.world.command import CommandResult

MAX_METRICS = 1000
"""Metrics that a unit can have: they stand in one line of the journal. Series are for turns, data for artifacts."""

MAX_WARNINGS = 50


class GivesBench(Protocol):
    """Where the fixture's object comes from while a campaign runs."""

    def bench(self, item: pytest.Item) -> BenchRun:
        """The object for the attempt in flight."""


GIVES_BENCH = pytest.StashKey[GivesBench]()


class KeepsValue(Protocol):
    """Where the checkpoint of an attempt is kept."""

    def write(self, value: object) -> None:
        """Keep `value` in place of the one before."""

    def read(self) -> JsonValue:
        """The value kept last; None when there is none."""


class Checkpoint:
    """What a unit of hours keeps of its work, so that the attempt after a kill goes on from there.

    Without `--bench-results` nothing is kept.

    Args:
        file: where it is kept; None where there is no run.
        warnings: of the unit; what goes wrong with the file is added.
    """

    def __init__(self, file: KeepsValue | None, warnings: list[str]) -> None:
        self._file = file
        self._warnings = warnings

    def save(self, value: object) -> None:
        """Keep `value` in place of the one saved before, on the disk itself when this returns.

        A disk that is full or fails never fails the unit: a warning is recorded, and the checkpoint
        before stays whole.

        Args:
            value: what JSON gives back as it was: None inside it, booleans, finite numbers, text, and
                lists and dicts of them; NumPy and torch scalars become numbers.

        Raises:
            TypeError: a part of the value is of another type, also a tuple; says which.
            ValueError: a part that JSON cannot hold, such as NaN; or the value is None.
        """
        if self._file is None:
            return
        try:
            self._file.write(value)
        except NewerSchema as error:
            self._warn(f"the checkpoint was not saved: {error.problem}")
        except OSError as error:
            self._warn(f"the checkpoint was not saved, the one before stays: {error.strerror or error}")

    def load(self) -> Any:  # noqa: ANN401  # decoded JSON
        """The value saved last in this attempt or an earlier one of this run; None when there is none.

        None too, with a warning, when the unit has changed since (parameters, source, inputs, version)
        or the file cannot be read.
        """
        if self._file is None:
            return None
        try:
            return self._file.read()
        except CheckpointUnusable as error:
            self._warn(error.problem)
        except OSError as error:
            self._warn(f"the checkpoint could not be read: {error.strerror or error}")
        return None

    def _warn(self, text: str) -> None:
        if text not in self._warnings:  # a full disk says the same at every step
            self._warnings.append(text)


@dataclass(frozen=True, slots=True)
class Keeps:
    """What takes all that a unit says, while a campaign runs.

    Attributes:
        checkpoint_file: keeps its checkpoint.
        beacons: told of its progress.
        turns: keeps its turns; None where they are switched off.
    """

    checkpoint_file: KeepsValue
    beacons: Beacons
    turns: UnitTurns | None


class BenchRun:
    """One attempt of one unit, seen from inside.

    Without `--bench-results` it does nothing: the tests that use it pass as ordinary tests.

    Args:
        find_folder: where its artifacts go, asked for at the first one.
        keeps: what takes all that it says; None where there is no run.

    Attributes:
        unit_id: pytest's node id of the unit.
        params: the unit's parameters as pytest has them.
        config: the free values of the campaign file, its `[parameters]`; empty without one.
        repeat: number of the repeat from 0 on; None for a warm-up and for a unit that runs once.
        is_warmup: whether this is a warm-up.
        attempt: 1 for the first execution of the unit in its run.
        metrics: recorded so far, by name.
        warnings: what was wrong with recorded values.
        checkpoint: `save` and `load` what the next attempt needs after a kill.
        programs: that it runs.
    """

    def __init__(
        self,
        *,
        unit_id: str,
        params: Mapping[str, object],
        config: Mapping[str, JsonValue],
        attempt: int,
        find_folder: Callable[[], Path],
        keeps: Keeps | None = None,
    ) -> None:
        self.unit_id = unit_id
        self.params = dict(params)
        repeat = self.params.pop(PARAMETER, None)
        self.is_warmup = isinstance(repeat, Repeat) and repeat.is_warmup
        self.repeat = repeat.number if isinstance(repeat, Repeat) and not repeat.is_warmup else None
        self.config = deepcopy(dict(config))
        self.attempt = attempt
        self.metrics: dict[str, Metric] = {}
        self.warnings: list[str] = []
        self.checkpoint = Checkpoint(keeps.checkpoint_file if keeps else None, self.warnings)
        self._find_folder = find_folder
        self._is_full = False
        self._beacons = keeps.beacons if keeps else None
        self._turns = keeps.turns if keeps else None
        self.programs = Programs(self.artifact, self.metric, self.warnings, self._beacons)

    def metric(self, name: str, value: float, unit: str = "", better: Literal["lower", "higher"] | None = None) -> None:
        """Record a number of this unit; recording a name again replaces its value.

        A value that cannot be kept as it is never fails the unit: NaN and infinities become null, what
        is no number its `repr`, each with a warning in the summary.

        Args:
            name: what it is, without its unit of measure twice: `recall`, `read_mb_per_s`.
            value: a number; NumPy and torch scalars are numbers.
            unit: unit of measure as people write it, `"MB/s"`; `""` for a bare number.
            better: which direction is better; None when neither is.
        """
        if self._beacons is None:
            return
        name = to_name(name)
        self._beacons.beat("metric", name)
        if name not in self.metrics and len(self.metrics) >= MAX_METRICS:
            if not self._is_full:
                self._is_full = True
                self.warnings.append(f"metric {name!r}, and what came after it, is beyond {MAX_METRICS}: left out")
            return
        metric, warnings = to_metric(name, value, unit, better)
        for text in warnings:
            self._warn(text)
        self.metrics[name] = metric

    def stage(self, text: str, total: int | None = None) -> None:
        """Say which part of its work the unit begins; shown while it runs, and proof of progress.

        Args:
            text: one line of up to 200 characters; a longer one is cut. What `note` said before goes with the
                stage before.
            total: how many turns the stage will have, so that a bar can be shown for it; None when nobody knows.
        """
        if self._beacons is not None:
            self._beacons.enter_stage(text, total)

    def note(self, text: str) -> None:
        """Say where the unit is within its stage; shown while it runs, and proof of progress.

        Args:
            text: as for `stage`.
        """
        if self._beacons is not None:
            self._beacons.take_note(text)

    def beat(self) -> None:
        """Prove progress without a word: the unit is not stuck.

        For real progress only: called by a loop that waits or tries again, it would hide that the unit hangs.
        """
        if self._beacons is not None:
            self._beacons.beat()

    def _warn(self, text: str) -> None:
        """Keep a warning: a loop says the same at every step, or something new a million times."""
        if len(self.warnings) < MAX_WARNINGS and text not in self.warnings:
            self.warnings.append(text)
        elif len(self.warnings) == MAX_WARNINGS and text not in self.warnings:
            self.warnings.append(f"there were more than {MAX_WARNINGS} warnings: the first ones are kept")

    def turn(self, session_id: object = None, role: object = None, **fields: object) -> Turn:
        """One step of the unit, for a `with`: a line in `turn_metrics.jsonl`, also when it ends by an exception.

        Each thread and each asyncio task has its own.

        Args:
            session_id: the dialogue that the turn belongs to; kept as text.
            role: who speaks; kept as text.
            fields: of your own, as for `Turn.set`.

        Raises:
            ValueError: a field that every line has already.
        """
        if self._turns is None:
            return NO_TURN
        opener = opener_of(self._turns)
        if opener is None:
            return Turn(self._turns, session_id, role, fields)
        self.turn = opener  # type: ignore[method-assign]  # this method would cost the next one half of its time
        return opener(session_id, role, **fields)

    def wrap(self, call: F, name: str, adapter: str | None = None) -> F:
        """A callable that does what `call` does, and times each call into the turn that is open there.

        Where no turn is open it only calls. A coroutine function stays one.

        Args:
            call: a function, or another callable.
            name: of the timer, as for `Turn.time`.
            adapter: as for `Turn.time`.

        Raises:
            ValueError: as for `Turn.time`.
        """
        return call if self._turns is None else wrap(self._turns, call, name, adapter)

    def event(self, name: str, **fields: object) -> None:
        """Keep something that happened, at once, as a line of its own beside the turns.

        Args:
            name: what happened.
            fields: of your own; what JSON has not becomes text.

        Raises:
            ValueError: a field that every line has already.
        """
        if self._turns is not None:
            keep_event(self._turns, name, fields)

    def artifact(self, name: str) -> Path:
        """The path of a file that this unit keeps with the results; its folder exists.

        Without a run it is a temporary folder of the unit.

        Args:
            name: a relative path with `/`, inside the unit's own folder.

        Raises:
            ValueError: an absolute name, or one that leaves the folder.
        """
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or not _is_file_name(name):
            message = f"artifact name {name!r} must be a relative path inside the unit's own folder, like 'out/run.log'"
            raise ValueError(message)
        path = self._find_folder() / pure
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def command(  # noqa: PLR0913  # what a user may say, by name
        self,
        argv: Sequence[str | PathLike[str]],
        *,
        timeout: float | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: str | PathLike[str] | None = None,
        check: bool = True,
        log: str | None = None,
        metrics: str | None = None,
        missing: Literal["fail", "skip"] = "fail",
        grace: float = 5.0,
        max_memory_bytes: int | None = None,
        max_cpu_s: int | None = None,
    ) -> CommandResult:
        """Run an external program to its end; nothing of it outlives this call, however it ends.

        No shell is between: the words go to the program as they are. Its output, both streams, goes into a file of
        the unit's artifacts as the program writes it, and not into what pytest captures; new output is proof of
        progress. Without `--bench-results` the file is in a temporary folder of the unit.

        Args:
            argv: the program and its arguments, a list.
            timeout: seconds after which the program and all that it has started are ended, and the unit is a
                `timeout`; None for no limit.
            env: variables on top of this process's; None as a value takes one away.
            cwd: the directory to run in; by default the unit's sandbox if it has one, else the current directory.
            check: whether another exit code than 0 is an error.
            log: artifact that takes the output, replaced if it is there; by default `<program>.log`, or
                `<program>.2.log` and so on where that is there already.
            metrics: record `<metrics>_wall_s`, `<metrics>_cpu_s` and `<metrics>_rss_bytes` as metrics of the unit;
                None records none.
            missing: what to do where the program is not installed: `"fail"` or `"skip"` the unit.
            grace: seconds between asking the program to end (SIGTERM) and ending it (SIGKILL).
            max_memory_bytes: address space that each of its processes may have; None for no limit.
            max_cpu_s: whole seconds of CPU time that each of its processes may use; None for no limit.

        Raises:
            CommandProblem: what was asked for cannot be run; nothing was started.
            ProgramMissing: the program is not installed, and `missing` is `"fail"`.
            CommandFailed: it exited with another code than 0, or by a signal, and `check` is true.
            CommandTimedOut: its time was up; also when `check` is false.
        """
        __tracebackhide__ = True
        wish = Wish(
            timeout_s=timeout,
            env=env,
            cwd=cwd,
            is_checked=check,
            log=log,
            metrics=metrics,
            missing=missing,
            grace_s=grace,
            max_memory_bytes=max_memory_bytes,
            max_cpu_s=max_cpu_s,
        )
        return self.programs.run(argv, wish)


def _is_file_name(name: str) -> bool:
    """Whether the system can hold it."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # a lone surrogate
        return False
