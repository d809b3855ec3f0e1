"""`--bench-phases`: units run phase after phase, in every engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session

SUITE = """
import os
import time
from pathlib import Path
import pytest

def mark(text):
    with open(Path(__file__).parent / "marks", "a") as file:
        file.write(text + "\\n")

@pytest.fixture
def marked(request):
    mark(f"begin {request.node.name}")
    yield
    mark(f"end {request.node.name}")

@pytest.mark.benchrun(phase="score")
@pytest.mark.parametrize("x", range(3))
def test_score(marked, x): pass

@pytest.mark.parametrize("x", range(5))
def test_run(marked, x): time.sleep(0.02 * x)

@pytest.mark.benchrun(phase="prepare")
class TestPrepare:
    @pytest.mark.parametrize("x", range(3))
    def test_prepare(self, marked, x):
        time.sleep(0.05 if x == 0 else 0)
        assert x != 1 or not Path("broken").exists()
        if x == 2 and Path("kill").exists():
            Path("kill").unlink()
            os._exit(1)
"""
NAMES = ("prepare", "run", "score")


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """Eleven units, those of the last phase collected first."""
    campaign.write({"test_a.py": SUITE})
    return campaign


def marks(campaign: Campaign) -> list[tuple[str, str]]:
    """(begin or end, phase) as the units themselves saw it."""
    lines = (campaign.folder / "marks").read_text("utf-8").splitlines()
    return [(line.split()[0], line.split()[1].partition("[")[0].removeprefix("test_")) for line in lines]


def check_barriers(seen: list[tuple[str, str]], order: tuple[str, ...] = NAMES) -> None:
    """No unit of a phase starts before all of the one before have ended."""
    places = [order.index(phase) for _, phase in seen]
    assert places == sorted(places)
    for place in range(len(order)):
        deeds = [deed for deed, phase in seen if phase == order[place]]
        assert deeds.count("begin") == deeds.count("end")


def phases(session: Session) -> dict[str, dict[str, Any]]:
    """The phases of `run_state.json`."""
    views: dict[str, dict[str, Any]] = json.loads((session.results / "run_state.json").read_text("utf-8"))["phases"]
    return views


def statuses(session: Session) -> dict[str, str]:
    return {name: view["status"] for name, view in phases(session).items()}


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_a_phase_begins_when_all_units_of_the_one_before_have_ended_under_every_dist(
    suite: Campaign, dist: str
) -> None:
    session = suite.run(f"--dist={dist}", engine="n2")
    assert session.exit_code == 0
    check_barriers(marks(suite))
    assert statuses(session) == dict.fromkeys(NAMES, "completed")


def test_a_phase_begins_when_all_units_of_the_one_before_have_ended(suite: Campaign, engine: str) -> None:
    session = suite.run(engine=engine)
    assert session.outcomes == {"passed": 11}
    check_barriers(marks(suite))
    views = phases(session)
    assert [views[name]["total"] for name in NAMES] == [3, 5, 3]
    for before, after in (("prepare", "run"), ("run", "score")):
        assert views[before]["ended_at"] <= views[after]["started_at"]


def test_a_unit_that_is_lost_with_its_worker_holds_its_phase_open(suite: Campaign) -> None:
    suite.write({"kill": ""})
    session = suite.run(engine="n2")
    assert session.exit_code == 0
    assert session.executions().count("test_a.py::TestPrepare::test_prepare[2]") == 2
    starts = [phase for deed, phase in marks(suite) if deed == "begin"]
    assert starts == sorted(starts, key=NAMES.index)


def test_a_failed_phase_does_not_keep_the_next_from_running(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    session = suite.run(engine=engine)
    assert session.exit_code == 1
    assert statuses(session) == {"prepare": "failed", "run": "completed", "score": "completed"}
    assert phases(session)["prepare"]["last_error"].startswith("AssertionError: assert (1 != 1 or not True)")


def test_a_stop_in_the_first_phase_leaves_the_others_for_the_resume(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    stopped = suite.run("-x", engine=engine)
    assert stopped.exit_code == 1
    assert stopped.status()["state"] == "stopped"
    assert {phase for _, phase in marks(suite)} == {"prepare"}
    assert statuses(stopped)["run"] == statuses(stopped)["score"] == "not_started"
    (suite.folder / "broken").unlink()
    (suite.folder / "marks").unlink()
    session = suite.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    check_barriers(marks(suite))
    assert statuses(session) == dict.fromkeys(NAMES, "completed")


def test_a_resume_runs_what_is_left_of_an_early_phase_first(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    suite.run(engine=engine)
    (suite.folder / "broken").unlink()
    suite.write({"test_b.py": "def test_new(): pass\n"})
    session = suite.run("--bench-resume", engine=engine)
    assert session.executions()[11:] == ["test_a.py::TestPrepare::test_prepare[1]", "test_b.py::test_new"]
    assert session.exit_code == 0


OTHER = SUITE.replace('phase="prepare"', 'phase="make data"').replace('phase="score"', "phase='late'")


@pytest.mark.parametrize("place", ["option", "ini", "file"])
def test_phases_are_named_on_the_command_line_in_the_configuration_file_or_the_campaign_file(
    campaign: Campaign, engine: str, place: str
) -> None:
    order = ("score", "run", "prepare")
    campaign.write({"test_a.py": SUITE, "a.toml": '[campaign]\nphases = ["score", "run", "prepare"]\n'})
    campaign.ini("bench_phases = score run, prepare" if place == "ini" else "")
    args = {"option": ("--bench-phases=score,run,prepare",), "file": ("--bench-config=a.toml",)}
    session = campaign.run(*args.get(place, ()), engine=engine)
    assert session.exit_code == 0
    check_barriers(marks(campaign), order)
    assert list(phases(session)) == list(order)
    assert session.events("run_created")[0]["config"] == {"phases": list(order)}


def test_the_command_line_comes_before_the_file_and_the_file_before_the_configuration_file(suite: Campaign) -> None:
    suite.write({"a.toml": '[campaign]\nphases = ["score", "run", "prepare"]\n'})
    suite.ini("bench_phases = run prepare score")
    orders = []
    for args in ((), ("--bench-config=a.toml",), ("--bench-config=a.toml", "--bench-phases=score,prepare,run")):
        session = suite.run(*args)
        assert session.exit_code == 0
        orders.append(session.events("session_started")[0]["phases"])
    assert orders == [["run", "prepare", "score"], ["score", "run", "prepare"], ["score", "prepare", "run"]]


def test_names_with_spaces_come_from_the_campaign_file(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": OTHER, "a.toml": '[campaign]\nphases = ["make data", "run", "late"]\n'})
    session = campaign.run("--bench-config=a.toml", "--bench-to=make data", engine=engine)
    assert session.exit_code == 0
    assert statuses(session) == {"make data": "completed", "run": "not_started", "late": "not_started"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "--bench-phases names no phase"),
        (" , ", "--bench-phases names no phase"),
        ("run,run", "--bench-phases names the phase 'run' twice"),
        ("run,score", "@pytest.mark.benchrun(phase='prepare') at test_a.py::TestPrepare::test_prepare[0]: there is no"),
        (
            "prepare,score",
            "test_a.py::test_run[0] says no phase, and there is none called 'run'; known: prepare, score",
        ),
    ],
)
def test_phases_that_cannot_be_right_are_refused_in_one_message(
    suite: Campaign, engine: str, value: str, said: str
) -> None:
    session = suite.run(f"--bench-phases={value}", engine=engine)
    assert session.exit_code == 4
    assert said in session.text
    assert "  -> " in session.text
    assert "Traceback" not in session.text
    assert session.shown == []
    assert not suite.results.exists()


def test_a_name_that_no_terminal_can_type_is_refused(suite: Campaign) -> None:
    session = suite.run("--bench-phases=run,prepare,score,\udcff")
    assert session.exit_code == 4
    assert "Traceback" not in session.text
    assert not suite.results.exists()


@pytest.mark.parametrize("phase", ["7", "['run']", "None", "object()"])
def test_a_mark_that_names_no_phase_is_refused(campaign: Campaign, phase: str) -> None:
    campaign.write({"test_a.py": f"import pytest\n@pytest.mark.benchrun(phase={phase})\ndef test_a(): pass\n"})
    session = campaign.run()
    assert session.exit_code == 4
    assert "there is no such phase; known: prepare, run, score, report" in session.text
    assert "Traceback" not in session.text


def test_another_order_on_a_resume_is_drift(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    suite.run("-x", engine=engine)
    (suite.folder / "broken").unlink()
    (suite.folder / "marks").unlink()
    before = suite.files()
    refused = suite.run("--bench-resume", "--bench-phases=score,run,prepare", engine=engine)
    assert refused.exit_code == 4
    assert "phases was not set, is now ['score', 'run', 'prepare']" in refused.text
    assert suite.files().keys() == before.keys()
    session = suite.run("--bench-resume", "--bench-phases=score,run,prepare", "--bench-accept-drift", engine=engine)
    assert session.exit_code == 0
    check_barriers(marks(suite), ("score", "run", "prepare"))
    assert list(phases(session)) == ["score", "run", "prepare"]


def test_a_unit_whose_mark_has_moved_runs_in_its_new_phase(suite: Campaign, engine: str) -> None:
    suite.write({"broken": ""})
    suite.run("-x", engine=engine)
    (suite.folder / "broken").unlink()
    (suite.folder / "marks").unlink()
    suite.write(
        {
            "test_a.py": SUITE.replace(
                '@pytest.mark.benchrun(phase="score")\n', '@pytest.mark.benchrun(phase="report")\n'
            )
        }
    )
    session = suite.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    views = phases(session)
    assert (views["report"]["total"], views["report"]["status"]) == (3, "completed")
    assert "score" not in views
    seen = [phase for _, phase in marks(suite)]
    assert seen == sorted(seen, key=NAMES.index)


def test_a_moved_mark_runs_nothing_again(suite: Campaign, engine: str) -> None:
    suite.run(engine=engine)
    suite.write(
        {
            "test_a.py": SUITE.replace(
                '@pytest.mark.benchrun(phase="score")\n', '@pytest.mark.benchrun(phase="report")\n'
            )
        }
    )
    session = suite.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert "nothing to do" in session.text
