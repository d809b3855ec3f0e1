"""`--bench-fresh`: a new run whatever the directory holds; nothing is deleted."""

from __future__ import annotations

from tests.hooks.campaigns import Campaign

STOPS = {"test_stops.py": "def test_one(): raise AssertionError\ndef test_two(): pass\n"}


def test_an_unfinished_run_moves_to_the_history(campaign: Campaign, engine: str) -> None:
    campaign.write(STOPS)
    first = campaign.run("-x")
    before, run_id = campaign.files(), first.status()["run_id"]
    session = campaign.run("--bench-fresh", engine=engine)
    assert session.exit_code == 1
    assert f"history/{run_id}" in session.text
    after = campaign.files()
    for name in ("journal.jsonl", "status.json", "runstats.json"):
        assert after[f"history/{run_id}/{name}"] == before[name]
    assert session.status()["run_id"] != run_id
    assert session.status()["session"] == 1


def test_a_finished_run_moves_to_the_history(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    run_id = campaign.run().status()["run_id"]
    session = campaign.run("--bench-fresh")
    assert session.exit_code == 0
    assert (campaign.results / "history" / run_id / "journal.jsonl").exists()


def test_in_an_empty_place_it_is_a_plain_start(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    session = campaign.run("--bench-fresh", engine=engine)
    assert session.exit_code == 0
    assert not (campaign.results / "history").exists()


def test_a_damaged_journal_moves_to_the_history_too(campaign: Campaign) -> None:
    campaign.write(STOPS)
    campaign.run("-x")
    journal = campaign.results / "journal.jsonl"
    damaged = journal.read_bytes().replace(b'"failed"', b'"fXiled"', 1)
    journal.write_bytes(damaged)
    session = campaign.run("--bench-fresh")
    assert session.exit_code == 1
    assert damaged in [content for name, content in campaign.files().items() if name.startswith("history/")]


def test_artifacts_move_with_their_run(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(benchrun): benchrun.artifact('a.txt').write_text(benchrun.unit_id)\n"})
    run_id = campaign.run().status()["run_id"]
    campaign.run("--bench-fresh")
    kept = [name for name in campaign.files() if name.endswith("/a.txt")]
    assert len(kept) == 2
    assert sum(name.startswith(f"history/{run_id}/artifacts/") for name in kept) == 1


def test_a_collection_error_moves_nothing(campaign: Campaign) -> None:
    campaign.write(STOPS)
    campaign.run("-x")
    before = campaign.files()
    campaign.write({"test_broken.py": "import no_such_module\n"})
    session = campaign.run("--bench-fresh")
    assert session.exit_code == 2
    assert campaign.files() == before
