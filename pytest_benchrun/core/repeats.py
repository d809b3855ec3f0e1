"""Repeats and warm-ups of a unit: which there are, what they are called, and which belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_benchrun.core.model import Unit

PARAMETER = "_benchrun_repeat"
"""The parameter that makes units of their own of them; nobody is shown it."""

_LABEL = re.compile(r"(?:(\[)|-)[rw]\d+\]$")


@dataclass(frozen=True, slots=True)
class Repeat:
    """One of the executions of a unit that was asked to run several times.

    Attributes:
        number: from 0 on, of the warm-ups and of the repeats.
        is_warmup: whether it is one to warm up.
        asked: how many repeats and how many warm-ups there are.
    """

    number: int
    is_warmup: bool
    asked: tuple[int, int]

    @property
    def label(self) -> str:
        """Its part of the unit's id: `w0` or `r0`."""
        return f"{'w' if self.is_warmup else 'r'}{self.number}"


def asked_of(said: Mapping[str, Any]) -> tuple[int, int]:
    """How many repeats and warm-ups the keywords of a mark ask for; `(1, 0)` is an ordinary unit."""
    return said.get("repeat", 1), said.get("warmup", 0)


def repeats_of(asked: tuple[int, int]) -> list[Repeat]:
    """The warm-ups and then the repeats; none for what runs once and without a warm-up."""
    if asked == (1, 0):
        return []
    repeats, warmups = asked
    return [
        *(Repeat(number, is_warmup=True, asked=asked) for number in range(warmups)),
        *(Repeat(number, is_warmup=False, asked=asked) for number in range(repeats)),
    ]


def base_of(unit_id: str) -> str:
    """The id of a repeat or warm-up without its label: what the unit would be called if it ran once."""
    return _LABEL.sub(lambda match: "" if match[1] else "]", unit_id)


def warmed_up_together(units: Iterable[Unit]) -> dict[str, str]:
    """What warm-ups have in common with the repeats that they are for, by the ids of both.

    A warm-up is for the process that it runs in.
    """
    units = list(units)
    bases = {base_of(unit.unit_id) for unit in units if unit.is_warmup}
    if not bases:
        return {}
    pairs = ((unit.unit_id, base_of(unit.unit_id)) for unit in units)
    return {unit_id: base for unit_id, base in pairs if base in bases and base != unit_id}
