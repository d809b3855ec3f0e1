"""`benchrun status`: what it says of every kind of run, and that nothing in a directory makes it fall over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.cli import main
from pytest_benchrun.cli.parser import parsed
from pytest_benchrun.cli.status import Seen
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.views import status_view
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import this_process
from tests.fakes import START_MS, moment
from tests.stories import FAILED, Story

ENDED = "it was killed, or a unit ended it with os._exit"
"""How a process ended that has not said it itself."""


def _story() -> Story:
    story = Story().begin("a", "b", "c", "d")
    story.run("a", seconds=600.0)
    story.run("b", FAILED, 600.0, message="wrong sum")
    story.start("c")
    story.clock.advance(60)
    return story


def _write(folder: Path, *, owner: Owner | None, **changes: object) -> None:
    story = _story()
    view = {**status_view(story.campaign, results_dir=str(folder), now_at=story.at), **changes}
    (folder / "status.json").write_bytes(orjson.dumps(view))
    (folder / ".benchrun.lock").write_bytes(b"" if owner is None else orjson.dumps(asdict(owner)))


def _me() -> Owner:
    return this_process(WallClock().now_at())


def _later(seconds: float) -> str:
    """The reader's time, so long after the heartbeat."""
    return moment(1260.0 + seconds)


def test_a_live_run_says_what_runs_and_how_long_it_is_silent(tmp_path: Path) -> None:
    _write(tmp_path, owner=_me())
    task = _story().campaign.running["c"].started_at
    assert Seen(str(tmp_path), _later(20)).lines == [
        "demo-20261121-100000-0123abcd: running",
        "progress: 2/4 (50.0 %), 1 failed",
        "running: c on main for 1 min 20 s, silent for 1 min 20 s",
        "remaining: 19 minutes (10 minutes to 36 minutes)",
        f"started: 2026-11-21T10:00:00.000Z, updated: {task}, session 1",
        "failed: b: call: wrong sum",
    ]


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("stopped", "stop requested", 11),
        ("interrupted", "second SIGINT", 11),
        ("failed", "internal error", 11),
        ("paused", "6 groups have failed, more than 5", 12),
        ("complete", None, 10),
    ],
)
def test_a_run_at_rest_says_what_ended_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], state: str, reason: str | None, code: int
) -> None:
    _write(tmp_path, owner=None, state=state, reason=reason, current_tasks=[], workers=[])
    assert main(["status", "--exit-code", str(tmp_path)]) == code
    assert capfd.readouterr()[0].splitlines() == [
        f"demo-20261121-100000-0123abcd: {state}",
        *([f"reason: {reason}"] if reason else []),
        "progress: 2/4 (50.0 %), 1 failed",
        f"started: {moment(0)}, updated: {moment(1200)}, session 1",
        "failed: b: call: wrong sum",
    ]


@pytest.mark.parametrize(
    ("changes", "owner", "age_s", "head"),
    [
        ({"state": "pending"}, _me(), 1, "pending"),
        ({"state": "stopping", "reason": "stop requested"}, _me(), 1, "stopping"),
        ({}, _me(), 45, f"stalled (no heartbeat for 45 s from pid {os.getpid()} on {_me().host})"),
        ({}, None, 1, f"dead (nobody holds the lock; the owner was pid 4711: {ENDED}; last heard of {moment(1260)})"),
        (
            {},
            replace(_me(), process_started="1"),
            1,
            f"dead (its owner, pid {os.getpid()} on {_me().host}, is gone: {ENDED}; last heard of {moment(1260)})",
        ),
    ],
    ids=["pending", "stopping", "stalled", "unlocked", "gone"],  # the same in each worker: no pids
)
def test_a_run_that_has_not_ended_says_what_may_be_believed(
    tmp_path: Path, changes: dict[str, object], owner: Owner | None, age_s: float, head: str
) -> None:
    _write(tmp_path, owner=owner, **changes)
    lines = Seen(str(tmp_path), _later(age_s)).lines
    assert lines[0] == f"demo-20261121-100000-0123abcd: {head}"
    assert ("reason: stop requested" in lines) is ("reason" in changes)
    assert any(line.startswith("remaining: ") for line in lines) is (head == "stopping")


