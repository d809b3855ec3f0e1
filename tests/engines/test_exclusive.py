"""Units that have their host for themselves: what the units measure of each other, and the same with lost workers."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from tests.hooks.campaigns import Campaign

CONFTEST = """
import json, os, time
import pytest

@pytest.fixture
def stamped(benchrun):
    started = time.monotonic_ns()
    total = sum(i * i for i in range(60_000))
    line = json.dumps([benchrun.unit_id, started, time.monotonic_ns()]) + "\\n"
    descriptor = os.open("stamps", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)
"""
SUITE = """
import pytest

@pytest.mark.parametrize("x", range(8))
def test_shared(stamped, x): pass

@pytest.mark.benchrun(exclusive=True)
class TestAlone:
    @pytest.mark.parametrize("x", range(4))
    def test_alone(self, stamped, x): pass

    @pytest.mark.benchrun(exclusive=False)
    @pytest.mark.parametrize("x", range(4))
    def test_not(self, stamped, x): pass

@pytest.mark.parametrize("x", [pytest.param(x, marks=pytest.mark.benchrun(exclusive=x % 3 == 0)) for x in range(9)])
def test_mixed(stamped, x): pass
"""
UNITS = 25
CRASHES = """
import os
import pytest

@pytest.mark.benchrun(exclusive=True)
@pytest.mark.parametrize("x", range(3))
def test_crash(stamped, x):
    if not os.path.exists(f"crashed-{x}"):
        open(f"crashed-{x}", "w").close()
        os._exit(3)
"""


class Stamp(NamedTuple):
    """When a unit ran, by the monotonic clock of the host."""

    unit_id: str
    started: int
    ended: int

    @property
    def is_alone(self) -> bool:
        """Whether the suite says that nothing else may run."""
        name, _, number = self.unit_id.partition("::")[2].rstrip("]").partition("[")
        return name in {"TestAlone::test_alone", "test_crash"} or (name == "test_mixed" and int(number) % 3 == 0)


def stamps(campaign: Campaign) -> list[Stamp]:
    """What the units have written."""
    return [Stamp(*json.loads(line)) for line in (campaign.folder / "stamps").read_text("utf-8").splitlines()]


def company(found: list[Stamp]) -> list[tuple[str, str]]:
    """Pairs of units that ran at the same time although the first is exclusive."""
    return [
        (alone.unit_id, other.unit_id)
        for alone in found
        for other in found
        if alone.is_alone and other is not alone and other.started < alone.ended and alone.started < other.ended
    ]


@pytest.mark.parametrize("options", [(), ("-n2",), ("-n3",), ("-n3", "--dist=loadscope"), ("-n2", "--dist=loadfile")])
def test_nothing_runs_beside_an_exclusive_unit(campaign: Campaign, options: tuple[str, ...]) -> None:
    campaign.write({"conftest.py": CONFTEST, "test_a.py": SUITE, "test_b.py": SUITE})
    session = campaign.run(*options)
    assert session.exit_code == 0
    found = stamps(campaign)
    assert len(found) == len({stamp.unit_id for stamp in found}) == 2 * UNITS
    assert company(found) == []


def test_the_journal_too_has_nothing_beside_an_exclusive_unit(campaign: Campaign) -> None:
    campaign.write({"conftest.py": CONFTEST, "test_a.py": SUITE})
    session = campaign.run("-n3")
    alone = {
        unit["unit_id"] for event in session.events("units_added") for unit in event["units"] if unit["is_exclusive"]
    }
    assert len(alone) == 7
    running: set[str] = set()
    most = 0
    for event in session.events("unit_started", "unit_ended"):
        if event["event"] == "unit_ended":
            running.remove(event["unit_id"])
        else:
            running.add(event["unit_id"])
        most = max(most, len(running))
        assert len(running) == 1 or not running & alone
    assert most > 1, "the others run beside each other"


def test_workers_that_die_under_exclusive_units_let_the_others_go_on(campaign: Campaign) -> None:
    campaign.write({"conftest.py": CONFTEST, "test_a.py": SUITE, "test_b.py": CRASHES})
    session = campaign.run("-n2")
    assert session.exit_code == 0
    assert session.outcomes == {"passed": UNITS + 3}
    assert company(stamps(campaign)) == []


def test_a_stop_ends_a_run_in_which_units_wait_for_their_host(campaign: Campaign) -> None:
    source = (
        SUITE
        + """

@pytest.mark.benchrun(exclusive=True)
def test_fails(stamped): raise AssertionError
"""
    )
    campaign.write({"conftest.py": CONFTEST, "test_a.py": source, "test_b.py": SUITE})
    session = campaign.run("-n3", "-x")
    assert session.exit_code == 1
    assert session.status()["state"] == "stopped"
    assert campaign.run("-n3", "--bench-resume=unfinished").status()["state"] == "complete"
    assert company(stamps(campaign)) == []
