"""`benchrun.turn`, `wrap` and `event`: what stands in `turn_metrics.jsonl`, from one process or two workers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turns import EVENT_FIELDS, TURN_FIELDS
from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.hooks.bench import BenchRun
from pytest_benchrun.hooks.turnlines import UnitTurns
from pytest_benchrun.hooks.turns import NO_TURN, Turn
from pytest_benchrun.world.clock import WallClock
from tests.hooks.campaigns import Campaign, Session, strict_json

UNIT = "test_a.py::test_a"


def lines_of(session: Session) -> list[dict[str, Any]]:
    assert [path.name for path in session.results.glob("turn_metrics*")] == ["turn_metrics.jsonl"]
    data = (session.results / "turn_metrics.jsonl").read_bytes()
    assert data.endswith(b"\n")
    return [strict_json(line) for line in data.decode("utf-8").split("\n")[:-1]]


def run(campaign: Campaign, engine: str, body: str, *args: str) -> Session:
    """One unit whose body this is."""
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    campaign.write({"test_a.py": f"import asyncio, threading, time, pytest\ndef test_a(benchrun):\n{indented}\n"})
    return campaign.run(*args, engine=engine)


RERUN = """
tries = []

def test_a(benchrun):
    with benchrun.turn(): tries.append(1)
    assert len(tries) > 1
"""


class ListFile:
    """Takes lines and decodes them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def append(self, line: bytes) -> None:
        assert line.count(b"\n") == 1
        self.lines.append(strict_json(line.decode("utf-8")))


def a_unit(file: ListFile, unit_id: str = UNIT, share: float = 1) -> UnitTurns:
    return UnitTurns(
        run_id="run-1",
        beacons=Beacons(unit_id, WallClock()),
        attempt=2,
        worker="gw0",
        share=share,
        file=file,
        clock=WallClock(),
    )


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner) | st.tuples(inner),
    max_leaves=8,
)
NAMES = st.text(st.characters(), max_size=20).filter(lambda name: name not in {*TURN_FIELDS, *EVENT_FIELDS})


@given(HOSTILE, HOSTILE, st.dictionaries(NAMES, HOSTILE, max_size=4), st.text(st.characters(), max_size=2000))
def test_any_value_becomes_a_line_of_strict_json(
    session_id: object, role: object, fields: dict[str, object], unit_id: str
) -> None:
    file = ListFile()
    with Turn(a_unit(file, unit_id), session_id, role, {}) as turn:
        turn.set(**fields)
        with turn.time("storage_ms", adapter=str(role)):
            pass
    (line,) = file.lines
    assert tuple(line)[: len(TURN_FIELDS)] == TURN_FIELDS
    assert len(line) <= len(TURN_FIELDS) + len(fields)
    assert line["storage_ms"] == next(iter(line["storage_ms_by"].values())) <= line["total_ms"]


def test_a_line_has_the_fields_in_their_order(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
with benchrun.turn(session_id=7, role="user", topic="ä") as turn:
    with turn.time("llm_ms"): time.sleep(0.01)
    for adapter in ("L1", "L2", "L2"):
        with turn.time("storage_ms", adapter=adapter): pass
    with turn.time("embed_ms"): pass
    turn.tokens(input=3, output=4)
    turn.tokens(input=3)
    turn.set(cost=0.5)
with benchrun.turn() as turn: pass
""",
    )
    first, second = lines_of(session)
    assert tuple(first) == (*TURN_FIELDS, "topic", "cost", "embed_ms")
    assert tuple(second) == TURN_FIELDS
    status = session.status()
    assert {name: first[name] for name in ("run_id", "session_id", "unit_id", "turn_index", "role", "attempt")} == {
        "run_id": status["run_id"],
        "session_id": "7",
        "unit_id": UNIT,
        "turn_index": 0,
        "role": "user",
        "attempt": 1,
    }
    assert (first["tokens_in"], first["tokens_out"], first["status"], first["error"]) == (6, 4, "ok", None)
    assert (first["topic"], first["cost"]) == ("ä", 0.5)
    assert first["worker"] == ("main" if engine == "bare" else "gw0") or first["worker"] == "gw1"
    assert 10 <= first["llm_ms"] <= first["total_ms"]
    assert set(first["storage_ms_by"]) == {"L1", "L2"}
    assert sum(first["storage_ms_by"].values()) == pytest.approx(first["storage_ms"], abs=0.003)
    assert (second["llm_ms"], second["storage_ms"], second["storage_ms_by"], second["tokens_in"]) == (
        None,
        None,
        {},
        None,
    )
    assert first["turn_id"].endswith("-1-0")
    assert second["turn_id"] == first["turn_id"][:-1] + "1"


def test_a_turn_that_ends_by_an_exception_has_its_line(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
for error in (ValueError("no \\udc80"), KeyError("x"), SystemExit(3)):
    with pytest.raises(BaseException), benchrun.turn():
        raise error
with benchrun.turn() as turn:
    with turn.time("llm_ms"):
        raise OSError("gone")
""",
    )
    assert session.ended() == {UNIT: "failed"}
    told = [(line["status"], line["error"]) for line in lines_of(session)]
    assert told == [
        ("error", "ValueError: no \\udc80"),
        ("error", "KeyError: 'x'"),
        ("error", "SystemExit: 3"),
        ("error", "OSError: gone"),
    ]
    assert lines_of(session)[-1]["llm_ms"] is not None


