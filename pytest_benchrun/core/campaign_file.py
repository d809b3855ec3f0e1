"""The campaign file: what it may say, checked once; and the combinations of its matrix."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias, cast

from pytest_benchrun.core.errors import UsageProblem, nearest
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_name
from pytest_benchrun.core.model import JsonScalar, JsonValue
from pytest_benchrun.core.phases import DEFAULT_PHASES, check_phases

Value: TypeAlias = str | int | float | bool
"""A value of the matrix."""

TABLES = ("campaign", "matrix", "exclude", "parameters")
OPTIONS = (
    "group_by",
    "max_failures",
    "max_consecutive_failures",
    "time_limit",
    "grace",
    "durability",
    "turn_metrics",
    "turn_sample",
    "turn_rotate",
    "environment",
    "sample_interval",
    "hosts",
    "ssh",
    "gpu",
    "progress",
    "stuck_timeout",
    "stuck_action",
    "notify",
    "resources",
    "sandbox_keep",
    "sqlite",
    "db",
)
"""Keys of `[campaign]` that stand for the option of the same name; the command line comes before them."""

_SWITCHES = frozenset({"turn_metrics", "sqlite", "gpu", "resources"})
"""Of them those that are `on` or `off`, which YAML reads as true and false."""

KEYS = ("name", "phases", *OPTIONS, "budget")

_INT64 = 2**63
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFile:
    """What a campaign file says.

    Attributes:
        path: where it was read, for messages; `""` for none.
        name: first part of the run id; None when it names none.
        phases: in order; None when it names none.
        options: by key of `OPTIONS`, as it would be typed.
        budgets: `NAME=VALUE` each, as they would be typed.
        matrix: values by parameter.
        exclude: combinations that do not run: by parameter the values that are meant.
        parameters: free values, `benchrun.config` of every unit.
    """

    path: str = ""
    name: str | None = None
    phases: tuple[str, ...] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    budgets: tuple[str, ...] = ()
    matrix: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    exclude: tuple[Mapping[str, tuple[Value, ...]], ...] = ()
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)

    def combinations(self, names: Sequence[str], asked_by: str) -> list[tuple[Value, ...]]:
        """Every combination of the named parameters that is not excluded; the first name changes slowest.

        Args:
            names: parameters of the matrix.
            asked_by: who needs them, for the error.

        Raises:
            UsageProblem: the matrix has no such parameter, or nothing is left.
        """
        for name in names:
            if name not in self.matrix:
                problem = f"{asked_by}: [matrix] has no {name!r}; known: {', '.join(self.matrix) or 'none'}"
                near = f"{nearest(name, self.matrix)!r}, or " if self.matrix else ""
                hint = f'{near}write {name} = ["...", "..."] under [matrix] in {self.path or "--bench-config=FILE"}'
                raise UsageProblem(problem, hint=hint)
        excluded = [
            {names.index(name): {_identity(value) for value in values} for name, values in table.items()}
            for table in self.exclude
            if all(name in names for name in table)
        ]
        rows = product(*(self.matrix[name] for name in names))
        kept = [row for row in rows if not _is_excluded(row, excluded)]
        if not kept:
            problem = f"{asked_by}: [[exclude]] in {self.path} leaves nothing of {' x '.join(names)}"
            raise UsageProblem(problem, hint="take one of the [[exclude]] tables away")
        return kept


def _is_excluded(row: Sequence[Value], excluded: Iterable[Mapping[int, Collection[object]]]) -> bool:
    return any(all(_identity(row[place]) in values for place, values in table.items()) for table in excluded)


def _identity(value: object) -> object:
    """What two equal values have in common; it tells true from 1, and 1 from 1.0."""
    return type(value), value


def read_document(document: Mapping[str, object], path: str) -> CampaignFile:
    """What a decoded campaign file says, all of it checked.

    Raises:
        UsageProblem: an unknown table or key, with the nearest known one, or a value that cannot be right.
    """
    _refuse_unknown(document, TABLES, path, "table")
    campaign = _table(document, "campaign", path)
    _refuse_unknown(campaign, KEYS, f"{path}, [campaign]", "key")
    where = f"{path}, [campaign]"
    tables = {name: _table(document, name, path) for name in ("matrix", "parameters")}
    matrix = {name: _values(values, f"{path}, [matrix] {name}") for name, values in tables["matrix"].items()}
    return CampaignFile(
        path=path,
        name=_name(campaign, where),
        phases=_phases(campaign, where),
        options={key: _typed(key, campaign[key], where) for key in OPTIONS if key in campaign},
        budgets=tuple(f"{name}={value}" for name, value in _table(campaign, "budget", where, "campaign.").items()),
        matrix=matrix,
        exclude=_exclude(document.get("exclude", []), matrix, path),
        parameters={name: _json(value, f"{path}, [parameters] {name}") for name, value in tables["parameters"].items()},
    )


def from_json(raw: Mapping[str, Any]) -> CampaignFile:
    """A campaign file that was sent as JSON."""
    values = {
        **raw,
        "phases": None if raw["phases"] is None else tuple(raw["phases"]),
        "budgets": tuple(raw["budgets"]),
        "matrix": _tuples(raw["matrix"]),
        "exclude": tuple(map(_tuples, raw["exclude"])),
    }
    return CampaignFile(**values)


def _tuples(table: Mapping[str, list[Value]]) -> dict[str, tuple[Value, ...]]:
    return {name: tuple(values) for name, values in table.items()}


def config_of(file: CampaignFile, group_by: str | None, phases: Sequence[str]) -> dict[str, JsonValue]:
    """What makes the measured values of a run: a resume under another one would mix two campaigns.

    Not in it: when to stop, where to write, which engine; and the matrix, since the work list says itself
    which units are new or gone. What has its default is left out, so that a later version can add keys.

    Args:
        file: for its free parameters.
        group_by: the parameter that makes the groups, wherever it was said.
        phases: in order, wherever they were named.
    """
    named: list[JsonValue] = [] if tuple(phases) == DEFAULT_PHASES else list(phases)
    config: dict[str, JsonValue] = {"group_by": group_by, "phases": named, "parameters": dict(file.parameters)}
    return {key: value for key, value in config.items() if value}


def differences(before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> list[tuple[str, str, str]]:
    """Keys whose value changed, with both values as text; keys of tables as `parameters.basis`."""
    flat_before, flat_now = dict(_flat(before, "")), dict(_flat(now, ""))
    changed = [key for key in sorted({*flat_before, *flat_now}) if _exact(flat_before, key) != _exact(flat_now, key)]
    return [(key, _shown(flat_before, key), _shown(flat_now, key)) for key in changed]


def _flat(table: Mapping[str, JsonValue], prefix: str) -> Iterable[tuple[str, JsonValue]]:
    for key, value in table.items():
        name = prefix + (repr(key) if "." in key else key)
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _exact(flat: Mapping[str, JsonValue], key: str) -> str | None:
    """A text that is another one for every other value; `==` takes 1 for true."""
    return json.dumps(flat[key], sort_keys=True) if key in flat else None


def _shown(flat: Mapping[str, JsonValue], key: str) -> str:
    return to_name(repr(flat[key])) if key in flat else "not set"


def _refuse_unknown(table: Mapping[str, object], known: Sequence[str], where: str, what: str) -> None:
    for name in table:
        if name not in known:
            problem = f"{where}: there is no {what} {name!r}; known: {', '.join(known)}"
            raise UsageProblem(problem, hint=f"did you mean {nearest(str(name), known)}?")


def _table(document: Mapping[str, object], name: str, where: str, around: str = "") -> Mapping[str, object]:
    table = document.get(name, {})
    if isinstance(table, Mapping) and all(isinstance(key, str) for key in table):
        return table
    raise UsageProblem(f"{where}: {name} = {safe_repr(table, 60)} is no table", hint=f"write it as [{around}{name}]")


def _name(campaign: Mapping[str, object], where: str) -> str | None:
    name = campaign.get("name")
    if name is None or (isinstance(name, str) and name.strip()):
        return name
    raise UsageProblem(f"{where}: name = {safe_repr(name, 60)} is no name", hint='for example: name = "nmr-2026"')


def _phases(campaign: Mapping[str, object], where: str) -> tuple[str, ...] | None:
    phases = campaign.get("phases")
    if phases is None:
        return None
    if not isinstance(phases, list) or not all(isinstance(phase, str) for phase in phases):
        problem = f"{where}: phases = {safe_repr(phases, 60)} is no list of names"
        raise UsageProblem(problem, hint='for example: phases = ["prepare", "run", "score"]')
    return check_phases(phases, f"{where} phases")


def _typed(key: str, value: object, where: str) -> str:
    """An option's value as it would be typed."""
    if isinstance(value, bool) and key in _SWITCHES:
        return "on" if value else "off"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        problem = f"{where} {key} = {safe_repr(value, 60)} is neither text nor a number"
        raise UsageProblem(problem, hint='for example: "10%"')
    return str(value)


