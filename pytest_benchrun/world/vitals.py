"""What can be seen of a process from outside: memory, open files, the end of what it has printed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import psutil

from pytest_benchrun.world.tree import Started, descendants

_TAIL_BYTES = 4000
_MAX_FILES = 100


def vitals(pid: int, without: Collection[int] = ()) -> tuple[dict[str, Any], list[Started]]:
    """The facts of a process, those that cannot be had left out; and the processes that it has started.

    Args:
        pid: the process.
        without: pids that are no business of it.
    """
    started = descendants(pid, without)
    children = [{"pid": one.pid, "command": one.command, "age_s": round(one.age_s, 3)} for one in started]
    facts: dict[str, Any] = {"children": children, "output_tail": _output_tail(pid)}
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        facts["rss_bytes"] = process.memory_info().rss
        facts["open_files"] = [one.path for one in process.open_files()[:_MAX_FILES]]
    return facts, started


def _output_tail(pid: int) -> str:
    """The end of its standard output and error, where they are files: pytest's capture is one."""
    parts = []
    for number in (1, 2):
        with suppress(OSError):
            path = f"/proc/{pid}/fd/{number}"
            if stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # a link that pathlib would not see through
                parts.append(_tail(path))
    return "\n".join(part for part in dict.fromkeys(parts) if part.strip())


def _tail(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", "replace")
    finally:
        os.close(descriptor)