def test_stage_and_note_of_a_unit_are_shown_under_it(tmp_path: Path) -> None:
    view = status_view(_story().campaign, results_dir="", now_at=_story().at)
    task = {**view["current_tasks"][0], "stage": "converging", "note": "iteration 7\x1b[31m"}
    task["last_beacon_at"] = moment(1258.0)
    _write(tmp_path, owner=_me(), current_tasks=[task])
    lines = Seen(str(tmp_path), _later(0)).lines
    assert lines[2:4] == ["running: c on main for 1 min 0 s", r"  stage: converging, note: iteration 7\x1b[31m"]


def test_a_run_of_many_workers_names_some_of_its_units(tmp_path: Path) -> None:
    task = status_view(_story().campaign, results_dir="", now_at=_story().at)["current_tasks"][0]
    _write(tmp_path, owner=_me(), current_tasks=[task] * 40)
    assert "... and 24 more units are running" in Seen(str(tmp_path), _later(0)).lines


@pytest.mark.parametrize(("age_s", "state"), [(0, "running"), (30, "running"), (31, "stalled"), (-5, "running")])
def test_a_live_run_without_a_heartbeat_is_stalled(tmp_path: Path, age_s: float, state: str) -> None:
    _write(tmp_path, owner=_me())
    seen = Seen(str(tmp_path), _later(age_s))
    assert seen.state == state
    if state == "stalled":
        assert f"no heartbeat for 31 s from pid {os.getpid()}" in seen.lines[0]


@pytest.mark.parametrize("owner", [None, replace(_me(), process_started="1"), replace(_me(), boot_id="another")])
def test_a_run_whose_owner_has_gone_is_dead_and_the_pid_is_said(tmp_path: Path, owner: Owner | None) -> None:
    _write(tmp_path, owner=owner)
    seen = Seen(str(tmp_path), _later(0))
    assert seen.state == "dead"
    assert f"pid {owner.pid if owner else 4711}" in seen.lines[0]
    assert moment(1260.0) in seen.lines[0]


def test_a_run_on_another_host_is_believed_while_its_heart_beats(tmp_path: Path) -> None:
    _write(tmp_path, owner=replace(_me(), host="far away"))
    assert Seen(str(tmp_path), _later(3)).state == "running"
    assert Seen(str(tmp_path), _later(99)).state == "stalled"


def test_a_status_of_an_earlier_version_is_shown(tmp_path: Path) -> None:
    eta = {"method": "mean of last 10", "low_hours": 0.5, "high_hours": 2.0, "workers": 2, "at": moment(0)}
    _write(tmp_path, owner=_me(), eta=eta, estimated_remaining_hours=1.5)
    assert "remaining: 1.5 hours (30 minutes to 2.0 hours, 2 workers)" in Seen(str(tmp_path), _later(0)).lines


def _directory(folder: Path) -> None:
    (folder / "status.json").mkdir()


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "status.json")


def _loop(folder: Path) -> None:
    (folder / "status.json").symlink_to("status.json")


def _device(folder: Path) -> None:
    (folder / "status.json").symlink_to("/dev/zero")


def _journal_only(folder: Path) -> None:
    (folder / "journal.jsonl").write_text("{}\n")


def _bytes(data: bytes) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / "status.json").write_bytes(data)

    return put


def _with(**changes: object) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        _write(folder, owner=_me(), **changes)

    return put