def test_a_turn_that_pytest_timeout_ends_is_a_timeout(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign, engine, "with benchrun.turn():\n    time.sleep(60)", "--timeout=0.3", "--timeout-method=signal"
    )
    assert session.ended() == {UNIT: "timeout"}
    (line,) = lines_of(session)
    assert line["status"] == "timeout"
    assert "from pytest-timeout" in line["error"]
    assert line["total_ms"] > 100


def test_threads_have_turns_of_their_own_and_one_count(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
def work(name):
    for _ in range(200):
        with benchrun.turn(session_id=name) as turn:
            with turn.time("llm_ms"): pass
threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
with benchrun.turn(session_id="main"):
    for thread in threads: thread.start()
    for thread in threads: thread.join()
""",
    )
    lines = lines_of(session)
    assert sorted(line["turn_index"] for line in lines) == list(range(801))
    assert {name: sum(line["session_id"] == name for line in lines) for name in "0123"} == dict.fromkeys("0123", 200)


def test_tasks_have_turns_of_their_own(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
async def ask(): await asyncio.sleep(0.001)
ask = benchrun.wrap(ask, "llm_ms")
async def work(name):
    for _ in range(5):
        with benchrun.turn(session_id=name):
            await ask()
async def everything():
    with benchrun.turn(session_id="outer"):
        await asyncio.gather(*(work(str(n)) for n in range(4)))
        await ask()
        with pytest.raises(RuntimeError, match="opens a turn inside its turn 0"), benchrun.turn(): pass
asyncio.run(everything())
with benchrun.turn(session_id="after"): pass
""",
    )
    assert session.ended() == {UNIT: "completed"}, session.text
    lines = lines_of(session)
    assert sorted(line["turn_index"] for line in lines) == list(range(22))
    assert {line["session_id"] for line in lines if line["llm_ms"] is None} == {"after"}
    assert all(line["llm_ms"] >= 1 for line in lines if line["session_id"] != "after")


def test_a_turn_inside_a_turn_is_an_error_that_says_so(campaign: Campaign, engine: str) -> None:
    session = run(campaign, engine, "with benchrun.turn():\n    with benchrun.turn(): pass")
    (ended,) = session.events("unit_ended")
    said = "RuntimeError: unit 'test_a.py::test_a' opens a turn inside its turn 0"
    assert ended["outcome"]["message"].startswith(said)
    (line,) = lines_of(session)
    assert line["error"].startswith(said)


def test_a_turn_left_open_by_one_unit_is_not_in_the_way_of_the_next(campaign: Campaign) -> None:
    source = """
def test_a(benchrun):
    benchrun.turn().__enter__()

def test_b(benchrun):
    with benchrun.turn(): pass
"""
    campaign.write({"test_a.py": source})
    session = campaign.run()
    assert session.ended() == {UNIT: "completed", "test_a.py::test_b": "completed"}
    assert [line["unit_id"] for line in lines_of(session)] == ["test_a.py::test_b"]


