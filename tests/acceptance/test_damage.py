"""Damaged files: a view is made again, the journal is salvaged; nothing whole is lost, and the run goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.processes import Children, wait_until
from tests.acceptance.suite import Suite, assert_refused, bytes_of


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of 20 units that was killed in its ninth: most kinds of lines are in its journal."""
    folder = tmp_path_factory.mktemp("killed")
    children = Children(folder)
    suite = Suite(folder / "suite", children)
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("n", range(20))
        def test_it(until, n):
            if n == 8:
                until("go")
        """,
    )
    child = suite.start()
    try:
        wait_until(lambda: len(suite.marks()) == 9, "the ninth unit")
        child.kill()
    finally:
        children.end_all()
    suite.touch("go")
    return suite.folder


@pytest.fixture
def interrupted_run(killed_run: Path, tmp_path: Path, children: Children) -> Suite:
    """A copy of it, for one test to damage."""
    shutil.copytree(killed_run, tmp_path / "suite")
    return Suite(tmp_path / "suite", children)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": "two"}', "\x00\xff"])
def test_a_corrupt_status_can_be_made_again(interrupted_run: Suite, text: str) -> None:
    suite = interrupted_run
    (suite.results / "status.json").write_bytes(text.encode("latin-1"))
    for command in ("status", "stop"):
        assert_refused(suite.benchrun(command), "status.json", f"benchrun rebuild {suite.results}")
    assert suite.benchrun("rebuild").code == 0
    assert "dead" in suite.benchrun("status").output


@pytest.mark.parametrize("text", ["{", '{"schema_version": "two"}'])
def test_a_corrupt_status_stops_no_resume_and_no_start(interrupted_run: Suite, text: str) -> None:
    suite = interrupted_run
    for options in (("--bench-resume",), ()):
        (suite.results / "status.json").write_text(text, "utf-8")
        ended = suite.run(*options)
        assert ended.code == 0, ended.output
        assert suite.status()["completed"] == 20


def test_a_missing_status_stops_nobody_and_can_be_made_again(interrupted_run: Suite) -> None:
    suite = interrupted_run
    (suite.results / "status.json").unlink()
    assert_refused(suite.benchrun("status"), "status.json", f"benchrun rebuild {suite.results}")
    assert suite.run("--bench-resume").code == 0
    assert suite.status()["completed"] == 20


def test_a_torn_last_line_is_cut_off_kept_and_noted(interrupted_run: Suite) -> None:
    suite = interrupted_run
    journal = suite.results / "journal.jsonl"
    torn = b'{"schema_version":1,"seq":99,"event":"unit_st'
    journal.write_bytes(journal.read_bytes() + torn)
    ended = suite.run("--bench-resume")
    assert ended.code == 0, ended.output
    kept = list(suite.results.glob("journal.jsonl.torn-*"))
    assert [path.read_bytes() for path in kept] == [torn]
    assert kept[0].name in ended.output
    assert suite.status()["completed"] == 20


LINES = ("run_created", "session_started", "units_added", "session_planned", "worker_up", "unit_started", "unit_ended")


def _damage(journal: Path, event: str, how: str) -> int:
    """Damage the first line of a kind; returns its number."""
    lines = journal.read_bytes().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if f'"event":"{event}"'.encode() in line)
    line = lines[number]
    middle = len(line) // 2
    if how == "flipped":
        lines[number] = line[:middle] + bytes([line[middle] ^ 0x01]) + line[middle + 1 :]
    elif how == "cut":
        lines[number] = line[:middle] + b"\n"
    elif how == "cut with its newline":
        lines[number] = line[:middle]
    elif how == "twice":
        lines.insert(number, line)
        number += 1
    else:
        del lines[number]
    journal.write_bytes(b"".join(lines))
    return number + 1


CASES = pytest.mark.parametrize(
    ("event", "how"),
    [
        *((event, "flipped") for event in LINES),
        ("unit_ended", "cut"),
        ("unit_ended", "cut with its newline"),
        ("unit_ended", "gone"),
        ("unit_ended", "twice"),
    ],
)


@CASES
def test_a_damaged_journal_is_named_salvaged_and_goes_on(interrupted_run: Suite, event: str, how: str) -> None:
    suite = interrupted_run
    journal = suite.results / "journal.jsonl"
    number = _damage(journal, event, how)
    damaged = journal.read_bytes()
    before = bytes_of(suite.results)
    cure = f"benchrun rebuild {suite.results} --salvage"
    for refused in (suite.run("--bench-resume"), suite.benchrun("rebuild")):
        assert_refused(refused, f"{journal}, line {number}", cure)
    after = bytes_of(suite.results)
    del before[".benchrun.lock"], after[".benchrun.lock"]
    assert after == before

    salvaged = suite.benchrun("rebuild", "--salvage")
    assert "Traceback" not in salvaged.output
    assert salvaged.code == 0, salvaged.output
    kept = [path.read_bytes() for path in suite.results.glob("journal.jsonl.broken-*")]
    assert kept == [damaged]
    assert suite.benchrun("status").code == 0
    ended = suite.run("--bench-resume")
    assert ended.code == 0, ended.output
    view = suite.status()
    assert (view["completed"], view["total_tasks"], view["state"]) == (20, 20, "complete")
    if event in {"run_created", "session_started", "session_planned", "worker_up"}:
        assert len(suite.marks()) == 9 + 12, "done again although its record is whole"


def test_a_salvaged_run_keeps_its_name_when_its_first_line_was_damaged(interrupted_run: Suite) -> None:
    suite = interrupted_run
    run_id = suite.status()["run_id"]
    _damage(suite.results / "journal.jsonl", "run_created", "flipped")
    assert suite.benchrun("rebuild", "--salvage").code == 0
    assert suite.run("--bench-resume").code == 0
    assert suite.status()["run_id"] == run_id
    assert suite.benchrun("rebuild").code == 0
    assert suite.status()["run_id"] == run_id


def test_fresh_puts_a_damaged_run_aside_whole(interrupted_run: Suite) -> None:
    suite = interrupted_run
    journal = suite.results / "journal.jsonl"
    _damage(journal, "unit_started", "flipped")
    damaged = journal.read_bytes()
    ended = suite.run("--bench-fresh")
    assert ended.code == 0, ended.output
    kept = list((suite.results / "history").glob("*/journal.jsonl"))
    assert [path.read_bytes() for path in kept] == [damaged]
    assert suite.status()["completed"] == 20


def test_a_newer_file_is_refused_and_left_alone(interrupted_run: Suite) -> None:
    suite = interrupted_run
    status = suite.results / "status.json"
    status.write_text(status.read_text("utf-8").replace('"schema_version": 1', '"schema_version": 2'), "utf-8")
    newer = status.read_bytes()
    for ended in (suite.benchrun("status"), suite.run("--bench-resume")):
        assert_refused(ended, "schema_version 2", "pip install --upgrade")
    assert status.read_bytes() == newer
