"""A system call of the real program fails, or the process dies there: what is left is valid, and can be completed.

Which calls is drawn anew in every session; strace has them fail.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_benchrun.core.events import UnitEnded
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.rundir import RunDir
from tests.acceptance.processes import Children
from tests.acceptance.proof import assert_every_unit_counts_once, assert_journal_is_whole
from tests.acceptance.strace import count_calls, has_met_fault, need_strace, start_traced
from tests.acceptance.suite import Suite

SEED = int(os.environ.get("BENCHRUN_ACCEPTANCE_SEED") or secrets.randbits(32))
"""Another one in every session; a failing test prints it, and the variable repeats it."""

SAMPLED = 6
"""Of each fault, out of some seventy places: a second each."""

UNITS = [f"test_it.py::test_it[{n}]" for n in range(6)]
SUITE = "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n): pass\n"
# The marks of other suites look into the journal, which would be calls on our files too.
MARKS = '''
import json, os, pathlib, pytest

@pytest.fixture(autouse=True)
def _mark(benchrun):
    """Leaves one line for this attempt, in one write; that its start was recorded before, other tests show."""
    line = json.dumps([benchrun.unit_id, benchrun.attempt, os.getpid(), True]) + "\\n"
    descriptor = os.open(pathlib.Path(__file__).parent / "marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)
'''

FAULTS = {
    "killed": "signal=KILL:when={n}",
    "one input/output error": "error=EIO:when={n}",
    "a dead disk": "error=EIO:when={n}+",
    "a moment without room": "error=ENOSPC:when={n}",
    "a full disk": "error=ENOSPC:when={n}+",
    "a disk remounted read-only": "error=EROFS:when={n}+",
}


def make_suite(folder: Path, children: Children) -> Suite:
    """Six units that leave marks."""
    suite = Suite(folder, children)
    suite.write("conftest.py", MARKS)
    suite.write("test_it.py", SUITE)
    return suite


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[str]]:
    """How often a session without faults makes each call."""
    folder = tmp_path_factory.mktemp("calls")
    need_strace(folder)
    children = Children(folder)
    suite = make_suite(folder / "suite", children)
    child = start_traced(suite, "")
    try:
        ended = child.wait()
        assert ended.code == 0, ended.output
        yield count_calls(suite, child)
    finally:
        children.end_all()


def check(suite: Suite, inject: str) -> bool:
    """A session meets the fault; the next one completes what it left.

    Returns:
        Whether it has met it.
    """
    child = start_traced(suite, inject, "--bench-full-disk-wait=2s")
    ended = child.wait()
    has_met = has_met_fault(suite, child)
    for unwanted in ("Traceback", "INTERNALERROR"):
        assert unwanted not in ended.output, ended.output
    rundir = RunDir(suite.results)
    events = list(JournalReader(rundir))
    completed = {event.unit_id for event in events if isinstance(event, UnitEnded)}
    assert ended.code != 0 or completed == set(UNITS), ended.output
    resumed = suite.run(*(["--bench-resume"] if rundir.has_run() else []))
    assert resumed.code == 0, f"{ended.output}\n\n{resumed.output}"
    assert_journal_is_whole(suite)
    assert_every_unit_counts_once(suite, UNITS)
    assert suite.status()["state"] == "complete"
    assert not list(suite.results.glob(".benchrun-tmp-*"))
    return has_met


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_fault_leaves_is_valid_and_can_be_completed(
    tmp_path: Path, children: Children, calls: Counter[str], fault: str
) -> None:
    chance = random.Random(f"{SEED}-{fault}")  # noqa: S311  # places, no secrets
    sys.stdout.write(f"BENCHRUN_ACCEPTANCE_SEED={SEED}\n")
    places = [(call, n) for call, times in sorted(calls.items()) for n in range(1, times + 1)]
    met = 0
    for number, (call, n) in enumerate(chance.sample(places, SAMPLED)):
        inject = f"{call}:{FAULTS[fault].format(n=n)}"
        sys.stdout.write(f"{inject}\n")
        met += check(make_suite(tmp_path / f"suite-{number}", children), inject)
    assert met > SAMPLED // 2, "strace has not done what it was told"
