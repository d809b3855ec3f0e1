"""The commands that the README promises are the ones that are checked."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _shell_blocks(page: str) -> list[str]:
    """The contents of the page's `sh` blocks, in order."""
    return [block.partition("```")[0].strip() for block in page.split("```sh\n")[1:]]


def test_the_last_command_of_ci_is_the_readmes_test_command() -> None:
    commands = _shell_blocks((ROOT / "README.md").read_text("utf-8"))
    last = (ROOT / ".ci" / "run").read_text("utf-8").rstrip().splitlines()[-1]
    assert last == commands[1]
    assert last.endswith(" tests/")


def test_the_readmes_first_command_runs_the_benchmarks() -> None:
    commands = _shell_blocks((ROOT / "README.md").read_text("utf-8"))
    assert commands[0].endswith("pytest benchmarks/ --bench-results=results")
