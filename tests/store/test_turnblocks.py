"""Blocks of lines, whole or broken, alone or in several processes: always the figures of the lines one by one."""

from __future__ import annotations

import gzip
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnStats, TurnSummary
from pytest_benchrun.core.turns import TURN_FIELDS
from pytest_benchrun.store import turnblocks
from pytest_benchrun.store.turnblocks import read_alone, read_together

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
    read_alone([(path, path.stat().st_size)], found)
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


@pytest.fixture(params=[1, 2**40], ids=["many at once", "few at once"], autouse=True)
def much(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what decodes many turns at once, where it is installed, and without."""
    monkeypatch.setattr(turnblocks, "MUCH", request.param)


@pytest.mark.parametrize("part_bytes", [1, 999, 100_000])
def test_several_processes_find_what_one_finds(sources: list[tuple[Path, int]], part_bytes: int) -> None:
    alone = stats()
    read_alone(sources, alone)
    assert alone.view()["turns"] == 3000
    together = read_together(sources, stats, 2, part_bytes)
    assert together.view() == alone.view()
    assert together.attributed_s.hex() == alone.attributed_s.hex()


@pytest.mark.parametrize("processes", [1, 2])
def test_what_cannot_be_read_leaves_the_figures_of_the_rest(sources: list[tuple[Path, int]], processes: int) -> None:
    packed, size = sources[0]
    packed.write_bytes(packed.read_bytes()[: size // 2])
    gone = packed.with_name("gone.jsonl")
    assert 2000 <= read_together([*sources, (gone, 10)], stats, processes, 999).view()["turns"] < 3000


def test_a_reader_that_dies_costs_time_and_no_turn(sources: list[tuple[Path, int]], tmp_path: Path) -> None:
    died = tmp_path / "died"

    def die_once() -> Callable[[str, int], bool]:
        def counts(_unit_id: str, attempt: int) -> bool:
            if not died.exists():
                died.touch()
                raise SystemExit
            return attempt == 2

        return counts

    before = multiprocessing.active_children()
    assert read_together(sources, lambda: TurnStats(die_once()), 2, 999).view()["turns"] == 3000
    assert multiprocessing.active_children() == before, "the other one waits for nobody"
    assert died.exists()
