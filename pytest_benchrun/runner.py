"""`BenchmarkRunner`: runs, watches, stops and resumes a campaign from Python, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.sequence import LIVE_STATES
from pytest_benchrun.results import RunResults, load_run
from pytest_benchrun.store.lock import read_owner
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.process import is_alive

EXIT_USAGE = 4


class RunnerProblem(UsageProblem):
    """What a command has refused, in its own words."""


class BenchmarkRunner:
    """A campaign in its results directory.

    pytest never runs in the caller's interpreter: each method is the `benchrun` command of its name, and a run goes on
    when the caller ends.

    Args:
        directory: the results directory; a relative one is below `folder`.
        arguments: for pytest, as typed; without `--bench-results`.
        folder: where pytest runs; None for the current one.
    """

    def __init__(
        self, directory: str | Path, arguments: Sequence[str | Path] = (), *, folder: str | Path | None = None
    ) -> None:
        self._folder = Path(folder or ".").absolute()
        self.directory = self._folder / directory
        self.arguments = [str(word) for word in arguments]

    def __repr__(self) -> str:
        return f"BenchmarkRunner({str(self.directory)!r}, {self.arguments!r})"

    def start(self) -> None:
        """Start the run in a process of its own, and return once it is up.

        Raises:
            RunnerProblem: pytest or the directory has refused it; says why.
        """
        self._benchrun("start", "--", *self.arguments)

    def run(self) -> RunResults:
        """Start the run and wait for its end; a Ctrl-C ends the waiting and not the run.

        Raises:
            RunnerProblem: as of `start`.
        """
        self.start()
        for _ in self.watch():
            pass
        return self.results()

    def watch(self, interval_s: float = 1.0) -> Iterator[dict[str, Any]]:
        """The status, again and again until the run has ended; the last one is of its end.

        Args:
            interval_s: seconds between two looks.

        Raises:
            RunnerProblem: there is no run.
        """
        while True:
            is_over = self._is_over()
            view = self.status()
            yield view
            # Of an owner on another host only its heartbeat can be seen.
            if is_over or (is_over is None and view["state"] not in {*LIVE_STATES, "stalled"}):
                return
            time.sleep(interval_s)

    def status(self) -> dict[str, Any]:
        """`status.json`, with the state that may be believed: `dead` and `stalled` too.

        Raises:
            RunnerProblem: there is no run.
        """
        view: dict[str, Any] = json.loads(self._benchrun("status", "--json"))
        return view

    def stop(self, *, now: bool = False, reason: str | None = None) -> None:
        """Ask the run to stop.

        Args:
            now: whether units in flight are interrupted instead of finished.
            reason: shown with every unit that is skipped for it.

        Raises:
            RunnerProblem: no run is going on.
        """
        self._benchrun("stop", *(["--now"] if now else []), *([f"--reason={reason}"] if reason else []))

    def resume(self, *arguments: str) -> RunResults:
        """Go on with the run by its recorded command and wait for its end, as `run` does.

        Args:
            arguments: for pytest, after the recorded ones.

        Raises:
            RunnerProblem: there is nothing to go on with, or pytest has refused it.
        """
        with tempfile.TemporaryFile() as output:
            command = self._command("resume", *(["--", *arguments] if arguments else []))
            # In a session of its own: a Ctrl-C here must not reach it.
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if process.wait() == EXIT_USAGE:
                output.seek(0)
                raise _problem(output.read().decode("utf-8", "replace"))
        return self.results()

    def results(self) -> RunResults:
        """The run as it is now.

        Raises:
            DirectoryProblem: there is no run, or it cannot be read.
        """
        return load_run(self.directory)

    def _is_over(self) -> bool | None:
        """Whether no process has the run; None when its owner cannot be asked from here."""
        owner = read_owner(RunDir(self.directory).lock)
        if owner is None:
            return True
        lives = is_alive(owner)
        return None if lives is None else not lives

    def _command(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "pytest_benchrun", verb, str(self.directory), *words]

    def _benchrun(self, verb: str, *words: str) -> str:
        done = subprocess.run(
            self._command(verb, *words),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise _problem(done.stdout + done.stderr)
        return done.stdout


def _problem(output: str) -> RunnerProblem:
    """What was said, as an error: the sentence, and what to type after its arrow."""
    problem, arrow, hint = output.strip().removeprefix("benchrun: ").rpartition("-> ")
    if not arrow:
        return RunnerProblem(hint, hint="mend what pytest says above, and start again")
    return RunnerProblem(problem.strip(), hint=hint.strip())
