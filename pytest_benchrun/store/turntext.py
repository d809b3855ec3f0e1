"""Numbers of many turn lines at once, taken from their text: where a whole line is decoded, most of the time is lost.

Lines that one attempt has written one after the other differ in little but numbers. What stands between the numbers
is taken from the first line and has to be the same, to the byte, in all of them; where it is not, nothing is taken,
and whoever asked decodes line by line. Within a string a quote is escaped, so that no text of the user's is mistaken.
"""

from __future__ import annotations

from array import array
from typing import Any

import orjson

from pytest_benchrun.core.turn_stats import TurnNumbers
from pytest_benchrun.core.turns import TURN_FIELDS

_FIRST = b',"llm_ms":'
_LAST = b',"status":"ok"'
_NUMBERS = ("llm_ms", "storage_ms", "total_ms")
_BETWEEN = b'abcdefghijklmnopqrstuvwxyz_":{}'
"""What stands between the numbers once names that may hold digits are gone; an exponent would be noticed too."""


def end_of_unit(block: bytes, first: dict[str, Any]) -> int:
    """The bytes of a block up to the last turn of the unit with which it begins."""
    last = block.rfind(_unit_mark(first))
    return block.find(b"\n", last) + 1


def numbers_in(block: bytes, first: dict[str, Any]) -> TurnNumbers | None:
    """The numbers of whole lines.

    Args:
        block: the lines, each with its newline.
        first: the first of them, decoded.

    Returns:
        None where the lines are not all alike.

    Raises:
        ValueError: likewise.
    """
    if tuple(first)[: len(TURN_FIELDS)] != TURN_FIELDS or first["status"] != "ok":
        return None
    pieces = block.split(_FIRST)
    turns = len(pieces) - 1
    if not _are_alike(block, first, turns):
        return None
    del pieces[0]
    # an error is a longer piece, which does not fit the others any more
    text = b",".join([piece.partition(_LAST)[0] for piece in pieces])
    names, gone = _between(first)
    for what, instead in gone:
        before, text = len(text), text.replace(what, instead)
        if before - len(text) != turns * (len(what) - len(instead)):
            return None
    bare = text.translate(None, _BETWEEN)
    pattern = b",".join(text.split(b",", len(names))[: len(names)])
    if len(text) - len(bare) != turns * (len(pattern) - len(pattern.translate(None, _BETWEEN))):
        return None
    values = orjson.loads(b"[%b]" % bare)
    return _columns(values, names, turns) if len(values) == turns * len(names) else None


def _columns(values: list[Any], names: list[tuple[str, str]], turns: int) -> TurnNumbers:
    times: dict[str, array[float]] = {}
    by_adapter: dict[str, array[float]] = {}
    tokens: dict[str, int] = {"tokens_in": 0, "tokens_out": 0}
    for place, (kind, name) in enumerate(names):
        column = values[place :: len(names)]
        if kind == "tokens":
            tokens[name] = sum(column)
        else:
            (times if kind == "time" else by_adapter)[name] = array("d", column)
    return TurnNumbers(turns=turns, times=times, by_adapter=by_adapter, **tokens)


def _unit_mark(first: dict[str, Any]) -> bytes:
    return b',"unit_id":%b,"turn_index":' % orjson.dumps(first["unit_id"])


def _are_alike(block: bytes, first: dict[str, Any], turns: int) -> bool:
    """Whether every line is a turn of the first one's attempt, with no timer or record inside its user's fields."""
    if block.count(_unit_mark(first)) != turns:
        return False
    end = b',"attempt":%d,"worker":%b' % (first["attempt"], orjson.dumps(first["worker"]))
    if block.count(end + b"}\n") == turns:  # and so there are no fields of the user's at all
        return block.count(b"\n") == turns
    return (
        block.count(b"\n") == turns == block.count(end)
        and block.count(b'_ms":') == len(_NUMBERS) * turns
        and block.count(b'\n{"timestamp":') == turns - 1
    )


def _between(first: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[bytes, bytes]]]:
    """What the numbers of a line are, in order, and what has to go or to change before its letters go."""
    names = [("time", name) for name in ("llm_ms", "storage_ms") if first[name] is not None]
    gone: list[tuple[bytes, bytes]] = []
    if first["llm_ms"] is None:
        gone.append((b'null,"storage_ms":', b'"storage_ms":'))
    if first["storage_ms"] is None:
        gone.append((b'"storage_ms":null,', b""))
    adapters = first["storage_ms_by"]
    head = b'"storage_ms_by":{'
    if not adapters:
        gone.append((head + b"},", b""))
    for adapter in adapters:
        names.append(("adapter", adapter))
        gone.append((head + orjson.dumps(adapter) + b":", b"," if head == b"," else b""))
        head = b","
    names.append(("time", "total_ms"))
    for name in ("tokens_in", "tokens_out"):
        names.append(("tokens", name))
        if first[name] is None:
            gone.append((b'"%b":null' % name.encode(), b"0"))
    return names, gone
