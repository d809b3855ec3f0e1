"""`--bench-to`: up to the end of a phase."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.phased import PREPARE, RUN, SCORE, begun, check_refusal


@pytest.mark.parametrize(
    ("args", "run"),
    [
        (("--bench-to=prepare",), [PREPARE]),
        (("--bench-to", "run"), sorted([PREPARE, *RUN])),
        (("--bench-from=prepare", "--bench-to=run"), sorted([PREPARE, *RUN])),
        (("--bench-to=report",), sorted([PREPARE, *RUN, SCORE])),
    ],
)
def test_phases_after_it_wait(phased: Campaign, engine: str, args: tuple[str, ...], run: list[str]) -> None:
    session = phased.run(*args, engine=engine)
    assert session.exit_code == 0
    assert begun(session) == run
    status = session.status()
    assert status["total_tasks"] == 4
    assert status["state"] == ("complete" if len(run) == 4 else "stopped")


def test_an_unknown_phase_is_refused_in_one_message(phased: Campaign, engine: str) -> None:
    session = phased.run("--bench-to=nothing", engine=engine)
    check_refusal(session, "--bench-to='nothing': there is no such phase", "--bench-to=")
