"""A control group of its own with little memory, where this machine lets a test make one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")
_LIMITS = {
    "memory.limit_in_bytes": None,  # version 1
    "memory.max": None,  # version 2
    "memory.memsw.limit_in_bytes": None,  # 1, with swap
    "memory.swap.max": 0,  # 2
}
"""Files of a group, and what is written to them; None for the memory that it may have."""


@contextmanager
def little_memory(size_bytes: int) -> Iterator[Path]:
    """The file that a process writes its pid to, to have no more than so much memory from then on."""
    try:
        group = _parent() / f"benchrun-test-{os.getpid()}"
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group for memory can be made here: {error}")
    try:
        written = 0
        for name, size in _LIMITS.items():
            with suppress(OSError):
                if (group / name).exists():
                    (group / name).write_text(str(size_bytes if size is None else size))
                    written += 1
        if not written:
            pytest.skip("control groups do not limit memory here")
        yield group / "cgroup.procs"
    finally:
        for pid in (group / "cgroup.procs").read_text("ascii").split():  # after a test that failed
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(pid)
        group.rmdir()


def _parent() -> Path:
    """This process's group, by cgroups(7): of the memory controller, or the only one there is."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text("ascii").splitlines()]
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            return _ROOT / "memory" / path.lstrip("/")
    return _ROOT / next((path for number, _, path in lines if number == "0"), "/").lstrip("/")
