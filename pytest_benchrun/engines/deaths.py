"""How workers died: their exit status, their last stacks, and what they have left running; crash loops.

Reads and removes `stacks.<worker>.txt`, which the worker's `faulthandler` writes. In the controller's main thread.
"""

from __future__ import annotations

import platform
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from xdist.workermanage import WorkerController

from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.rules import Stop
from pytest_benchrun.hooks.recorder import Recorder
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.orphans import end_orphans, of_worker

MAX_DEATHS_BEFORE_FIRST_UNIT = 5
MAX_DEATHS_IN_A_ROW = 10
"""With no unit ended between, second deaths of one unit left out: what kills them is no unit, or every one."""

_WAIT_S = 5.0  # its pipe is closed already; the system may still be writing a core file
_STACKS_LENGTH = 8000


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a worker that nobody had asked for.

    Attributes:
        how: the signal or the exit code, in words.
        stacks: of its Python threads, `""` where none were written.
    """

    how: str
    stacks: str


class Deaths:
    """Looks at each worker that died.

    Args:
        recorder: the session's.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._in_a_row = 0
        self._last: dict[str, Death] = {}

    def note_progress(self) -> None:
        """A unit has ended with its worker alive."""
        self._in_a_row = 0

    def of(self, node: WorkerController) -> Death:
        """What is known of it."""
        return self._last.get(node.gateway.id, Death("worker crashed", ""))

    def look(self, node: WorkerController, error: object) -> Death:
        """Find out how a worker died, and end what it has left running.

        Raises:
            pytest.UsageError: none has come as far as the first unit.
        """
        run, worker = self._recorder.run, node.gateway.id
        death = Death(_how(node) or str(error), _take_stacks(run.rundir, worker))
        self._last[worker] = death
        end_orphans(of_worker(run.run_id, worker, _pid_of(node)))
        self._in_a_row += not self._is_blamed(worker)
        if not run.has_begun:
            if self._in_a_row >= MAX_DEATHS_BEFORE_FIRST_UNIT:
                count = self._in_a_row
                problem = f"{count} workers died before the first unit, the last one {worker}: {error} ({death.how})"
                raise pytest.UsageError(f"{problem}\n  -> see why without workers: the same command with -n0")
        elif self._in_a_row >= MAX_DEATHS_IN_A_ROW and self._recorder.campaign.stop is None:
            count = self._in_a_row
            reason = f"{count} workers died in a row with no unit ended between, the last one {death.how}"
            self._recorder.stop(Stop("crash-loop", reason, RunState.PAUSED))
        return death

    def _is_blamed(self, worker: str) -> bool:
        """Whether it ran a unit that has killed a worker before: that unit is the cause."""
        campaign = self._recorder.campaign
        return any(
            running.worker == worker and campaign.counters.losses.get(unit_id)
            for unit_id, running in campaign.running.items()
        )


def _how(node: WorkerController) -> str:
    """Its exit status in words; `""` for a worker that is no child of this process."""
    gateway: Any = node.gateway
    process = getattr(gateway._io, "popen", None)  # noqa: SLF001  # execnet keeps what only it has started
    if process is None:
        return ""
    try:
        code: int = process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        return "it closed its connection and lives on"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    by = ": by somebody, or by the system for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {name}{by}"


def _pid_of(node: WorkerController) -> int | None:
    """Of the worker's process; None where it ran on another host, or died before it had said so."""
    info: dict[str, Any] = getattr(node, "workerinfo", {})
    return info.get("benchrun_pid") if info.get("benchrun_host") == platform.node() else None


def _take_stacks(rundir: RunDir, worker: str) -> str:
    path = rundir.stacks(worker)
    text = ""
    with suppress(OSError):
        text = path.read_text("utf-8", "backslashreplace")
        path.unlink()
    return safe_text(text[-_STACKS_LENGTH:].strip())
