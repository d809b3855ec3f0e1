"""Compiled turns: whatever a unit does with one, its line is the one that a turn of Python would have left."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.hooks.beacons import Beacons
from pytest_benchrun.hooks.turnlines import UnitTurns, check_adapter
from pytest_benchrun.hooks.turnplace import OPEN
from pytest_benchrun.hooks.turns import Turn, keep_event, opener_of, wrap
from pytest_benchrun.world.clock import WallClock
from tests.hooks.campaigns import strict_json

pytest.importorskip("pytest_benchrun.hooks.turnfast", reason="the compiled parts were not built")

CLOCKED = ("timestamp", "total_ms")


class RawFile:
    """Takes lines as they are."""

    buffer = None

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        self.lines.append(line)


def a_unit(file: RawFile, unit_id: str = "test_a.py::test_a", cells: memoryview[int] | None = None) -> UnitTurns:
    return UnitTurns(
        run_id="run-1",
        beacons=Beacons(unit_id, WallClock(), cells=cells),
        attempt=2,
        worker="gw0",
        share=1,
        file=file,
        clock=WallClock(),
    )


def opener(file: RawFile, unit_id: str = "test_a.py::test_a") -> Callable[..., Turn]:
    found = opener_of(a_unit(file, unit_id))
    assert found is not None
    return found


LABELS = st.none() | st.text(st.characters()) | st.integers() | st.sampled_from(["user", "x" * 1001, 'ä\n"\\\x7f'])
TIMERS = st.sampled_from(["llm_ms", "storage_ms", "embed_ms", "other_ms"])
NS = st.integers(0, 2**62) | st.integers(0, 5_000_000)
ADAPTERS = st.none() | st.sampled_from(["L1", "L2", "ä", 'a"b', ""]) | st.text(st.characters(), max_size=5)
STEPS = st.one_of(
    st.tuples(st.just("time"), TIMERS, ADAPTERS, NS),
    st.tuples(st.just("tokens"), st.none() | st.integers(0, 2**53 - 1), st.none() | st.integers(0, 2**53 - 1)),
    st.tuples(st.just("set"), st.dictionaries(st.sampled_from(["a", "b", "kind"]), st.text(st.characters()) | NS)),
)
TURNS = st.lists(st.tuples(LABELS, LABELS, st.lists(STEPS, max_size=6), st.booleans()), max_size=4)


def play(turn: Turn, steps: list[tuple[Any, ...]]) -> None:
    for kind, *values in steps:
        if kind == "time":
            name, adapter, ns = values
            is_stored = adapter is not None and name == "storage_ms"
            turn.add_ns(name, check_adapter(name, adapter) if is_stored else None, ns)
        elif kind == "tokens":
            turn.tokens(*values)
        else:
            turn.set(**values[0])


@given(unit_id=st.sampled_from(["test_a.py::test_a", 'test_ä.py::test["x"]']), told=TURNS)
def test_lines_are_those_of_a_turn_of_python(unit_id: str, told: list[tuple[Any, ...]]) -> None:
    plain, fast = RawFile(), RawFile()
    unit, other = a_unit(plain, unit_id), opener(fast, unit_id)
    for session_id, role, steps, fails in told:
        for opened in (Turn(unit, session_id, role, {}), other(session_id, role)):
            with suppress(ZeroDivisionError), opened as turn:
                play(turn, steps)
                _ = 1 / (not fails)
    assert len(plain.lines) == len(fast.lines) == len(told)
    for one, two in zip(plain.lines, fast.lines, strict=True):
        assert two.endswith(b"\n")
        assert orjson.dumps(orjson.loads(two)) + b"\n" == two
        assert without_clocks(one) == without_clocks(two)
        assert list(strict_json(one.decode())) == list(strict_json(two.decode()))


def without_clocks(line: bytes) -> dict[str, object]:
    record = strict_json(line.decode())
    return {name: value for name, value in record.items() if name not in CLOCKED}


def test_times_of_one_name_are_summed_up_by_their_adapters() -> None:
    file = RawFile()
    with opener(file)() as turn:
        for name, adapter in (("llm_ms", None), ("storage_ms", "L2"), ("storage_ms", "L1"), ("own_ms", None)) * 2:
            with turn.time(name, adapter):
                sum(range(1000))
    line = strict_json(file.lines[0].decode())
    assert list(line["storage_ms_by"]) == ["L2", "L1"]
    assert 0 < sum(line["storage_ms_by"].values()) <= line["storage_ms"] + 0.001 < line["total_ms"]
    assert 0 < line["own_ms"] < line["total_ms"]


@given(us=st.integers(0, 10**12) | st.integers(0, 5000))
def test_a_time_is_written_as_any_number_is(us: int) -> None:
    file = RawFile()
    with opener(file)() as turn:
        turn.add_ns("llm_ms", None, us * 1000 + 999)
    assert b'"llm_ms":%b,' % orjson.dumps(us / 1000) in file.lines[0]


def test_the_moment_is_that_of_the_clock() -> None:
    file = RawFile()
    clock = WallClock()
    start = opener(file)
    told: list[tuple[str, str, str]] = []
    while len(told) < 3000:
        before = clock.now_at()
        with start():
            pass
        told.append((before, strict_json(file.lines[-1].decode())["timestamp"], clock.now_at()))
    assert all(before[:-2] <= at[:-2] <= after[:-2] for before, at, after in told)


def test_beacons_are_those_of_turns_of_python() -> None:
    cells = memoryview(bytearray(64)).cast("q")
    unit = a_unit(RawFile(), cells=cells)
    beacons = unit.beacons
    with Turn(unit, None, None, {}):
        pass
    start = opener_of(unit)
    assert start is not None
    assert beacons.turns_done == 1
    news: list[int] = []
    beacons._note_news = lambda: news.append(beacons.turns_done)  # noqa: SLF001  # what a worker listens by
    for done in range(2, 15):
        with start():
            pass
        assert beacons.turns_done == done
        assert cells[0] == beacons.last_ns
    assert [one.kind for one in beacons.recent()] == ["turn"] * 10
    assert [one.at_ns for one in beacons.recent()] == sorted(one.at_ns for one in beacons.recent())
    beacons.enter_stage("second", 3)
    assert beacons.turns_done == 0
    with start():
        pass
    assert (news, beacons.turns_done) == ([0, 1], 1)
    assert [one.kind for one in beacons.recent()][-2:] == ["stage", "turn"]
    beacons.detach()
    noted = cells[0]
    with start():
        pass
    assert cells[0] == noted, "a thread that outlives its unit beats for nobody"
    cells.release()


def test_a_turn_inside_a_turn_and_one_entered_twice_are_refused() -> None:
    start = opener(RawFile())
    with start() as turn:
        with pytest.raises(RuntimeError, match="opens a turn inside its turn 0"), start():
            pass
        with pytest.raises(RuntimeError, match=r"turn 0 of unit 'test_a.py::test_a' is entered a second time"), turn:
            pass
    with start() as turn:
        assert (turn.turn_index, turn.turn_id.endswith("-2-1")) == (1, True)


@pytest.mark.parametrize("is_fast", [False, True])
def test_a_turn_that_was_not_entered_is_not_ended(*, is_fast: bool) -> None:
    file = RawFile()
    turn = opener(file)() if is_fast else Turn(a_unit(file), None, None, {})
    with pytest.raises(RuntimeError, match="is ended that was not entered"):
        turn.__exit__(None, None, None)
    assert file.lines == []


def test_each_thread_and_task_has_its_own() -> None:
    file = RawFile()
    unit = a_unit(file)
    start = opener_of(unit)
    assert start is not None

    async def talk(name: str) -> None:
        with start(session_id=name) as turn:
            await asyncio.sleep(0)
            with turn.time("llm_ms"):
                await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="inside its turn"), start():
                pass

    async def main() -> None:
        with start(session_id="main"):
            await asyncio.gather(*(talk(str(number)) for number in range(50)))

    def work() -> None:
        asyncio.run(main())
        for _ in range(200):
            with start(session_id="thread"), pytest.raises(RuntimeError), start():
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [strict_json(line.decode()) for line in file.lines]
    assert sorted(line["turn_index"] for line in lines) == list(range(4 * 251))
    assert sum(line["llm_ms"] is not None for line in lines) == 200


def test_threads_that_write_at_once_mix_nothing() -> None:
    file = RawFile()
    start = opener(file)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(name: str) -> None:
        for number in range(3000):
            with start(session_id=name * 20, role=f"{name}{number}") as turn:
                turn.tokens(input=number, output=number)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    found = [strict_json(line.decode()) for line in file.lines]
    assert len(found) == 12_000
    for line in found:
        assert line["session_id"] == line["role"][0] * 20
        assert line["tokens_in"] == line["tokens_out"] == int(line["role"][1:])


def seven() -> int:
    return 7


def test_threads_that_begin_at_once_count_together() -> None:
    was = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            unit, begin, seen = a_unit(RawFile()), threading.Barrier(4), list[int]()

            def take(unit: UnitTurns = unit, begin: threading.Barrier = begin, seen: list[int] = seen) -> None:
                begin.wait()
                found = opener_of(unit)
                assert found is not None
                with found() as turn:
                    seen.append(turn.turn_index)

            threads = [threading.Thread(target=take) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(seen) == [0, 1, 2, 3]
            assert unit.beacons.turns_done == 4
    finally:
        sys.setswitchinterval(was)


@pytest.mark.parametrize("half", [ModuleType("asyncio"), None])
def test_a_turn_while_another_thread_imports_asyncio_is_one_of_the_thread(
    monkeypatch: pytest.MonkeyPatch, half: ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "asyncio", half)
    for opened in (opener(RawFile())(), Turn(a_unit(RawFile()), None, None, {})):
        with opened as turn:
            assert turn.turn_index == 0


def test_wrapped_calls_and_events_find_the_turn() -> None:
    file = RawFile()
    unit = a_unit(file)
    start = opener_of(unit)
    assert start is not None
    call = wrap(unit, seven, "storage_ms", "L2")
    with start():
        assert call() == 7
        keep_event(unit, "seen", {})
    event, turn = (strict_json(line.decode()) for line in file.lines)
    assert (event["event"], event["turn_index"]) == ("seen", 0)
    assert list(turn["storage_ms_by"]) == ["L2"]


def test_what_cannot_be_a_turn_says_so() -> None:
    start = opener(RawFile())
    with start() as turn:
        with pytest.raises(ValueError, match="is no name for one"):
            turn.time("latency")
        with pytest.raises(ValueError, match="is for storage_ms, not for 'llm_ms'"):
            turn.time("llm_ms", adapter="L2")
        with pytest.raises(ValueError, match=r"tokens\(input=-1\) is no number of tokens"):
            turn.tokens(input=-1)
        with pytest.raises(ValueError, match="'unit_id', which every line has already"):
            turn.set(unit_id=1)
        turn.tokens(input=1.0, output=2)  # type: ignore[arg-type]  # what a library may give
        turn.tokens(output=3)
        assert (turn.tokens_in, turn.tokens_out) == (1, 5)
    with pytest.raises(ValueError, match="'status', which every line has already"):
        start(status="x")


def test_a_turn_leaves_nothing_behind() -> None:
    file = RawFile()
    start = opener(file)

    def use(count: int) -> None:
        for number in range(count):
            with start(session_id=f"s{number}") as turn, turn.time("storage_ms", adapter="L2"):
                turn.tokens(input=10**6 + number)
            file.lines.clear()

    use(100)
    gc.collect()
    before = sys.getallocatedblocks()
    use(20_000)
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


@pytest.mark.parametrize("is_fast", [True, False])
def test_turns_that_end_in_another_context_are_not_kept(*, is_fast: bool) -> None:
    unit, elsewhere, session_id = a_unit(RawFile()), copy_context(), object()
    found = opener_of(unit) if is_fast else None
    held = sys.getrefcount(session_id)
    for _ in range(20):
        turn = Turn(unit, session_id, None, {}) if found is None else found(session_id)
        turn.__enter__()
        elsewhere.run(turn.__exit__, None, None, None)
    assert sys.getrefcount(session_id) - held < 5
    OPEN.set(None)


def test_a_task_that_is_dropped_ends_its_turn() -> None:
    file = RawFile()
    found = opener(file)

    async def wait() -> None:
        with found():
            await asyncio.Event().wait()

    async def drop() -> None:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # its warning is no part of it

    loop = asyncio.new_event_loop()
    loop.run_until_complete(drop())
    loop.close()
    del loop
    gc.collect()
    assert [strict_json(line.decode())["status"] for line in file.lines] == ["error"]


def test_one_turn_makes_no_other() -> None:
    with opener(RawFile())() as turn:
        for made in (turn, turn.time("llm_ms")):
            with pytest.raises(TypeError, match=r"is made by \w+\.t"):
                type(made)()


def test_a_unit_whose_name_is_no_text_has_turns_of_python() -> None:
    unit = a_unit(RawFile(), "test_\ud800.py::test_a")
    assert opener_of(unit) is None
