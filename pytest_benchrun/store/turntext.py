"""Numbers of many turn lines at once, taken from their text: where a whole line is decoded, most of the time is lost.

Lines of turns differ in little but numbers and names. A pattern, made after the first of them, says every byte that
such a line may have, and allows nothing that is no JSON; a line that does not fit it from its beginning to its end is
left to whoever decodes line by line. So a damaged file has the figures of its whole lines, wherever a block of it ends.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from itertools import compress
from typing import Any

import orjson

from pytest_benchrun.core.turn_stats import TurnNumbers, total_of
from pytest_benchrun.core.turns import TURN_FIELDS

_loads, _dumps, _compile, _escape = orjson.loads, orjson.dumps, re.compile, re.escape  # now: a unit may patch them

_BEGIN = b'{"timestamp":'
_TEXT = rb'"[ !#-\[\]-\xff]*+"'
"""All but quotes, backslashes and what is below a space; said so, it is found in 80 % of the time."""

_COUNT = rb"(?:0|[1-9][0-9]{0,14})"
_NUMBER = rb"-?" + _COUNT + rb"(?:\.[0-9]{1,17})?"
_TAKEN_COUNT = b"([0-9]++|null)"
_TAKEN_NUMBER = b"([0-9.]++)"
"""Whether it is a number, the decoder says when all of them are read."""

_LONGEST = 2048
"""Bytes of a line for which a pattern is made: that takes a millisecond, and is lost where few lines are alike."""

_FIXED = {
    "unit_id": b"(%b)" % _TEXT,
    "turn_index": _COUNT,
    "status": rb'"ok"',
    "error": rb"null",
    "attempt": rb"([1-9][0-9]{0,8})",
    "session_id": b"(?:%b|null)" % _TEXT,
    "role": b"(?:%b|null)" % _TEXT,
    "tokens_in": _TAKEN_COUNT,
    "tokens_out": _TAKEN_COUNT,
}
"""Fields that look the same in every run; what is in brackets is taken, in the order of the line."""

_TAKEN = frozenset({"unit_id", "attempt", "tokens_in", "tokens_out"})
_BY_TYPE = {int: _NUMBER, float: _NUMBER, str: _TEXT, bool: rb"(?:true|false)", type(None): rb"null"}


def take_numbers(block: bytes, counts: Callable[[str, int], bool]) -> tuple[TurnNumbers, bytes] | None:
    """The numbers of the lines that are like the first turn of the block, and the other lines.

    Args:
        block: whole lines, each with its newline.
        counts: whether the turns of this attempt of this unit count.

    Returns:
        None where it has no such turn.

    Raises:
        ValueError: likewise; KeyError, TypeError and AttributeError too.
    """
    at = block.find(_BEGIN)
    line = block[at : block.find(b"\n", at)]
    if len(line) > _LONGEST:
        return None
    first = _loads(line)
    if tuple(first)[: len(TURN_FIELDS)] != TURN_FIELDS:
        return None
    block.decode()  # raises unless every text in it is one
    pattern, names = _pattern_of(first)
    pieces = _compile(pattern).split(block)
    width = len(names) + 1
    others = [piece for piece in pieces[::width] if piece]
    if len(pieces) == 1 or any(piece[-1:] != b"\n" for piece in others):  # a line began before its turn did
        return None
    columns = [pieces[place::width] for place in range(1, width)]
    return _numbers_of(dict(zip(names, columns, strict=True)), counts), b"".join(others)


def _pattern_of(first: dict[str, Any]) -> tuple[bytes, list[tuple[str, str]]]:
    """A line like the first one, and what is taken of it: the kind, and the name."""
    names: list[tuple[str, str]] = []
    fields = []
    for name, value in first.items():
        if name == "storage_ms_by":
            names += [("adapter", adapter) for adapter in value]
            inside = b",".join(_field(adapter, _TAKEN_NUMBER) for adapter in value)
            fields.append(_field(name, rb"\{%b\}" % inside))
        elif name.endswith("_ms") and value is not None:
            names.append(("time", name))
            fields.append(_field(name, _TAKEN_NUMBER))
        else:
            looks = _FIXED.get(name) or _BY_TYPE[type(value)]  # lists and objects are hardly ever alike
            if name in _TAKEN:
                names.append(("", name))
            fields.append(_field(name, looks))
    return rb"\{%b\}\n" % b",".join(fields), names


def _field(name: str, looks: bytes) -> bytes:
    return b"%b:%b" % (_escape(_dumps(name)), looks)


def _numbers_of(columns: dict[tuple[str, str], list[bytes]], counts: Callable[[str, int], bool]) -> TurnNumbers:
    whose = list(zip(columns["", "unit_id"], columns["", "attempt"], strict=True))
    known = {one: counts(_loads(one[0]), int(one[1])) for one in set(whose)}
    if not all(known.values()):
        kept = [known[one] for one in whose]
        columns = {name: list(compress(column, kept)) for name, column in columns.items()}
    numbers = {name: _loads(b"[%b]" % b",".join(column)) for name, column in columns.items() if name != ("", "unit_id")}
    return TurnNumbers(
        turns=len(numbers["", "attempt"]),
        times={name: array("d", values) for (kind, name), values in numbers.items() if kind == "time"},
        by_adapter={name: array("d", values) for (kind, name), values in numbers.items() if kind == "adapter"},
        tokens_in=total_of(numbers["", "tokens_in"]),
        tokens_out=total_of(numbers["", "tokens_out"]),
    )
