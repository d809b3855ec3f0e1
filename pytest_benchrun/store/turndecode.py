"""Many turn lines decoded at once into numbers, by msgspec where it is installed.

Lines of turns have the same fields. A type made of those seen so far says what a line may hold, and allows nothing
else: a line that is not of this type, for whatever reason, is left to whoever decodes without one. So no timer that
is new is passed over, and a damaged file has the figures of its whole lines, wherever a block of it ends.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import GenericAlias
from typing import Annotated, Any, Literal

import orjson

from pytest_benchrun.core.turn_stats import TurnNumbers, total_of
from pytest_benchrun.core.turns import SAMPLED_OUT, TURN_FIELDS

_loads = orjson.loads  # now: a unit may patch it

_BEGIN = b'{"timestamp":'
_SEEN = 16
"""Lines of a block from which is learned what lines hold."""

_SHARE = 8
"""From one line in so many on that does not fit, others are learned from: it takes twice the time of a decoded one."""

_TRIES = 8
"""Blocks in a row with lines that do not fit, and of which nothing was learned, after which it is given up."""

_MOST = 200
"""Fields of the user's and adapters: more are names that change from turn to turn."""

_FIELDS, _NO_TURN = frozenset(TURN_FIELDS), frozenset({"event", SAMPLED_OUT})
_SEAM = b',"",'

_OWN = str | int | float | bool | None
"""What a user's field may hold. Of lists and objects it is not known how deep they are, and decoders differ in that."""

_TIME, _TEXT = float | None, str | None


