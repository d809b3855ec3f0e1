"""`--bench-force-phase`: a phase although earlier ones have not ended."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

SUITE = """
import pytest

def test_run(): pass

@pytest.mark.benchrun(phase="score")
def test_score(): pass

@pytest.mark.benchrun(phase="report")
def test_report(): pass
"""


@pytest.mark.parametrize(
    ("option", "begun"),
    [
        ("--bench-only=score", ["test_a.py::test_score"]),
        ("--bench-from=score", ["test_a.py::test_score", "test_a.py::test_report"]),
    ],
)
def test_it_runs_what_would_be_refused_and_leaves_the_rest(
    campaign: Campaign, engine: str, option: str, begun: list[str]
) -> None:
    campaign.write({"test_a.py": SUITE})
    assert campaign.run(option, engine=engine).exit_code == 4
    session = campaign.run(option, "--bench-force-phase", engine=engine)
    assert session.exit_code == 0
    assert session.executions() == begun
    assert (session.status()["total_tasks"], session.status()["state"]) == (3, "stopped")
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert sorted(session.executions()) == sorted(
        ["test_a.py::test_run", "test_a.py::test_score", "test_a.py::test_report"]
    )


def test_it_does_not_make_an_unknown_phase_known(campaign: Campaign) -> None:
    campaign.write({"test_a.py": SUITE})
    assert campaign.run("--bench-only=scor", "--bench-force-phase").exit_code == 4


def test_alone_it_changes_nothing(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": SUITE})
    session = campaign.run("--bench-force-phase", engine=engine)
    assert session.executions() == ["test_a.py::test_run", "test_a.py::test_score", "test_a.py::test_report"]
