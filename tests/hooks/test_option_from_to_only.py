"""`--bench-from`, `--bench-to` and `--bench-only`: a part of the phases."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, Session

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


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """Four units in three phases."""
    campaign.write({"test_a.py": SUITE})
    return campaign


def begun(session: Session, since: int = 0) -> list[str]:
    return sorted(session.executions()[since:])


@pytest.mark.parametrize(
    ("args", "run"),
    [
        (("--bench-to=prepare",), [PREPARE]),
        (("--bench-to", "run"), sorted([PREPARE, *RUN])),
        (("--bench-from=prepare", "--bench-to=run"), sorted([PREPARE, *RUN])),
        (("--bench-only=prepare",), [PREPARE]),
        (("--bench-to=report",), sorted([PREPARE, *RUN, SCORE])),
    ],
)
def test_only_the_phases_that_were_asked_for_run_and_the_others_wait(
    suite: Campaign, engine: str, args: tuple[str, ...], run: list[str]
) -> None:
    session = suite.run(*args, engine=engine)
    assert session.exit_code == 0
    assert begun(session) == run
    status = session.status()
    assert status["total_tasks"] == 4
    assert status["state"] == ("complete" if len(run) == 4 else "stopped")


def test_phase_by_phase_makes_a_whole_run(suite: Campaign, engine: str) -> None:
    suite.run("--bench-only=prepare", engine=engine)
    suite.run("--bench-resume", "--bench-only=run", engine=engine)
    session = suite.run("--bench-resume", "--bench-from=score", engine=engine)
    assert session.exit_code == 0
    assert begun(session) == sorted([PREPARE, *RUN, SCORE])
    assert session.status()["state"] == "complete"


def test_a_phase_that_is_done_is_nothing_to_do_and_changes_nothing(suite: Campaign, engine: str) -> None:
    suite.run("--bench-to=run", engine=engine)
    before = suite.files()
    session = suite.run("--bench-resume", "--bench-only=run", engine=engine)
    assert session.exit_code == 0
    assert "benchrun: nothing to do" in session.text
    assert suite.files() == before


def test_a_phase_without_units_is_nothing_to_do(suite: Campaign, engine: str) -> None:
    session = suite.run("--bench-phases=first,prepare,run,score", "--bench-only=first", engine=engine)
    assert session.exit_code == 5
    assert "benchrun: nothing to do in the selected phases, 4 wait in phases that are not selected" in session.text
    assert not suite.results.exists()


def test_failures_of_an_earlier_phase_do_not_stand_in_the_way(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    suite.run("--bench-to=run", engine=engine)
    session = suite.run("--bench-resume", "--bench-only=score", engine=engine)
    assert begun(session, 3) == [SCORE]
    assert session.exit_code == 1


def test_a_changed_unit_of_another_phase_is_done_again_when_its_phase_is(suite: Campaign, engine: str) -> None:
    suite.run("--bench-to=run", engine=engine)
    suite.write({"test_a.py": SUITE.replace("x == 0 or", "0 == x or")})
    score = suite.run("--bench-resume", "--bench-only=score", engine=engine)
    assert begun(score, 3) == [SCORE]
    session = suite.run("--bench-resume", engine=engine)
    assert begun(session, 4) == RUN


@pytest.mark.parametrize(
    ("args", "said", "hint"),
    [
        (
            ("--bench-only=scor",),
            "--bench-only='scor': there is no such phase; known: prepare, run",
            "--bench-only=score",
        ),
        (("--bench-only=",), "--bench-only='': there is no such phase", "--bench-only="),
        (("--bench-only=Run",), "--bench-only='Run': there is no such phase", "--bench-only=run"),
        (("--bench-only=run,score",), "--bench-only='run,score': there is no such phase", "--bench-only="),
        (
            ("--bench-only=run", "--bench-to=score"),
            "--bench-only names one phase",
            "keep one of them: --bench-only=run",
        ),
        (("--bench-from=score", "--bench-to=run"), "no phase lies between", "--bench-from=run --bench-to=score"),
        (("--bench-from=nothing",), "--bench-from='nothing': there is no such phase", "--bench-from="),
        (("--bench-to=nothing",), "--bench-to='nothing': there is no such phase", "--bench-to="),
        (
            ("--bench-only=score",),
            "phase 'score' comes after prepare, run, where units have not ended yet",
            "--bench-to=run first, or all the same with --bench-force-phase",
        ),
        (("--bench-from=run",), "phase 'run' comes after prepare, where units", "--bench-to=prepare first"),
    ],
)
def test_phases_that_cannot_be_run_are_refused_in_one_message(
    suite: Campaign, engine: str, args: tuple[str, ...], said: str, hint: str
) -> None:
    session = suite.run(*args, engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert hint in session.text
    assert "Traceback" not in session.text
    assert session.shown == []
    assert not suite.results.exists()


def test_a_phase_before_unmet_ones_is_refused_on_a_resume_too(suite: Campaign, engine: str) -> None:
    suite.run("--bench-to=prepare", engine=engine)
    before = suite.files()
    session = suite.run("--bench-resume", "--bench-only=score", engine=engine)
    assert session.exit_code == 4
    assert "phase 'score' comes after run, where units have not ended yet" in session.text
    assert {name: data for name, data in suite.files().items() if "lock" not in name} == {
        name: data for name, data in before.items() if "lock" not in name
    }
