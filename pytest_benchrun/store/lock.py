"""`.benchrun.lock`: one owner of a results directory at a time, and who it is.

The lock itself is `flock` through filelock with its soft fallback off; the file's text is the owner,
empty while nobody owns the run. The file stays in place: unlinking a locked file lets two owners in.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from shlex import quote
from typing import Any

import orjson
from filelock import FileLock, Timeout

from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.model import Owner
from pytest_benchrun.store.files import Disk

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

LET_GO_S = 0.5
"""How long a lock that a dead owner has left is waited for."""


class OwnedElsewhere(DirectoryProblem):
    """Another process owns the directory.

    Attributes:
        owner: who, None when the record could not be read.
    """

    def __init__(self, path: Path, owner: Owner | None, hint: str) -> None:
        who = (
            f"pid {owner.pid} on host {owner.host!r}, since {owner.started_at}"
            if owner
            else "a process that left no name"
        )
        super().__init__(f"the run in {path.parent} is owned by {who}", hint=hint)
        self.owner = owner


def read_owner(path: Path) -> Owner | None:
    """The owner recorded in a lock file; None when there is none or the text is no owner."""
    try:
        raw = _loads(path.read_bytes())
        return Owner(**{f.name: raw[f.name] for f in fields(Owner)})
    except (OSError, ValueError, TypeError, KeyError):
        return None


class RunLock:
    """Held for the whole session.

    Args:
        path: the lock file.
        is_alive: tells whether an owner's process lives; None when it cannot know (another host).
        disk: how the owner's record is written.
    """

    def __init__(self, path: Path, is_alive: Callable[[Owner], bool | None], disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self._path = path
        self._is_alive = is_alive
        # filelock grew the switch in 3.29; before that there was no fallback to switch off.
        strict: dict[str, Any] = (
            {"fallback_to_soft": False} if "fallback_to_soft" in inspect.signature(FileLock.__init__).parameters else {}
        )
        self._lock = FileLock(path, timeout=0, thread_local=False, **strict)
        self._pid = os.getpid()
        self._found = b""
        self._owner: Owner | None = None

    def acquire(self, owner: Owner) -> Owner | None:
        """Take the lock for `owner`, without waiting.

        Returns:
            The dead owner it was taken over from; None when it was free.

        Raises:
            OwnedElsewhere: its owner lives, or is on another host and nobody here can know.
        """
        previous = read_owner(self._path)
        self._refuse_living(previous)
        try:
            # A child that a dead owner forked in its last moment lets go of the lock as soon as it runs.
            self._lock.acquire(timeout=0 if previous is None else LET_GO_S)
        except Timeout:
            raise OwnedElsewhere(self._path, read_owner(self._path), self._how_to_go_on()) from None
        previous = read_owner(self._path)
        self._found = self._path.read_bytes()
        try:
            self._refuse_living(previous)
            self._disk.overwrite(self._path, _dumps({"schema_version": SCHEMA_VERSION, **asdict(owner)}))
            self._owner = owner
        except BaseException:
            self._lock.release()
            raise
        return previous

    @property
    def is_held(self) -> bool:
        """Whether this process has it, and so nobody else the directory."""
        return self._lock.is_locked

    def keep_nothing(self) -> None:
        """From here on the session changes the directory: what a dead owner had left is settled."""
        self._found = b""

    def release(self) -> None:
        """Give the directory back, its record as it was found if nothing was settled; a forked child gives nothing."""
        if os.getpid() == self._pid and self._lock.is_locked:
            # Removed by force, the path may hold the record of a next owner by now, or nothing.
            if read_owner(self._path) == self._owner:
                with suppress(OSError):
                    self._disk.overwrite(self._path, self._found)
            with suppress(OSError):  # the end of the process gives it back all the same
                self._lock.release()

    def _refuse_living(self, owner: Owner | None) -> None:
        alive = self._is_alive(owner) if owner else False
        if alive is None:
            hint = f"if that host is gone for good: rm {quote(str(self._path))}   and start again"
            raise OwnedElsewhere(self._path, owner, hint)
        if alive:
            raise OwnedElsewhere(self._path, owner, self._how_to_go_on())

    def _how_to_go_on(self) -> str:
        return (
            f"wait for it, or stop it: benchrun stop {quote(str(self._path.parent))}   or use another --bench-results"
        )
