"""A time of day that is stepped while sessions run, for them alone: `clock.c`, loaded before the C library."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class SteppedClock:
    """What sessions take for the time of day; other clocks are left alone, as where people set the clock.

    Args:
        folder: for the library, and the file that holds the offset: all processes have it in their memory.

    Raises:
        subprocess.CalledProcessError: the library cannot be made here.
    """

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "clock.so", folder / "clock"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE)], check=True)
        self._file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "NEMESIS_CLOCK": str(self._file)}

    def step(self, seconds: int) -> None:
        """Set it so far from the true time; at once, in all processes."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))


def can_step() -> bool:
    """Whether the library can be made here: Linux, with a C compiler."""
    return sys.platform == "linux" and shutil.which("cc") is not None
