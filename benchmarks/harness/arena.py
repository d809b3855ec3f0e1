"""Runs one contender on one suite; owns the temporary folder with suites, results and outputs."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.contenders import KEPT, OUT, Contender
from benchmarks.harness.machine import Installed
from benchmarks.harness.process import Cost, RunError, measure
from benchmarks.harness.suites import write_suite

START_LIMIT_S = 120.0
UNIT_LIMIT_S = 0.02  # thirty times what plain pytest takes for a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Where runs take place, and what is the same for all of them.

    Attributes:
        folder: temporary folder, all of it ours.
        environment: variables of every run.
        installed: which plugins there are to switch off.
        limit_s: seconds a run may take; None means by its size.
    """

    folder: Path
    environment: Mapping[str, str]
    installed: Installed
    limit_s: float | None = None

    def prepare(self, contender: Contender, units: int) -> None:
        """Compile a contender's suite, and do its unmeasured first run if it has one.

        Raises:
            RunError: a run failed, took too long, or did not do what it should.
        """
        self._run(contender, units, ("--collect-only", "-q"), "{units}")
        if contender.prepare:
            self._run(contender, units, contender.prepare, "{units} passed")

    def run(self, contender: Contender, units: int) -> Cost:
        """Run a contender once.

        Raises:
            RunError: as in `prepare`.
        """
        return self._run(contender, units, contender.arguments, contender.expects)

    def _run(self, contender: Contender, units: int, arguments: Sequence[str], expects: str) -> Cost:
        fresh = self.folder / "run"
        fresh.mkdir()
        kept = self.folder / f"kept-{contender.name}-{units}"
        command = [
            *self._start(contender),
            *(text.replace(OUT, str(fresh / "out")).replace(KEPT, str(kept)) for text in arguments),
        ]
        output = fresh / "output.txt"
        try:
            cost = measure(
                command,
                folder=write_suite(self.folder / "suites", contender.suite, units),
                output=output,
                environment=self.environment,
                limit_s=self.limit_s or START_LIMIT_S + UNIT_LIMIT_S * units,
            )
            wanted = expects.format(units=units)
            if wanted not in output.read_text(errors="replace"):
                raise RunError(f"its output does not say {wanted!r}", command, output)
            if any(OUT in text for text in arguments) and not (fresh / "out").exists():
                raise RunError("it left no results", command, output)
        finally:
            shutil.rmtree(fresh)
        return cost

    def _start(self, contender: Contender) -> list[str]:
        """First words of the command: every plugin off whose distribution the contender does not need.

        xdist hands the same words to its workers, so they are alone there too.
        """
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        for plugin, distribution in sorted(self.installed.plugins.items()):
            if distribution not in contender.needs:
                words += ["-p", f"no:{plugin}"]
        return words
