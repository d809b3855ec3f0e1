"""The owner's desk for incidents: finds what was written down, keeps `run_error.json`, tells hooks and the URL.

Works in a thread of its own: neither a hook nor a slow network delays the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from pytest_benchrun.core.incident import IncidentView, is_of, outcome_of
from pytest_benchrun.core.model import Ending, Outcome, UnitStatus
from pytest_benchrun.store.incidents import incident_names, prune, read_incident, write_run_error
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.notify import notifier_of

LOOK_S = 0.5
CLOSE_S = 6.0
"""A little more than the URL gets."""


class IncidentDesk:
    """Takes the incidents of one session.

    Args:
        config: pytest's, for its hooks.
        url: told of each; None for none.

    Attributes:
        problems: what hooks or the URL did not take; the first of each is enough.
    """

    def __init__(self, config: pytest.Config, url: str | None) -> None:
        self._config = config
        self._notify = notifier_of(url) if url is not None else None
        self._rundir: RunDir | None = None
        self._known: set[str] = set()
        self._by_worker: dict[str, IncidentView] = {}
        self._guard = threading.Lock()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="benchrun-incidents", daemon=True)
        self._waiting: list[IncidentView] = []
        self.problems: dict[str, str] = {}

    def open(self, rundir: RunDir) -> None:
        """From here on incidents are taken; those of earlier sessions are known."""
        self._rundir = rundir
        self._known = set(incident_names(rundir))
        self._thread.start()

    def close(self) -> None:
        """Take what has come last."""
        if self._thread.is_alive():
            self._is_closing.set()
            self._thread.join(CLOSE_S)

    def of_worker(self, worker: str) -> IncidentView | None:
        """The incident for which the worker was ended; None when it died of something else."""
        self._take()
        return self._by_worker.get(worker)

    def _take(self) -> None:
        rundir = self._rundir
        if rundir is None:
            return
        with self._guard:
            for name in incident_names(rundir):
                incident = None if name in self._known else read_incident(rundir, name)
                if incident is None:
                    continue
                self._known.add(name)
                if incident["ended"] == "worker":
                    self._by_worker[incident["worker"]] = incident
                self._waiting.append(incident)
                with suppress(OSError):
                    write_run_error(rundir, incident)

    def _work(self) -> None:
        while True:
            is_last = self._is_closing.wait(LOOK_S)
            self._take()
            while self._waiting:
                self._tell(self._waiting.pop(0))
            if is_last:
                break
        if self._rundir is not None:
            prune(self._rundir)

    def _tell(self, incident: IncidentView) -> None:
        text = alert_text(incident)
        hook, notify = self._config.hook, self._notify
        self._try("pytest_benchrun_incident", lambda: hook.pytest_benchrun_incident(incident=incident))
        self._try("pytest_benchrun_alert", lambda: hook.pytest_benchrun_alert(text=text, incident=incident))
        if notify is not None:
            self._try("--bench-notify", lambda: notify(text, incident))

    def _try(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  # a hook may raise anything; the run goes on
            self.problems.setdefault(what, f"{what}: {type(error).__name__}: {error}")


def alert_text(incident: IncidentView) -> str:
    """One line for people."""
    what = f"{incident['unit_id']}: {incident['message']}"
    became = {"unit": "it was ended", "worker": "its process was ended"}.get(incident["ended"] or "", "it goes on")
    return f"benchrun {incident['run_id']}: {what} ({became})"


MAX_LOSSES = 2
"""A unit that killed its worker so often in one session is not tried again."""


def outcome_of_loss(worker: str, error: str, stacks: str, losses: int) -> Outcome:
    """What became of the attempt in flight in a worker that died: failed after too many of them, else interrupted."""
    message = f"worker {worker} died while running it ({error})"
    is_last = losses >= MAX_LOSSES
    if is_last:
        message += f"; it has killed {losses} workers and is not tried again"
    status = UnitStatus.FAILED if is_last else UnitStatus.INTERRUPTED
    return Outcome(status=status, kind="crash", message=message, detail=f"{message}\n\n{stacks}" if stacks else None)


def fate_of(incident: IncidentView, unit_id: str, attempt: int) -> tuple[Outcome, Ending]:
    """What became of the attempt in flight in a worker that was ended: the culprit, or one that had only come next."""
    if is_of(incident, unit_id, attempt):
        return outcome_of(incident), Ending.STUCK
    message = f"its worker was ended before it could begin: {incident['message']} (after {incident['unit_id']})"
    return Outcome(status=UnitStatus.INTERRUPTED, kind="interrupt", message=message), Ending.KILLED
