"""Any Python value as JSON can hold it: never an error, never a lost result."""

from __future__ import annotations

import hashlib
import math
import re
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
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # a user's __repr__ may raise anything; the value must still be kept
        text = f"<{type(value).__name__}: repr raised {type(error).__name__}>"
    return safe_text(text, length)


def to_scalar(value: object) -> object:
    """A NumPy or torch scalar as the Python number it holds; anything else as it is."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        try:
            return item()
        except Exception:  # noqa: BLE001  # a foreign scalar that cannot be read stays what it is
            return value
    return value


def to_json(value: object, *, depth: int = 0) -> JsonValue:  # noqa: C901, PLR0911  # one branch a kind of value
    """`value` as JSON can hold it.

    Numbers that are not finite become None, integers beyond 64 bits and anything unknown their
    `repr`; sets become sorted lists; keys become text; what is deeper than 20 levels or circular
    its `repr`.
    """
    if value is None or value is True or value is False:
        return value
    if not isinstance(value, str):
        value = to_scalar(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut(safe_text(str.__str__(value)), TEXT_LENGTH)
    if isinstance(value, int):
        return int(value) if -_INT64 <= value < _INT64 else _identity(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth >= _MAX_DEPTH:
        return safe_repr(value)
    if isinstance(value, Mapping):
        return {safe_text(str(key), REPR_LENGTH): to_json(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((to_json(item, depth=depth + 1) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [to_json(item, depth=depth + 1) for item in value]
    return _identity(value)


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
        try:
            text += " #" + hashlib.sha256(as_bytes()).hexdigest()[:8]
        except Exception:  # noqa: BLE001  # a foreign object's method; its repr has to do
            return _cut(text, REPR_LENGTH)
    return _cut(text, REPR_LENGTH)


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
    number = to_scalar(value)
    kept: float | int | str | None
    if isinstance(number, bool | int) and -_INT64 <= number < _INT64:
        kept = int(number)
    elif isinstance(number, int | float):
        kept = float(number) if -1.7e308 < number < 1.7e308 else None  # noqa: PLR2004  # the range of a double
        if kept is None:
            warnings.append(f"metric {name!r} is not finite ({safe_repr(value, 40)}): kept as null")
    else:
        kept = safe_repr(value)
        warnings.append(f"metric {name!r} is not a number ({safe_repr(value, 40)}): kept as text, in no statistic")
    if better is not None and better not in ("lower", "higher"):
        warnings.append(f"metric {name!r}: better={better!r} is neither 'lower' nor 'higher': kept without direction")
        better = None
    if not isinstance(unit, str):
        warnings.append(f"metric {name!r}: unit={safe_repr(unit, 40)} is not text")
        unit = str(unit) if unit is not None else ""
    direction = better if isinstance(better, str) else None
    return Metric(value=kept, unit=safe_text(unit, REPR_LENGTH), better=direction), warnings
