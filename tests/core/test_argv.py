"""Command lines: what can be one, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.core.argv import check_argv, check_variables, how_to_install, shown_command
from pytest_benchrun.core.errors import CommandProblem


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("nwchem 'my input.nw'", "-> a list of its words: ['nwchem', 'my input.nw']"),
        (b"ls -l", "-> a list of its words: ['ls', '-l']"),
        ("it's", "-> a list of its words"),
        ([], "the command [] has no words"),
        ([""], "has no program"),
        (None, "the command None is no list"),
        (["a", 3], "word 1 of the command is 3, which is no text\n  -> str(3)"),
        (["a", b"b"], "word 1 of the command is b'b'"),
        (["a", "b\0c"], "has a NUL byte"),
        ({"a": 1}, "is no list"),
    ],
)
def test_what_is_no_command_line_is_refused(argv: object, said: str) -> None:
    with pytest.raises(CommandProblem) as caught:
        check_argv(argv)
    assert said in str(caught.value)


def test_lists_tuples_and_paths_are_taken() -> None:
    check_argv(["a", Path("b")])
    check_argv(("a", ""))


@pytest.mark.parametrize("variables", [{"A": 1}, {1: "a"}, {"": "a"}, {"A=B": "a"}, {"A": "b\0"}, {"A\0": "b"}])
def test_what_no_environment_holds_is_refused(variables: dict[object, object]) -> None:
    with pytest.raises(CommandProblem, match="env"):
        check_variables(variables)


def test_none_takes_a_variable_away() -> None:
    check_variables({"A": None, "B": ""})
    check_variables(None)


def test_a_command_is_shown_as_typed_cut_and_without_passwords() -> None:
    assert shown_command(("git", "clone", "https://me:hunter2@host/x y")) == "git clone 'https://(masked)@host/x y'"
    assert len(shown_command(("x" * 10_000,))) <= 510


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/usr/bin/nwchem", "apt-get install nwchem"),
        ("snakemake", "pip install snakemake"),
        ("gitt", 'was "git" meant?'),
        ("zzz", 'install it, or let the unit be skipped: missing="skip"'),
    ],
)
def test_a_missing_program_comes_with_its_package(name: str, said: str) -> None:
    assert said in how_to_install(name)
