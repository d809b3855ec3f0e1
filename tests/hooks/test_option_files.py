"""Each option of the table has a test file of its own, which runs with each engine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pytest_benchrun.hooks.option import Option
from pytest_benchrun.hooks.options import OPTIONS
from tests.hooks.campaigns import ENGINES
from tests.hooks.conftest import ENGINE_NAMES

HERE = Path(__file__).parent
TESTED = ("bare", "n2")


def file_of(option: Option) -> Path:
    """Where the tests of an option are."""
    return HERE / f"test_option_{option.dest.removeprefix('bench_')}.py"


def faults(option: Option, source: str) -> list[str]:
    """What the test file of an option lacks; `source` is its text."""
    tests = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    words = [str(node.value) for test in tests for node in ast.walk(test) if isinstance(node, ast.Constant)]
    checks = {
        f"no test types {option.flag}": any(option.flag in word for word in words),
        "no test runs with `engine`": any(test.name.startswith("test_") and runs_engine(test) for test in tests),
        "`engine` is a parameter of its own": 'parametrize("engine"' not in source,
    }
    return [fault for fault, is_fine in checks.items() if not is_fine]


def runs_engine(test: ast.FunctionDef) -> bool:
    """Whether a test asks for the fixture and uses it."""
    used = [node.id for statement in test.body for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return "engine" in used and "engine" in [argument.arg for argument in test.args.args]


@pytest.mark.parametrize("option", OPTIONS, ids=[option.flag for option in OPTIONS])
def test_each_option_has_its_file_and_each_file_both_engines(option: Option) -> None:
    path = file_of(option)
    assert path.exists(), f"{option.flag} -> write {path.name}"
    assert faults(option, path.read_text("utf-8")) == []


def test_each_file_has_its_option() -> None:
    files = {path.name for path in HERE.glob("test_option_*.py")} - {Path(__file__).name}
    assert files == {file_of(option).name for option in OPTIONS}


def test_the_fixture_gives_both_engines() -> None:
    assert ENGINE_NAMES == TESTED
    assert (ENGINES["bare"], ENGINES["n2"]) == ((), ("-n2",))


SOUND = '"""`--bench-x`: it."""\ndef test_it(campaign, engine): campaign.run("--bench-x=1", engine=engine)\n'


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SOUND, []),
        (SOUND.replace('("--bench-x=1", ', "("), ["no test types --bench-x"]),
        (SOUND.replace("campaign, engine", "campaign"), ["no test runs with `engine`"]),
        (SOUND.replace(", engine=engine", ""), ["no test runs with `engine`"]),
        (SOUND.replace("def test_it", "def run_it"), ["no test runs with `engine`"]),
        (
            SOUND.replace("def", '@pytest.mark.parametrize("engine", ["bare"])\ndef'),
            ["`engine` is a parameter of its own"],
        ),
    ],
)
def test_a_file_that_lacks_something_is_found(source: str, said: list[str]) -> None:
    assert faults(Option(flag="--bench-x", metavar="X", help=""), source) == said