def test_wrapped_calls_are_timed_where_a_turn_is_open(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
def model(text, *, up=False):
    "Answers."
    return text.upper() if up else text
ask = benchrun.wrap(model, "llm_ms")
store = benchrun.wrap([].append, "storage_ms", adapter="L1")
assert (ask.__name__, ask.__doc__) == ("model", "Answers.")
assert ask("outside") == "outside"
with benchrun.turn():
    assert ask("inside", up=True) == "INSIDE"
    with pytest.raises(TypeError): ask()
    store(1)
with benchrun.turn(): pass
""",
    )
    first, second = lines_of(session)
    assert (first["llm_ms"] is None, list(first["storage_ms_by"])) == (False, ["L1"])
    assert (second["llm_ms"], second["storage_ms"]) == (None, None)


def test_an_event_is_a_line_of_its_own(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
benchrun.event("warm", level=float("nan"))
with pytest.raises(ZeroDivisionError), benchrun.turn():
    benchrun.event("miss\\n", key=("a", 1))
    1 / 0
""",
    )
    warm, miss, turn = lines_of(session)
    assert tuple(warm) == (*EVENT_FIELDS, "level")
    assert (warm["event"], warm["turn_index"], warm["level"]) == ("warm", None, None)
    assert (miss["event"], miss["turn_index"], miss["key"]) == ("miss\\n", 0, ["a", 1])
    assert "event" not in turn


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("turn.tokens(input=-5)", "ValueError: turn 0 of unit 'test_a.py::test_a': tokens(input=-5) is no number of"),
        ("turn.tokens(output='7')", "tokens(output='7') is no number of tokens"),
        ("turn.tokens(output=float('nan'))", "tokens(output=nan) is no number of tokens"),
        ("turn.tokens(input=1.5)", "tokens(input=1.5) is no number of tokens"),
        ("turn.tokens(input=True)", "tokens(input=True) is no number of tokens"),
        ("turn.set(status='ok')", "ValueError: a turn of unit 'test_a.py::test_a' is given a field 'status', which"),
        ("turn.set(event='x')", "is given a field 'event', which every line has already"),
        ("turn.time('llm')", "ValueError: a timer of unit 'test_a.py::test_a' is called 'llm', which is no name"),
        ("turn.time('total_ms')", "is called 'total_ms', which is no name for one"),
        ("turn.time('llm_ms', adapter='L1')", "ValueError: adapter='L1' is for storage_ms, not for 'llm_ms'"),
        ("benchrun.event('x', worker=1)", "event 'x' of unit 'test_a.py::test_a' is given a field 'worker'"),
        ("benchrun.wrap(print, 'llm')", "is called 'llm', which is no name for one"),
        ("turn.__enter__()", "RuntimeError: turn 0 of unit 'test_a.py::test_a' is entered a second time"),
    ],
)
def test_what_is_wrong_is_said_and_fails_the_unit(campaign: Campaign, call: str, said: str) -> None:
    session = run(campaign, "bare", f"with benchrun.turn() as turn:\n    {call}")
    (ended,) = session.events("unit_ended")
    assert said in ended["outcome"]["message"]
    (line,) = lines_of(session)
    assert (line["status"], line["tokens_in"]) == ("error", None)
    assert said in line["error"]


