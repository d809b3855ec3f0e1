"""`--bench-results`: which directory it is, what it may already hold, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.core.model import Owner
from pytest_benchrun.store.lock import RunLock
from pytest_benchrun.world.process import is_alive, this_process
from tests.hooks.campaigns import Campaign

TWO = "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_two(x): pass\n"
STOPS = "def test_one(): raise AssertionError\ndef test_two(): pass\n"


@pytest.fixture
def two(campaign: Campaign) -> Campaign:
    """A campaign of two units that complete."""
    campaign.write({"test_two.py": TWO})
    return campaign


def names_in(folder: Path) -> set[str]:
    """What the folder holds."""
    return {path.name for path in folder.iterdir()}


def test_it_makes_a_run_of_the_suite(two: Campaign, engine: str) -> None:
    session = two.run(engine=engine)
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 2}
    assert session.ended() == {"test_two.py::test_two[1]": "completed", "test_two.py::test_two[2]": "completed"}
    assert session.status()["state"] == "complete"
    assert session.stats()["units"]["completed"] == 2
    assert names_in(two.results) == {
        ".benchrun.lock",
        "environment.json",
        "journal.jsonl",
        "run_state.json",
        "runstats.json",
        "results.sqlite",
        "timeseries",
        "status.json",
    }


def test_without_it_nothing_is_written(two: Campaign, engine: str) -> None:
    before = names_in(two.folder)
    session = two.plain(engine=engine)
    assert session.outcomes == {"passed": 2}
    assert "benchrun:" not in session.text
    assert names_in(two.folder) - before <= {"junit.xml", ".pytest_cache", "__pycache__"}


def test_the_header_and_the_summary_name_run_and_directory(two: Campaign) -> None:
    session = two.run()
    run_id = session.status()["run_id"]
    assert f"benchrun: new run {run_id}, results in {two.results}" in session.text
    assert f" benchrun {run_id} " in session.text
    assert f"files: {two.results} " in session.text


def test_quiet_leaves_the_header_out(two: Campaign) -> None:
    session = two.run("-q", "-q")
    assert "results in" not in session.text
    assert session.status()["state"] == "complete"


def test_a_relative_directory_is_where_the_command_was_given(two: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    below = two.folder / "below"
    below.mkdir()
    (two.folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    monkeypatch.chdir(below)
    session = two.plain("--bench-results=out", "..")
    assert session.exit_code == 0
    assert (below / "out" / "journal.jsonl").exists()


def test_missing_folders_above_it_are_made(two: Campaign) -> None:
    session = two.plain(f"--bench-results={two.folder}/a/b/c")
    assert session.exit_code == 0
    assert (two.folder / "a" / "b" / "c" / "status.json").exists()


def test_it_may_stand_in_the_configuration_file(two: Campaign, engine: str) -> None:
    two.ini("addopts = --bench-results=results")
    session = two.plain(engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == 2


def test_the_last_one_given_counts(two: Campaign) -> None:
    two.run(f"--bench-results={two.folder}/other")
    assert not two.results.exists()
    assert (two.folder / "other" / "journal.jsonl").exists()


def test_an_empty_directory_name_is_refused(two: Campaign) -> None:
    session = two.plain("--bench-results=")
    assert session.exit_code == 4
    assert "--bench-results" in session.text


def test_a_file_in_its_place_is_refused_and_kept(two: Campaign, engine: str) -> None:
    two.results.write_text("mine", "utf-8")
    session = two.run(engine=engine)
    assert session.exit_code == 4
    assert f"{str(two.results)!r} is not a directory\n  -> " in session.text
    assert two.results.read_text("utf-8") == "mine"


def test_a_file_above_it_is_refused(two: Campaign) -> None:
    (two.folder / "file").write_text("mine", "utf-8")
    session = two.plain(f"--bench-results={two.folder}/file/results")
    assert session.exit_code == 4
    assert "  -> " in session.text
    assert "Traceback" not in session.text


def test_what_others_put_there_stays(two: Campaign) -> None:
    two.write({"results/notes.txt": "mine", "results/data/raw.csv": "1"})
    two.run()
    two.run()
    assert (two.results / "notes.txt").read_text("utf-8") == "mine"
    assert (two.results / "data" / "raw.csv").read_text("utf-8") == "1"


def test_a_link_to_a_directory_is_followed_and_kept(two: Campaign) -> None:
    (two.folder / "elsewhere").mkdir()
    two.results.symlink_to(two.folder / "elsewhere")
    session = two.run()
    assert session.exit_code == 0
    assert two.results.is_symlink()
    assert (two.folder / "elsewhere" / "journal.jsonl").exists()


def test_a_finished_run_moves_to_the_history_whole(two: Campaign, engine: str) -> None:
    first = two.run()
    journal, run_id = (two.results / "journal.jsonl").read_bytes(), first.status()["run_id"]
    second = two.run(engine=engine)
    assert second.exit_code == 0
    assert f"benchrun: the earlier run was moved to history/{run_id}" in second.text
    assert (two.results / "history" / run_id / "journal.jsonl").read_bytes() == journal
    assert second.status()["run_id"] != run_id
    assert second.events()[0]["event"] == "run_created"


def test_an_unfinished_run_is_refused_and_not_touched(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_stops.py": STOPS})
    assert campaign.run("-x").status()["state"] == "stopped"
    before = campaign.files()
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert "holds an unfinished run" in session.text
    assert "--bench-resume" in session.text
    assert "--bench-fresh" in session.text
    assert session.shown == []
    assert campaign.files() == before


def test_a_living_owner_is_named(two: Campaign, engine: str) -> None:
    two.results.mkdir()
    lock = RunLock(two.results / ".benchrun.lock", is_alive)
    owner: Owner = this_process("2026-11-01T00:00:00.000Z")
    lock.acquire(owner)
    try:
        session = two.run(engine=engine)
    finally:
        lock.release()
    assert session.exit_code == 4
    assert str(owner.pid) in session.text
    assert owner.host in session.text
    assert session.shown == []


def test_the_directory_is_free_after_the_session(two: Campaign) -> None:
    for _ in range(2):
        assert two.run().exit_code == 0
    assert (two.results / ".benchrun.lock").read_bytes() == b""


@pytest.mark.parametrize("name", ["status.json", "runstats.json"])
def test_files_of_a_newer_version_are_refused_and_kept(two: Campaign, name: str) -> None:
    two.write({f"results/{name}": '{"schema_version": 99}'})
    session = two.run()
    assert session.exit_code == 4
    assert "schema_version 99" in session.text
    assert two.files()[name] == b'{"schema_version": 99}'


def test_a_damaged_journal_is_refused_with_the_line_and_the_cure(two: Campaign) -> None:
    two.run()
    journal = two.results / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"completed"', b'"complXted"', 1))
    before = two.files()
    session = two.run("--bench-resume")
    assert session.exit_code == 4
    assert "the journal is damaged" in session.text
    assert "--salvage" in session.text
    assert two.files() == before


def test_files_in_the_directory_are_no_tests(campaign: Campaign) -> None:
    source = """
def test_keeps_a_test_file(benchrun):
    benchrun.artifact("test_generated.py").write_text("def test_of_a_model(): raise AssertionError")
"""
    campaign.write({"test_keeps.py": source})
    assert campaign.run(".").outcomes == {"passed": 1}
    again = campaign.run(".", "--bench-resume")
    assert again.status()["total_tasks"] == 1
    fresh = campaign.run(".", "--bench-fresh")
    assert fresh.status()["total_tasks"] == 1


def test_it_works_without_a_terminal_reporter(two: Campaign, engine: str) -> None:
    session = two.run("-p", "no:terminal", engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == 2


def test_the_run_is_named_after_the_root_folder(two: Campaign) -> None:
    root = two.folder / "My project (π)"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (root / "test_one.py").write_text("def test_one(): pass\n", "utf-8")
    session = two.run("--rootdir", str(root), str(root))
    assert session.status()["run_id"].startswith("My-project-")
    assert Path(session.status()["results_dir"]) == two.results
