"""Calls the hooks of users in the process that owns the run: what they raise is noted once, and changes nothing.

They are called in the main thread, between units, so that none of them runs beside a unit that is measured in this
process. Those around one unit are called where it runs: `hooks.unit` and `hooks.sandbox`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from pytest_benchrun.core.events import UnitEnded
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_json, to_name
from pytest_benchrun.core.model import JsonValue, RunState, Unit
from pytest_benchrun.core.start import Start
from pytest_benchrun.run import OpenRun

_LENGTH = 500


class UserHooks:
    """The hooks of one session.

    Args:
        config: pytest's.
        note: keeps a sentence in the journal while that is open.

    Attributes:
        problems: what they have raised, by the name of the hook; the first of each is enough.
    """

    def __init__(self, config: pytest.Config, note: Callable[[str], None]) -> None:
        self._config = config
        self._note = note
        self._pid = os.getpid()
        self.problems: dict[str, str] = {}

    def run_started(self, run: OpenRun, units: int) -> None:
        """The session is recorded, and no unit has started yet."""
        campaign = run.campaign
        self._tell(
            "pytest_benchrun_run_start",
            run_id=run.run_id,
            results_dir=run.rundir.path,
            session=campaign.session.session if campaign.session else 1,
            is_resume=run.start is Start.RESUME,
            units=units,
        )

    def unit_ended(self, unit: Unit, event: UnitEnded) -> None:
        """The end is recorded."""
        self._tell(
            "pytest_benchrun_unit_end",
            unit=unit,
            outcome=event.outcome,
            attempt=event.attempt,
            elapsed_s=event.elapsed_s,
            worker=event.worker,
        )

    def run_ended(self, run: OpenRun, state: RunState, reason: str | None, exit_code: int) -> None:
        """All files are written."""
        self._note = lambda _: None  # the journal is closed
        self._tell(
            "pytest_benchrun_run_end",
            run_id=run.run_id,
            results_dir=run.rundir.path,
            state=state.value,
            reason=reason,
            exit_code=exit_code,
        )

    def environment(self) -> dict[str, JsonValue]:
        """What they know of this host beside what everybody can see; of two that say the same name, the first."""
        found: dict[str, JsonValue] = {}
        for said in self._tell("pytest_benchrun_environment", config=self._config):
            if isinstance(said, dict):
                found |= {to_name(name): to_json(value) for name, value in said.items() if to_name(name) not in found}
            elif said is not None:
                self._keep("pytest_benchrun_environment", f"{safe_repr(said, 60)} is no dict of facts")
        return found

    def _tell(self, name: str, **what: object) -> list[object]:
        hook = getattr(self._config.hook, name)
        if not hook.get_hookimpls() or os.getpid() != self._pid:
            return []
        try:
            answers: list[object] = hook(**what)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # pytest.skip and SystemExit too: the run goes on
            self._keep(name, described(error))
            return []
        return answers

    def _keep(self, name: str, text: str) -> None:
        if name not in self.problems:
            self.problems[name] = f"{name}: {text}"
            self._note(self.problems[name])


def described(error: BaseException) -> str:
    """What a hook has raised, in one line."""
    return safe_text(f"{type(error).__name__}: {' '.join(str(error).split())}", _LENGTH)
