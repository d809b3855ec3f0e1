"""A Python value that JSON gives back exactly as it was, or an error that names the place where it would not."""

from __future__ import annotations

import math

from pytest_benchrun.core.jsonsafe import to_scalar
from pytest_benchrun.core.model import JsonValue

MAX_DEPTH = 100
"""Levels of lists and dicts; the encoder itself gives up at 254."""

_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
_SCALARS = (bool, int, float, str)
_CURES = {
    "tuple": "a list instead: list(value)",
    "set": "a list instead: sorted(value)",
    "frozenset": "a list instead: sorted(value)",
    "bytes": "text instead: value.hex()",
    "ndarray": "a list instead: value.tolist()",
    "Tensor": "a list instead: value.tolist()",
}
_CURE = "numbers, text, lists and dicts with text keys; benchrun.artifact(name) is a file for anything else"


def exact_json(value: object, name: str) -> JsonValue:
    """A copy of `value` that comes back from JSON equal and of the same types; NumPy and torch scalars as numbers.

    Only the exact builtin types pass: a subclass would come back as its base, a tuple as a list.

    Args:
        value: anything.
        name: what the value is called in an error.

    Raises:
        TypeError: a part of a type that JSON has not; says where it is.
        ValueError: a part that JSON cannot hold: NaN, an infinity, an integer beyond 64 bits, half a
            character, a container inside itself or deeper than `MAX_DEPTH` levels.
    """
    return _Walk(name).take(value)


class _Walk:
    """Through one value; knows where it is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._path: list[str | int] = []
        self._above: list[object] = []

    def take(self, value: object) -> JsonValue:
        """One part, and what is in it."""
        if value is None or value is True or value is False:
            return value
        if type(value) is float:
            if not math.isfinite(value):
                raise self._value_error(f"is {value}, which JSON has not", "a finite number, or None")
            return value
        if type(value) is int:
            if not _MIN_INT <= value <= _MAX_INT:
                raise self._value_error("is an integer beyond 64 bits", "text instead: str(value)")
            return value
        if type(value) is str:
            return self._text(value)
        if type(value) is list or type(value) is dict:
            return self._parts(value)
        scalar = to_scalar(value)
        if type(scalar) in _SCALARS:
            return self.take(scalar)
        kind = type(value).__name__
        message = f"{self._place()} is of type {kind!r}, which JSON would not give back as it is"
        raise TypeError(f"{message}\n  -> {_CURES.get(kind, _CURE)}")

    def _text(self, text: str) -> str:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            message = "holds half a character (a lone surrogate), which JSON has not"
            raise self._value_error(message, "text instead: ascii(value)") from None
        return text

    def _parts(self, value: list[object] | dict[object, object]) -> JsonValue:
        if any(value is one for one in self._above):
            raise self._value_error("is inside itself", "a value without circles")
        if len(self._above) >= MAX_DEPTH:
            raise self._value_error(f"is deeper than {MAX_DEPTH} levels", "a flatter value")
        self._above.append(value)
        made: JsonValue
        if isinstance(value, list):
            made = [self._part(number, part) for number, part in enumerate(value)]
        else:
            made = {(name := self._key(key)): self._part(name, part) for key, part in value.items()}
        self._above.pop()
        return made

    def _part(self, key: str | int, value: object) -> JsonValue:
        self._path.append(key)
        made = self.take(value)
        self._path.pop()
        return made

    def _key(self, key: object) -> str:
        if type(key) is str:
            return self._text(key)
        message = f"{self._place()} has a key of type {type(key).__name__!r}, and JSON has only text as keys"
        raise TypeError(f"{message}\n  -> text instead: str(key)")

    def _place(self) -> str:
        return self._name + "".join(f"[{key!a}]" for key in self._path)

    def _value_error(self, what: str, cure: str) -> ValueError:
        return ValueError(f"{self._place()} {what}\n  -> {cure}")
