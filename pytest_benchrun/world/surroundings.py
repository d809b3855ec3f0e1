"""What all units of a process share, and one may leave changed: directory, environment, mask, signals, limits."""

from __future__ import annotations

import os
import resource
import signal
from _signal import getsignal, pthread_sigmask  # type: ignore[import-not-found]  # those of `signal` cost 2 us a call
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.world.interpreter import Interpreter, changed, look_at_interpreter, restore_interpreter

_WATCHED = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if (number := getattr(signal, name, None)) is not None
)
_PYTESTS = b"PYTEST_CURRENT_TEST"  # another one in each phase, and none between units
_MOST_NAMED = 5
_LIMITS = {
    resource.RLIMIT_AS: "memory",
    resource.RLIMIT_CPU: "CPU time",
    resource.RLIMIT_DATA: "data",
    resource.RLIMIT_FSIZE: "the size of files",
    resource.RLIMIT_NOFILE: "open files",
}
"""Those that would end the next unit, or us."""

Limits = tuple[tuple[int, int], ...]
"""Soft and hard, in the order of `_LIMITS`."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of the process at one moment.

    Attributes:
        folder: the working directory; None when it is gone.
        environment: the variables, as the system has them.
        umask: the mode bits that new files do not get.
        handlers: of the watched signals; None where it was not set in Python.
        blocked: signals that do not arrive.
        limits: of the process's resources.
        interpreter: its settings.
    """

    folder: str | None
    environment: dict[bytes, bytes]
    umask: int
    handlers: tuple[Any, ...]
    blocked: frozenset[int]
    limits: Limits
    interpreter: Interpreter


class Surroundings:
    """Remembers the state that units should find, and puts it back after one that has changed it.

    For the main thread: only there can handlers be set.
    """

    def __init__(self) -> None:
        mask = os.umask(0o77)
        os.umask(mask)
        self._expected = State(None, {}, mask, (), frozenset(), (), look_at_interpreter())
        self.accept()

    def accept(self) -> None:
        """What is there now is right: a wider fixture has made it so."""
        self._expected = self.look()

    def look(self) -> State:
        """The state now."""
        expected = self._expected.umask
        mask = os.umask(expected)  # a question only by setting: while nobody has changed it, this changes nothing
        if mask != expected:
            os.umask(mask)
        environment = dict(_environment())
        environment.pop(_PYTESTS, None)
        blocked = frozenset(pthread_sigmask(0, ()))
        return State(_folder(), environment, mask, _handlers(), blocked, look_at_limits(), look_at_interpreter())

    def accept_change(self, before: State) -> None:
        """What has changed since `before` is right; what had changed until then is not."""
        after, expected = self.look(), self._expected
        environment = dict(expected.environment)
        for name in _different(before.environment, after.environment):
            if name in after.environment:
                environment[name] = after.environment[name]
            else:
                environment.pop(name, None)
        self._expected = replace(
            expected,
            folder=after.folder if after.folder != before.folder else expected.folder,
            environment=environment,
            umask=after.umask if after.umask != before.umask else expected.umask,
            handlers=after.handlers if after.handlers != before.handlers else expected.handlers,
            blocked=after.blocked if after.blocked != before.blocked else expected.blocked,
            limits=after.limits if after.limits != before.limits else expected.limits,
            interpreter=changed(expected.interpreter, before.interpreter, after.interpreter),
        )

    def put_variable(self, name: bytes, value: str) -> None:
        """Set a variable of the environment, and expect it."""
        data = os.fsencode(value)
        os.environb[name] = data
        self._expected.environment[name] = data

    @property
    def limits(self) -> Limits:
        """Those that units should find."""
        return self._expected.limits

    def restore(self, *, has_limits: bool = True) -> list[str]:
        """Put back what has changed.

        Args:
            has_limits: whether limits may have changed since they were looked at.

        Returns:
            What it was, as the second half of a sentence each; mostly none.
        """
        expected = self._expected
        changes = []
        if _folder() != expected.folder:
            changes += _restore_folder(expected.folder)
        if _environment() != expected.environment:
            changes += _restore_environment(expected.environment)
        mask = os.umask(expected.umask)
        if mask != expected.umask:
            changes.append(f"left the umask changed to {mask:03o}")
        if _handlers() != expected.handlers:
            changes += _restore_handlers(expected.handlers)
        if pthread_sigmask(0, ()) != expected.blocked:
            changes += _restore_blocked(expected.blocked)
        if signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, 0)
            changes.append("left an alarm set")
        changes += restore_interpreter(expected.interpreter)
        return changes + restore_limits(expected.limits) if has_limits else changes


def look_at_limits() -> Limits:
    """The limits of this process's resources now."""
    return tuple([resource.getrlimit(number) for number in _LIMITS])


def restore_limits(expected: Limits) -> list[str]:
    """Put back the limits that have changed.

    Returns:
        What they were, as the second half of a sentence each; mostly none.
    """
    now = look_at_limits()
    if now == expected:
        return []
    changes = []
    for (number, name), is_now, before in zip(_LIMITS.items(), now, expected, strict=True):
        if is_now == before:
            continue
        said = f"left the limit of {name} changed to {is_now[0] if is_now[0] != resource.RLIM_INFINITY else 'none'}"
        try:
            resource.setrlimit(number, before)
        except (OSError, ValueError) as error:  # only root may raise a hard limit
            said += f"; it cannot be put back: {error}"
        changes.append(said)
    return changes


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # text is all that is compared, once a unit
    except OSError:
        return None


def _environment() -> Mapping[bytes, bytes]:
    """The variables without decoding each: they are compared after every unit."""
    found: Mapping[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # see above
    return found


def _handlers() -> tuple[Any, ...]:
    return tuple([getsignal(number) for number in _WATCHED])


def _different(before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]) -> list[bytes]:
    names = before.keys() | after.keys()
    return sorted(name for name in names - {_PYTESTS} if before.get(name) != after.get(name))


def _restore_folder(expected: str | None) -> list[str]:
    now = _folder()
    if expected is None:
        return []
    said = "removed" if now is None else f"changed to {to_name(now)!r}"
    try:
        os.chdir(expected)
    except OSError as error:
        return [f"left the working directory {said}; it cannot be put back: {error.strerror}"]
    return [f"left the working directory {said}"]


def _restore_environment(expected: Mapping[bytes, bytes]) -> list[str]:
    changed = _different(expected, _environment())
    for name in changed:
        if name in expected:
            os.environb[name] = expected[name]
        else:
            del os.environb[name]
    if not changed:
        return []
    return [f"left the environment changed: {few(to_name(os.fsdecode(name)) for name in changed)}"]


def few(names: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    listed = list(names)
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _restore_handlers(expected: tuple[Any, ...]) -> list[str]:
    changed = []
    for number, now, before in zip(_WATCHED, _handlers(), expected, strict=True):
        if now != before and before is not None:
            with suppress(ValueError, TypeError, OSError):
                signal.signal(number, before)
            changed.append(number.name)
    return [f"left the handler of {name} changed" for name in changed]


def _restore_blocked(expected: frozenset[int]) -> list[str]:
    now = signal.pthread_sigmask(signal.SIG_SETMASK, expected)
    names = sorted(getattr(number, "name", str(number)) for number in now if number not in expected)
    return [f"left signals blocked: {', '.join(names)}" if names else "left signals let through that were blocked"]
