"""`benchrun.checkpoint`: what a unit saves, its next attempt loads, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session, strict_json

SAVES = """
import os, pytest

def test_a(benchrun):
    before = benchrun.checkpoint.load()
    benchrun.metric("began_at", 0 if before is None else before["step"])
    benchrun.checkpoint.save({"step": 1})
    benchrun.checkpoint.save({"step": 2, "rest": [1.5, "ä", None]})
    assert benchrun.checkpoint.load() == {"step": 2, "rest": [1.5, "ä", None]}
    %s
"""
FAILS = SAVES % "assert benchrun.attempt > 1"
UNIT = "test_a.py::test_a"


def warnings_of(session: Session) -> list[str]:
    """Of the unit's last attempt."""
    warnings: list[str] = session.events("unit_ended")[-1]["outcome"]["warnings"]
    return warnings


def checkpoints_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    files = campaign.files().items()
    return {name: strict_json(data.decode()) for name, data in files if name.startswith("checkpoints/")}


@pytest.mark.parametrize("how", ["assert benchrun.attempt > 1", "benchrun.attempt > 1 or pytest.exit('enough')"])
def test_the_next_attempt_goes_on_from_it(campaign: Campaign, engine: str, how: str) -> None:
    campaign.write({"test_a.py": SAVES % how})
    first = campaign.run(engine=engine)
    (kept,) = checkpoints_of(campaign).values()
    assert (kept["unit_id"], kept["attempt"], kept["value"]["step"]) == (UNIT, 1, 2)
    assert (first.exit_code, kept["run_id"]) == (2 if "exit" in how else 1, first.status()["run_id"])
    # the function is the same text in both sessions: a changed one would not load it
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0, session.text
    assert session.metrics(UNIT)["began_at"]["value"] == 2
    assert warnings_of(session) == []


def test_it_is_removed_when_its_unit_has_completed(campaign: Campaign, engine: str) -> None:
    source = f"""{SAVES % "pass"}

@pytest.fixture
def late(benchrun):
    yield
    benchrun.checkpoint.save("torn down")

def test_in_teardown(late): pass

def test_failed(benchrun):
    benchrun.checkpoint.save(1)
    assert 0
"""
    campaign.write({"test_a.py": source})
    assert campaign.run(engine=engine).outcomes == {"passed": 2, "failed": 1}
    assert [kept["unit_id"] for kept in checkpoints_of(campaign).values()] == ["test_a.py::test_failed"]


def test_it_is_kept_when_only_the_teardown_fails(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.fixture
def breaks():
    yield
    raise OSError

def test_a(benchrun, breaks):
    benchrun.checkpoint.save(1)
"""
    campaign.write({"test_a.py": source})
    campaign.run(engine=engine)
    assert [kept["value"] for kept in checkpoints_of(campaign).values()] == [1]


def test_units_do_not_see_each_others(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.parametrize("x", range(6))
def test_a(benchrun, x):
    assert benchrun.checkpoint.load() is None
    benchrun.checkpoint.save(x)
    assert benchrun.checkpoint.load() == x
    assert 0
"""
    campaign.write({"test_a.py": source})
    campaign.run("--bench-max-failures=none", engine=engine)
    assert sorted(kept["value"] for kept in checkpoints_of(campaign).values()) == list(range(6))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("assert benchrun.attempt > 1", "assert benchrun.attempt > 1, 'again'", "source"),
        ("def test_a(", "@pytest.mark.benchrun(version=2)\ndef test_a(", "version"),
    ],
)
def test_one_of_a_unit_that_has_changed_is_not_loaded(
    campaign: Campaign, engine: str, before: str, after: str, said: str
) -> None:
    campaign.write({"test_a.py": FAILS})
    campaign.run(engine=engine)
    campaign.write({"test_a.py": FAILS.replace(before, after)})
    session = campaign.run("--bench-resume", engine=engine)
    assert session.metrics(UNIT)["began_at"]["value"] == 0
    assert warnings_of(session) == [f"the checkpoint was not used: the unit has changed since attempt 1: {said}"]
    assert session.exit_code == 0


