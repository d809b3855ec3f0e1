"""Where commands print to: letters that the locale lacks, a full disk, a reader that has gone, nothing at all."""

from __future__ import annotations

import json
import re

import pytest

from tests.acceptance.processes import BENCHRUN, Ended
from tests.acceptance.suite import Suite

UNITS = """
    import pytest

    @pytest.mark.parametrize("n", range(60))
    def test_it(benchrun, n):
        benchrun.metric("größe", n, unit="Å")
        assert n != 2, "nö 中"
"""
COMMANDS = ["status", "status --json", "stats", "stats --json", "export", "junit", "verify", "history", "watch"]


@pytest.fixture
def ended_run(suite: Suite) -> Suite:
    """A run of sixty units, one of which failed, with letters of several alphabets."""
    suite.write("test_it.py", UNITS)
    assert suite.run().code == 1
    return suite


def _print_to(suite: Suite, command: str, shell: str) -> Ended:
    """The command in a shell with buffered output; what it says beside that is read."""
    name, *options = command.split()
    line = f"unset PYTHONUNBUFFERED; {shell.format(command=chr(34) + '$@' + chr(34))}"
    argv = ["sh", "-c", line, "sh", *BENCHRUN, name, str(suite.results), *options]
    return suite.children.start(argv, suite.folder).wait()


def test_letters_that_the_locale_lacks_are_escaped(ended_run: Suite) -> None:
    shell = "LC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 PYTHONIOENCODING={encoding} {{command}}"
    for encoding in ("", "ascii"):
        for command in ("status", "stats", "verify", "watch"):
            ended = _print_to(ended_run, command, shell.format(encoding=encoding))
            assert ended.code == (1 if command == "watch" else 0), ended.output
            assert "Traceback" not in ended.output
        assert "n\\xf6 \\u4e2d" in _print_to(ended_run, "stats", shell.format(encoding=encoding)).output
        view = json.loads(_print_to(ended_run, "stats --json", shell.format(encoding=encoding)).output)
        assert view["metrics"]["größe"]["unit"] == "Å"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_answer_that_finds_no_room_is_an_error(ended_run: Suite, command: str) -> None:
    ended = _print_to(ended_run, command, "{command} >/dev/full")
    assert ended.code == 4, ended.output
    expected = r"benchrun: cannot \w+ '\S+': No space left on device\n  -> see to its permissions and to room on .*\n"
    assert re.fullmatch(expected, ended.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_reader_or_an_output_nothing_is_said(ended_run: Suite, command: str) -> None:
    expected = 1 if command == "watch" else 0
    closed = _print_to(ended_run, command, "{command} >&-")
    assert (closed.code, closed.output) == (expected, "")
    gone = _print_to(ended_run, command, "{{ {command}; echo ended with $? >&2; }} | true")
    assert gone.output in {"ended with 0\n", f"ended with {expected}\n"}  # it may have been read before it was gone