def test_values_that_json_has_not_never_fail_the_unit(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
circle = []
circle.append(circle)
class Bad:
    def __repr__(self): raise OSError
with benchrun.turn(session_id=Bad(), role=circle, text="x" * 10_000_000, circle=circle, bad=Bad()) as turn:
    turn.set(nan=float("nan"), inf=[float("inf")], big=2**70, half="\\ud800", **{"\\ud800": 1})
    turn.tokens(input=2.0)
""",
    )
    assert session.ended() == {UNIT: "completed"}, session.text
    (line,) = lines_of(session)
    assert (line["nan"], line["inf"], line["half"], line["tokens_in"]) == (None, [None], "\\ud800", 2)
    assert len(line["text"]) == 1000
    assert (session.results / "turn_metrics.jsonl").stat().st_size < 10_000


def test_a_value_is_kept_as_it_was_when_it_was_given(campaign: Campaign) -> None:
    session = run(campaign, "bare", "seen = [1]\nwith benchrun.turn(seen=seen):\n    seen.append(2)")
    assert lines_of(session)[0]["seen"] == [1]


def test_a_clock_that_stands_still_or_travels_bends_nothing(
    campaign: Campaign, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("time", "monotonic", "perf_counter", "clock_gettime_ns"):
        monkeypatch.setattr(time, name, getattr(time, name))  # bare, the unit bends them for all that comes after
    session = run(
        campaign,
        engine,
        """
real, time.time, time.monotonic, time.perf_counter = time.sleep, (lambda: 0), (lambda: 0), (lambda: 0)
time.clock_gettime_ns = lambda _: 0
with benchrun.turn() as turn:
    with turn.time("llm_ms"): real(0.01)
""",
        "-p",
        "no:timeout",
    )
    (line,) = lines_of(session)
    assert 10 <= line["llm_ms"] <= line["total_ms"] < 60_000
    assert line["timestamp"] >= session.events("unit_started")[0]["at"]


def test_an_attempt_writes_its_own_lines_and_removes_none(campaign: Campaign, engine: str) -> None:
    body = "with benchrun.turn(): pass\nassert benchrun.attempt > 1"
    run(campaign, engine, body)
    session = campaign.run("--bench-resume", engine=engine)
    assert [(line["attempt"], line["turn_index"]) for line in lines_of(session)] == [(1, 0), (2, 0)]


def test_a_rerun_of_an_attempt_goes_on_counting(campaign: Campaign) -> None:
    campaign.write({"test_a.py": RERUN})
    session = campaign.run("--reruns=2", plugins=("rerunfailures",))
    assert [(line["attempt"], line["turn_index"]) for line in lines_of(session)] == [(1, 0), (1, 1)]


def test_the_lines_of_an_earlier_run_go_into_the_history(campaign: Campaign, engine: str) -> None:
    first = run(campaign, engine, "with benchrun.turn(): pass").status()["run_id"]
    session = campaign.run(engine=engine)
    assert [line["run_id"] for line in lines_of(session)] == [session.status()["run_id"]]
    assert (campaign.results / "history" / first / "turn_metrics.jsonl").exists()


def test_a_file_that_cannot_be_written_is_a_warning_of_the_unit(campaign: Campaign, engine: str) -> None:
    session = run(
        campaign,
        engine,
        """
import pathlib
for name in ("jsonl", "gw0.jsonl", "gw1.jsonl"):
    (pathlib.Path("results") / f"turn_metrics.{name}").mkdir()
for _ in range(3):
    with benchrun.turn(): pass
""",
    )
    (ended,) = session.events("unit_ended")
    assert (session.exit_code, ended["outcome"]["warnings"]) == (0, ["3 turns or events were not kept: Is a directory"])


def test_a_child_that_comes_back_into_pytest_writes_nothing_twice(campaign: Campaign) -> None:
    source = """
import os

def test_a(benchrun):
    with benchrun.turn(): pass
    pid = os.fork()
    with benchrun.turn(): pass
    if pid:
        os.waitpid(pid, 0)
"""
    campaign.write({"test_a.py": source})
    done = campaign.apart(f"--bench-results={campaign.results}", "-W", "ignore::DeprecationWarning")
    assert done.returncode == 0, done.stdout
    lines = (campaign.results / "turn_metrics.jsonl").read_text("utf-8").splitlines()
    assert [strict_json(line)["turn_index"] for line in lines] == [0, 1]


def test_without_a_run_nothing_is_kept_or_checked(campaign: Campaign, engine: str) -> None:
    source = """
def test_a(benchrun):
    with benchrun.turn(role="x", status=1) as turn, benchrun.turn() as other:
        assert turn is other
        with turn.time("llm"), turn.time("x", adapter=3): pass
        turn.tokens(input=-1)
        turn.set(worker=1)
        assert (turn.turn_id, turn.turn_index) == ("", -1)
    benchrun.event("x", worker=1)
    assert benchrun.wrap(print, "llm") is print
"""
    campaign.write({"test_a.py": source})
    assert campaign.plain(engine=engine).outcomes == {"passed": 1}
    assert campaign.files() == {}


def test_the_turn_that_does_nothing_is_one_object(tmp_path: Path) -> None:
    bench = BenchRun(unit_id=UNIT, params={}, config={}, attempt=1, find_folder=lambda: tmp_path)
    assert bench.turn() is bench.turn(role="x") is NO_TURN


def test_a_unit_without_turns_leaves_no_file(campaign: Campaign, engine: str) -> None:
    run(campaign, engine, "pass")
    assert list(campaign.results.glob("turn*")) == []


def test_a_million_timings_of_a_turn_are_summed_up() -> None:
    file = ListFile()
    with Turn(a_unit(file), None, None, {}) as turn:
        for number in range(10_000):
            turn.add_ns("storage_ms", f"L{number % 2}", 1_000_000)
            turn.add_ns("llm_ms", None, 1_000_000)
    (line,) = file.lines
    assert (line["llm_ms"], line["storage_ms"], line["storage_ms_by"]) == (10_000, 10_000, {"L0": 5000, "L1": 5000})


def test_a_sample_keeps_every_turn_that_failed() -> None:
    file = ListFile()
    unit = a_unit(file, share=0.2)
    for number in range(1000):
        if number % 100:
            with Turn(unit, None, None, {}):
                pass
        else:
            with pytest.raises(ZeroDivisionError), Turn(unit, None, None, {}):
                raise ZeroDivisionError
    kept = [line["turn_index"] for line in file.lines]
    assert 150 < len(kept) < 270
    assert set(range(0, 1000, 100)) <= set(kept)
