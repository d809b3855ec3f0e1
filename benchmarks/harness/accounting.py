"""Checks the CPU accounting: what we measure of a run against what its processes say of themselves.

Units burn a known amount of CPU in the workers, and each process of the run writes down its own
usage as the last thing it does. If the workers' share were missing, the two sums would differ by
most of the whole. What remains is the end of each interpreter after its own reading.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.harness.arena import Arena
from benchmarks.harness.contenders import Contender
from benchmarks.harness.suites import LEDGER

UNITS = 200
TOLERANCE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One run, counted twice.

    Attributes:
        contender: name.
        measured_s: CPU seconds as the harness counts them.
        confessed_s: sum of what the processes say of themselves.
        workers_s: the part of it that is not the first process's.
        processes: how many have said something.
        strays: how many outlived their parents.
    """

    contender: str
    measured_s: float
    confessed_s: float
    workers_s: float
    processes: int
    strays: int

    @property
    def adds_up(self) -> bool:
        """Whether the two sums agree."""
        return abs(self.measured_s / self.confessed_s - 1) <= TOLERANCE


def check_accounting(arena: Arena, contender: Contender) -> Balance:
    """Run a contender on units that burn CPU, and count twice.

    Raises:
        RunError: the run failed.
    """
    ledger = Path(arena.environment["TMPDIR"]) / LEDGER
    ledger.mkdir()
    try:
        cost = arena.run(replace(contender, suite="burn"), UNITS)
        entries = [json.loads(entry.read_text()) for entry in ledger.iterdir()]
    finally:
        for entry in ledger.iterdir():
            entry.unlink()
        ledger.rmdir()
    return Balance(
        contender=contender.name,
        measured_s=cost.cpu_s,
        confessed_s=sum(entry["cpu_s"] for entry in entries),
        workers_s=sum(entry["cpu_s"] for entry in entries if entry["is_worker"]),
        processes=len(entries),
        strays=cost.strays,
    )
