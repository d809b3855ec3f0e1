"""What controller and workers say to each other beside xdist's own messages, and how it is made fit to travel.

execnet takes exact builtin types only, and text that UTF-8 can hold; anything else would end the session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson

from pytest_benchrun.core.events import unit_from_json
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text, to_scalar
from pytest_benchrun.core.model import Unit

WORK_LIST = "benchrun_work_list"
"""Worker to controller, once after collecting: `data`, an encoded `WorkList`."""

UNIT_DONE = "benchrun_unit_done"
"""Worker to controller, when a unit is over: `index, elapsed_s, outcome` (JSON), `reports` (list),
`stop` (why the session should stop, None when it should not)."""

RUN_UNIT = "benchrun_run_unit"
"""Controller to worker: `index` into the worker's items, `attempt`."""

WORKER_INPUT = "benchrun"
"""Key in `workerinput`: `run_id`, `results_dir`, `group_by`, `dist`."""


@dataclass(frozen=True, slots=True)
class WorkList:
    """What a worker collected.

    Attributes:
        units: in the order of the worker's items.
        groups: name of each unit's `xdist_group`; None where it has none.
    """

    units: list[Unit]
    groups: list[str | None]

    def encode(self) -> bytes:
        """As bytes that travel."""
        return orjson.dumps({"units": self.units, "groups": self.groups})

    @classmethod
    def decode(cls, data: bytes) -> WorkList:
        """From bytes that travelled."""
        raw = orjson.loads(data)
        return cls([unit_from_json(unit) for unit in raw["units"]], raw["groups"])


def fit_to_travel(value: object) -> object:
    """`value` in exact builtin types, NumPy scalars as numbers, text without lone surrogates."""
    kind = type(value)
    if kind is str:
        return safe_text(value)  # type: ignore[arg-type]  # `type(value) is str` is not understood as narrowing
    if value is None or kind in {int, float, bool, bytes}:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {fit_to_travel(key): fit_to_travel(item) for key, item in value.items()}  # type: ignore[attr-defined]  # as above
    if kind is list or kind is tuple:
        parts = [fit_to_travel(item) for item in value]  # type: ignore[attr-defined]  # as above
        return tuple(parts) if kind is tuple else parts
    return _exact(value)


def _exact(value: object) -> object:  # noqa: PLR0911  # one return a kind of value
    value = to_scalar(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return safe_text(str.__str__(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, AbstractSet | Sequence):
        return [fit_to_travel(item) for item in value]
    return safe_repr(value)
