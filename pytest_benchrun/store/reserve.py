"""A file that holds room in the results directory, so that a run on a full disk can still say that it waits.

Owns `.benchrun-tmp-reserve-<pid>`: swept at the next start like every temporary file of a dead owner.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from pytest_benchrun.store.rundir import RunDir

RESERVE_BYTES = 65536
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Reserve:
    """Room for the views of one run.

    Args:
        rundir: where.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._disk = rundir.disk
        self._path = rundir.disk.temporary_path(rundir.path, f"reserve-{os.getpid()}")

    def take(self) -> None:
        """Hold the room, or as much of it as there is; never raises for the disk."""
        with suppress(OSError):
            descriptor = self._disk.open_append(self._path)
            try:
                held = os.fstat(descriptor).st_size
                if held < RESERVE_BYTES:
                    # what a disk could compress would hold no room
                    self._disk.write(descriptor, os.urandom(RESERVE_BYTES - held))
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Give the room back."""
        with suppress(OSError):
            self._disk.unlink(self._path)
