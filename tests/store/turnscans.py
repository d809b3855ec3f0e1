"""Figures of lines, read as text and decoded one by one; who imports it is skipped where there is no compiled part."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pytest_benchrun.core.turn_stats import TurnStats
from pytest_benchrun.store import turnblocks

turnscan = pytest.importorskip("pytest_benchrun.store.turnscan", reason="needs the compiled part")


def counts(unit_id: str, attempt: int) -> bool:
    return (unit_id, attempt) == ("a", 1)


def figures(lines: bytes) -> dict[str, Any]:
    """What the decoder makes of each line by itself."""
    stats = TurnStats(counts)
    for line in lines.split(b"\n"):
        try:
            stats.add(orjson.loads(line))
        except ValueError:
            continue
    return dict(stats.view())


def quick(*blocks: bytes) -> dict[str, Any]:
    """The figures of blocks, one after the other by the same scanner."""
    stats, scanner = TurnStats(counts), turnscan.TurnScanner(counts)
    for block in blocks:
        numbers, others = scanner.take_numbers(block)
        stats.add_numbers(numbers)
        turnblocks.add_decoded(stats, others)
    return dict(stats.view())


def left_of(*blocks: bytes) -> bytes:
    """What is left of the last one."""
    scanner = turnscan.TurnScanner(counts)
    *_, last = [scanner.take_numbers(block) for block in blocks]
    left: bytes = last[1]
    return left
