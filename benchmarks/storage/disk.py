"""Deals with files on the disk for the storage campaign: sizes, names, removal."""

import os
from pathlib import Path

from benchmarks.storage.records import MAX_BYTES


def files_bytes(folder: Path, *, without: Path | None = None) -> int:
    """Add up the lengths of the files in a folder.

    Args:
        folder: Where to look; folders in it are not entered.
        without: A file to leave out.

    Returns:
        Bytes.
    """
    return sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file() and entry != without)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk: renames count only after that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def warm_page_cache(folder: Path) -> None:
    """Write a large file and remove it.

    Memory that a virtual machine has not touched before costs ten times as much to write to. Who
    comes first would pay for it: the order of the units would decide which of them looks slow.
    """
    path = folder / "warm"
    path.write_bytes(bytes(MAX_BYTES))
    path.unlink()


def clear(folder: Path) -> None:
    """Remove the files of a folder, and with them what the page cache still holds of them.

    Left alone, the system would write it some seconds later: into the measurement of another
    unit. It also is some 100 MB in all, which pytest would keep for three sessions.
    """
    for entry in folder.iterdir():
        entry.unlink()
