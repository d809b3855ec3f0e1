"""Blocks of lines, whole or broken, in one thread or several: always the figures of the lines one by one."""

from __future__ import annotations

import gzip
import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnStats, TurnSummary
from pytest_benchrun.core.turns import TURN_FIELDS
from pytest_benchrun.store import turnblocks
from pytest_benchrun.store.turnblocks import make_scanner, read_turns

NUMBERS = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(0, 1e6) | st.just("x") | st.just(2**70)
TURNS = st.fixed_dictionaries(
    dict.fromkeys(TURN_FIELDS, st.none())
    | {
        "unit_id": st.sampled_from(["a", "b"]),
        "attempt": st.integers(1, 2),
        **dict.fromkeys(("llm_ms", "storage_ms", "total_ms"), NUMBERS),
        "storage_ms_by": st.none() | st.dictionaries(st.sampled_from(["L1", "}\n,"]), NUMBERS),
        **dict.fromkeys(("tokens_in", "tokens_out"), st.none() | st.integers(0, 10**6)),
        "status": st.sampled_from(["ok", "error"]),
    },
    optional={"embed_ms": NUMBERS, "topic": st.text()},
)
EVENTS = st.fixed_dictionaries({"event": st.text(), "unit_id": st.just("a"), "attempt": st.just(2)})
LINES = st.lists((TURNS | EVENTS).map(json.dumps).map(str.encode) | st.sampled_from([b"", b"[1,", b"2]", b"3", b"{}"]))


def stats() -> TurnStats:
    return TurnStats(lambda _, attempt: attempt == 2)


def one_by_one(lines: list[bytes]) -> TurnSummary:
    found = stats()
    for line in lines:
        try:
            found.add(orjson.loads(line))
        except ValueError:
            continue
    return found.view()


@given(LINES)
def test_a_block_has_the_figures_of_its_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("turns") / "turn_metrics.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + b'{"unit_id":"a","attempt":2,"torn')
    found = stats()
    read_turns([(path, path.stat().st_size)], found)
    assert found.view() == one_by_one(lines)


def turn(index: int, **fields: object) -> dict[str, Any]:
    plain = {"unit_id": "a", "attempt": 2, "llm_ms": index / 7, "storage_ms_by": {"L1": 1.5}, "total_ms": 5, **fields}
    return dict.fromkeys(TURN_FIELDS) | {"status": "ok", "tokens_in": index} | plain


@pytest.fixture
def sources(tmp_path: Path) -> list[tuple[Path, int]]:
    """A compressed file, one that goes on behind what counts of it, and an empty one."""
    lines = [orjson.dumps(turn(index)) + b"\n" for index in range(3000)]
    packed, plain, empty = (tmp_path / name for name in ("1.jsonl.gz", "a.jsonl", "b.jsonl"))
    packed.write_bytes(gzip.compress(b"".join(lines[:1000])))
    plain.write_bytes(b"".join(lines[1000:]) + orjson.dumps(turn(1, tokens_in=10**6)) + b"\n")
    empty.write_bytes(b"")
    return [(packed, packed.stat().st_size), (plain, len(b"".join(lines[1000:]))), (empty, 0)]


@pytest.fixture(params=["", "1"], ids=["compiled", "pure"], autouse=True)
def pure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the compiled part, where it is there, and without."""
    monkeypatch.setenv("BENCHRUN_PURE_PYTHON", request.param)
    return str(request.param)


def test_the_compiled_part_is_used_where_it_is_there_and_wanted(pure: str) -> None:
    is_there = importlib.util.find_spec("pytest_benchrun.store.turnscan") is not None
    assert (make_scanner(stats().counts) is not None) == (is_there and not pure)


@pytest.mark.parametrize("part_bytes", [1, 999, 100_000])
@pytest.mark.parametrize("block_bytes", [1, 300, 2**18])
def test_several_threads_find_what_one_finds(
    sources: list[tuple[Path, int]], part_bytes: int, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = stats(), stats()
    read_turns(sources, alone)
    assert alone.view()["turns"] == 3000
    monkeypatch.setattr(turnblocks, "_BLOCK", block_bytes)
    read_turns(sources, together, 3, part_bytes)
    assert together.view() == alone.view()
    assert together.attributed_s.hex() == alone.attributed_s.hex()


@pytest.mark.parametrize("threads", [1, 2])
def test_what_cannot_be_read_leaves_the_figures_of_the_rest(sources: list[tuple[Path, int]], threads: int) -> None:
    packed, size = sources[0]
    packed.write_bytes(packed.read_bytes()[: size // 2])
    gone, found = packed.with_name("gone.jsonl"), stats()
    read_turns([*sources, (gone, 10), (gone.with_suffix(".gz"), 10)], found, threads, 999)
    assert 2000 <= found.view()["turns"] < 3000


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_thread_comes_upon_is_raised_and_no_thread_is_left(
    sources: list[tuple[Path, int]], threads: int
) -> None:
    before = threading.active_count()

    def fail(_unit_id: str, _attempt: int) -> bool:
        raise SystemExit

    with pytest.raises(SystemExit):
        read_turns(sources, TurnStats(fail), threads, 999)
    assert threading.active_count() == before


def test_where_no_thread_can_be_started_one_reads(
    sources: list[tuple[Path, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found = stats()
    read_turns(sources, found, 4, 999)
    assert found.view()["turns"] == 3000
