"""Every durable operation on disk goes through `Disk`, so that tests can make any one of them fail."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_TEMP_PREFIX = ".benchrun-tmp-"
_numbers = itertools.count()  # process-wide: makes a temporary name unique beside the pid


class Disk:
    """The real disk.

    Args:
        is_durable: whether writes are synced (`--bench-durability=fsync`); without, they survive the
            death of every process but not the loss of power.
    """

    def __init__(self, *, is_durable: bool = True) -> None:
        self.is_durable = is_durable

    def open_append(self, path: Path) -> int:
        """A descriptor that appends to `path`, made if missing, never through a link."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)

    def make_new(self, path: Path, data: bytes) -> int:
        """A descriptor that reads and writes `path`, which is not there yet, and holds `data` then.

        Raises:
            OSError: it is there already, or there is no room; then it is not there afterwards.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            self._write_all(descriptor, data)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        """Hand `data` to the operating system; returns how many bytes it took."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut an open file to `size` bytes."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Wait until the disk has the file's data."""
        os.fdatasync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, replacing the target in one step."""
        os.replace(source, target)  # noqa: PTH105  # one seam, one system call

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def make_dir(self, path: Path) -> None:
        """Make a directory and its parents."""
        path.mkdir(parents=True, exist_ok=True)

    def sync_dir(self, path: Path) -> None:
        """Wait until the disk has the directory's entries; nothing to wait for when not durable."""
        if not self.is_durable:
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write_atomically(self, path: Path, data: bytes | Iterable[bytes], *, is_synced: bool = True) -> None:
        """Replace `path` by `data`: a reader sees the old file or the new one, whole.

        Args:
            path: the file; its directory must exist.
            data: the new content, in one piece or in many.
            is_synced: False for what is written so often, and is so cheap to make again, that the
                loss of power may take its latest content.

        Raises:
            OSError: the file is the old one or the new one, whole, and no temporary file stays.
        """
        temporary = self.temporary_path(path.parent, f"{os.getpid()}-{next(_numbers)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            try:
                for piece in (data,) if isinstance(data, bytes) else data:
                    self._write_all(descriptor, piece)
                if self.is_durable and is_synced:
                    self.sync(descriptor)
            finally:
                os.close(descriptor)
            self.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if is_synced:
            self.sync_dir(path.parent)

    def make_atomically(self, path: Path, make: Callable[[Path], None]) -> None:
        """Replace `path` by a file that `make` fills: for libraries that write files by their name.

        Args:
            path: as in `write_atomically`.
            make: is given the path of an empty file of ours, in the same directory.

        Raises:
            OSError: as in `write_atomically`; and whatever `make` raises.
        """
        temporary = self.temporary_path(path.parent, f"{os.getpid()}-{next(_numbers)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o666)
        try:
            try:
                make(temporary)
                if self.is_durable:
                    self.sync(descriptor)
            finally:
                os.close(descriptor)
            self.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        self.sync_dir(path.parent)

    def temporary_path(self, directory: Path, name: str) -> Path:
        """A path that `sweep_temporary_files` finds."""
        return directory / f"{_TEMP_PREFIX}{name}"

    def overwrite(self, path: Path, data: bytes) -> None:
        """Replace the content of a file that must stay the same file, as a lock must; a reader may see neither."""
        path.write_bytes(data)

    def _write_all(self, descriptor: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            written = self.write(descriptor, bytes(left) if len(left) < len(data) else data)
            if written <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a full disk may say nothing else
            left = left[written:]

    def free_bytes(self, path: Path) -> int:
        """Bytes that an ordinary user can still write on the disk of `path`."""
        return shutil.disk_usage(path).free

    def sweep_temporary_files(self, directory: Path) -> None:
        """Remove what writers that died in the middle have left; call only while holding the lock."""
        for path in directory.glob(f"{_TEMP_PREFIX}*"):
            with suppress(OSError):
                path.unlink()
