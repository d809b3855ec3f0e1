"""Campaigns in real processes: what a test asks for, and the end of every process that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.disks import small_disk
from tests.acceptance.processes import Children
from tests.acceptance.suite import Suite


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    """Starts processes; ends those that are left."""
    folder = tmp_path / "output"
    folder.mkdir()
    started = Children(folder)
    yield started
    started.end_all()


@pytest.fixture
def suite(tmp_path: Path, children: Children) -> Suite:
    """A campaign without units yet."""
    return Suite(tmp_path / "suite", children)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes."""
    with small_disk(tmp_path / "disk", "2M") as place:
        yield place
