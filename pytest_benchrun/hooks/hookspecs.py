"""Hooks for users.

They exist only in sessions with `--bench-results`: a conftest says `@pytest.hookimpl(optionalhook=True)`. An
implementation takes only the arguments that it needs. What is called where stands with each: the owner is the process
that owns the run (the controller of workers), and a unit's process is the owner or a worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchrun.core.incident import IncidentView
from pytest_benchrun.core.model import Outcome, Unit

if TYPE_CHECKING:  # the types of arguments; what makes them is imported where units run
    from pytest_benchrun.hooks.bench import BenchRun
    from pytest_benchrun.hooks.sandbox import Sandbox


@pytest.hookspec
def pytest_benchrun_config(config: pytest.Config, document: dict[str, Any]) -> None:
    """Change or complete what the campaign file says, in place, before it is checked and anything is decided by it.

    Called in the owner, once, also with `--bench-plan`, and in sessions without a run that have a campaign file;
    workers get the result. What it raises ends the session before it begins.

    Args:
        config: pytest's.
        document: the tables of the file as in `[campaign]`, `[matrix]`, `[parameters]`; empty without a file.

    Example::

        @pytest.hookimpl(optionalhook=True)
        def pytest_benchrun_config(document):
            document.setdefault("parameters", {})["endpoint"] = os.environ["ENDPOINT"]
    """


@pytest.hookspec
def pytest_benchrun_environment(config: pytest.Config) -> dict[str, Any] | None:
    """More facts of this host, which become `extra` in `environment.json`; what changes between two looks is drift.

    Called in the owner when the session begins and when it ends; not with `--bench-environment=off`.
    """


@pytest.hookspec
def pytest_benchrun_run_start(run_id: str, results_dir: Path, session: int, is_resume: bool, units: int) -> None:  # noqa: FBT001  # by name
    """The session is recorded; called in the owner before its first unit starts.

    Args:
        run_id: the run.
        results_dir: the results directory.
        session: its number in the run, from 1.
        is_resume: whether it goes on with a run.
        units: how many it has planned to run.
    """


@pytest.hookspec
def pytest_benchrun_unit_end(unit: Unit, outcome: Outcome, attempt: int, elapsed_s: float | None, worker: str) -> None:
    """An attempt has ended, and its end is in the journal; called in the owner before the next unit starts there.

    Args:
        unit: id, function, group, phase, parameters.
        outcome: status, message, metrics, warnings.
        attempt: its number, from 1.
        elapsed_s: seconds of setup, call and teardown; None where nobody measured.
        worker: who ran it.
    """


@pytest.hookspec
def pytest_benchrun_run_end(run_id: str, results_dir: Path, state: str, reason: str | None, exit_code: int) -> None:
    """The session has ended and all its files are written; called in the owner, while it still holds the directory."""


@pytest.hookspec
def pytest_benchrun_validate(item: pytest.Item, unit: Unit, attempt: int) -> None:
    """A unit is about to be set up; called in its process. An error of it is the unit's, `pytest.skip` skips the unit.

    Example::

        @pytest.hookimpl(optionalhook=True)
        def pytest_benchrun_validate(unit):
            if unit.params["size"] > free_bytes():
                pytest.skip("no room")
    """


@pytest.hookspec
def pytest_benchrun_sandbox_ready(item: pytest.Item, benchrun: BenchRun, sandbox: Sandbox) -> None:
    """The sandbox of a unit has its boilerplate; called in its process before its function. An error is the unit's."""


@pytest.hookspec
def pytest_benchrun_collect(item: pytest.Item, benchrun: BenchRun, sandbox: Sandbox) -> None:
    """A unit with a sandbox has run, whatever its end, and its programs have ended; called in its process.

    The time to save what is in the sandbox: `benchrun.metric` and `benchrun.artifact` still work. What it raises is a
    warning of the unit.
    """


@pytest.hookspec
def pytest_benchrun_cleanup(item: pytest.Item, benchrun: BenchRun, sandbox: Sandbox) -> None:
    """The sandbox is about to be removed; called in the unit's process after `pytest_benchrun_collect`, always.

    The time to undo what is outside of the sandbox. What it raises is a warning of the unit, and the sandbox goes.
    """


@pytest.hookspec
def pytest_benchrun_incident(incident: IncidentView) -> None:
    """A unit is stuck or ran out of time: what `run_error.json` says of it.

    Called in the owner, in a thread beside the run. What it raises is told once at the end, and changes nothing.

    Example::

        @pytest.hookimpl(optionalhook=True)
        def pytest_benchrun_incident(incident):
            print(incident["unit_id"], incident["where"])
    """


@pytest.hookspec
def pytest_benchrun_alert(text: str, incident: IncidentView) -> None:
    """Somebody should look: one line for people, and what it is about. Called as `pytest_benchrun_incident`."""
