"""`--bench-resume`: what runs again, what stays, and what is refused."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

FLAKY = """
import os
import pytest

@pytest.mark.parametrize("x", range(4))
def test_unit(x):
    assert x != 1 or os.path.exists("mended")
"""
UNIT = "test_unit.py::test_unit[{}]".format


@pytest.fixture
def flaky(campaign: Campaign) -> Campaign:
    """Four units; the second one fails until a file `mended` is there."""
    campaign.write({"test_unit.py": FLAKY})
    return campaign


def mend(campaign: Campaign) -> None:
    """Let the failing unit pass from now on."""
    campaign.write({"mended": ""})


def stamps(campaign: Campaign) -> dict[str, int]:
    """When each file and folder of the results was last changed."""
    found = [campaign.results, *campaign.results.rglob("*")]
    return {str(path): path.stat().st_mtime_ns for path in found}


def test_without_a_directory_there_is_nothing_to_resume(flaky: Campaign, engine: str) -> None:
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 4
    assert "there is no run to resume" in session.text
    assert "leave --bench-resume away" in session.text
    assert not flaky.results.exists()


def test_in_an_empty_directory_there_is_nothing_to_resume(flaky: Campaign) -> None:
    flaky.results.mkdir()
    session = flaky.run("--bench-resume")
    assert session.exit_code == 4
    assert "there is no run to resume" in session.text
    assert {path.name for path in flaky.results.iterdir()} <= {".benchrun.lock"}


def test_failed_units_run_again_as_a_second_attempt(flaky: Campaign, engine: str) -> None:
    assert flaky.run(engine=engine).exit_code == 1
    mend(flaky)
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.outcomes["passed"] == 1
    assert session.executions().count(UNIT(1)) == 2
    assert sorted(session.executions()) == sorted([UNIT(0), UNIT(1), UNIT(1), UNIT(2), UNIT(3)])
    assert [
        (e["attempt"], e["outcome"]["status"]) for e in session.events("unit_ended") if e["unit_id"] == UNIT(1)
    ] == [
        (1, "failed"),
        (2, "completed"),
    ]
    status = session.status()
    assert (status["session"], status["completed"], status["failed"], status["resumed"]) == (2, 4, 0, 3)


def test_the_run_keeps_its_id_over_sessions(flaky: Campaign) -> None:
    first = flaky.run().status()
    second = flaky.run("--bench-resume").status()
    assert second["run_id"] == first["run_id"]
    assert second["started_at"] == first["started_at"]
    assert not (flaky.results / "history").exists()


def test_a_unit_that_fails_again_is_a_failure_still(flaky: Campaign, engine: str) -> None:
    flaky.run(engine=engine)
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 1
    assert session.outcomes["failed"] == 1
    assert session.status()["failures"][0]["attempt"] == 2


def test_unfinished_leaves_failed_units_alone(flaky: Campaign, engine: str) -> None:
    flaky.run("-x")
    mend(flaky)
    session = flaky.run("--bench-resume=unfinished", engine=engine)
    assert session.executions().count(UNIT(1)) == 1
    assert session.ended() == {UNIT(0): "completed", UNIT(1): "failed", UNIT(2): "completed", UNIT(3): "completed"}
    assert session.exit_code == 1


def test_with_only_failed_ones_left_unfinished_runs_nothing_and_is_no_success(flaky: Campaign) -> None:
    flaky.run()
    before = flaky.files()
    session = flaky.run("--bench-resume=unfinished")
    assert session.shown == []
    assert session.exit_code == 1
    assert flaky.files() == before


def test_with_nothing_to_do_no_file_changes(flaky: Campaign, engine: str) -> None:
    mend(flaky)
    flaky.run()
    before, changed_at = flaky.files(), stamps(flaky)
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert "nothing to do" in session.text
    assert flaky.files() == before
    lock = str(flaky.results / ".benchrun.lock")
    unchanged = {path: at for path, at in stamps(flaky).items() if path not in {lock, str(flaky.results)}}
    assert unchanged.items() <= changed_at.items()


@pytest.mark.parametrize(("first", "second"), [("bare", "n2"), ("n2", "bare")])
def test_another_engine_may_go_on(flaky: Campaign, first: str, second: str) -> None:
    flaky.run("--maxfail=1", engine=first)
    mend(flaky)
    session = flaky.run("--bench-resume", engine=second)
    assert session.exit_code == 0
    assert set(session.ended().values()) == {"completed"}
    assert [event["engine"] for event in session.events("session_started")] == [
        "xdist" if name == "n2" else "bare" for name in (first, second)
    ]


def test_units_that_are_done_are_deselected_not_skipped(flaky: Campaign) -> None:
    flaky.run()
    session = flaky.run("--bench-resume")
    assert session.outcomes == {"failed": 1, "deselected": 3}
    assert "3 units are done, 1 to run" in session.text


def test_new_units_join_the_run(flaky: Campaign, engine: str) -> None:
    mend(flaky)
    flaky.run()
    flaky.write({"test_unit.py": FLAKY.replace("range(4)", "range(6)")})
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert sorted(session.executions()[4:]) == [UNIT(4), UNIT(5)]
    assert session.status()["total_tasks"] == 6


def test_units_that_are_gone_keep_their_result(flaky: Campaign) -> None:
    flaky.run()
    mend(flaky)
    flaky.write({"test_unit.py": FLAKY.replace("range(4)", "range(2)")})
    session = flaky.run("--bench-resume")
    assert session.exit_code == 0
    assert session.status()["completed"] == 4


def test_a_selection_leaves_the_rest_for_the_next_resume(flaky: Campaign, engine: str) -> None:
    mend(flaky)
    flaky.run("-k", "0 or 1", engine=engine)
    part = flaky.run("--bench-resume", "-k", "2", engine=engine)
    assert part.status()["total_tasks"] == 3
    session = flaky.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == session.status()["total_tasks"] == 4
    assert len(session.executions()) == 4


def test_a_selection_that_leaves_pending_units_out_does_not_complete_the_run(flaky: Campaign) -> None:
    flaky.run("-x")
    mend(flaky)
    session = flaky.run("--bench-resume", "-k", "1")
    assert session.status()["state"] == "stopped"
    assert session.status()["pending"] + session.status()["skipped"] == 2
    assert flaky.run("--bench-resume").status()["state"] == "complete"


def test_skipped_units_have_ended(campaign: Campaign) -> None:
    source = "import pytest\ndef test_skips(): pytest.skip('not here')\ndef test_fails(): raise AssertionError\n"
    campaign.write({"test_a.py": source})
    campaign.run()
    session = campaign.run("--bench-resume")
    assert session.executions().count("test_a.py::test_skips") == 1
    assert session.executions().count("test_a.py::test_fails") == 2


def test_resume_and_fresh_contradict_each_other(flaky: Campaign) -> None:
    session = flaky.run("--bench-resume", "--bench-fresh")
    assert session.exit_code == 4
    assert "contradict each other" in session.text
    assert not flaky.results.exists()


def test_an_unknown_value_names_the_known_ones(flaky: Campaign) -> None:
    session = flaky.run("--bench-resume=some")
    assert session.exit_code == 4
    assert "all" in session.text
    assert "unfinished" in session.text
    assert not flaky.results.exists()


def test_a_path_after_it_is_a_path(flaky: Campaign) -> None:
    mend(flaky)
    flaky.run()
    session = flaky.run("--bench-resume", "test_unit.py")
    assert session.exit_code == 0


def test_a_late_error_of_an_earlier_session_is_no_failure_of_this_one(campaign: Campaign, engine: str) -> None:
    source = """
