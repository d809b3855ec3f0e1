"""pytest's items and reports as our units and outcomes: the only place that knows their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pytest

from pytest_benchrun.core.errors import UsageProblem, nearest
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_json, to_name, to_text
from pytest_benchrun.core.model import COMPLETED, JsonValue, Outcome, Unit, UnitStatus
from pytest_benchrun.core.phases import PHASE_OF_UNITS
from pytest_benchrun.core.repeats import PARAMETER, base_of
from pytest_benchrun.hooks.marks import Fingerprints, Marks
from pytest_benchrun.hooks.repeats import repeat_of
from pytest_benchrun.world.garbage import without_garbage_collection

_MESSAGE_LENGTH = 1000
_DETAIL_LENGTH = 8000
_TIMEOUT = re.compile(r"Timeout \(>.*\) from pytest-timeout|^pytest_benchrun\.core\.errors\.CommandTimedOut: ")


def units_of(items: Sequence[pytest.Item], group_by: str | None, phases: Sequence[str]) -> list[Unit]:
    """The work list: one unit an item, in pytest's order, ids unique.

    Args:
        items: as pytest collected them.
        group_by: parameter that makes the groups; None when the marks or the units themselves do.
        phases: names that a mark may give.

    Raises:
        UsageProblem: a `benchrun` mark says something that does not exist.
    """
    with without_garbage_collection():
        return _units_of(items, group_by, phases)


def _units_of(items: Sequence[pytest.Item], group_by: str | None, phases: Sequence[str]) -> list[Unit]:
    shared: dict[object, Any] = {}  # one tuple of names and one text a function, not one a unit: memory
    marks = Marks()
    fingerprints = Fingerprints()
    seen: set[str] = set()
    units = []
    for item in items:
        names, values = _params(item)
        names = shared.setdefault(names, names)
        unit_id = _unique(unit_id_of(item), seen)
        function = _function(unit_id)
        said = marks.of(item)
        repeat = repeat_of(item, said)
        group = _group(said, names, values, group_by)
        if group is None and repeat is not None:
            group = base_of(unit_id)  # they fail together
        units.append(
            Unit(
                unit_id=unit_id,
                function=shared.setdefault(function, function),
                group=unit_id if group is None else shared.setdefault(group, group),
                phase=_phase(said, unit_id, phases),
                param_names=names,
                param_values=values,
                fingerprint=fingerprints.of(item, said),
                is_exclusive=said.get("exclusive", False),
                is_warmup=repeat is not None and repeat.is_warmup,
            )
        )
    return units


def ids_of(items: Sequence[pytest.Item]) -> list[str]:
    """The ids that the items have as units, before any of them is deselected."""
    seen: set[str] = set()
    return [_unique(unit_id_of(item), seen) for item in items]


def _unique(unit_id: str, seen: set[str]) -> str:
    number = 1
    unique = unit_id
    while unique in seen:
        number += 1
        unique = f"{unit_id}#{number}"
    seen.add(unique)
    return unique


def check_group_by(units: Sequence[Unit], group_by: str | None) -> None:
    """Refuse a grouping parameter that no unit has.

    Raises:
        UsageProblem: names the parameters there are, and the nearest.
    """
    if group_by is not None and units and not any(group_by in unit.param_names for unit in units):
        known = sorted({name for unit in units for name in unit.param_names})
        problem = f"--bench-group-by={group_by!r}: no unit has that parameter; known: {', '.join(known) or 'none'}"
        raise UsageProblem(problem, hint=_nearest_hint(group_by, known))


def unit_id_of(item: pytest.Item) -> str:
    """The item's node id relative to rootdir, as text that JSON can hold."""
    return safe_text(item.nodeid)


def xdist_group_of(item: pytest.Item) -> str | None:
    """The name of the item's `xdist_group` marks; None when it has none."""
    names = {
        str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
        for mark in item.iter_markers("xdist_group")
    }
    return "_".join(sorted(names)) if names else None


