"""The results directory: every file name once."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_benchrun.core.slug import slug
from pytest_benchrun.store import names
from pytest_benchrun.store.files import Disk


class RunDir:
    """The results directory of one run.

    Args:
        path: the directory; made absolute, links in it kept.
        disk: how it is written.
    """

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path.absolute()
        self._checkpoints = str(self.checkpoints)
        self.disk = disk or Disk()

    @property
    def journal(self) -> Path:
        """The only truth; rotated parts are `journal.N.jsonl`."""
        return self.path / "journal.jsonl"

    @property
    def salvaged(self) -> Path:
        """A mended journal on its way to its place."""
        return self.path / "journal.salvaged"

    @property
    def status(self) -> Path:
        """Where the run is now."""
        return self.path / names.STATUS

    @property
    def run_state(self) -> Path:
        """Phases, checkpoint, stop flag, configuration, sessions."""
        return self.path / names.RUN_STATE

    @property
    def runstats(self) -> Path:
        """Percentiles and totals, at session finish."""
        return self.path / "runstats.json"

    @property
    def results(self) -> Path:
        """The run as SQL tables, at session finish."""
        return self.path / "results.sqlite"

    @property
    def environment(self) -> Path:
        """What the hosts were like at start and end, and what changed."""
        return self.path / "environment.json"

    def timeseries(self, host: str) -> Path:
        """What a host did over time, one line a sample."""
        return self.path / "timeseries" / f"{_plain_name(host)}.jsonl"

    def all_timeseries(self) -> list[Path]:
        """Those of all hosts, by name."""
        return sorted((self.path / "timeseries").glob("*.jsonl"))

    @property
    def run_error(self) -> Path:
        """The latest incident."""
        return self.path / "run_error.json"

    @property
    def incidents(self) -> Path:
        """The folder for all of them."""
        return self.path / "incidents"

    @property
    def lock(self) -> Path:
        """Lock and owner; empty while nobody owns the run."""
        return self.path / names.LOCK

    @property
    def stop(self) -> Path:
        """Made by the user: stop softly."""
        return self.path / "STOP"

    @property
    def stop_names(self) -> tuple[Path, Path]:
        """Both spellings of the stop file."""
        return self.stop, self.path / "STOP_REQUESTED"

    @property
    def history(self) -> Path:
        """Earlier runs, moved here whole, never deleted."""
        return self.path / "history"

    @property
    def moving(self) -> Path:
        """Names the run that is being moved to the history, so that a kill in the middle can be finished."""
        return self.path / ".benchrun.moving"

    def journal_parts(self) -> list[Path]:
        """The journal's files in order: rotated parts by number, then the current one; those that exist."""
        parts = [(int(match[1]), path) for path in self.path.glob("journal.*.jsonl") if (match := _part(path))]
        ordered = [path for _, path in sorted(parts)]
        return [*ordered, self.journal] if self.journal.exists() else ordered

    def next_part(self) -> Path:
        """The name under which the current journal is put away when it is full."""
        numbers = [int(match[1]) for path in self.path.glob("journal.*.jsonl") if (match := _part(path))]
        return self.path / f"journal.{max(numbers, default=0) + 1}.jsonl"

    def has_run(self) -> bool:
        """Whether a run of ours is in the directory."""
        return bool(self.journal_parts()) or self.salvaged.exists()

    def artifacts(self, unit_id: str) -> Path:
        """The folder for the files that a unit keeps."""
        return self.path / "artifacts" / slug(unit_id)

    def stacks(self, worker: str) -> Path:
        """Where a worker's last stacks go; not there, or empty, while it lives."""
        return self.path / f"stacks.{_plain_name(worker)}.txt"

    @property
    def sandboxes(self) -> Path:
        """Working directories of units in flight."""
        return self.path / "sandboxes"

    @property
    def boilerplates(self) -> Path:
        """The commits that sandboxes of this run begin with."""
        return self.path / "boilerplates"

    @property
    def checkpoints(self) -> Path:
        """The folder for what units of hours keep for their next attempt."""
        return self.path / "checkpoints"

    def has_checkpoints(self) -> bool:
        """Whether that folder is there; asked at every end of a unit, where a `Path` costs ten times as much."""
        return os.access(self._checkpoints, os.F_OK)

    def checkpoint(self, unit_id: str) -> Path:
        """The file of one unit in it."""
        return self.checkpoints / f"{slug(unit_id)}.json"

    @property
    def turns(self) -> Path:
        """One line a turn; full parts are `turn_metrics.N.jsonl.gz`."""
        return self.path / "turn_metrics.jsonl"

    @property
    def turns_joining(self) -> Path:
        """Says which worker's part is being joined and how long the file was before, so that a kill can be mended."""
        return self.path / ".benchrun.joining"

    def turn_part(self, worker: str) -> Path:
        """The file of one worker, until it is joined."""
        return self.path / f"turn_metrics.{_plain_name(worker)}.jsonl"

    def turn_parts(self) -> list[Path]:
        """The files of workers that are not joined yet, by name."""
        return sorted(path for path in self.path.glob("turn_metrics.*.jsonl") if not _full_turns(path))

    def full_turns(self) -> list[tuple[int, Path]]:
        """Full parts with their numbers, in order; `.jsonl` ones are not compressed yet."""
        found = [*self.path.glob("turn_metrics.*.jsonl"), *self.path.glob("turn_metrics.*.jsonl.gz")]
        return sorted((int(match[1]), path) for path in found if (match := _full_turns(path)))

    def waiting_turns(self, path: Path) -> Path:
        """Lines on their way to a turn file; there while their writer lives, and after its death."""
        return path.with_name(f".{path.name}.waiting")

    def turns_with_waiting(self) -> list[Path]:
        """The turn files that lines are on their way to; they need not be there themselves."""
        return sorted(path.with_name(path.name[1:-8]) for path in self.path.glob(".turn_metrics*.jsonl.waiting"))

    def ours(self) -> list[Path]:
        """What belongs to the run in the directory, the journal last.

        The lock, the history and files that somebody else put there stay where they are.
        """
        names = (
            "status.json",
            "run_state.json",
            "runstats.json",
            "results.sqlite",
            "environment.json",
            "run_error.json",
            "incidents",
            "timeseries",
            "artifacts",
            "boilerplates",
            "checkpoints",
        )
        found = [self.path / name for name in names if (self.path / name).exists()]
        found += [path for name in ("benchmark*.log", "output*.log") for path in sorted(self.path.glob(name))]
        found += sorted(self.path.glob("STOP.*-*")) + sorted(self.path.glob("journal*.jsonl.*-*"))
        found += [path for path in (self.turns_joining, self.turns) if path.exists()]
        found += sorted(self.path.glob(".turn_metrics*.jsonl.waiting"))
        found += sorted(self.path.glob("turn_metrics.*.jsonl*")) + sorted(self.path.glob("turn_metrics.jsonl.torn-*"))
        return found + self.journal_parts()


def _plain_name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,80}", name) else f"w-{slug(name)}"


def _part(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"journal\.(\d+)\.jsonl", path.name)


def _full_turns(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"turn_metrics\.(\d+)\.jsonl(\.gz)?", path.name)