def test_one_of_an_earlier_run_is_in_the_history(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": FAILS})
    first = campaign.run(engine=engine)
    run_id = first.status()["run_id"]
    session = campaign.run("--bench-fresh", engine=engine)
    assert session.metrics(UNIT)["began_at"]["value"] == 0
    assert any(name.startswith(f"history/{run_id}/checkpoints/") for name in campaign.files())


@pytest.mark.parametrize("damage", ["damaged", "newer"])
def test_what_cannot_be_used_is_said_and_the_unit_begins_anew(campaign: Campaign, engine: str, damage: str) -> None:
    campaign.write({"test_a.py": FAILS})
    campaign.run(engine=engine)
    (name,) = checkpoints_of(campaign)
    path = campaign.results / name
    bad = b'{"schema_version":99}' if damage == "newer" else path.read_bytes()[:-30]
    path.write_bytes(bad)
    session = campaign.run("--bench-resume", engine=engine)
    assert session.metrics(UNIT)["began_at"]["value"] == 0
    warnings = warnings_of(session)
    if damage == "damaged":
        assert session.exit_code == 0
        assert warnings == ["the checkpoint was not used: it is damaged: it has no checksum at its end"]
    else:
        assert [warning.partition(":")[0] for warning in warnings] == [
            "the checkpoint was not used",
            "the checkpoint was not saved",
        ]
        assert all("has schema_version 99; this version reads up to" in warning for warning in warnings)
        assert path.read_bytes() == bad


def test_a_save_that_fails_never_fails_the_unit(campaign: Campaign, engine: str) -> None:
    source = """
import pathlib

def test_a(benchrun, request):
    results = pathlib.Path(request.config.getoption("bench_results"))
    (results / "checkpoints").write_text("in the way")
    for step in range(3):
        benchrun.checkpoint.save(step)
    assert benchrun.checkpoint.load() is None
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0, session.text
    not_saved, not_read = warnings_of(session)
    assert not_saved.startswith("the checkpoint was not saved, the one before stays: ")
    assert not_read == "the checkpoint could not be read: Not a directory"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("(1, 2)", "TypeError"),
        ("{'at': float('nan')}", "ValueError"),
        ("None", "ValueError"),
        ("object()", "TypeError"),
    ],
)
def test_a_value_that_would_come_back_as_another_fails_the_unit(
    campaign: Campaign, engine: str, value: str, error: str
) -> None:
    campaign.write({"test_a.py": f"def test_a(benchrun):\n    benchrun.checkpoint.save({value})\n"})
    session = campaign.run(engine=engine)
    assert session.ended() == {UNIT: "failed"}
    assert session.events("unit_ended")[0]["outcome"]["message"].startswith(f"{error}: the checkpoint's value")


def test_without_a_run_nothing_is_kept(campaign: Campaign, engine: str) -> None:
    source = """
def test_a(benchrun):
    assert benchrun.checkpoint.load() is None
    benchrun.checkpoint.save({"step": 1})
    benchrun.checkpoint.save(object())
    assert benchrun.checkpoint.load() is None
    assert benchrun.warnings == []
"""
    campaign.write({"test_a.py": source})
    assert campaign.plain(engine=engine).outcomes == {"passed": 1}
    assert campaign.files() == {}


def test_a_campaign_without_checkpoints_makes_no_folder_for_them(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": "def test_a(benchrun): assert benchrun.checkpoint.load() is None"})
    assert campaign.run(engine=engine).exit_code == 0
    assert not (campaign.results / "checkpoints").exists()


def test_a_child_that_comes_back_into_pytest_does_not_remove_it(campaign: Campaign) -> None:
    source = """
import os

def test_a(benchrun):
    benchrun.checkpoint.save(1)
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        assert benchrun.checkpoint.load() == 1
"""
    campaign.write({"test_a.py": source})
    done = campaign.apart(f"--bench-results={campaign.results}", "-W", "ignore::DeprecationWarning")
    assert done.returncode == 0, done.stdout
