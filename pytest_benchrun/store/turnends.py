"""How a turn file ends where its writer died: the half line is cut off, the lines on their way to it are appended."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

from pytest_benchrun.store.rundir import RunDir

MAGIC = b"brturns1"
HEAD = 24
"""Bytes before the lines of a `.waiting` file: what it is, where the first of them belongs, how many there are."""

SIZE = 128 * 1024
"""Of such a file: some 300 lines."""

_TAIL_BYTES = 64 * 1024


def bring_home(rundir: RunDir, path: Path, at: str) -> None:
    """Append to a turn file the lines that a killed process had on their way to it; `turnbuffer` says how it left them.

    A kill in the middle changes nothing: it is done again, from where the turn file ends then.

    Raises:
        OSError: it could not be done; the lines wait.
    """
    waiting = rundir.waiting_turns(path)
    try:
        with open(waiting, "rb", opener=_open_to_read) as file:  # pathlib has no opener
            data = file.read(SIZE)
    except FileNotFoundError:
        return
    belongs_at, count = (int.from_bytes(data[first : first + 8], "little") for first in (8, 16))
    lines = data[HEAD : HEAD + count] if data.startswith(MAGIC) else b""
    lines = lines[: lines.rfind(b"\n") + 1]
    arrived = _arrived(path, belongs_at)
    if arrived is not None and lines.startswith(arrived):
        lines = lines[len(arrived) :]
    else:  # it is not the file that it was, or somebody else has written there
        cut_torn_end(rundir, path, at)
        there = set((arrived or b"").splitlines(keepends=True))
        lines = b"".join(line for line in lines.splitlines(keepends=True) if line not in there)
    if lines:
        _append(rundir, path, lines)
    rundir.disk.unlink(waiting)


def _arrived(path: Path, belongs_at: int) -> bytes | None:
    """What stands there, as far as lines that wait can reach; None where the file does not reach so far."""
    try:
        with open(path, "rb", opener=_open_to_read) as file:
            return file.read(SIZE) if file.seek(0, os.SEEK_END) >= belongs_at == file.seek(belongs_at) else None
    except FileNotFoundError:
        return b""


def _append(rundir: RunDir, path: Path, data: bytes) -> None:
    descriptor = rundir.disk.open_append(path)
    try:
        if rundir.disk.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a full disk may say nothing else
    finally:
        os.close(descriptor)


def cut_torn_end(rundir: RunDir, path: Path, at: str) -> Path | None:
    """Move the torn end that a dead writer has left into `<file>.torn-<time>`; the copy is written first.

    Returns:
        The file that now holds the torn bytes; None when there were none.

    Raises:
        OSError: it could not be read or cut.
    """
    try:
        with open(path, "rb", opener=_open_to_read) as file:  # pathlib has no opener
            torn, size = _torn_end(file)
    except FileNotFoundError:
        return None
    if not torn:
        return None
    kept = path.with_name(f"{path.name}.torn-{at.replace(':', '')}")
    rundir.disk.write_atomically(kept, torn)
    descriptor = rundir.disk.open_append(path)
    try:
        rundir.disk.truncate(descriptor, size - len(torn))
        rundir.disk.sync(descriptor)
    finally:
        os.close(descriptor)
    return kept


def _open_to_read(path: str, flags: int) -> int:
    """Neither through a link nor waiting for somebody at the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _torn_end(file: BinaryIO) -> tuple[bytes, int]:
    """What stands behind the last newline, and the size of the file."""
    size = at = file.seek(0, os.SEEK_END)
    torn = b""
    while at > 0:
        first = max(at - _TAIL_BYTES, 0)
        file.seek(first)
        block = file.read(at - first)
        newline = block.rfind(b"\n")
        torn = block[newline + 1 :] + torn
        if newline >= 0:
            break
        at = first
    return torn, size
