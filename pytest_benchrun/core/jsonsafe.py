"""Any Python value as JSON can hold it: never an error, never a lost result.

Values come from users' tests: their classes may lie, raise, or never end. What is of an exact builtin
type is taken as it is; everything else is asked inside one `try`, and kept as its `repr` when it refuses.
"""

from __future__ import annotations

import hashlib
import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from pytest_benchrun.core.model import JsonValue, Metric

REPR_LENGTH = 200
"""Characters kept of the `repr` of a value that JSON has not."""

TEXT_LENGTH = 1000
"""Characters kept of a text that stands for a parameter, a name or a short message."""

_IDENTITY_LENGTH = 100_000  # of a repr, read for its digest; more would cost seconds for nothing
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MAX_DEPTH = 20
_MAX_TEXT = 4000
_MAX_REPR_PARTS = 5_000
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_MAX_PARTS = 1000  # of one value: a circle with three ways round would be walked 3 ** 20 times
_INT64 = 2**63


def safe_text(text: str, length: int | None = None) -> str:
    """`text` without lone surrogates (escaped as backslash, `u` and their code), cut to `length` with an ellipsis."""
    if length is not None and len(text) > length:
        text = text[: length - 1] + "…"
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def safe_repr(value: object, length: int = REPR_LENGTH) -> str:
    """`repr(value)` cut to `length`; a repr that raises becomes the type's name."""
    try:
        text = str.__str__(repr(value) if _is_small(value) else _SHORT.repr(value))
    except Exception as error:  # noqa: BLE001  # a user's __repr__ may raise anything; the value must still be kept
        text = f"<{type(value).__name__}: repr raised {type(error).__name__}>"
    return safe_text(text, length)


def _is_small(value: object) -> bool:
    """Whether a `repr` of builtin containers ends soon: one that holds another twice a level doubles with each."""
    waiting = [value]
    for _ in range(_MAX_REPR_PARTS):
        if not waiting:
            return True
        part = waiting.pop()
        if type(part) in {list, tuple, set, frozenset}:
            waiting.extend(part)  # type: ignore[arg-type]  # the types named above can be walked
        elif type(part) is dict:
            waiting.extend(part.values())
    return not waiting


def to_scalar(value: object) -> object:
    """A NumPy or torch scalar as the Python number it holds; anything else as it is."""
    try:
        item = getattr(value, "item", None)
        return item() if callable(item) and getattr(value, "shape", None) == () else value
    except Exception:  # noqa: BLE001  # a foreign scalar that cannot be read stays what it is
        return value


def to_json(value: object) -> JsonValue:
    """`value` as JSON can hold it.

    Numbers that are not finite become None, integers beyond 64 bits and anything unknown their
    `repr`; sets become sorted lists; keys become text; what is deeper than 20 levels or beyond 1,000
    parts its `repr`, and a container of more than 4,000 characters the beginning of its text and a digest.
    """
    if value is None or type(value) is bool:
        return value
    if type(value) is int and -_INT64 <= value < _INT64:
        return value  # nearly every parameter of a large campaign, in a quarter of the time
    return to_json_with_loss(value)[0]


NOT_FINITE = "is not finite: kept as null"
TOO_LONG = "is too long: cut"
NOT_JSON = "is nothing that JSON has: kept as text"


def to_json_with_loss(value: object) -> tuple[JsonValue, str | None]:
    """`to_json`, and what of the value is lost by it: the first loss, for a sentence; None for none."""
    walk = _Walk()
    made = walk.take(value, 0)
    if isinstance(made, list | dict):
        text = repr(made)
        if len(text) > _MAX_TEXT:  # a parameter is there to be read; a whole data set is known by its digest
            return _cut(text, TEXT_LENGTH), TOO_LONG
    return made, walk.loss