class TurnDecoder:
    """Takes the numbers of lines that hold what others have held.

    Args:
        counts: whether the turns of this attempt of this unit count.

    Raises:
        ImportError: msgspec is not installed.
    """

    def __init__(self, counts: Callable[[str, int], bool]) -> None:
        import msgspec  # it need not be there, and a small run has no use for it

        self._msgspec: Any = msgspec
        self._errors = (msgspec.MsgspecError, ValueError, RecursionError)  # whatever it raises of a line
        self._counts = counts
        self._own: list[str] = []
        self._adapters: list[str] = []
        self._decode: Callable[[bytes], Any] | None = None
        self._decode_all: Callable[[bytes], Any] = list
        self._missed = 0
        self._own_times: dict[str, Callable[[Any], Any]] = {}
        self._by_adapter: dict[str, Callable[[Any], Any]] = {}

    def take_numbers(self, block: bytes) -> tuple[TurnNumbers, bytes] | None:
        """The numbers of the turns that hold what others have held, and the other lines.

        Args:
            block: whole lines, each with its newline.

        Returns:
            None where it has nothing to go by.
        """
        if self._missed >= _TRIES:
            return None
        if self._decode is None:
            first = max(block.find(_BEGIN), 0)
            self._missed = 0 if self._learn(block[first:].split(b"\n", _SEEN)[:_SEEN]) else self._missed + 1
        if self._decode is None:
            return None
        turns = self._all_at_once(block)
        if turns is None:
            return self._one_by_one(block, self._decode)
        self._missed = 0
        return self._numbers(turns), b""

    def _all_at_once(self, block: bytes) -> list[Any] | None:
        """The turns of a block with one in each line; None where it is another one.

        Lines become a list with an empty text behind each of them, which can stand neither in an object nor, as it has
        quotes, in a text: a line that is broken is an error, and several values in one line make a longer list.
        """
        sequence = b'[%b""]' % block.replace(b"\n", _SEAM)
        lines = (len(sequence) - len(block) - 4) // (len(_SEAM) - 1)
        try:
            values: list[Any] = self._decode_all(sequence)
        except self._errors:
            return None
        turns = values[:-1:2]
        return turns if len(values) == 2 * lines + 1 and all(turns) else None

    def _one_by_one(self, block: bytes, decode: Callable[[bytes], Any]) -> tuple[TurnNumbers, bytes]:
        lines = block.split(b"\n")[:-1]
        turns, others = [], []
        for line in lines:
            try:
                turns.append(decode(line))
            except self._errors:
                others.append(line)
        numbers = self._numbers(turns)
        is_unlike = len(others) * _SHARE > len(lines) and not self._learn(others[:_SEEN])
        self._missed = self._missed + 1 if is_unlike else 0
        return numbers, b"".join(line + b"\n" for line in others)

    def _learn(self, lines: Iterable[bytes]) -> bool:
        """Look at what lines hold, to decode the next ones; whether there was anything new."""
        own, adapters = dict.fromkeys(self._own), dict.fromkeys(self._adapters)
        is_new = False
        for line in lines:
            try:
                turn = _loads(line)
                if turn.keys() >= _FIELDS and not turn.keys() & _NO_TURN:
                    adapters.update((name, None) for name in turn["storage_ms_by"] if _is_plain(name))
                    own.update((name, None) for name in turn if name not in _FIELDS and _is_plain(name))
                    is_new = is_new or self._decode is None
            except (ValueError, TypeError, AttributeError):
                continue
        is_new = is_new or len(own) > len(self._own) or len(adapters) > len(self._adapters)
        if not is_new or len(own) + len(adapters) > _MOST:
            return False
        self._prepare(list(own), list(adapters))
        return True

    def _prepare(self, own: list[str], adapters: list[str]) -> None:
        """Make what decodes lines that hold these fields of the user's, and the times of these adapters."""
        count = Annotated[int, self._msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None  # beyond, others have a float
        by, by_adapter = self._type(dict.fromkeys(adapters, (_TIME, None)))
        types: dict[str, tuple[Any, ...]] = {
            **dict.fromkeys(TURN_FIELDS, (str,)),
            **dict.fromkeys(("session_id", "role", "error"), (_TEXT,)),
            **dict.fromkeys(("turn_index", "attempt"), (int,)),
            **dict.fromkeys(("llm_ms", "storage_ms"), (_TIME,)),
            **dict.fromkeys(("tokens_in", "tokens_out"), (count,)),
            "total_ms": (float,),
            "storage_ms_by": (by,),
            "status": (Literal["ok", "error", "timeout"],),
            **{name: (_TIME if name.endswith("_ms") else _OWN, None) for name in own},
        }
        turn, field = self._type(types)
        self._own_times = {name: field[name] for name in own if name.endswith("_ms")}
        self._by_adapter = by_adapter
        self._decode = self._msgspec.json.Decoder(turn).decode
        self._decode_all = self._msgspec.json.Decoder(GenericAlias(list, (turn | Literal[""],))).decode
        self._own, self._adapters = own, adapters

    def _type(self, fields: dict[str, tuple[Any, ...]]) -> tuple[Any, dict[str, Callable[[Any], Any]]]:
        """A type of objects that have these fields and no others, and what gets each of them."""
        names = {name if name in _FIELDS else f"own{number}": name for number, name in enumerate(fields)}
        kinds = [(attribute, *fields[name]) for attribute, name in names.items()]
        made = self._msgspec.defstruct("Line", kinds, rename=names, forbid_unknown_fields=True, gc=False)
        return made, {name: attrgetter(attribute) for attribute, name in names.items()}

    def _numbers(self, turns: list[Any]) -> TurnNumbers:
        turns = self._counting(turns)
        times = {  # said three times, as this takes half the time of `attrgetter`
            "llm_ms": [turn.llm_ms for turn in turns],
            "storage_ms": [turn.storage_ms for turn in turns],
            "total_ms": [turn.total_ms for turn in turns],
            **{name: list(map(get, turns)) for name, get in self._own_times.items()},
        }
        columns = {name: _numbers_among(values) for name, values in times.items()}
        by = [turn.storage_ms_by for turn in turns]
        return TurnNumbers(
            turns=len(turns),
            times=columns,
            by_adapter={name: _numbers_among(list(map(get, by))) for name, get in self._by_adapter.items()},
            tokens_in=total_of([turn.tokens_in for turn in turns]),
            tokens_out=total_of([turn.tokens_out for turn in turns]),
            errors=len(turns) - [turn.status for turn in turns].count("ok"),
            timed=_timed(times, columns, len(turns)),
        )

    def _counting(self, turns: list[Any]) -> list[Any]:
        """Those whose attempts count."""
        unit_ids, attempts = {turn.unit_id for turn in turns}, {turn.attempt for turn in turns}
        if all(self._counts(unit_id, attempt) for unit_id in unit_ids for attempt in attempts):
            return turns
        known = {(unit_id, one): self._counts(unit_id, one) for unit_id in unit_ids for one in attempts}
        return [turn for turn in turns if known[turn.unit_id, turn.attempt]]


def turn_decoder(counts: Callable[[str, int], bool]) -> TurnDecoder | None:
    """What decodes turns; None where msgspec is not installed."""
    try:
        return TurnDecoder(counts)
    except ImportError:
        return None


def _is_plain(name: str) -> bool:
    """Whether msgspec takes it as the name of a field."""
    return name.isprintable() and not {'"', "\\"} & set(name)


def _numbers_among(values: list[float | None]) -> array[float]:
    try:
        return array("d", struct.pack(f"{len(values)}d", *values))  # in a third of the time of an array of values
    except struct.error:
        return array("d", [value for value in values if value is not None])


def _timed(times: dict[str, list[float | None]], columns: dict[str, array[float]], turns: int) -> int:
    """How many of the turns have timed anything."""
    names = [name for name in times if name != "total_ms"]
    if any(len(columns[name]) == turns for name in names):
        return turns
    rows = zip(*(times[name] for name in names), strict=True)
    return sum(any(value is not None for value in row) for row in rows)
