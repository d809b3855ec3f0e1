"""`benchrun junit` beside real runs: live, killed, torn, with lost workers; and where it writes."""

from __future__ import annotations

import pytest

from tests.acceptance.processes import wait_until
from tests.acceptance.suite import Case, FileState, Suite, assert_refused, state_of

HELD = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(until, n):
        assert n != 1, "one"
        if n >= 2:
            until("go")
"""


def made(suite: Suite) -> list[Case]:
    """The test cases that the command gives; it changes nothing."""
    before = state_of(suite.results)
    target = suite.folder / "junit.xml"
    ended = suite.benchrun("junit", "-o", str(target))
    assert (ended.code, ended.output) == (0, "")
    assert at_rest(state_of(suite.results)) == at_rest(before)
    return suite.junit()


def at_rest(files: dict[str, FileState]) -> dict[str, FileState]:
    """Those that a run which only waits does not write."""
    written = (".benchrun-", "status.", "run_state.", "timeseries")
    return {name: state for name, state in files.items() if not name.startswith(written)}


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_a_run_has_its_file_while_it_lives_after_a_kill_and_at_the_end(suite: Suite, engine: tuple[str, ...]) -> None:
    suite.write("test_it.py", HELD)
    child = suite.start(*engine)
    count = 2 if engine else 1
    wait_until(lambda: len(suite.events("unit_ended")) == 2, "the first two")
    wait_until(lambda: len(suite.started()) == 2 + count, "the held units")
    outcomes = ["passed", "failure", *["error"] * count, *["skipped"] * (4 - count)]
    cases = made(suite)
    assert [case.outcome for case in cases] == outcomes
    assert cases[2].message == "benchrun: it is running"
    assert cases[5].message == "benchrun: not started yet"

    child.end()
    journal = suite.results / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"schema_version":1,"seq":')
    cases = made(suite)
    assert [case.outcome for case in cases] == outcomes
    assert cases[2].message == "benchrun: the run was killed while it ran"

    suite.touch("go")
    suite.run("--bench-resume", *engine)
    cases = made(suite)
    assert [case.outcome for case in cases] == ["passed", "failure", *["passed"] * 4]
    assert [case.properties["bench.attempt"] for case in cases] == ["1", "2", *["2"] * count, *["1"] * (4 - count)]


def test_a_unit_that_killed_its_workers_is_the_failure_that_pytest_shows(suite: Suite) -> None:
    suite.write("test_it.py", "import os\n\ndef test_dies(): os._exit(1)\ndef test_lives(): pass\n")
    suite.run("-n1", "--junitxml=junit.xml")
    expected = {(case.name, case.outcome, case.message) for case in suite.junit()}
    assert {(case.name, case.outcome, case.message) for case in made(suite)} == expected


def test_without_a_file_it_goes_to_the_standard_output(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): assert 0, '\\u2603'\n")
    suite.run()
    ended = suite.benchrun("junit")
    assert ended.code == 0
    assert ended.output.startswith('<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">')
    made(suite)
    assert ended.output.rstrip("\n") == (suite.folder / "junit.xml").read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass\n")
    suite.run()
    (suite.folder / "folder").mkdir()
    journal = suite.results / "journal.jsonl"
    before = state_of(suite.folder)
    for target in (suite.folder / "missing" / "junit.xml", suite.folder / "folder", journal):
        assert_refused(suite.benchrun("junit", "-o", str(target)), str(target), "-> name ")
    assert state_of(suite.folder) == before


@pytest.mark.parametrize("what", ["missing", "empty", "a file", "damaged", "a directory for a journal"])
def test_what_has_no_journal_to_read_is_named(suite: Suite, what: str) -> None:
    journal = suite.results / "journal.jsonl"
    said = str(suite.results)
    if what == "a file":
        suite.results.write_text("a file", "utf-8")
    elif what != "missing":
        suite.results.mkdir()
    if what == "damaged":
        journal.write_bytes(b"#\n")
        said = f"benchrun rebuild {suite.results} --salvage"
    elif what == "a directory for a journal":
        journal.mkdir()
    assert_refused(suite.benchrun("junit"), said, "-> ")
