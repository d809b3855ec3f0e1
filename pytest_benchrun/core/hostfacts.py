"""What another host says of itself, made safe to keep: only what we ask for, each of its kind, nothing endless."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.series import FIELDS

_LENGTH = 300
_MOST_ITEMS = 256
_MOST_NAMES = 5000
_INT64 = 2**63

_TEXT, _NUMBER, _FLAG, _NAMES = "text", "number", "flag", "names"
_GPU = dict.fromkeys(("name", "driver_version", "memory.total", "clocks.max.sm", "power.limit"), _TEXT)
_DISK = {"device": _TEXT, "mount": _TEXT, "filesystem": _TEXT, "total_bytes": _NUMBER, "free_bytes": _NUMBER}
_SHAPE: dict[str, Any] = {
    "host": _TEXT,
    "system": {"os": _TEXT, "kernel": _TEXT, "architecture": _TEXT, "container": _TEXT},
    "cpu": {
        "model": _TEXT,
        **dict.fromkeys(("cores", "threads", "usable_threads", "quota_cpus", "numa_nodes"), _NUMBER),
        "is_virtual": _FLAG,
        "governors": [_TEXT],
        "is_turbo_on": _FLAG,
    },
    "memory": dict.fromkeys(("total_bytes", "available_bytes", "limit_bytes", "swap_used_bytes"), _NUMBER),
    "load_1min": _NUMBER,
    "is_on_battery": _FLAG,
    "disks": [_DISK],
    "python": {"version": _TEXT, "implementation": _TEXT, "packages": _NAMES},
    "variables": _NAMES,
}
"""As `world.machine` takes them; `gpus` only when the look was no basic one."""


def kept_facts(answer: object) -> dict[str, JsonValue] | None:
    """The facts in an answer: what is missing or of another kind is None, what nobody asked for is gone.

    Returns:
        None when it is no answer at all.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("cpu"), Mapping):
        return None
    shape = {**_SHAPE, "gpus": [_GPU]} if "gpus" in answer else _SHAPE
    return {name: _kept(answer.get(name), kind) for name, kind in shape.items()}


def kept_sample(answer: object) -> dict[str, float | int | None] | None:
    """The numbers of a sample, as `kept_facts`; a field that the host does not have is missing."""
    if not isinstance(answer, Mapping):
        return None
    return {name: _number(answer[name]) for name in FIELDS if name in answer}


def _kept(value: object, kind: Any) -> JsonValue:  # noqa: ANN401  # a word, a list of one, or a table of them
    if isinstance(kind, Mapping):
        table = value if isinstance(value, Mapping) else {}
        return {name: _kept(table.get(name), one) for name, one in kind.items()}
    if isinstance(kind, list):
        items = value[:_MOST_ITEMS] if isinstance(value, list) else []
        found = [_kept(item, kind[0]) for item in items]
        return [item for item in found if item is not None]
    if kind == _NAMES:
        return _names(value)
    if kind == _FLAG:
        return value if isinstance(value, bool) else None
    return _text(value) if kind == _TEXT else _number(value)


def _names(value: object) -> dict[str, JsonValue]:
    table = value if isinstance(value, Mapping) else {}
    texts = [(name, text) for name, text in table.items() if isinstance(name, str) and isinstance(text, str)]
    return {safe_text(name[:_LENGTH]): safe_text(text[:_LENGTH]) for name, text in texts[:_MOST_NAMES]}


def _text(value: object) -> str | None:
    return safe_text(value[:_LENGTH]) if isinstance(value, str) else None


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_right = -_INT64 <= value < _INT64 if isinstance(value, int) else math.isfinite(value)
    return value if is_right else None
