"""Removes a folder of ours with all that is in it: no link is followed, no mount is entered, no depth is too deep."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress

GOING = ".going-"
"""How the name of a folder begins whose removal has begun."""
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_folder(parent: int, name: str) -> list[str]:
    """Remove a folder.

    Every folder below is first renamed to the top, so that the walk never goes down a path that somebody may be
    changing, and needs no more descriptors for a deep tree. What something is mounted on cannot be renamed: it stays.

    Args:
        parent: descriptor of the folder that it is in.
        name: its name there.

    Returns:
        What could not be removed, and why; empty when all is gone.
    """
    if "/" in name or name in {"", ".", ".."}:
        return [f"{name!r} is no name"]
    try:
        going = name if name.startswith(GOING) else f"{GOING}{uuid.uuid4().hex}"
        os.rename(name, going, src_dir_fd=parent, dst_dir_fd=parent)
        top = _open(going, parent)
    except OSError as error:
        return [f"{name}: {error.strerror}"]
    problems: dict[str, str] = {}
    try:
        _Emptying(top, problems).run()
    finally:
        os.close(top)
    try:
        os.rmdir(going, dir_fd=parent)
    except OSError as error:
        problems.setdefault(name, error.strerror or str(error))
    return [f"{one}: {why}" for one, why in problems.items()]


class _Emptying:
    """Empties an open folder of ours, one level at a time."""

    def __init__(self, top: int, problems: dict[str, str]) -> None:
        self._top = top
        self._problems = problems
        self._device = os.fstat(top).st_dev
        self._number = 0
        self._waiting: list[str] = []

    def run(self) -> None:
        self._take_out(self._top, "")
        while self._waiting:
            self._empty(self._waiting.pop())

    def _empty(self, name: str) -> None:
        try:
            folder = _open(name, self._top)
        except OSError as error:
            self._problems[name] = error.strerror or str(error)
            return
        try:
            if os.fstat(folder).st_dev == self._device:
                self._take_out(folder, f"{name}/")
        finally:
            os.close(folder)
        try:
            os.rmdir(name, dir_fd=self._top)
        except OSError as error:
            self._problems.setdefault(name, error.strerror or str(error))

    def _take_out(self, folder: int, where: str) -> None:
        """Unlink the files of a folder and bring its folders to the top."""
        with suppress(OSError):
            os.fchmod(folder, 0o700)
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            try:
                if entry.is_dir(follow_symlinks=False):
                    self._bring_up(folder, entry.name)
                else:
                    os.unlink(entry.name, dir_fd=folder)
            except OSError as error:
                self._problems[f"{where}{entry.name}"] = error.strerror or str(error)

    def _bring_up(self, folder: int, name: str) -> None:
        while True:
            self._number += 1
            new = f".{self._number}"
            try:
                os.stat(new, dir_fd=self._top, follow_symlinks=False)
            except FileNotFoundError:
                break
        try:
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=self._top)
        except PermissionError:  # a folder that may not be written cannot be moved to another one
            _allow(name, folder)
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=self._top)
        self._waiting.append(new)


def _open(name: str, parent: int) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=parent)
    except PermissionError:
        _allow(name, parent)
        return os.open(name, _OPEN, dir_fd=parent)


def _allow(name: str, parent: int) -> None:
    """Give us all rights on a folder of ours; Linux has no way that is sure to follow no link but this one."""
    if hasattr(os, "O_PATH"):
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101  # of the open folder, not of a path
        finally:
            os.close(handle)
    else:
        os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
