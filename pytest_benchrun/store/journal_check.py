"""Every line of a journal, read to its end whatever is wrong with it; changes nothing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION, Event, event_from_json
from pytest_benchrun.core.sequence import BAD_VALUES, fault_before, is_salvage_note
from pytest_benchrun.store.findings import Finding, command, unreadable
from pytest_benchrun.store.journal import decode_line
from pytest_benchrun.store.rundir import RunDir

SHOWN = 20
"""Findings that are named one by one; a journal can have a million lines."""


class JournalCheck:
    """Reads the journal of a directory.

    Attributes:
        campaign: the state that its events come to; to be believed only when `is_whole`.
        seq: number of the last good line.
        is_whole: whether every line checks, none is missing, and every event could be folded.
        findings: what is wrong, without the torn tail.
        torn: a tail without its newline; None when there is none. In a live run it is a write in progress.
        explained: faults of the story that a salvage had already noted.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._rundir = rundir
        self._cure = command("rebuild", rundir, "--salvage")
        self.campaign = Campaign()
        self.seq = 0
        self.is_whole = True
        self.torn: Finding | None = None
        self.explained = 0
        self._damage: list[Finding] = []
        self._faults: list[Finding] = []
        self._more = 0
        self._bad_lines = 0  # since the last good one: they explain as many missing numbers

    @property
    def findings(self) -> list[Finding]:
        """What is wrong, in the order of the lines."""
        found = [*self._damage, *self._faults]
        if self._more:
            problem = f"{self._more} more lines are wrong"
            found.append(Finding(path=self._rundir.journal, problem=problem, hint=self._cure))
        return found

    def run(self) -> None:
        """Read it; once."""
        parts = self._rundir.journal_parts()
        self._check_numbers(parts)
        for path in parts:
            blocked = unreadable(path, self._cure) or _link(path)
            if blocked is not None:
                self.is_whole = False
                self._damage.append(blocked)
            elif not self._check_part(path, is_last=path is parts[-1]):
                return

    def _check_numbers(self, parts: list[Path]) -> None:
        numbers = {int(match[1]) for path in parts if (match := re.fullmatch(r"journal\.(\d+)\.jsonl", path.name))}
        missing = [number for number in range(1, max(numbers, default=0)) if number not in numbers]
        for number in missing[:SHOWN]:
            path = self._rundir.path / f"journal.{number}.jsonl"
            self._add(path, None, "is missing, though a later part is there", f"put it back, or: {self._cure}")

    def _check_part(self, path: Path, *, is_last: bool) -> bool:
        """Read one file; False when nothing after it can be understood."""
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if not line.endswith(b"\n"):
                        self._end_in_a_line(path, number, is_last=is_last)
                    elif not self._check_line(path, number, line):
                        return False
        except OSError as error:
            self._add(path, None, f"cannot be read: {error.strerror}", "mend the disk, then verify again")
        return True

    def _end_in_a_line(self, path: Path, number: int, *, is_last: bool) -> None:
        problem = "the file ends in the middle of a line"
        if is_last:
            hint = f"{command('rebuild', self._rundir)}   (cuts it off and keeps the bytes beside it)"
            self.torn = Finding(path=path, line=number, problem=problem, hint=hint)
        else:
            self._bad_lines += 1
            self._add(path, number, problem, self._cure)

    def _check_line(self, path: Path, number: int, line: bytes) -> bool:
        try:
            record = decode_line(line)
            version = record["schema_version"]
            if version > SCHEMA_VERSION:
                problem = f"it has schema_version {version}; this version reads up to {SCHEMA_VERSION}"
                self._add(path, number, problem, "pip install --upgrade pytest-benchrun")
                return False
            event = event_from_json(record)
            missing = record["seq"] - self.seq - 1
        except BAD_VALUES as error:
            self._bad_lines += 1
            self._add(path, number, str(error), self._cure)
            return True
        if missing < 0:
            self._add(path, number, f"its seq {record['seq']} was there before", self._cure)
            return True
        if missing:
            self.is_whole = False
        if missing > self._bad_lines:
            self._add(path, number, f"{missing - self._bad_lines} lines before it are missing", self._cure)
        self.seq, self._bad_lines = record["seq"], 0
        if self.is_whole:
            self._fold(path, number, event)
        return True

    def _fold(self, path: Path, number: int, event: Event) -> None:
        try:
            if is_salvage_note(event):
                self.explained += len(self._faults)
                self._faults.clear()
            fault = fault_before(self.campaign, event)
            self.campaign.apply(event)
        except BAD_VALUES as error:
            self._add(path, number, f"event {event.name!r} does not fit what was before it: {error}", self._cure)
            return
        if fault is not None:
            self._keep(self._faults, Finding(path=path, line=number, problem=fault, hint=self._cure))

    def _add(self, path: Path, line: int | None, problem: str, hint: str) -> None:
        """Something that makes the state unbelievable."""
        self.is_whole = False
        self._keep(self._damage, Finding(path=path, line=line, problem=problem, hint=hint))

    def _keep(self, findings: list[Finding], finding: Finding) -> None:
        if len(findings) < SHOWN:
            findings.append(finding)
        else:
            self._more += 1


def _link(path: Path) -> Finding | None:
    if not path.is_symlink():
        return None
    hint = shlex.join(["mv", str(path.resolve()), str(path)])
    return Finding(path=path, problem="is a link, and a session writes through none", hint=hint)


def check_journal(rundir: RunDir) -> JournalCheck:
    """Read a journal; again when a live run has put a part away meanwhile."""
    while True:
        parts = rundir.journal_parts()
        check = JournalCheck(rundir)
        check.run()
        if rundir.journal_parts() == parts:  # they change every 64 MB: hardly ever twice in a row
            return check
