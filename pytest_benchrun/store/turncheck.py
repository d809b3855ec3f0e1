"""Every turn line of a run at rest, checked and, when asked, mended; reads line by line."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.turns import is_turn_line
from pytest_benchrun.store.findings import Finding, aside, command, unreadable
from pytest_benchrun.store.journal_check import SHOWN
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnjoin import turn_sources
from pytest_benchrun.store.turnread import UNREADABLE, Line, lines_of
from pytest_benchrun.store.turnrows import decode

_BLOCK_BITS = 15
_GZIP = 31


class TurnJudge:
    """Says what is wrong with one line after the other; one bit of memory a turn.

    Args:
        campaign: what the journal comes to.
        was_salvaged: whether the journal has lost lines: then it may not know a unit, an attempt, or its own name.
    """

    def __init__(self, campaign: Campaign, *, was_salvaged: bool = False) -> None:
        self._campaign = campaign
        self._was_salvaged = was_salvaged
        self._seen: dict[tuple[str, int, int], bytearray] = {}

    def fault(self, data: bytes) -> str | None:
        """What is wrong with a line, by itself or after those before it; None when nothing is."""
        record, fault = decode(data)
        if record is None:
            return fault
        fault = "" if self._was_salvaged else self._foreign(record)
        if fault:
            return fault
        if is_turn_line(record) and not self._is_first(record):
            index, attempt = record["turn_index"], record["attempt"]
            return f"turn {index} of attempt {attempt} of unit {record['unit_id'][:200]!r} was there before"
        return None

    def _foreign(self, record: dict[str, Any]) -> str:
        """Why the journal explains no such line; empty when it does."""
        if record["run_id"] != self._campaign.run_id:
            return f"it is of run {record['run_id'][:60]!r}"
        unit = self._campaign.records.get(record["unit_id"])
        if unit is None:
            return f"the run has no unit {record['unit_id'][:200]!r}"
        if record["attempt"] > unit.attempts:
            return (
                f"it is of attempt {record['attempt']} of unit {record['unit_id'][:200]!r}, which has {unit.attempts}"
            )
        return ""

    def _is_first(self, record: dict[str, Any]) -> bool:
        block, bit = divmod(record["turn_index"], 1 << _BLOCK_BITS)
        bits = self._seen.setdefault((record["unit_id"], record["attempt"], block), bytearray())
        byte, mask = bit >> 3, 1 << (bit & 7)
        if byte >= len(bits):
            bits.extend(bytes(byte + 1 - len(bits)))
        is_first = not bits[byte] & mask
        bits[byte] |= mask
        return is_first


def check_turns(rundir: RunDir, campaign: Campaign) -> list[Finding]:
    """What is wrong with the turn files of a run that nobody owns."""
    check = TurnCheck(rundir, campaign)
    check.run()
    return check.findings


class TurnCheck:
    """Looks at each file; once."""

    def __init__(self, rundir: RunDir, campaign: Campaign) -> None:
        self._rundir = rundir
        self._judge = _judge(rundir, campaign)
        self._salvage = command("rebuild", rundir, "--salvage")
        self._more = 0
        self.findings: list[Finding] = []

    def run(self) -> None:
        """Look."""
        rundir = self._rundir
        blocked = [found for path in _files(rundir) if (found := unreadable(path, "verify again")) is not None]
        if blocked:
            self.findings += blocked
            return
        try:
            sources = turn_sources(rundir)
        except UNREADABLE as error:
            note = rundir.turns_joining
            problem = f"does not say how far the workers' turns were joined: {error}"
            self.findings.append(Finding(path=note, problem=problem, hint=aside(note)))
            return
        for path, size in sources:
            self._check_file(path, size)
        if self._more:
            problem = f"{self._more} more lines of turns are wrong"
            self.findings.append(Finding(path=rundir.turns, problem=problem, hint=self._salvage))

    def _check_file(self, path: Path, size: int) -> None:
        try:
            for line in lines_of(path, size):
                fault = self._judge.fault(line.data)
                if fault is not None:
                    self._add(path, line.number, fault)
        except UNREADABLE as error:
            hint = f"{self._salvage}   (keeps what can be read, and the file as it was beside it)"
            self.findings.append(Finding(path=path, problem=f"cannot be read to its end: {error}", hint=hint))
        if path.suffix != ".gz" and not _ends_with_a_line(path):
            hint = f"{command('rebuild', self._rundir)}   (cuts it off and keeps the bytes beside it)"
            self.findings.append(Finding(path=path, problem="the file ends in the middle of a line", hint=hint))

    def _add(self, path: Path, number: int, fault: str) -> None:
        if len(self.findings) >= SHOWN:
            self._more += 1
            return
        hint = f"{self._salvage}   (leaves the line out, and keeps the file as it was beside it)"
        self.findings.append(Finding(path=path, line=number, problem=fault, hint=hint))


def _judge(rundir: RunDir, campaign: Campaign) -> TurnJudge:
    return TurnJudge(campaign, was_salvaged=any(rundir.path.glob("journal*.broken-*")))


def _files(rundir: RunDir) -> list[Path]:
    paths = [*(path for _, path in rundir.full_turns()), rundir.turns_joining, rundir.turns, *rundir.turn_parts()]
    return [path for path in paths if path.exists()]


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read(1) in {b"", b"\n"}


def salvage_turns(rundir: RunDir, campaign: Campaign, at: str) -> list[str]:
    """Leave lines out that are wrong; the files as they were are kept as `<file>.broken-<time>`.

    Call only while holding the lock, after the workers' files were joined.

    Returns:
        What was done, one sentence a file.
    """
    judge, told = _judge(rundir, campaign), []
    for path, size in turn_sources(rundir):
        bad, is_whole = _bad_lines(judge, path, size)
        if is_whole and not bad:
            continue
        kept = path.with_name(f"{path.name}.broken-{at.replace(':', '')}")
        rundir.disk.write_atomically(kept, _blocks(path))
        good = (line.data for line in _readable(path, size) if line.number not in bad)
        rundir.disk.write_atomically(path, _pack(good) if path.suffix == ".gz" else good)
        cut = "" if is_whole else " and what could not be read"
        told.append(f"{len(bad)} lines{cut} of {path.name} are left out; the file as it was is {kept.name}")
    return told


def _bad_lines(judge: TurnJudge, path: Path, size: int) -> tuple[set[int], bool]:
    """Numbers of the lines that are wrong, and whether the file could be read to its end."""
    bad: set[int] = set()
    try:
        for line in lines_of(path, size):
            if judge.fault(line.data) is not None:
                bad.add(line.number)
    except UNREADABLE:
        return bad, False
    return bad, True


def _readable(path: Path, size: int) -> Iterator[Line]:
    with suppress(*UNREADABLE):
        yield from lines_of(path, size)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _pack(lines: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    for line in lines:
        yield packer.compress(line)
    yield packer.flush()