def _values(values: object, where: str) -> tuple[Value, ...]:
    if not isinstance(values, list) or not values:
        problem = f"{where} = {safe_repr(values, 60)} is no list of values"
        raise UsageProblem(problem, hint='for example: molecule = ["water", "ammonia"]')
    for value in values:
        _check_value(value, where)
    counts = Counter(map(_identity, values))
    twice = next((value for value in values if counts[_identity(value)] > 1), None)
    if twice is not None:
        said = safe_repr(twice, 60)
        raise UsageProblem(f"{where} has {said} twice", hint="each value stands for units of its own: name it once")
    return tuple(values)


def _check_value(value: object, where: str) -> None:
    if value is None or not _is_scalar(value):
        problem = f"{where}: {safe_repr(value, 60)} is neither text, a number, nor true or false"
        raise UsageProblem(problem, hint='for example: molecule = ["water", "ammonia"]')


def _is_scalar(value: object) -> bool:
    """Whether JSON has it: finite, in 64 bits, without lone surrogates."""
    if isinstance(value, str):
        return value.isascii() or safe_text(value) == value
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and -_INT64 <= value < _INT64)


def _exclude(
    tables: object, matrix: Mapping[str, tuple[Value, ...]], path: str
) -> tuple[Mapping[str, tuple[Value, ...]], ...]:
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) and table for table in tables):
        problem = f"{path}: exclude = {safe_repr(tables, 60)} is no list of tables"
        raise UsageProblem(problem, hint='write each as [[exclude]] with lines like molecule = "water"')
    return tuple({name: _excluded(name, value, matrix, path) for name, value in table.items()} for table in tables)