import os
import pytest

@pytest.fixture(scope="module")
def wide():
    yield
    assert os.path.exists("mended")

def test_unit(wide): pass
def test_other(): assert os.path.exists("mended")
"""
    campaign.write({"test_late.py": source})
    assert campaign.run(engine=engine).exit_code == 1
    mend(campaign)
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == 2


def test_the_stop_of_the_earlier_session_is_forgotten(flaky: Campaign, engine: str) -> None:
    flaky.write({"test_unit.py": FLAKY.replace("range(4)", "range(300)")})
    stopped = flaky.run("-x", engine=engine)
    assert stopped.status()["reason"] is not None
    assert stopped.status()["held_back"] > 0
    mend(flaky)
    session = flaky.run("--bench-resume", engine=engine)
    assert session.status()["reason"] is None
    assert session.status()["held_back"] == 0
    assert "skipped" not in session.outcomes


def test_views_that_a_kill_left_behind_are_made_right_where_there_is_nothing_to_do(
    flaky: Campaign, engine: str
) -> None:
    mend(flaky)
    flaky.run(engine=engine)
    status, stats = flaky.results / "status.json", flaky.results / "runstats.json"
    right = status.read_bytes(), stats.read_bytes()
    status.write_bytes(right[0].replace(b'"complete"', b'"running"'))
    stats.unlink()
    left = flaky.results / ".benchrun-tmp-1-1"
    left.touch()
    session = flaky.run("--bench-resume", engine=engine)
    assert "nothing to do" in session.text
    assert session.exit_code == 0
    assert (status.read_bytes(), stats.read_bytes()) == right
    assert not left.exists()
