"""`--bench-progress`: how a session shows where it is, where there is no terminal; never what is recorded."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign

SUITE = "import pytest\n@pytest.mark.parametrize('x', range(4))\ndef test_one(x): assert x != 2\n"


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    campaign.write({"test_one.py": SUITE})
    return campaign


def progress(text: str) -> list[str]:
    """The lines of progress."""
    return [line for line in text.splitlines() if line.startswith("benchrun: ") and "%" in line]


@pytest.mark.parametrize("option", [(), ("--bench-progress=auto",), ("--bench-progress=plain",)])
def test_without_a_terminal_the_last_line_says_how_it_ended(
    suite: Campaign, engine: str, option: tuple[str, ...]
) -> None:
    session = suite.run(*option, *UNLIMITED, engine=engine)
    assert progress(session.text)[-1].startswith("benchrun: 4/4 (100 %), 1 failed; took ")
    (stages,) = [line for line in session.text.splitlines() if line.startswith("stages: ")]
    names = ["Validating environment", "Collecting cluster info", "Running benchmark", "Processing results"]
    assert [name for name in names if name in stages] == [name for name in names if engine == "n2" or name != names[1]]
    assert "\x1b" not in session.text


@pytest.mark.parametrize("options", [("--bench-progress=none",), ("-q",), ("--bench-headless",)])
def test_nothing_is_shown_to_who_wants_nothing(suite: Campaign, engine: str, options: tuple[str, ...]) -> None:
    session = suite.run(*options, *UNLIMITED, engine=engine)
    assert progress(session.text) == []
    assert session.status()["completed"] == 3


def test_who_asks_for_lines_has_them_with_q_too(suite: Campaign) -> None:
    assert len(progress(suite.run("-q", "--bench-progress=plain", *UNLIMITED).text)) >= 1


def test_a_bar_needs_a_terminal(suite: Campaign) -> None:
    session = suite.run("--bench-progress=tqdm", *UNLIMITED)
    assert len(progress(session.text)) >= 1
    assert "\r" not in session.text


def test_a_resumed_run_shows_the_whole_run(suite: Campaign, engine: str) -> None:
    suite.run(*UNLIMITED, engine=engine)
    session = suite.run("--bench-resume", *UNLIMITED, engine=engine)
    assert progress(session.text)[-1].startswith("benchrun: 4/4 (100 %), 1 failed; took ")
    assert session.executions()[4:] == ["test_one.py::test_one[2]"]


def test_pytest_prints_its_own_letters_where_there_is_no_bar(suite: Campaign) -> None:
    assert "..F." in suite.run(*UNLIMITED).text


def test_the_configuration_file_sets_it(suite: Campaign) -> None:
    suite.ini("bench_progress = none")
    assert progress(suite.run(*UNLIMITED).text) == []
    assert progress(suite.run("--bench-fresh", "--bench-progress=plain", *UNLIMITED).text) != []


def test_the_campaign_file_sets_it(suite: Campaign) -> None:
    suite.write({"campaign.toml": "[campaign]\nprogress = 'none'\n"})
    assert progress(suite.run("--bench-config=campaign.toml", *UNLIMITED).text) == []


@pytest.mark.parametrize("value", ["", "bar", "TQDM"])
def test_other_values_are_refused_and_the_known_ones_named(suite: Campaign, value: str) -> None:
    session = suite.run(f"--bench-progress={value}")
    assert session.exit_code == 4
    assert "plain" in session.text
    assert not suite.results.exists()


def test_a_wrong_value_in_the_configuration_file_is_refused(suite: Campaign) -> None:
    suite.ini("bench_progress = maybe")
    session = suite.run()
    assert session.exit_code == 4
    assert "--bench-progress='maybe' is not auto, tqdm, plain or none" in session.text


def test_it_changes_nothing_that_is_recorded(suite: Campaign, engine: str) -> None:
    shown = suite.run("--bench-progress=plain", *UNLIMITED, engine=engine).ended()
    silent = suite.run("--bench-fresh", "--bench-progress=none", *UNLIMITED, engine=engine).ended()
    assert shown == silent
