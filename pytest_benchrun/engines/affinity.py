"""What must stay on one worker: xdist's `--dist` mode, and warm-ups with the repeats that they are for."""

from __future__ import annotations

from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.repeats import warmed_up_together
from pytest_benchrun.engines.wire import WorkList


def affinity_of(work_list: WorkList, dist: str) -> dict[str, str]:
    """By unit id what must stay on one worker; units that may run anywhere are left out."""
    if dist == "loadfile":
        return {unit.unit_id: unit.unit_id.partition("::")[0] for unit in work_list.units}
    if dist == "loadscope":
        return {unit.unit_id: _scope(unit) for unit in work_list.units}
    bonds = warmed_up_together(work_list.units)
    if dist == "loadgroup":
        pairs = zip(work_list.units, work_list.groups, strict=True)
        bonds.update((unit.unit_id, group) for unit, group in pairs if group is not None)
    return bonds


def _scope(unit: Unit) -> str:
    return unit.function.rpartition("::")[0] or unit.function
