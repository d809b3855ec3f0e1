"""Names in the results directory."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_benchrun.core.slug import slug
from pytest_benchrun.store.rundir import RunDir

IDS = st.text(st.characters(), max_size=300) | st.text("ab[]/.-_ ", max_size=12)


def touch(directory: Path, *names: str) -> RunDir:
    for name in names:
        (directory / name).write_bytes(b"")
    return RunDir(directory)


@given(IDS)
def test_any_id_becomes_a_safe_file_name(unit_id: str) -> None:
    name = slug(unit_id)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{10}|[0-9a-f]{10}", name)
    assert len(name) <= 255
    assert slug(unit_id) == name


@given(IDS, IDS)
def test_different_ids_become_different_names_even_where_case_is_ignored(one: str, other: str) -> None:
    assume(one != other)
    assert slug(one).lower() != slug(other).lower()


def test_a_slug_is_readable() -> None:
    assert slug("bench.py::test_read[1k-true]").startswith("bench.py-test_read-1k-true-")


def test_a_long_id_keeps_its_end() -> None:
    assert slug("x" * 140_000 + "[the-last-one]").startswith("x" * 66 + "-the-last-one-")


def test_a_hostile_id_stays_in_its_folder(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    for unit_id in ("../../etc/passwd", "..", ".", "", "/", "-rf", "\x00", "\ud800", "CON", "a\nb"):
        folder, file = rundir.artifacts(unit_id), rundir.checkpoint(unit_id)
        assert (folder.parent, file.parent) == (tmp_path / "artifacts", rundir.checkpoints)
        assert folder.name not in {"", ".", ".."}
        assert file.name == f"{folder.name}.json"


def test_a_lone_surrogate_is_not_the_text_of_its_escape() -> None:
    assert slug("\ud800") != slug("\\ud800")


def test_parts_are_ordered_by_number_and_the_current_file_is_last(tmp_path: Path) -> None:
    rundir = touch(tmp_path, "journal.10.jsonl", "journal.9.jsonl", "journal.jsonl", "journal.1.jsonl")
    names = [path.name for path in rundir.journal_parts()]
    assert names == ["journal.1.jsonl", "journal.9.jsonl", "journal.10.jsonl", "journal.jsonl"]
    assert rundir.next_part().name == "journal.11.jsonl"


def test_what_only_looks_like_a_part_is_none(tmp_path: Path) -> None:
    rundir = touch(
        tmp_path, "journal.x.jsonl", "journal..jsonl", "journal.1.jsonl.gz", "journal.jsonl.torn-1", "journal.-1.jsonl"
    )
    assert rundir.journal_parts() == []
    assert rundir.next_part().name == "journal.1.jsonl"
    assert not rundir.has_run()


def test_a_run_killed_in_a_rotation_is_a_run(tmp_path: Path) -> None:
    assert touch(tmp_path, "journal.1.jsonl").has_run()


def test_an_empty_journal_is_a_run(tmp_path: Path) -> None:
    assert touch(tmp_path, "journal.jsonl").has_run()


def test_what_belongs_to_the_run_ends_with_its_journal(tmp_path: Path) -> None:
    for folder in ("artifacts", "checkpoints", "history"):
        (tmp_path / folder).mkdir()
    mine = [
        "status.json",
        "runstats.json",
        "environment.json",
        "STOP.obeyed-2026-11-21T100000.000Z",
        "journal.jsonl.torn-2026-11-21T100000.000Z",
        "journal.1.jsonl",
        "journal.jsonl",
    ]
    rundir = touch(tmp_path, *mine, "notes.txt", "STOP", ".benchrun.lock", "junit.xml")
    names = [path.name for path in rundir.ours()]
    assert sorted(names) == sorted([*mine, "artifacts", "checkpoints"])
    assert names[-2:] == ["journal.1.jsonl", "journal.jsonl"]


def test_damaged_parts_put_aside_by_a_salvage_belong_to_the_run(tmp_path: Path) -> None:
    damaged = ["journal.jsonl.broken-2026-11-21T100000.000Z", "journal.1.jsonl.broken-2026-11-21T100000.000Z"]
    rundir = touch(tmp_path, *damaged, "journal.jsonl")
    assert {path.name for path in rundir.ours()} == {*damaged, "journal.jsonl"}


def test_a_relative_directory_is_made_absolute_and_its_links_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    rundir = RunDir(link)
    assert rundir.path == link
    assert RunDir(Path("results")).path == Path.cwd() / "results"


def test_every_file_has_its_name_of_the_contract(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path)
    paths = [rundir.journal, rundir.status, rundir.runstats, rundir.lock, *rundir.stop_names, rundir.history]
    paths.append(rundir.checkpoints)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "journal.jsonl",
        "status.json",
        "runstats.json",
        ".benchrun.lock",
        "STOP",
        "STOP_REQUESTED",
        "history",
        "checkpoints",
    ]
