"""From what was collected to what will run: selection, phases, removed and renamed units. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from shlex import quote

import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.plan import Plan, Wishes, make_plan, renamed, select_units, unmet_phases
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.hooks.translate import check_group_by

_SHOWN = 5


class Planning:
    """Makes the plan of one session.

    Args:
        config: pytest's.
        settings: the session's.
        campaign: the run so far; an empty one for a new run.

    Attributes:
        wishes: what the options say of the plan.
        units: those that were selected; all that were collected without `--bench-select`.
        notes: what people should be told, one sentence each.
    """

    def __init__(self, config: pytest.Config, settings: Settings, campaign: Campaign) -> None:
        self._config = config
        self._settings = settings
        self._campaign = campaign
        self.wishes = Wishes(resume=settings.resume, keeps_stale=settings.keeps_stale, phases=settings.wanted_phases)
        self.units: Sequence[Unit] = ()
        self.notes: list[str] = []

    def plan(self, collected: Sequence[Unit], deselected: Sequence[str]) -> Plan:
        """What this session runs.

        Raises:
            UsageProblem: a parameter or phase that no unit has, earlier phases that have not ended, or another
                root directory than that of the run.
        """
        settings = self._settings
        check_group_by(collected, settings.group_by)
        self.units = select_units(collected, settings.select) if settings.select else collected
        self._check_phases(collected)
        errors = self._collection_errors()
        if errors:
            where = f"{errors} place{'' if errors == 1 else 's'}"
            self.notes.append(f"pytest could not collect the units of {where}: they are no part of this session")
        present = {unit.unit_id for unit in collected}.union(deselected)
        removed = [] if errors else self._removed(present)
        if removed:
            self._check_root(present, removed)
            self.notes.append(f"{_count(removed, 'unit is', 'units are')} no longer in the suite: {_some(removed)}")
        alike = renamed(self._campaign, self.units, removed)
        pairs = [f"{old} -> {new}" for new, old in alike.items()]
        if pairs:
            self.notes.append(f"{_count(pairs, 'unit looks', 'units look')} renamed and will run again: {_some(pairs)}")
        return make_plan(self._campaign, self.units, self.wishes, removed)

    def _check_phases(self, units: Sequence[Unit]) -> None:
        settings = self._settings
        wanted = settings.wanted_phases
        if wanted is None or settings.forces_phase:
            return
        unmet = unmet_phases(self._campaign, units, settings.phases, wanted)
        if unmet:
            first = next(phase for phase in settings.phases if phase in wanted)
            problem = f"phase {first!r} comes after {', '.join(unmet)}, where units have not ended yet"
            raise UsageProblem(problem, hint=f"--bench-to={unmet[-1]} first, or all the same with --bench-force-phase")

    def _check_root(self, present: Collection[str], removed: Sequence[str]) -> None:
        """Refuse to take the whole run for gone where it is only looked for in another place.

        Ids are relative to pytest's root directory, which depends on the folder where pytest was started.
        """
        campaign, here = self._campaign, self._config.rootpath
        if not campaign.sessions or any(unit_id in campaign.records for unit_id in present):
            return
        began_in = Path(campaign.sessions[-1].started.cwd)
        file = removed[0].partition("::")[0]
        for root in (began_in, *began_in.parents):
            if root != here and (root / file).is_file():
                problem = (
                    f"none of the units of {campaign.run_id} is in the root directory {str(here)!r}: {file!r} is in"
                )
                hint = f"--rootdir={quote(str(root))}, or benchrun resume {quote(self._settings.results_dir)}"
                raise UsageProblem(f"{problem} {str(root)!r}", hint=hint)

    def _collection_errors(self) -> int:
        """How many there were, where pytest was told to go on after them."""
        session = self._config.pluginmanager.getplugin("session")
        return 0 if session is None else session.testsfailed

    def _removed(self, present: set[str]) -> list[str]:
        """Ids of units of the run that the suite has no more.

        Those of files that are gone, and of files that were collected without them. Where pytest collected
        only a part of a file, by an id on the command line or `--lf`, or with errors, nobody can know.
        """
        config = self._config
        if any("::" in str(arg) for arg in config.args) or config.getoption("lf", default=False):
            return []
        files = {unit_id.partition("::")[0] for unit_id in present}
        absent = [
            unit_id
            for unit_id, record in self._campaign.records.items()
            if unit_id not in present and not record.is_removed
        ]
        gone: dict[str, bool] = {}
        for file in {unit_id.partition("::")[0] for unit_id in absent}:
            gone[file] = file in files or not (config.rootpath / file).exists()
        return [unit_id for unit_id in absent if gone[unit_id.partition("::")[0]]]


def _count(things: Sequence[object], one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"


def _some(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else f"{shown}, ..."
