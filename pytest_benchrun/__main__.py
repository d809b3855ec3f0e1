"""`python -m pytest_benchrun` is `benchrun`."""

from __future__ import annotations

import sys

from pytest_benchrun.cli import main

if __name__ == "__main__":
    sys.exit(main())
