"""`--bench-only`: one phase alone, when those before it have ended."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.phased import PREPARE, RUN, SCORE, SUITE, begun, check_refusal, write_phased_module


def test_only_the_phase_that_was_asked_for_runs_and_the_others_wait(phased: Campaign, engine: str) -> None:
    session = phased.run("--bench-only=prepare", engine=engine)
    assert session.exit_code == 0
    assert begun(session) == [PREPARE]
    status = session.status()
    assert (status["total_tasks"], status["state"]) == (4, "stopped")


def test_phase_by_phase_makes_a_whole_run(phased: Campaign, engine: str) -> None:
    phased.run("--bench-only=prepare", engine=engine)
    phased.run("--bench-resume", "--bench-only=run", engine=engine)
    session = phased.run("--bench-resume", "--bench-only=score", engine=engine)
    assert session.exit_code == 0
    assert begun(session) == sorted([PREPARE, *RUN, SCORE])
    assert session.status()["state"] == "complete"


def test_a_phase_that_is_done_is_nothing_to_do_and_changes_nothing(phased: Campaign, engine: str) -> None:
    phased.run("--bench-to=run", engine=engine)
    before = phased.files()
    session = phased.run("--bench-resume", "--bench-only=run", engine=engine)
    assert session.exit_code == 0
    assert "benchrun: nothing to do" in session.text
    assert phased.files() == before


def test_a_phase_without_units_is_nothing_to_do(phased: Campaign, engine: str) -> None:
    session = phased.run("--bench-phases=first,prepare,run,score", "--bench-only=first", engine=engine)
    assert session.exit_code == 5
    assert "benchrun: nothing to do in the selected phases, 4 wait in phases that are not selected" in session.text
    assert not phased.results.exists()


def test_failures_of_an_earlier_phase_do_not_stand_in_the_way(phased: Campaign, engine: str) -> None:
    phased.write({"broken": ""})
    phased.run("--bench-to=run", engine=engine)
    session = phased.run("--bench-resume", "--bench-only=score", engine=engine)
    assert begun(session, 3) == [SCORE]
    assert session.exit_code == 1


def test_a_changed_unit_of_another_phase_is_done_again_when_its_phase_is(phased: Campaign, engine: str) -> None:
    phased.run("--bench-to=run", engine=engine)
    write_phased_module(phased.folder, SUITE.replace("x == 0 or", "0 == x or"))
    score = phased.run("--bench-resume", "--bench-only=score", engine=engine)
    assert begun(score, 3) == [SCORE]
    session = phased.run("--bench-resume", engine=engine)
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
        (
            ("--bench-only=score",),
            "phase 'score' comes after prepare, run, where units have not ended yet",
            "--bench-to=run first, or all the same with --bench-force-phase",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_message(
    phased: Campaign, engine: str, args: tuple[str, ...], said: str, hint: str
) -> None:
    check_refusal(phased.run(*args, engine=engine), said, hint)


def test_a_phase_after_unmet_ones_is_refused_on_a_resume_too(phased: Campaign, engine: str) -> None:
    phased.run("--bench-to=prepare", engine=engine)
    before = phased.files()
    session = phased.run("--bench-resume", "--bench-only=score", engine=engine)
    assert session.exit_code == 4
    assert "phase 'score' comes after run, where units have not ended yet" in session.text
    assert {name: data for name, data in phased.files().items() if "lock" not in name} == {
        name: data for name, data in before.items() if "lock" not in name
    }
