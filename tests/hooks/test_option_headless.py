"""`--bench-headless`: no progress, and a log."""

from __future__ import annotations

from tests.hooks.campaigns import UNLIMITED, Campaign


def test_the_log_is_in_the_results_directory(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\ndef test_two(): assert 0, 'no'\n"})
    session = campaign.run("--bench-headless", *UNLIMITED, engine=engine)
    log = (campaign.results / "benchmark.log").read_text("utf-8").splitlines()
    assert "began: pid " in log[0]
    assert any("INFO    completed test_one.py::test_one " in line for line in log)
    assert any("ERROR   failed test_one.py::test_two " in line and "call: AssertionError: no" in line for line in log)
    assert log[-1].endswith("complete: 2 of 2 units ended, 1 failed; exit code 1")
    assert "benchrun: 2/2" not in session.text


def test_a_resume_goes_on_with_the_log(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_one.py": "def test_one(): assert 0\n"})
    campaign.run("--bench-headless", engine=engine)
    campaign.run("--bench-headless", "--bench-resume", engine=engine)
    log = (campaign.results / "benchmark.log").read_text("utf-8")
    assert ["session 1 of" in log, "session 2 of" in log, log.count("exit code 1")] == [True, True, 2]


def test_a_resume_with_nothing_to_do_leaves_the_log_alone(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    campaign.run("--bench-headless")
    before = campaign.files()
    campaign.run("--bench-headless", "--bench-resume")
    assert campaign.files() == before


def test_the_log_goes_to_the_history_with_its_run(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    first = campaign.run("--bench-headless").status()["run_id"]
    campaign.run()
    assert not (campaign.results / "benchmark.log").exists()
    assert (campaign.results / "history" / first / "benchmark.log").exists()


def test_it_contradicts_a_kind_of_progress(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    session = campaign.run("--bench-headless", "--bench-progress=plain")
    assert session.exit_code == 4
    assert "-> keep one; for both a log and progress: --bench-log --bench-progress=plain" in session.text
    assert not campaign.results.exists()
