"""Four units in three phases, for the options that choose among phases."""

from __future__ import annotations

from pathlib import Path

from tests.hooks.campaigns import Session

SUITE = """
import os
import pytest

@pytest.mark.benchrun(phase="score")
def test_score(): pass

@pytest.mark.parametrize("x", range(2))
def test_run(x): assert x == 0 or not os.path.exists("broken")

@pytest.mark.benchrun(phase="prepare")
def test_prepare(): pass
"""
PREPARE, SCORE = "test_a.py::test_prepare", "test_a.py::test_score"
RUN = ["test_a.py::test_run[0]", "test_a.py::test_run[1]"]


def write_phased_module(folder: Path, source: str = SUITE) -> None:
    """Write `test_a.py`; as it is given, or with another source."""
    (folder / "test_a.py").write_text(source, "utf-8")


def begun(session: Session, since: int = 0) -> list[str]:
    """The units that were started, sorted; `since` leaves out the first ones."""
    return sorted(session.executions()[since:])


def check_refusal(session: Session, said: str, hint: str) -> None:
    """Assert that nothing ran, nothing was written, and that the message says what to type."""
    assert session.exit_code == 4
    assert said in session.text
    assert hint in session.text
    assert "Traceback" not in session.text
    assert session.shown == []
    assert not session.results.exists()