def _nearest_hint(wrong: str, known: Sequence[str]) -> str:
    if not known:
        return "leave --bench-group-by away, or parametrize the units"
    return f"--bench-group-by={nearest(wrong, known)}"


def _params(item: pytest.Item) -> tuple[tuple[str, ...], tuple[JsonValue, ...]]:
    callspec = getattr(item, "callspec", None)  # doctest and unittest items have none
    if callspec is None:
        return (), ()
    params: dict[str, Any] = callspec.params
    if PARAMETER in params:
        params = {name: value for name, value in params.items() if name != PARAMETER}
    return tuple(params), tuple([to_json(value) for value in params.values()])  # a list is made in half the time


def _function(unit_id: str) -> str:
    head, bracket, _ = unit_id.partition("[")
    return head if bracket else unit_id


def _phase(said: Mapping[str, Any], unit_id: str, phases: Sequence[str]) -> str:
    """The phase that the mark names, as the list of phases has it: one text for all units."""
    name = said.get("phase", PHASE_OF_UNITS)
    for phase in phases:
        if phase == name:
            return phase
    known = ", ".join(phases)
    if "phase" not in said:
        problem = f"{unit_id} says no phase, and there is none called {name!r}; known: {known}"
        raise UsageProblem(problem, hint=f'@pytest.mark.benchrun(phase="{phases[0]}")')
    problem = f"@pytest.mark.benchrun(phase={safe_repr(name)}) at {unit_id}: there is no such phase; known: {known}"
    raise UsageProblem(problem, hint=f'phase="{nearest(to_text(name), phases)}", or name it in --bench-phases')


def _group(
    said: Mapping[str, Any], names: tuple[str, ...], values: tuple[JsonValue, ...], group_by: str | None
) -> str | None:
    """The value of the parameter named on the command line or by the mark; the mark's text; None for its own."""
    name = group_by
    if name is None:
        group = said.get("group")
        if group is None:
            return None
        name = to_name(group, _MESSAGE_LENGTH)
        if name not in names:
            return name
    elif name not in names:
        return None
    return to_name(to_text(values[names.index(name)]), _MESSAGE_LENGTH)


class OutcomeBuilder:
    """Puts the outcome of one attempt together from its reports, in the order they come.

    A report for `setup` begins anew: a rerun is another try of the same unit, and the last one counts.
    """

    def __init__(self) -> None:
        self._failed: pytest.TestReport | None = None
        self._skipped: pytest.TestReport | None = None
        self._xfailed: pytest.TestReport | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a report of this try has failed."""
        return self._failed is not None

    def add(self, report: pytest.TestReport) -> bool:
        """Take a report in; called for every report, so the ordinary ones come first.

        Returns:
            Whether pytest is about to show this report as the unit's result.
        """
        if report.when == "setup":
            self._failed = self._skipped = self._xfailed = None
        outcome: str = report.outcome  # more than pytest's own three: rerunfailures adds "rerun"
        if outcome == "passed":
            return report.when == "call" and not _is_subtest(report)
        if outcome == "failed":
            self._failed = self._failed or report
        elif outcome != "skipped":
            return False
        elif not _is_subtest(report):
            if hasattr(report, "wasxfail"):
                self._xfailed = report
            else:
                self._skipped = report
        return report.when in {"setup", "call"} and not _is_subtest(report)

    def outcome(self) -> Outcome:
        """What the reports so far come to: the first failure, else the skip, else completed."""
        if self._failed is not None:
            text = message_of(self._failed)
            status = UnitStatus.TIMEOUT if _TIMEOUT.search(text) else UnitStatus.FAILED
            kind = "timeout" if status is UnitStatus.TIMEOUT else self._failed.when
            return Outcome(status=status, kind=kind, message=text, detail=detail_of(self._failed))
        if self._skipped is not None:
            detail = _place_of_skip(self._skipped)
            return Outcome(status=UnitStatus.SKIPPED, kind="skip", message=message_of(self._skipped), detail=detail)
        if self._xfailed is not None:
            reason = safe_text(str(getattr(self._xfailed, "wasxfail", "")).removeprefix("reason: "), _MESSAGE_LENGTH)
            return Outcome(status=UnitStatus.COMPLETED, kind="xfail", message=reason)
        return COMPLETED


def _place_of_skip(report: pytest.TestReport) -> str | None:
    """`FILE:LINE: REASON`, as JUnit has it; None where the report does not say."""
    if not isinstance(report.longrepr, tuple):
        return None
    path, line, reason = report.longrepr
    return safe_text(f"{path}:{line}: {str(reason).removeprefix('Skipped: ')}", _DETAIL_LENGTH)


def _is_subtest(report: pytest.TestReport) -> bool:
    return hasattr(report, "context")


def message_of(report: pytest.TestReport) -> str:
    """The report's reason or error in one line that fits a screen."""
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        text = str(longrepr[2]).removeprefix("Skipped: ")
    else:
        crash = getattr(longrepr, "reprcrash", None)
        text = getattr(crash, "message", None) or _telling_part(str(longrepr or report.outcome))
    first = text.strip().partition("\n")[0]
    return safe_text(first, _MESSAGE_LENGTH) if first else "no message"


