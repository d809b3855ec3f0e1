"""Puts the workers' turns into one file, and full files away; in the process that owns the run, while no unit runs.

A kill may come between any two steps, so that each can be repeated. Where there is no file of all, the first part
becomes it. Otherwise a part gets a name of its own first; a note says how long the file of all was before it is
appended; the part goes when all of it is on the disk, and the note after it. Where a note is found with its part, the
file is cut back and the part appended again; where the part is gone, only the note was left to go.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import orjson

from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnends import bring_home, cut_torn_end
from pytest_benchrun.store.turnfile import put_away

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

_BLOCK = 1024 * 1024
_LEVEL = 1
"""A quarter more bytes than the usual level, in 40 % of its time: the end of the session waits for it."""
_GZIP = 31
"""`wbits` of zlib for a gzip file; its header holds no name and no time."""


def tidy_turns(rundir: RunDir, rotate_bytes: int, now_at: str) -> list[str]:
    """Join what workers have left, put full files away and compress them; call only while no unit runs.

    What fails is tried again at the next start; no line is lost by that.

    Returns:
        What people should be told, one sentence each.
    """
    notes: list[str] = []
    try:
        _settle_join(rundir)
        for path in rundir.turns_with_waiting():
            bring_home(rundir, path, now_at)
        for path in (rundir.turns, *rundir.turn_parts()):
            kept = cut_torn_end(rundir, path, now_at)
            if kept is not None:
                notes.append(f"the last line of {path.name} was torn and is cut off; its bytes are in {kept.name}")
        for part in rundir.turn_parts():
            _join(rundir, part)
            _rotate(rundir, rotate_bytes)
        _rotate(rundir, rotate_bytes)
        _compress(rundir)
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        notes.append(f"the workers' turns are not all in turn_metrics.jsonl yet: {why}")
    return notes


def turn_sources(rundir: RunDir) -> list[tuple[Path, int]]:
    """The files that hold every turn once, whatever a kill has left half done, with the bytes of them that count.

    Full ones come first, by number (`.gz` ones are compressed), then the current one, then workers' parts. A torn
    end is no line.
    """
    full = dict(rundir.full_turns())  # of two with one number the compressed one is whole, and sorts last
    sources = [(path, path.stat().st_size) for path in full.values()]
    if rundir.turns.exists():
        noted = _noted_join(rundir)
        is_half_joined = noted is not None and noted[0].exists()
        sources.append((rundir.turns, noted[1] if noted and is_half_joined else rundir.turns.stat().st_size))
    return sources + [(path, path.stat().st_size) for path in rundir.turn_parts()]


def _noted_join(rundir: RunDir) -> tuple[Path, int] | None:
    """The part that was being joined and the size of the file of all before it; None when none was."""
    try:
        note = _loads(rundir.turns_joining.read_bytes())
    except FileNotFoundError:
        return None
    return rundir.path / Path(str(note["part"])).name, int(note["size"])


def _settle_join(rundir: RunDir) -> None:
    """Undo a join that was killed in the middle, or take away the note of one that was not."""
    noted = _noted_join(rundir)
    if noted is None:
        return
    part, size = noted
    if part.exists():
        _cut_back(rundir, size)
    rundir.disk.unlink(rundir.turns_joining)
    rundir.disk.sync_dir(rundir.path)


def _cut_back(rundir: RunDir, size: int) -> None:
    descriptor = rundir.disk.open_append(rundir.turns)
    try:
        if os.fstat(descriptor).st_size > size:
            rundir.disk.truncate(descriptor, size)
            _sync(rundir, descriptor)
    finally:
        os.close(descriptor)


def _join(rundir: RunDir, part: Path) -> None:
    if not rundir.turns.exists():  # as after a first session, where it saves half of the work
        rundir.disk.replace(part, rundir.turns)
        rundir.disk.sync_dir(rundir.path)
        return
    if not part.name.startswith("turn_metrics.joining-"):
        # a name that no worker has: a new file of the same worker must not be taken for this one
        taken = rundir.path / f"turn_metrics.joining-{part.stat().st_ino}-{part.name.removeprefix('turn_metrics.')}"
        rundir.disk.replace(part, taken)
        part = taken
    size = rundir.turns.stat().st_size if rundir.turns.exists() else 0
    rundir.disk.write_atomically(rundir.turns_joining, _dumps({"part": part.name, "size": size}))
    try:
        _append(rundir, part)
    except OSError:
        with suppress(OSError):  # otherwise the next start does it
            _settle_join(rundir)
        raise
    rundir.disk.unlink(part)
    rundir.disk.sync_dir(rundir.path)  # the note must not go before the part
    rundir.disk.unlink(rundir.turns_joining)


def _append(rundir: RunDir, part: Path) -> None:
    descriptor = rundir.disk.open_append(rundir.turns)
    try:
        with part.open("rb") as file:
            for block in _blocks(file):
                if rundir.disk.write(descriptor, block) != len(block):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a full disk may say nothing else
        _sync(rundir, descriptor)
    finally:
        os.close(descriptor)


def _sync(rundir: RunDir, descriptor: int) -> None:
    if rundir.disk.is_durable:
        rundir.disk.sync(descriptor)


def _rotate(rundir: RunDir, rotate_bytes: int) -> None:
    if rundir.turns.exists() and rundir.turns.stat().st_size >= rotate_bytes:
        put_away(rundir)


def _compress(rundir: RunDir) -> None:
    """Compress what was put away; the plain file goes when the compressed one is on the disk."""
    for _, path in rundir.full_turns():
        if path.suffix == ".gz":
            continue
        with path.open("rb") as file:
            packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
            packed = [packer.compress(block) for block in _blocks(file)]
        rundir.disk.write_atomically(path.with_name(f"{path.name}.gz"), b"".join([*packed, packer.flush()]))
        rundir.disk.unlink(path)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
