"""Whether the compiled parts are wanted; where they were not built, Python does the same in more time."""

from __future__ import annotations

import os


def is_wanted() -> bool:
    """False where `BENCHRUN_PURE_PYTHON` is set to anything but nothing."""
    return not os.environ.get("BENCHRUN_PURE_PYTHON")
