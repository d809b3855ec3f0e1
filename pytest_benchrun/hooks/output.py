"""How much of a unit's output and errors its reports carry: head and tail, the rest goes to the unit's log."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_benchrun.store.unitlog import UnitLog

END_LENGTH = 64 * 1024
"""Bytes or characters that stay at each end of a captured section, and of a long error."""

_LIMIT = 2 * END_LENGTH + 1024  # what was cut once, with its notice, is not cut again

# All that a terminal obeys or a reader does not see, but line feed and tab: C0, C1, zero width, directions, separators
# of lines, byte order mark, lone surrogates, noncharacters.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff"
    "\\ufff9-\\ufffb\\ufffe\\uffff\\ud800-\\udfff\\U000e0000-\\U000e007f]"
)

_BUT_COLOURS = re.compile(f"(\\x1b\\[[0-9;]{{0,20}}m)|{_INVISIBLE.pattern}")
"""The same without what only colours text: pytest itself highlights the errors that a terminal shows."""


class CapturedFiles:
    """The two temporary files that pytest captures file descriptors 1 and 2 into.

    pytest reads each of them whole at the end of a phase: before it does, a large one is made small. A
    descriptor that a `capfd` fixture has for itself at that moment is left alone: the test may read it.

    Args:
        config: pytest's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._is_on = config.getoption("capture", "fd") == "fd"
        self._files: dict[int, tuple[int, int]] = {}

    def learn(self) -> None:
        """Remember which files they are; inside the capture of a unit, before its first fixture."""
        if self._is_on and not self._files:
            try:
                self._files = {descriptor: _identity(descriptor) for descriptor in (1, 2)}
                self._is_on = all(os.lseek(descriptor, 0, os.SEEK_END) >= 0 for descriptor in (1, 2))
            except OSError:  # a terminal or a pipe: another plugin captures, or nobody
                self._is_on = False

    def shrink(self, phase: str, log: UnitLog) -> None:
        """Leave head, notice and tail in a file that is too large."""
        if not self._is_on:
            return
        try:
            if os.lseek(1, 0, os.SEEK_END) <= _LIMIT and os.lseek(2, 0, os.SEEK_END) <= _LIMIT:
                return  # nearly always so
        except OSError:
            pass  # see below
        for descriptor, stream in ((1, "stdout"), (2, "stderr")):
            try:
                size = os.lseek(descriptor, 0, os.SEEK_END)
                if size > _LIMIT and _identity(descriptor) == self._files[descriptor]:
                    _shrink_file(descriptor, size, f"Captured {stream} {phase}", log)
            except OSError:
                continue  # the unit has closed or replaced its descriptor


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _shrink_file(descriptor: int, size: int, title: str, log: UnitLog) -> None:
    log.add_file(title, descriptor, size)
    head = _without_broken_end(os.pread(descriptor, END_LENGTH, 0))
    tail = _without_broken_start(os.pread(descriptor, END_LENGTH, size - END_LENGTH))
    kept = head + _notice(size - len(head) - len(tail), "bytes", log).encode() + tail
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    while kept:
        kept = kept[os.write(descriptor, kept) :]


def _without_broken_end(data: bytes) -> bytes:
    """Without the bytes of a last character that may not be whole in UTF-8."""
    for _ in range(3):
        if data[-1:] and data[-1] & 0xC0 == 0x80:  # noqa: PLR2004  # a byte inside a character: 10xxxxxx
            data = data[:-1]
    return data[:-1] if data[-1:] >= b"\xc0" else data


def _without_broken_start(data: bytes) -> bytes:
    for _ in range(3):
        if data[:1] and data[0] & 0xC0 == 0x80:  # noqa: PLR2004  # as above
            data = data[1:]
    return data


def _notice(count: int, what: str, log: UnitLog | None) -> str:
    place = "" if log is None else f"; see {log.name}" if log.problem is None else f"; {log.problem}"
    return f"\n... {count} {what} left out{place} ...\n"


