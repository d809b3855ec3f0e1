"""Writes plain files in the ways the storage campaign compares, from fast to safe."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from benchmarks.storage.disk import sync_folder


def _append_buffered(file: BinaryIO, data: bytes) -> None:
    """Leave the data in Python's buffer: lost with the process."""
    file.write(data)


def _append_flushed(file: BinaryIO, data: bytes) -> None:
    """Hand the data to the operating system: lost with the power."""
    file.write(data)
    file.flush()


def _append_synced(file: BinaryIO, data: bytes) -> None:
    """Wait for the disk: not lost."""
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _replace(path: Path, data: bytes) -> None:
    """Rename only: readers see old or new, a power cut may leave an empty file."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _replace_synced(path: Path, data: bytes) -> None:
    """Sync, then rename: a power cut leaves the old or the new file."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        _append_synced(file, data)
    fresh.replace(path)


def _replace_synced_folder(path: Path, data: bytes) -> None:
    """Sync file and folder: on return it is the new file, whatever happens."""
    _replace_synced(path, data)
    sync_folder(path.parent)


APPENDERS: dict[str, Callable[[BinaryIO, bytes], None]] = {
    "buffered": _append_buffered,
    "flush": _append_flushed,
    "fsync": _append_synced,
}

REPLACERS: dict[str, Callable[[Path, bytes], None]] = {
    "rename": _replace,
    "fsync_rename": _replace_synced,
    "fsync_rename_fsync_folder": _replace_synced_folder,
}
