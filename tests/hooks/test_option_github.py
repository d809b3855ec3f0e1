"""`--bench-github`: a step summary and annotations where GitHub Actions runs us, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hooks.campaigns import Campaign


@pytest.fixture
def summary(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the step summary."""
    campaign.write({"test_one.py": "def test_one(): pass\ndef test_two(): assert 0, 'no: <b>100%</b>'\n"})
    path = campaign.folder / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_failures_are_annotated_and_the_run_is_summed_up(campaign: Campaign, summary: Path, engine: str) -> None:
    session = campaign.run(engine=engine)
    commands = [line for line in session.text.splitlines() if line.startswith("::")]
    (command,) = commands
    assert command.startswith("::error title=test_one.py%3A%3Atest_two::call: AssertionError: no: <b>100%25</b>")
    text = summary.read_text("utf-8")
    assert "**2 units**: 1 completed, 1 failed" in text
    assert "&#60;b&#62;100%" in text


def test_the_summary_of_a_step_is_added_to(campaign: Campaign, summary: Path) -> None:
    summary.write_text("before\n", "utf-8")
    campaign.run()
    assert summary.read_text("utf-8").startswith("before\n## benchrun ")


@pytest.mark.parametrize("way", ["option", "ini", "elsewhere"])
def test_it_can_be_left_out(campaign: Campaign, summary: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "ini":
        campaign.ini("bench_github = off")
    if way == "elsewhere":
        monkeypatch.delenv("GITHUB_ACTIONS")
    session = campaign.run(*(["--bench-github=off"] if way == "option" else []))
    assert "::error" not in session.text
    assert not summary.exists()


def test_a_summary_that_cannot_be_written_is_a_sentence(campaign: Campaign, summary: Path) -> None:
    summary.mkdir()
    session = campaign.run()
    assert session.exit_code == 1
    assert "problem: '" in session.text


def test_other_values_are_refused(campaign: Campaign) -> None:
    campaign.write({"test_one.py": "def test_one(): pass\n"})
    campaign.ini("bench_github = maybe")
    session = campaign.run()
    assert session.exit_code == 4
    assert "--bench-github='maybe' is not auto or off" in session.text
