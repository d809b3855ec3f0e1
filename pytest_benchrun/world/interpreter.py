"""What units share of the interpreter, and one may leave changed: recursion limit, garbage collection, tracing."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass
from typing import Any

# now: a unit may patch them
_limit, _set_limit = sys.getrecursionlimit, sys.setrecursionlimit
_is_collecting, _collect, _stop_collecting = gc.isenabled, gc.enable, gc.disable
_threshold, _set_threshold = gc.get_threshold, gc.set_threshold
_trace, _set_trace, _profile, _set_profile = sys.gettrace, sys.settrace, sys.getprofile, sys.setprofile

_DEBUGGERS = ("bdb", "pdb", "pydevd", "_pydevd")
"""Modules whose trace functions people have set, for breakpoints that are still to come."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Its settings at one moment."""

    recursion_limit: int
    is_collecting: bool
    threshold: tuple[int, int, int]
    trace: Any
    profile: Any


def look_at_interpreter() -> Interpreter:
    """The settings now; of tracing those of this thread."""
    return Interpreter(_limit(), _is_collecting(), _threshold(), _trace(), _profile())


def restore_recursion_limit(expected: int) -> list[str]:
    """Put back the recursion limit.

    Returns:
        What it was, as the second half of a sentence; mostly nothing.
    """
    now = _limit()
    if now == expected:
        return []
    _set_limit(expected)
    return [f"left the recursion limit changed to {now}"]


def restore_interpreter(expected: Interpreter) -> list[str]:
    """Put back what has changed; five calls of 50 ns where nothing has.

    Returns:
        What it was, as the second half of a sentence each.
    """
    changes = restore_recursion_limit(expected.recursion_limit)
    if _is_collecting() != expected.is_collecting:
        changes.append(f"left garbage collection switched {'off' if expected.is_collecting else 'on'}")
        (_collect if expected.is_collecting else _stop_collecting)()
    if _threshold() != expected.threshold:
        changes.append(f"left the thresholds of garbage collection changed to {_threshold()}")
        _set_threshold(*expected.threshold)
    trace = _trace()
    if trace is not expected.trace and not _is_debugger(trace):
        changes.append("left the trace function changed")
        _set_trace(expected.trace)
    if _profile() is not expected.profile:
        changes.append("left the profile function changed")
        _set_profile(expected.profile)
    return changes


def is_debugged() -> bool:
    """Whether a debugger follows this thread now."""
    return _is_debugger(_trace())


def _is_debugger(trace: object) -> bool:
    module = getattr(trace, "__module__", None) if trace is not None else None
    return isinstance(module, str) and module.partition(".")[0].startswith(_DEBUGGERS)


def changed(expected: Interpreter, before: Interpreter, after: Interpreter) -> Interpreter:
    """What is expected once the change from `before` to `after` is right."""
    return Interpreter(
        after.recursion_limit if after.recursion_limit != before.recursion_limit else expected.recursion_limit,
        after.is_collecting if after.is_collecting != before.is_collecting else expected.is_collecting,
        after.threshold if after.threshold != before.threshold else expected.threshold,
        after.trace if after.trace is not before.trace else expected.trace,
        after.profile if after.profile is not before.profile else expected.profile,
    )
