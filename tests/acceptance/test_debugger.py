"""While somebody is in the debugger no unit is stuck, however long they think; afterwards units can be stuck again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.processes import PYTEST, wait_until
from tests.acceptance.suite import Suite
from tests.acceptance.terminal import Terminal

LIMIT_S = 0.5
THOUGHT_S = 4.0
"""Longer than the limit, the watchdog's grace and a look."""

Start = Callable[..., Terminal]


@pytest.fixture
def start(suite: Suite) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(source: str, *options: str) -> Terminal:
        suite.write("test_it.py", source)
        results = f"--bench-results={suite.results}"
        limit = f"--bench-stuck-timeout={LIMIT_S}s"
        argv = [*PYTEST, results, "--bench-resources=off", "--bench-environment=off", limit, *options]
        started.append(Terminal(argv, Path(suite.folder), (50, 200)))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.close()


def _think(terminal: Terminal) -> None:
    """Type nothing for longer than a unit may be silent."""
    wait_until(lambda: terminal.has_said("(Pdb)"), "the debugger's question")
    ends = "it must wait for whoever is in the debugger"
    with pytest.raises(pytest.fail.Exception):
        wait_until(
            lambda: terminal.has_said("no sign of progress") or terminal.process.poll() is not None,
            ends,
            within_s=THOUGHT_S,
        )


def _end(terminal: Terminal) -> int:
    wait_until(lambda: terminal.has_said(" in ") and terminal.process.poll() is not None, f"the end\n{terminal.text}")
    return terminal.process.wait()


def test_after_a_failure(suite: Suite, start: Start) -> None:
    terminal = start("def test_it(): assert 0\ndef test_two(): pass\n", "--pdb")
    _think(terminal)
    terminal.type("c")
    assert _end(terminal) == 1, terminal.text
    assert [(end["outcome"]["status"], end["outcome"]["kind"]) for end in suite.events("unit_ended")] == [
        ("failed", "call"),
        ("completed", None),
    ]
    assert not (suite.results / "run_error.json").exists()


def test_at_a_breakpoint_and_the_unit_can_be_stuck_after_it(suite: Suite, start: Start) -> None:
    terminal = start("import time\ndef test_it():\n    breakpoint()\n    time.sleep(600)\ndef test_two(): pass\n")
    _think(terminal)
    terminal.type("c")
    assert _end(terminal) == 1, terminal.text
    statuses = [end["outcome"]["status"] for end in suite.events("unit_ended")]
    assert statuses == ["timeout", "completed"]
