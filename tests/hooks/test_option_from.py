"""`--bench-from`: a phase and those after it."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.phased import PREPARE, RUN, SCORE, begun, check_refusal


def test_a_resume_from_a_phase_runs_it_and_what_follows(phased: Campaign, engine: str) -> None:
    phased.run("--bench-to=prepare", engine=engine)
    session = phased.run("--bench-resume", "--bench-from=run", engine=engine)
    assert session.exit_code == 0
    assert begun(session, 1) == sorted([*RUN, SCORE])
    assert session.status()["state"] == "complete"


def test_from_the_first_phase_is_the_whole_run(phased: Campaign, engine: str) -> None:
    session = phased.run("--bench-from", "prepare", engine=engine)
    assert session.exit_code == 0
    assert begun(session) == sorted([PREPARE, *RUN, SCORE])


@pytest.mark.parametrize(
    ("args", "said", "hint"),
    [
        (("--bench-from=score", "--bench-to=run"), "no phase lies between", "--bench-from=run --bench-to=score"),
        (("--bench-from=nothing",), "--bench-from='nothing': there is no such phase", "--bench-from="),
        (("--bench-from=run",), "phase 'run' comes after prepare, where units", "--bench-to=prepare first"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_message(
    phased: Campaign, engine: str, args: tuple[str, ...], said: str, hint: str
) -> None:
    check_refusal(phased.run(*args, engine=engine), said, hint)