def shorten_report(report: pytest.TestReport, log: UnitLog, kept: set[str], *, has_colours: bool) -> None:
    """Cut what is too long of a report, captured sections and the error, and make visible what is not.

    Args:
        report: of the unit; changed.
        log: takes the sections whole.
        kept: titles of sections that the log has; added to: the reports of later phases repeat them.
        has_colours: whether a terminal that shows colours gets the report.
    """
    shown = _BUT_COLOURS if has_colours else _INVISIBLE
    if report.sections:
        report.sections = [(title, _shorten_section(title, text, shown, log, kept)) for title, text in report.sections]
    reason = getattr(report, "wasxfail", None)
    if isinstance(reason, str):
        report.wasxfail = _shorten(reason, shown)
    if report.longrepr is not None:
        report.longrepr = shorten_error(report.longrepr, shown)


def _shorten_section(title: str, text: str, escaped: re.Pattern[str], log: UnitLog, kept: set[str]) -> str:
    if len(text) > _LIMIT and title not in kept:
        kept.add(title)
        log.add(title, text.encode("utf-8", "backslashreplace"))
    return _shorten(text, escaped, log)


def _shorten(text: str, escaped: re.Pattern[str], log: UnitLog | None = None) -> str:
    if len(text) > _LIMIT:
        notice = _notice(len(text) - 2 * END_LENGTH, "characters", log)
        text = f"{text[:END_LENGTH]}{notice}{text[-END_LENGTH:]}"
    return escaped.sub(_escape, text)


def visible(text: str) -> str:
    """The text with every character visible; line feed and tab stay."""
    return _INVISIBLE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    is_colour = found.re is _BUT_COLOURS and found[1] is not None
    return found[0] if is_colour else found[0].encode("unicode-escape").decode("ascii")


def shorten_error(longrepr: Any, escaped: re.Pattern[str] = _INVISIBLE) -> Any:  # noqa: ANN401  # pytest's union
    """An error as pytest shows it, its long lines and its middle cut; changed in place where it is an object.

    Args:
        longrepr: text, a tuple, or one of pytest's private classes.
        escaped: what becomes visible text.
    """
    if isinstance(longrepr, str):
        return _shorten(longrepr, escaped)
    if isinstance(longrepr, tuple):
        path, line, reason = longrepr
        return path, line, _shorten(reason, escaped) if isinstance(reason, str) else reason
    parts = getattr(longrepr, "chain", None)
    if parts is None:
        parts = [(getattr(longrepr, "reprtraceback", None), getattr(longrepr, "reprcrash", None), None)]
    for traceback, crash, _ in parts:
        if crash is not None:
            crash.message = _shorten(crash.message, escaped)
        for entry in getattr(traceback, "reprentries", ()):
            for holder in (entry, getattr(entry, "reprlocals", None)):
                if holder is not None and hasattr(holder, "lines"):
                    holder.lines = _shorten_lines(holder.lines, escaped)
            arguments = getattr(entry, "reprfuncargs", None)
            if arguments is not None:
                arguments.args = [(name, _shorten(text, escaped)) for name, text in arguments.args]
    return longrepr


def _shorten_lines(lines: Sequence[str], escaped: re.Pattern[str]) -> list[str]:
    """Lines as pytest has them, some of which hold several; only of too many of them the middle is left out."""
    if sum(map(len, lines)) + len(lines) <= _LIMIT:
        return [escaped.sub(_escape, line) for line in lines]
    is_native = any(line.endswith("\n") for line in lines)
    return [_shorten("".join(lines), escaped)] if is_native else _shorten("\n".join(lines), escaped).split("\n")


def forget_output(config: pytest.Config, reports: Sequence[pytest.TestReport]) -> None:
    """Let go of what passed units printed: pytest keeps every report to the end.

    Not where it will be shown then: with `-rP` and `-rA`, and of unexpected passes, which have `-rX`.
    """
    shown = config.getoption("reportchars", "")  # an option of the terminal reporter, which may be switched off
    if "P" in shown or "A" in shown:
        return
    for report in reports:
        if report.sections and report.outcome == "passed" and not hasattr(report, "wasxfail"):
            report.sections = []
