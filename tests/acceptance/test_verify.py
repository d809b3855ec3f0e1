"""`benchrun verify` on real runs: healthy ones pass, each kind of damage is named with what to type."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_benchrun.cli import main
from tests.acceptance.processes import Child, Children, wait_until
from tests.acceptance.suite import Suite, assert_refused, state_of

UNITS = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        assert n != 4, "four"
"""


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run that is over, with a failure in it and an earlier run in its history."""
    folder = tmp_path_factory.mktemp("finished")
    children = Children(folder)
    suite = Suite(folder / "suite", children)
    suite.write("test_it.py", UNITS)
    try:
        assert suite.run().code == 1
        assert suite.run().code == 1
    finally:
        children.end_all()
    return suite.results


@pytest.fixture
def results(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test to damage."""
    return Path(shutil.copytree(finished_run, tmp_path / "results"))


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def write(name: str, data: bytes) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        (results / name).write_bytes(data)

    return damage


def remove(name: str) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        (results / name).unlink()

    return damage


def replace(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        path = results / name
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new, 1))

    return damage


def directory(name: str) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        path = results / name
        path.unlink(missing_ok=True)
        path.mkdir()

    return damage


def link(name: str, target: str) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        path = results / name
        if path.exists():
            path.rename(results / "aside")
        path.symlink_to(target)

    return damage


