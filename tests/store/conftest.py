"""What the tests of the store ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.store.files import Disk
from pytest_benchrun.store.rundir import RunDir


@pytest.fixture
def rundir(tmp_path: Path) -> RunDir:
    """An empty directory on a disk that is not waited for."""
    return RunDir(tmp_path, Disk(is_durable=False))