def _telling_part(text: str) -> str:
    """What is wrong, of an error without a line of its own: a fixture that is not there, a doctest."""
    told = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    if told:
        return told[0]
    last = text.strip().rpartition("\n")[2]
    return last if last.endswith((": DocTestFailure", ": UnexpectedException")) else text


def detail_of(report: pytest.TestReport) -> str | None:
    """The traceback as text; the middle is left out when it is long."""
    if report.longrepr is None:
        return None
    text = safe_text(str(report.longrepr).strip())  # longreprtext would name the worker where one is known
    if len(text) <= _DETAIL_LENGTH:
        return text
    half = _DETAIL_LENGTH // 2
    return f"{text[:half]}\n... {len(text) - _DETAIL_LENGTH} characters left out ...\n{text[-half:]}"


OUR_REPORT = "benchrun_made"
"""Attribute of the reports that are made here: they tell of what is recorded already."""


def skip_reports(unit: Unit, reason: str, properties: Iterable[tuple[str, str]]) -> list[pytest.TestReport]:
    """The reports of a unit that never started because the run stopped."""
    path = unit.unit_id.partition("::")[0]
    return _made_reports(unit, "skipped", (path, 0, f"Skipped: {reason}"), properties)


def error_reports(unit: Unit, reason: str, properties: Iterable[tuple[str, str]]) -> list[pytest.TestReport]:
    """The reports of a unit that was torn out of its work: without them JUnit would count it as passed."""
    return _made_reports(unit, "failed", reason, properties)


def _made_reports(
    unit: Unit,
    outcome: Literal["skipped", "failed"],
    longrepr: str | tuple[str, int, str],
    properties: Iterable[tuple[str, str]],
) -> list[pytest.TestReport]:
    """A report of the setup; and one of the teardown for the properties, which JUnit takes from there."""
    path, _, domain = unit.unit_id.partition("::")
    report = pytest.TestReport(
        nodeid=unit.unit_id,
        location=(path, None, domain.replace("::", ".")),
        keywords={},
        outcome=outcome,
        longrepr=longrepr,
        when="setup",
    )
    setattr(report, OUR_REPORT, True)
    return [report, closing_report(report, properties)]


def closing_report(report: pytest.TestReport, properties: Iterable[tuple[str, str]]) -> pytest.TestReport:
    """A teardown that passed, for a unit that had none, with the properties of its test case."""
    return pytest.TestReport(
        nodeid=report.nodeid,
        location=report.location,
        keywords={},
        outcome="passed",
        longrepr=None,
        when="teardown",
        user_properties=list(properties),
    )