def edit(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        journal = results / "journal.jsonl"
        journal.write_bytes(b"".join(change(lines(journal))))

    return damage


def in_history(damage: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage_past(results: Path) -> None:
        (past,) = (results / "history").iterdir()
        damage(past)

    return damage_past


def no_history(put: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(results: Path) -> None:
        (results / "history").rename(results / "aside")
        put(results / "history")

    return damage


def without_a_part(results: Path) -> None:
    journal = results / "journal.jsonl"
    whole = lines(journal)
    (results / "journal.1.jsonl").write_bytes(b"".join(whole[:4]))
    (results / "journal.3.jsonl").write_bytes(b"".join(whole[8:10]))
    journal.write_bytes(b"".join(whole[10:]))


def with_a_cut_part(results: Path) -> None:
    journal = results / "journal.jsonl"
    whole = lines(journal)
    (results / "journal.1.jsonl").write_bytes(b"".join([*whole[:3], whole[3][:-1]]))
    journal.write_bytes(b"".join(whole[4:]))


DEAD = (
    b'{"host": "%s", "pid": 1, "boot_id": "", "process_started": "", "started_at": ""}' % os.uname().nodename.encode()
)
SALVAGE, REBUILD = " --salvage", "-> benchrun rebuild "

DAMAGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a flipped bit": (
        replace("journal.jsonl", b'"worker":"main"', b'"worker":"maio"'),
        "journal.jsonl, line ",
        SALVAGE,
    ),
    "a line gone": (edit(lambda all_: all_[:5] + all_[6:]), "journal.jsonl, line 6: 1 lines before", SALVAGE),
    "the first line gone": (edit(lambda all_: all_[1:]), "journal.jsonl, line 1", SALVAGE),
    "a line twice": (edit(lambda all_: all_[:5] + all_[4:]), "journal.jsonl, line 6: its seq 5 was there", SALVAGE),
    "lines exchanged": (edit(lambda all_: [*all_[:4], all_[5], all_[4], *all_[6:]]), "journal.jsonl, line 5", SALVAGE),
    "a line cut": (edit(lambda all_: [*all_[:5], all_[5][:20] + b"\n", *all_[6:]]), "journal.jsonl, line 6", SALVAGE),
    "a foreign line": (edit(lambda all_: [*all_[:5], b"hello\n", *all_[5:]]), "journal.jsonl, line 6", SALVAGE),
    "binary": (write("journal.jsonl", bytes(range(256)) * 9), "journal.jsonl, line 1", SALVAGE),
    "a torn tail": (edit(lambda all_: [*all_, b'{"sch']), "ends in the middle of a line", REBUILD),
    "a last line cut": (edit(lambda all_: [*all_[:-1], all_[-1][:-1]]), "ends in the middle of a line", REBUILD),
    "no end": (edit(lambda all_: all_[:-1]), "journal.jsonl: session 1 has no end", "-> benchrun resume "),
    "an empty journal": (write("journal.jsonl", b""), "journal.jsonl: there is no event", "-> pytest --bench-results="),
    "no journal": (remove("journal.jsonl"), "journal.jsonl: is missing", "-> put it back"),
    "a directory as journal": (directory("journal.jsonl"), "journal.jsonl: is a directory", "-> mv "),
    "a journal through a link": (link("journal.jsonl", "aside"), "journal.jsonl: is a link", "-> mv "),
    "a journal that leads nowhere": (link("journal.jsonl", "nowhere"), "journal.jsonl: is a link to nothing", "-> mv "),
    "a missing part": (without_a_part, "journal.2.jsonl: is missing", SALVAGE),
    "a cut part": (with_a_cut_part, "journal.1.jsonl, line 4: the file ends in the middle", SALVAGE),
    "no status": (remove("status.json"), "status.json: is missing", REBUILD),
    "an empty status": (write("status.json", b""), "status.json: is damaged", REBUILD),
    "a status without sense": (write("status.json", b"[]"), "status.json: is damaged", REBUILD),
    "another count": (replace("status.json", b'"failed": 1', b'"failed": 0'), "status.json: differs", REBUILD),
    "another state": (replace("status.json", b'"complete"', b'"stopped"'), "status.json: differs", REBUILD),
    "a newer status": (replace("status.json", b'_version": 1', b'_version": 9'), "schema_version 9", "pip install"),
    "a status that is a directory": (directory("status.json"), "status.json: is a directory", "-> mv "),
    "no stats": (remove("runstats.json"), "runstats.json: is missing", REBUILD),
    "other stats": (replace("runstats.json", b'"n": 5', b'"n": 6'), "runstats.json: differs", REBUILD),
    "a temporary file": (write(".benchrun-tmp-1-2", b"{"), ".benchrun-tmp-1-2: was left", "-> rm "),
    "a dead owner": (write(".benchrun.lock", DEAD), ".benchrun.lock: names pid 1", "-> rm "),
    "a lock that names nobody": (write(".benchrun.lock", b"?"), ".benchrun.lock: its text", "-> rm "),
    "a lock that is a directory": (directory(".benchrun.lock"), ".benchrun.lock: is a directory", "-> mv "),
    "half a move": (write(".benchrun.moving", b"x"), ".benchrun.moving: a run was on its way", "-> the pytest command"),
    "half a salvage": (write("journal.salvaged", b""), "journal.salvaged: a mended journal", REBUILD),
    "a file as history": (no_history(lambda path: path.touch()), "history: is no directory", "-> mv "),
    "a history that leads nowhere": (
        no_history(lambda path: path.symlink_to("x")),
        "history: is no directory",
        "-> mv ",
    ),
    "a past line": (in_history(replace("journal.jsonl", b"main", b"maio")), "journal.jsonl, line ", SALVAGE),
    "no past status": (in_history(remove("status.json")), "status.json: is missing", REBUILD),
    "another past status": (in_history(replace("status.json", b'd": 5', b'd": 4')), "status.json: differs", REBUILD),
    "no past journal": (in_history(remove("journal.jsonl")), "journal.jsonl: is missing", "-> put it back"),
}


@pytest.mark.parametrize(("damage", "said", "cure"), DAMAGES.values(), ids=DAMAGES)
def test_each_damage_is_named_with_what_to_type(
    results: Path, damage: Callable[[Path], None], said: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(results)
    before = state_of(results)
    assert main(["verify", str(results)]) == 1
    assert state_of(results) == before
    output = capsys.readouterr().out
    assert any(said in line and cure in line for line in output.splitlines()), output


def test_a_file_without_the_right_to_read_it_is_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (results / "status.json").chmod(0)
    assert main(["verify", str(results)]) == 1
    assert "-> chmod u+r " in capsys.readouterr().out


def test_hostile_text_reaches_no_terminal(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "history" / "\x1b[31m").mkdir()
    (results / "history" / "\x1b[31m" / "journal.jsonl").write_bytes(b"\x1b[31m\n")
    (results / ".benchrun.lock").write_bytes(DEAD.replace(b'"pid": 1', b'"pid": "\\u001b[31m"'))
    assert main(["verify", str(results)]) == 1
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


@pytest.fixture
def held(suite: Suite) -> Suite:
    """A suite whose third unit waits for `go`."""
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_it(until, n):
            if n == 2:
                until("go")
        """,
    )
    return suite


def start(held: Suite) -> Child:
    child = held.start()
    wait_until(lambda: len(held.started()) == 3, "the held unit")
    return child


def assert_healthy(suite: Suite, said: str) -> None:
    before = state_of(suite.results)
    ended = suite.benchrun("verify")
    assert (ended.code, "nothing is wrong" in ended.output, said in ended.output) == (0, True, True), ended.output
    assert state_of(suite.results) == before


def test_runs_with_failures_and_with_a_history_are_healthy_wherever_they_are(results: Path, tmp_path: Path) -> None:
    assert main(["verify", str(results)]) == 0
    (past,) = (results / "history").iterdir()
    assert main(["verify", str(past)]) == 0


def test_a_rotated_journal_is_healthy(results: Path) -> None:
    journal = results / "journal.jsonl"
    whole = lines(journal)
    (results / "journal.1.jsonl").write_bytes(b"".join(whole[:4]))
    (results / "journal.2.jsonl").write_bytes(b"".join(whole[4:9]))
    journal.write_bytes(b"".join(whole[9:]))
    assert main(["verify", str(results)]) == 0


def test_a_stopped_run_is_healthy_live_stopped_and_resumed(held: Suite) -> None:
    child = start(held)
    live = held.benchrun("verify")
    assert (live.code, f"live, owned by pid {child.pid}" in live.output) == (0, True), live.output
    assert held.benchrun("stop").code == 0
    held.touch("go")
    assert child.wait().code == 2
    assert_healthy(held, "stopped: 3 of 6 units ended (stop requested)")
    assert held.run("--bench-resume").code == 0
    assert_healthy(held, "complete: 6 of 6 units ended")


def test_a_paused_run_is_healthy(suite: Suite) -> None:
    suite.write("test_it.py", UNITS)
    assert suite.run("--bench-max-failures=0").code == 1
    assert_healthy(suite, "paused: 5 of 6 units ended")


def test_a_killed_run_is_found_until_it_is_resumed(held: Suite) -> None:
    child = start(held)
    child.kill()
    ended = held.benchrun("verify")
    assert ended.code == 1, ended.output
    for said in (f"pid {child.pid} on host", "4 units have no result", f"-> benchrun resume {held.results}"):
        assert said in ended.output
    held.touch("go")
    assert held.run("--bench-resume").code == 0
    assert_healthy(held, "complete")


def test_a_unit_that_ends_the_process_with_success_is_found(suite: Suite) -> None:
    suite.write(
        "test_it.py", "import os\n\ndef test_first(): pass\ndef test_it(): os._exit(0)\ndef test_last(): pass\n"
    )
    assert suite.run().code == 0, "this is why verify must say it"
    ended = suite.benchrun("verify")
    assert ended.code == 1
    assert "os._exit while test_it.py::test_it ran; 2 units have no result" in ended.output


def test_a_damaged_run_that_was_salvaged_or_rebuilt_is_healthy(results: Path) -> None:
    journal = results / "journal.jsonl"
    whole = lines(journal)
    journal.write_bytes(b"".join([*whole[:6], b"#\n", *whole[7:], b"torn"]))
    assert main(["verify", str(results)]) == 1
    assert main(["rebuild", str(results), "--salvage"]) == 0
    assert main(["verify", str(results)]) == 0


@pytest.mark.parametrize("what", ["empty", "missing", "a file", "a link to nothing"])
def test_what_is_no_results_directory_is_named(suite: Suite, what: str) -> None:
    if what == "empty":
        suite.results.mkdir()
    elif what == "a file":
        suite.results.write_text("a file", "utf-8")
    elif what == "a link to nothing":
        suite.results.symlink_to(suite.folder / "nothing")
    assert_refused(suite.benchrun("verify"), str(suite.results), "-> ")
