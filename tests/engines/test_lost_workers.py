"""Workers that die: under a unit, before the first one, and with nothing left to do."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, strict_json

CRASHES = """
import os
import pytest

@pytest.mark.parametrize("x", range(6))
def test_unit(x, benchrun):
    if x == 2 and (not os.path.exists("crashed") or os.path.exists("always")):
        open("crashed", "w").close()
        os._exit(3)
"""


def test_a_unit_whose_worker_died_is_tried_once_more(campaign: Campaign) -> None:
    campaign.write({"test_crash.py": CRASHES})
    session = campaign.run(engine="n2")
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 6}
    ends = [event for event in session.events("unit_ended") if event["unit_id"] == "test_crash.py::test_unit[2]"]
    assert [(end["attempt"], end["ended"], end["outcome"]["status"]) for end in ends] == [
        (1, "lost", "interrupted"),
        (2, "exited", "completed"),
    ]


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup"])
def test_a_unit_that_kills_two_workers_has_failed_and_the_run_goes_on(campaign: Campaign, dist: str) -> None:
    campaign.write({"test_crash.py": CRASHES, "always": ""})
    session = campaign.run(f"--dist={dist}", engine="n2")
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 5, "failed": 1}
    assert session.status()["state"] == "complete"
    assert session.executions().count("test_crash.py::test_unit[2]") == 2
    (failure,) = session.status()["failures"]
    assert failure["kind"] == "crash"
    (case,) = [case for case in session.cases() if case.name == "test_crash::test_unit[2]"]
    assert [tag for tag, _ in case.children] == ["failure"]
    assert case.values("bench.attempt") == ["2"]


DIES = """
import os

def {hook}({argument}):
    if os.environ.get("PYTEST_XDIST_WORKER"): os._exit(3)
"""


@pytest.mark.parametrize(
    ("hook", "argument"), [("pytest_collection_modifyitems", "items"), ("pytest_sessionstart", "")]
)
def test_workers_that_die_before_the_first_unit_are_an_error_with_a_hint(
    campaign: Campaign, hook: str, argument: str
) -> None:
    campaign.write({"conftest.py": DIES.format(hook=hook, argument=argument), "test_a.py": "def test_a(): pass\n"})
    done = campaign.apart("-n2", "--bench-results=results", within_s=30)
    assert done.returncode == 4
    assert "workers died before the first unit" in done.stdout
    assert "-n0" in done.stdout
    assert not campaign.results.exists()


@pytest.mark.parametrize(
    ("hook", "argument"), [("pytest_collection_finish", "session"), ("pytest_sessionfinish", "session")]
)
def test_workers_that_die_with_nothing_left_to_run_are_not_replaced_for_ever(
    campaign: Campaign, hook: str, argument: str
) -> None:
    campaign.write({"conftest.py": DIES.format(hook=hook, argument=argument), "test_a.py": "def test_a(): pass\n"})
    done = campaign.apart("-n2", "--bench-results=results", within_s=8)
    assert done.returncode in {0, 1, 2, 4}


def test_crashes_in_a_row_pause_the_run(campaign: Campaign) -> None:
    source = "import os\nimport pytest\n@pytest.mark.parametrize('x', range(30))\ndef test_unit(x): os._exit(3)\n"
    campaign.write({"test_crash.py": source})
    done = campaign.apart("-n2", "--bench-results=results", "--bench-max-consecutive-failures=4")
    assert done.returncode == 1
    status = strict_json((campaign.results / "status.json").read_text("utf-8"))
    assert status["state"] == "paused"
    assert status["pending"] + status["held_back"] >= 20