WHOLE = orjson.dumps(status_view(_story().campaign, results_dir="/results", now_at=moment(START_MS % 7)))
BAD: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _: None,
    "only a journal": _journal_only,
    "an empty file": _bytes(b""),
    "half written": _bytes(WHOLE[: len(WHOLE) // 2]),
    "zeros after a power cut": _bytes(b"\0" * 4096),
    "binary": _bytes(bytes(range(256))),
    "UTF-16": _bytes(WHOLE.decode().encode("utf-16")[:777]),
    "a list": _bytes(b"[1, 2]"),
    "a number": _bytes(b"3"),
    "another program's": _bytes(b'{"status": "ok"}'),
    "deeply nested": _bytes(b"[" * 100_000),
    "a huge number": _bytes(b'{"schema_version": ' + b"9" * 9000 + b"}"),
    "a newer version": _with(schema_version=99),
    "a directory": _directory,
    "a pipe": _pipe,
    "a link to itself": _loop,
    "a device": _device,
    "counts that are text": _with(total_tasks="many"),
    "no counts": _with(completed=None),
    "no eta": _with(eta=None),
    "tasks that are none": _with(current_tasks=[1]),
    "tasks that are text": _with(current_tasks={"a": 1}),
    "a heartbeat that is none": _with(heartbeat_at="soon"),
    "a heartbeat without a zone": _with(heartbeat_at="2026-11-21T10:00:00"),
    "failures that are none": _with(failures=7),
    "a state that is none": _with(state=["running"]),
    "a run id that is none": _with(run_id=5),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command", ["status", "watch", "stop"])
def test_whatever_stands_there_is_a_sentence_and_what_to_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str, command: str
) -> None:
    BAD[case](tmp_path)
    assert main([command, str(tmp_path)]) == 4
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("benchrun: ")
    assert "\n  -> " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("lock", [b"", b"[]", b'{"pid": "x"}', b"\xff\xfe", b"[" * 100_000])
def test_a_lock_that_names_nobody_is_nobodys(tmp_path: Path, lock: bytes) -> None:
    _write(tmp_path, owner=None)
    (tmp_path / ".benchrun.lock").write_bytes(lock)
    assert Seen(str(tmp_path), _later(0)).state == "dead"


def test_hostile_text_is_no_trouble_for_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "status.json").write_bytes(WHOLE.replace(b'"wrong sum"', rb'"\ud800 \u00e9"'))
    assert main(["status", "--json", str(tmp_path)]) == 0
    out, _ = capfd.readouterr()
    assert r"\ud800 \u00e9" in out


@pytest.mark.parametrize(
    ("said", "is_coloured"),
    [
        ({}, False),  # no terminal
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"PY_COLORS": "1", "NO_COLOR": "1"}, True),
        ({"PY_COLORS": "0", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_colours_are_where_they_are_wanted(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, str],
    *,
    is_coloured: bool,
) -> None:
    for name in ("PY_COLORS", "NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    _write(tmp_path, owner=_me())
    assert main(["status", str(tmp_path)]) == 0
    assert ("\x1b" in capfd.readouterr()[0]) is is_coloured


@pytest.mark.parametrize("flags", [(), ("--json",), ("--exit-code",), ("--exit-code", "--json")])
def test_a_plain_status_says_what_the_parser_would_make_of_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    _write(tmp_path, owner=None)
    words = ["status", *flags, str(tmp_path)]
    by_hand = main(words), capfd.readouterr()
    args = parsed(words)
    assert (args.run(args), capfd.readouterr()) == by_hand


def test_a_plain_status_imports_next_to_nothing(tmp_path: Path) -> None:
    _write(tmp_path, owner=None)
    code = "import sys; from pytest_benchrun.cli import main; main(sys.argv[1:]); print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", code, "status", str(tmp_path)]
    modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert "pytest_benchrun.cli.status" in modules
    assert not {"argparse", "orjson", "pathlib", "dataclasses", "typing", "subprocess"} & set(modules)


def test_a_stop_that_was_obeyed_a_moment_ago_is_not_asked_for_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path, owner=_me(), heartbeat_at=WallClock().now_at())
    assert main(["stop", str(tmp_path)]) == 0
    (tmp_path / "STOP").rename(tmp_path / "STOP.obeyed-2026-11-21T100000.000Z")
    assert main(["stop", str(tmp_path)]) == 0
    assert main(["stop", "--now", str(tmp_path)]) == 0
    assert [line.partition(".")[0] for line in capfd.readouterr()[0].splitlines()] == [
        "Stop requested",
        "Stop already requested",
        "Stop requested",
    ]
