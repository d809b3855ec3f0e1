"""`pytest_benchrun_*`: when hooks of users are called, where, with what, and that what they raise changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_benchrun.hooks import hookspecs
from tests.hooks.campaigns import Campaign, Session

OWNER = ("run_start", "unit_end", "run_end", "environment", "config")
CONFTEST = """
import json, os, pytest

HERE = os.path.dirname(__file__)
hook = pytest.hookimpl(optionalhook=True)
IN_WORKER = "PYTEST_XDIST_WORKER"

def keep(name, **what):
    fd = os.open(os.path.join(HERE, "calls"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (json.dumps({"hook": name, "pid": os.getpid(), **what}) + "\\n").encode())
    os.close(fd)

def read(results_dir, name):
    return json.loads((results_dir / name).read_text())

@hook
def pytest_benchrun_config(config, document):
    keep("config")
    document.setdefault("parameters", {})["basis"] = "sto-3g"

@hook
def pytest_benchrun_environment(config):
    keep("environment")
    return {"room_celsius": 21, "license": {"seats": 4}}

@hook
def pytest_benchrun_run_start(run_id, results_dir, session, is_resume, units):
    started = (results_dir / "journal.jsonl").read_text().count('"unit_started"')
    keep("run_start", run_id=run_id, session=session, is_resume=is_resume, units=units, started=started)

@hook
def pytest_benchrun_unit_end(unit, outcome, attempt, elapsed_s, worker, ):
    keep("unit_end", unit=unit.unit_id, status=outcome.status, attempt=attempt, worker=worker,
         is_timed=elapsed_s > 0, metrics=list(outcome.metrics))

@hook
def pytest_benchrun_run_end(run_id, results_dir, state, reason, exit_code):
    keep("run_end", run_id=run_id, state=state, reason=reason, exit_code=exit_code,
         recorded=read(results_dir, "runstats.json")["units"]["completed"],
         has_tables=(results_dir / "results.sqlite").exists())

@hook
def pytest_benchrun_validate(item, unit, attempt):
    keep("validate", unit=unit.unit_id, attempt=attempt, function=item.originalname)
    if unit.params.get("n") == "bad": raise ValueError("does not fit")
    if unit.params.get("n") == "none": pytest.skip("no room")

@hook
def pytest_benchrun_sandbox_ready(item, benchrun, sandbox):
    keep("sandbox_ready", unit=benchrun.unit_id, files=sorted(os.listdir(sandbox)))
    (sandbox / "license").write_text("x")

@hook
def pytest_benchrun_collect(item, benchrun, sandbox):
    keep("collect", unit=benchrun.unit_id, files=sorted(os.listdir(sandbox)))
    benchrun.metric("files", len(os.listdir(sandbox)))

@hook
def pytest_benchrun_cleanup(item, benchrun, sandbox):
    keep("cleanup", unit=benchrun.unit_id, files=sorted(os.listdir(sandbox)))
"""
SUITE = """
import pytest

@pytest.mark.benchrun(boilerplate="template")
@pytest.mark.parametrize("n", ["ok", "failing", "bad", "none"])
def test_unit(benchrun, benchrun_sandbox, n):
    assert benchrun.config == {"basis": "sto-3g"}
    assert (benchrun_sandbox / "license").exists()
    (benchrun_sandbox / "out").write_text("x")
    assert n == "ok"
"""


def write(campaign: Campaign, conftest: str = CONFTEST, suite: str = SUITE) -> None:
    campaign.write({"conftest.py": conftest, "test_a.py": suite, "template/given": ""})


def calls(campaign: Campaign, name: str) -> list[dict[str, Any]]:
    path = campaign.folder / "calls"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [call for call in map(json.loads, lines) if call["hook"] == name]


def of_unit(found: list[dict[str, Any]], n: str) -> dict[str, Any]:
    (call,) = (call for call in found if call["unit"] == f"test_a.py::test_unit[{n}]")
    return call


def run(campaign: Campaign, engine: str) -> Session:
    return campaign.run("--bench-max-failures=none", engine=engine)


def test_the_owner_calls_those_of_the_run(campaign: Campaign, engine: str) -> None:
    write(campaign)
    session = run(campaign, engine)
    assert session.exit_code == 1, session.text
    (start,), (end,) = calls(campaign, "run_start"), calls(campaign, "run_end")
    assert (start["session"], start["is_resume"], start["units"], start["started"]) == (1, False, 4, 0)
    assert start["run_id"] == end["run_id"] == session.status()["run_id"]
    assert (end["state"], end["exit_code"], end["recorded"], end["has_tables"]) == ("complete", 1, 1, True)
    ended = calls(campaign, "unit_end")
    assert sorted(call["status"] for call in ended) == ["completed", "failed", "failed", "skipped"]
    good = of_unit(ended, "ok")
    assert (good["attempt"], good["is_timed"], good["metrics"]) == (1, True, ["files"])
    assert good["worker"] == ("main" if engine == "bare" else good["worker"])
    owner = start["pid"]
    assert {call["pid"] for name in OWNER for call in calls(campaign, name)} == {owner}
    where = {call["pid"] for name in ("validate", "sandbox_ready", "collect") for call in calls(campaign, name)}
    assert (owner in where) is (engine == "bare")


def test_a_resume_is_a_session_of_its_own(campaign: Campaign, engine: str) -> None:
    write(campaign)
    run(campaign, engine)
    campaign.run("--bench-resume", "--bench-max-failures=none", engine=engine)
    last = calls(campaign, "run_start")[-1]
    assert (last["session"], last["is_resume"]) == (2, True)
    assert calls(campaign, "unit_end")[-1]["attempt"] == 2


def test_a_unit_goes_through_its_life_in_order(campaign: Campaign, engine: str) -> None:
    write(campaign)
    session = run(campaign, engine)
    lines = [json.loads(line) for line in (campaign.folder / "calls").read_text("utf-8").splitlines()]
    for n in ("ok", "failing"):
        mine = [call for call in lines if call.get("unit") == f"test_a.py::test_unit[{n}]"]
        assert [call["hook"] for call in mine] == ["validate", "sandbox_ready", "collect", "cleanup", "unit_end"]
        assert [call["files"] for call in mine[1:4]] == [["given"], *[["given", "license", "out"]] * 2]
        assert session.metrics(mine[0]["unit"])["files"]["value"] == 3
    assert not (campaign.results / "sandboxes").exists()


def test_a_unit_that_is_not_valid_fails_or_is_skipped_before_its_setup(campaign: Campaign, engine: str) -> None:
    write(campaign)
    session = run(campaign, engine)
    ended = session.ended()
    assert ended["test_a.py::test_unit[bad]"] == "failed"
    assert ended["test_a.py::test_unit[none]"] == "skipped"
    (bad,) = (e for e in session.events("unit_ended") if e["unit_id"].endswith("[bad]"))
    assert (bad["outcome"]["kind"], bad["outcome"]["message"]) == ("setup", "ValueError: does not fit")
    (none,) = (e for e in session.events("unit_ended") if e["unit_id"].endswith("[none]"))
    assert none["outcome"]["message"] == "no room"
    for name in ("sandbox_ready", "collect", "cleanup"):
        assert {call["unit"].rpartition("[")[2] for call in calls(campaign, name)} == {"ok]", "failing]"}


def test_facts_of_hooks_are_in_the_environment_and_their_changes_are_drift(campaign: Campaign, engine: str) -> None:
    changing = CONFTEST.replace('"room_celsius": 21', '"room_celsius": 21 + os.path.exists(os.path.join(HERE, "hot"))')
    write(campaign, changing, "def test_it(): open('hot', 'w').close()")
    session = campaign.run("--bench-environment=basic", engine=engine)
    (host,) = json.loads((session.results / "environment.json").read_text("utf-8"))["hosts"].values()
    assert host["start"]["extra"] == {"room_celsius": 21, "license": {"seats": 4}}
    assert host["end"]["extra"]["room_celsius"] == 22
    assert [change for one in host["drift"] for change in one["changes"] if "fact" in change] == [
        "fact room_celsius 21 -> 22"
    ]
    campaign.run("--bench-environment=off", engine=engine)
    assert len(calls(campaign, "environment")) == 2


def test_the_configuration_of_hooks_counts_for_drift_and_for_the_plan(campaign: Campaign, engine: str) -> None:
    write(campaign)
    run(campaign, engine)
    write(campaign, CONFTEST.replace("sto-3g", "pcSseg-2"))
    refused = campaign.run("--bench-resume", engine=engine)
    assert refused.exit_code == 4
    assert "'sto-3g'" in refused.text
    assert "'pcSseg-2'" in refused.text
    write(
        campaign, CONFTEST.replace('document.setdefault("parameters", {})["basis"] = "sto-3g"', "document['camp'] = 1")
    )
    wrong = campaign.run("--bench-plan", engine=engine)
    assert wrong.exit_code == 4
    assert "pytest_benchrun_config: there is no table 'camp'" in wrong.text


def test_a_configuration_that_cannot_be_made_ends_the_session_before_it_begins(campaign: Campaign) -> None:
    write(campaign, CONFTEST.replace('keep("config")', "raise ValueError('no endpoint')"))
    session = campaign.run()
    assert session.exit_code == 4
    assert "pytest_benchrun_config: ValueError: no endpoint" in session.text
    assert not campaign.results.exists()


RAISES = """
import pytest
hook = pytest.hookimpl(optionalhook=True)
@hook
def pytest_benchrun_run_start(): raise SystemExit("at the start")
@hook
def pytest_benchrun_unit_end(): pytest.fail("at a unit")
@hook
def pytest_benchrun_run_end(): raise ValueError("at the end")
@hook
def pytest_benchrun_environment(): return 7
@hook
def pytest_benchrun_collect(): pytest.skip("at collecting")
@hook
def pytest_benchrun_cleanup(): raise OSError("at cleaning up")
"""


def test_what_hooks_raise_is_noted_once_and_changes_nothing(campaign: Campaign, engine: str) -> None:
    suite = """
import pytest
@pytest.mark.parametrize("n", range(3))
def test_it(benchrun_sandbox, n): assert n != 2, "its own error"
"""
    write(campaign, RAISES, suite)
    session = run(campaign, engine)
    assert session.exit_code == 1
    assert sorted(session.ended().values()) == ["completed", "completed", "failed"]
    assert session.status()["state"] == "complete"
    for text in (
        "run_start: SystemExit: at the start",
        "unit_end: Failed: at a unit",
        "run_end: ValueError: at the end",
    ):
        assert session.text.count(text) == 1, session.text
    noted = [event["text"] for event in session.events("noted")]
    assert [text.partition(":")[0].removeprefix("pytest_benchrun_") for text in noted] == [
        "environment",
        "run_start",
        "unit_end",
    ]
    for event in session.events("unit_ended"):
        assert event["outcome"]["warnings"] == [
            "pytest_benchrun_collect: Skipped: at collecting",
            "pytest_benchrun_cleanup: OSError: at cleaning up",
        ]
    assert "its own error" in str([event["outcome"]["message"] for event in session.events("unit_ended")])
    assert not (campaign.results / "sandboxes").exists()


def test_a_sandbox_that_could_not_be_made_ready_fails_its_unit(campaign: Campaign, engine: str) -> None:
    conftest = CONFTEST.replace('(sandbox / "license").write_text("x")', "raise OSError('no license server')")
    write(campaign, conftest, SUITE.replace(', "failing", "bad", "none"', ""))
    session = run(campaign, engine)
    assert session.ended() == {"test_a.py::test_unit[ok]": "failed"}
    assert session.events("unit_ended")[0]["outcome"]["message"] == "OSError: no license server"
    assert not (campaign.results / "sandboxes").exists()


def test_a_hook_of_a_folder_is_for_its_units(campaign: Campaign, engine: str) -> None:
    inner = "import pytest\n@pytest.hookimpl(optionalhook=True)\ndef pytest_benchrun_validate(): assert 0, 'inner'\n"
    campaign.write({"a/conftest.py": inner, "a/test_a.py": "def test_it(): pass", "b/test_b.py": "def test_it(): pass"})
    session = run(campaign, engine)
    assert session.ended() == {"a/test_a.py::test_it": "failed", "b/test_b.py::test_it": "completed"}


def test_without_a_run_none_is_called(campaign: Campaign) -> None:
    write(campaign, suite="def test_it(benchrun_sandbox): pass")
    session = campaign.plain()
    assert session.exit_code == 0, session.text
    assert not (campaign.folder / "calls").exists()


def test_every_hook_is_on_the_page_of_hooks(request: pytest.FixtureRequest) -> None:
    page = (Path(request.config.rootpath) / "docs" / "hooks.md").read_text("utf-8")
    names = [name for name in vars(hookspecs) if name.startswith("pytest_benchrun_")]
    assert len(names) == 11
    assert [name for name in names if f"`{name}`" not in page] == []
