"""How values are said to people. Imports nothing: `benchrun status` must answer at once."""

from __future__ import annotations

_ID_LENGTH = 100
_MINUTES = 60


def clean(text: str, length: int = _ID_LENGTH) -> str:
    """One printable line: control characters escaped, the middle left out when it is long."""
    if len(text) <= length and text.isprintable():
        return text
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode-escape").decode() for letter in text)
    if len(shown) <= length:
        return shown
    half = (length - 1) // 2
    return f"{shown[:half]}…{shown[-half:]}"


def seconds(value: float | None) -> str:
    """Seconds for people: `12 ms`, `3.46 s`, `2 min 5 s`, `3 h 20 min`; `-` for None."""
    if value is None:
        return "-"
    if value < 0.9995:  # noqa: PLR2004  # what three digits do not round up to a second
        return f"{value * 1000:.3g} ms"
    if value < _MINUTES - 0.05:  # nor what they round up to a minute
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), _MINUTES)
    if minutes < _MINUTES:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTES} h {minutes % _MINUTES} min"


def size(value: float) -> str:
    """Bytes for people: `0 bytes`, `12.3 kB`, `1.54 GB`; steps of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 999.5:  # noqa: PLR2004  # what three digits do not round up to the next unit
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB" if value < 999.5 else f"{value:.0f} TB"  # noqa: PLR2004  # likewise


def remaining(hours: float | None) -> str:
    """An ETA as people read it: minutes below one hour."""
    if hours is None:
        return "not known yet"
    if hours >= 1:
        return f"{hours:.1f} hours"
    minutes = round(hours * _MINUTES)
    return "less than a minute" if hours * _MINUTES < 1 else f"{minutes} minute{'s' if minutes > 1 else ''}"