class _Walk:
    """Through one value, with a limit on how much of it is looked at.

    Attributes:
        loss: the first thing that could not be kept as it is; None while there is none.
    """

    def __init__(self) -> None:
        self._parts_left = _MAX_PARTS
        self.loss: str | None = None

    def _lose(self, loss: str) -> None:
        self.loss = self.loss or loss

    def _text(self, text: str) -> str:
        if len(text) > TEXT_LENGTH:
            self._lose(TOO_LONG)
        return _cut(safe_text(text), TEXT_LENGTH)

    def take(self, value: object, depth: int) -> JsonValue:
        """One part; the ordinary kinds first: it is called for every parameter of every unit."""
        self._parts_left -= 1
        if value is None or value is True or value is False:
            return value
        if type(value) is str:
            return self._text(value)
        if type(value) is int and -_INT64 <= value < _INT64:
            return value
        try:
            return self._other(value, depth)
        except Exception:  # noqa: BLE001  # a user's object may raise anything, anywhere; it must still be kept
            self._lose(NOT_JSON)
            return safe_repr(value)

    def _other(self, value: object, depth: int) -> JsonValue:
        value = to_scalar(value)
        if isinstance(value, bool | str):
            return value if isinstance(value, bool) else self._text(str.__str__(value))
        if isinstance(value, int):
            number = int.__int__(value)
            return number if -_INT64 <= number < _INT64 else self._other_kind(value)
        if isinstance(value, float):
            real = float.__float__(value)
            if not math.isfinite(real):
                self._lose(NOT_FINITE)
                return None
            return real
        if depth >= _MAX_DEPTH or self._parts_left <= 0:
            self._lose(TOO_LONG)
            return safe_text(_SHORT.repr(value), REPR_LENGTH)
        return self._parts(value, depth + 1)

    def _parts(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, Mapping | AbstractSet | Sequence) and len(value) > self._parts_left:
            self._lose(TOO_LONG)
            return _identity(value)
        if isinstance(value, Mapping):
            return {_key(key): self.take(item, depth) for key, item in value.items()}
        if isinstance(value, AbstractSet):
            return sorted((self.take(item, depth) for item in value), key=repr)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
            return [self.take(item, depth) for item in value]
        return self._other_kind(value)

    def _other_kind(self, value: object) -> str:
        self._lose(NOT_JSON)
        return _identity(value)


def _key(key: object) -> str:
    return _cut(safe_text(str.__str__(key)), REPR_LENGTH) if isinstance(key, str) else safe_repr(key)


def _cut(text: str, length: int) -> str:
    """`text`, or its beginning and a digest of all of it, so that two long values never look the same."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{text[: length - 9]}…{digest}"


def _identity(value: object) -> str:
    """A text for a value that JSON has not: the same in every process, another one for another value.

    An address in a `repr` says nothing of the value and is taken out; a NumPy array shows only its
    corners, so a digest of its bytes follows.
    """
    text = _ADDRESS.sub("", safe_repr(value, _IDENTITY_LENGTH))
    as_bytes = getattr(value, "tobytes", None)
    if callable(as_bytes):
        text += " #" + hashlib.sha256(as_bytes()).hexdigest()[:8]
    return _cut(text, REPR_LENGTH)


def to_text(value: object) -> str:
    """`str(value)` that can be written; its `repr`, or its type's name, when it refuses."""
    try:
        return safe_text(str.__str__(str(value)))
    except Exception:  # noqa: BLE001  # as in safe_repr
        return safe_repr(value)


def to_name(value: object, length: int = REPR_LENGTH) -> str:
    """A name that fits every sink: text, cut, control characters escaped (XML has no way to hold them)."""
    text = str.__str__(value) if isinstance(value, str) else safe_repr(value, length)
    text = _cut(safe_text(text), length)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode-escape").decode() for letter in text)


def to_metric(name: str, value: object, unit: object, better: object) -> tuple[Metric, list[str]]:
    """A metric that JSON can hold, and what was wrong with what was given.

    Args:
        name: the metric's name, for the sentences.
        value: a number; NumPy and torch scalars become Python numbers, NaN and infinities None,
            anything else its `repr`, kept as text and left out of statistics.
        unit: unit of measure, text.
        better: `"lower"`, `"higher"` or None.
    """
    warnings: list[str] = []
    kept = _number(value)
    if kept is None:
        warnings.append(f"metric {name!r} is not finite ({safe_repr(value, 40)}): kept as null")
    elif isinstance(kept, str):
        warnings.append(f"metric {name!r} is not a number ({safe_repr(value, 40)}): kept as text, in no statistic")
    direction = better if type(better) is str and better in {"lower", "higher"} else None
    if better is not None and direction is None:
        said = safe_repr(better, 40)
        warnings.append(f"metric {name!r}: better={said} is neither 'lower' nor 'higher': kept without direction")
    measure = str.__str__(unit) if type(unit) is str else "" if unit is None else safe_repr(unit)
    if type(unit) is not str:
        warnings.append(f"metric {name!r}: unit={safe_repr(unit, 40)} is not text")
    return Metric(value=kept, unit=safe_text(measure, REPR_LENGTH), better=direction), warnings


def _number(value: object) -> float | int | str | None:
    """The number that `value` holds; None when it is not finite, its `repr` when it is no number."""
    try:
        value = to_scalar(value)
        if isinstance(value, int):
            number = int.__int__(value)
            return number if -_INT64 <= number < _INT64 else float(number)
        if isinstance(value, float):
            real = float.__float__(value)
            return real if math.isfinite(real) else None
    except OverflowError:  # an integer beyond the range of a double
        return None
    except Exception:  # noqa: BLE001  # as in _Walk.take
        return safe_repr(value)
    return safe_repr(value)
