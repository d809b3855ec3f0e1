"""Options that only look: with `--bench-results` they show what they always show, and write nothing."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

SUITE = """
import pytest

@pytest.fixture
def theirs(benchrun):
    \"\"\"A fixture of theirs.\"\"\"
    return benchrun

@pytest.mark.benchrun(group="g")
def test_one(theirs): theirs.metric("m", 1)
"""
LOOKS = [
    "--collect-only",
    "--co -q",
    "--setup-plan",
    "--setup-only",
    "--fixtures",
    "--fixtures-per-test",
    "--markers",
    "--help",
    "--version",
    "-VV",
    "--cache-show",
]


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_written(campaign: Campaign, look: str) -> None:
    campaign.write({"test_one.py": SUITE})
    session = campaign.run(*look.split())
    assert session.exit_code == 0
    assert not campaign.results.exists()


@pytest.mark.parametrize("look", ["--collect-only", "--setup-plan", "--setup-only"])
def test_with_workers_nothing_is_written_either(campaign: Campaign, look: str) -> None:
    campaign.write({"test_one.py": SUITE})
    session = campaign.run(look, engine="n2")
    assert session.exit_code == 0
    assert not campaign.results.exists()


@pytest.mark.parametrize("look", [*LOOKS, "--collect-only --bench-resume", "--collect-only --bench-fresh"])
def test_an_unfinished_run_is_not_touched(campaign: Campaign, look: str) -> None:
    campaign.write({"test_one.py": "def test_one(): raise AssertionError\ndef test_two(): pass\n"})
    campaign.run("-x")
    before = campaign.files()
    assert campaign.run(*look.split()).exit_code == 0
    assert campaign.files() == before


def test_the_fixture_is_documented(campaign: Campaign) -> None:
    text = campaign.plain("--fixtures").text
    assert "benchrun" in text
    assert "The unit seen from inside" in text


def test_the_help_lists_every_option_with_its_default(campaign: Campaign) -> None:
    text = campaign.plain("--help").text
    assert "long benchmark campaigns (pytest-benchrun):" in text
    for flag in (
        "--bench-results=DIR",
        "--bench-resume",
        "--bench-fresh",
        "--bench-max-failures=N|P%|none",
        "--bench-group-by=PARAMETER",
        "--bench-max-consecutive-failures=N|none",
        "--bench-durability",
    ):
        assert flag in text
    assert "Default: max(5, 10%)." in " ".join(text.split())


def test_the_help_lists_the_settings_of_the_configuration_file(campaign: Campaign) -> None:
    text = campaign.plain("--help").text
    for name in ("bench_max_failures", "bench_group_by", "bench_max_consecutive_failures", "bench_durability"):
        assert f"  {name} " in text


def test_strict_config_knows_the_settings(campaign: Campaign, engine: str) -> None:
    campaign.ini(
        "bench_max_failures = 10%", "bench_group_by =", "bench_max_consecutive_failures = 3", "bench_durability = flush"
    )
    campaign.write({"test_one.py": SUITE})
    assert campaign.run("--strict-config", engine=engine).exit_code == 0