def _excluded(name: str, value: object, matrix: Mapping[str, tuple[Value, ...]], path: str) -> tuple[Value, ...]:
    if name not in matrix:
        problem = f"{path}, [[exclude]]: [matrix] has no {name!r}; known: {', '.join(matrix) or 'none'}"
        near = f"did you mean {nearest(str(name), matrix)}?" if matrix else "write a [matrix] first"
        raise UsageProblem(problem, hint=near)
    values = value if isinstance(value, list) else [value]
    if not values:
        problem = f"{path}, [[exclude]] {name}: an empty list excludes nothing"
        raise UsageProblem(problem, hint=f"name values of [matrix] {name}, or take the line away")
    known = {_identity(one) for one in matrix[name]}
    for one in values:
        if not _is_scalar(one) or _identity(one) not in known:
            shown = [str(value) for value in matrix[name]]
            problem = f"{path}, [[exclude]] {name}: {safe_repr(one, 60)} is no value of [matrix] {name}"
            raise UsageProblem(problem, hint=f"nearest: {nearest(str(one), shown)}")
    return tuple(values)


def _json(value: object, where: str, depth: int = 0) -> JsonValue:
    """A free value, which must come out of JSON as it went in."""
    if depth > _MAX_DEPTH:  # YAML can hold a table that contains itself
        problem = f"{where[:200]}: tables and lists are nested more than {_MAX_DEPTH} deep"
        raise UsageProblem(problem, hint="keep large or deep data in a file of its own, and its path in [parameters]")
    if _is_scalar(value):
        return cast("JsonScalar", value)
    if isinstance(value, list):
        return [_json(item, where, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) and _is_scalar(key) for key in value):
        return {key: _json(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    problem = f"{where}: {safe_repr(value, 60)} is neither text, number, true, false, list nor table"
    raise UsageProblem(problem, hint='write it as text, for example "2026-11-21"')
