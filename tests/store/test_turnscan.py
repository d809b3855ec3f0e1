"""Turns read as text: the figures of each line decoded by itself, whatever has happened to the bytes."""

from __future__ import annotations

import json
import random
from array import array
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.turn_stats import TurnNumbers
from pytest_benchrun.core.turns import TURN_FIELDS
from tests.store.turnlines import event_line, turn_line
from tests.store.turnscans import counts, figures, left_of, quick, turnscan

MS = st.integers(0, 10**9).map(lambda us: us / 1000)
ADAPTERS = st.lists(st.sampled_from(["L2", "fts5 recall", "status: ok", "größe", "a,b}"]), unique=True)
RECORD = {"llm_ms": 1.0, "storage_ms": 2.0, "total_ms": 3.0, "unit_id": "a", "turn_index": 1, "status": "ok"}
ODD: list[dict[str, Any]] = [
    {"status": "error", "error": "ValueError: ,"},
    {"status": "lost"},
    {"status": True},
    {"llm_ms": 1e-7},
    {"llm_ms": 1e22},
    {"llm_ms": None},
    {"llm_ms": -1.5},
    {"llm_ms": -0.0},
    {"llm_ms": 3},
    {"llm_ms": 2**64 - 1},
    {"llm_ms": True},
    {"llm_ms": "1.5"},
    {"llm_ms": None, "storage_ms": 1.5},
    {"llm_ms": None, "embed_ms": 1.5},
    {"storage_ms": 7.5},
    {"total_ms": None},
    {"tokens_in": 7.5},
    {"tokens_in": 7.0},
    {"tokens_in": 7},
    {"tokens_in": -7},
    {"tokens_in": True},
    {"tokens_in": 2**53 + 1},
    {"tokens_in": 2**64 - 1},
    {"storage_ms_by": {"other": 1.0}},
    {"storage_ms_by": {"other": "x"}},
    {"storage_ms_by": {"fts5 recall": 1.0, "more": 2.0}},
    {"storage_ms_by": {"fts5 recall": None}},
    {"storage_ms_by": [1.0]},
    {"storage_ms_by": []},
    {"storage_ms_by": None},
    {"storage_ms_by": {}},
    {"embed_ms": 3.0},
    {"embed_ms": 3},
    {"embed_ms": True},
    {"embed_ms": [1.0]},
    {"embed_ms": None},
    {'a\\"\n_ms': 2.5},
    {"größe_ms": 2.5},
    {"copy": RECORD},
    {"list": [1, {"x_ms": 2.0}]},
    {"event": "x"},
    {"event": None},
    {"sampled_out": None},
    {"sampled_out": {"turns": 7}},
    {"note": "\n" + orjson.dumps(RECORD).decode()},
    {"role": "\u2028\\"},
    {"role": ""},
    {"role": 7},
    {"unit_id": "b"},
    {"attempt": 2},
    {"attempt": 1.0},
    {"attempt": True},
]
TEXTS = [
    b'{"llm_ms":NaN}',
    b"Infinity",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"-0",
    b"-0.0",
    b"01",
    b"1.",
    b".5",
    b"1" + b"0" * 30,
    b"-1" + b"0" * 30,
    b"1" + b"0" * 400,
    b"18446744073709551616",
    b"9007199254740993",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"2.2250738585072011e-308",
    b"4.9e-324",
    b"1.7976931348623159e308",
    b"true",
    b'"1"',
    b"[]",
    b"{}",
    b"null",
    b"",
    b"1,",
    b" 1 ",
    b'1,"llm_ms":2',
    b'1,"llm_ms":"x"',
    b'1,"tokens_in":2',
    b'1,"x_ms":2',
    b'1,"x\\u005fms":2',
    b'1,"event":null,"event":"x"',
    b'1}{"llm_ms":1',
    b'1,"role":"\xff"',
    b'1,"role":"\xed\xa0\x80"',
    b'1,"role":"\\ud800"',
    b'1,"role":"\\ud83d\\ude00"',
    b'1,"role":"\x01"',
    b'1,"role":"\\q"',
    b"1\r",
    b"1\n",
    b'1\n,"role":"x"',
    b'1,"role":"x\ny"',
    b'1,"role":"x\\\ny"',
]
"""What may stand where the time of the model does."""


@given(st.data())
def test_alike_lines_give_the_figures_of_the_decoded_ones(data: st.DataObject) -> None:
    adapters = data.draw(ADAPTERS)
    missing = data.draw(st.sets(st.sampled_from(["llm_ms", "storage_ms", "tokens_in", "tokens_out"])))
    own = data.draw(st.fixed_dictionaries({}, optional={"history": st.integers(-999, 999), "embed_ms": MS}))
    times: dict[str, Any] = {name: st.none() if name in missing else MS for name in ("llm_ms", "storage_ms")}
    numbers = {name: st.none() if name in missing else st.integers(0, 9999) for name in ("tokens_in", "tokens_out")}
    whose = {"unit_id": st.sampled_from(["a", "größe"]), "attempt": st.integers(1, 2)}
    fields = st.fixed_dictionaries(
        {
            "total_ms": MS,
            "storage_ms_by": st.fixed_dictionaries(dict.fromkeys(adapters, MS)),
            **times,
            **numbers,
            **whose,
        }
    )
    drawn = data.draw(st.lists(fields, min_size=1, max_size=6))
    for one in drawn:  # the adapters in one order, as a unit that does the same in each turn has them
        one["storage_ms_by"] = {name: one["storage_ms_by"][name] for name in adapters}
    block = b"".join(turn_line(**{**own, **one, "role": role}) for one, role in zip(drawn, "abcdef", strict=False))
    assert quick(block) == figures(block)
    assert left_of(block) == b""


@pytest.mark.parametrize("place", [0, 1, 30])
@pytest.mark.parametrize("odd", ODD, ids=[next(iter(odd)) + str(number) for number, odd in enumerate(ODD)])
def test_a_line_unlike_the_others_is_never_taken_for_one_of_them(odd: dict[str, Any], place: int) -> None:
    lines = [turn_line(storage_ms_by={"fts5 recall": 2.5}) for _ in range(31)]
    lines[place] = turn_line(**{"storage_ms_by": {"fts5 recall": 2.5}, **odd})
    block = b"".join(lines)
    assert quick(block) == figures(block)
    assert quick(lines[1] * 2, block, block) == figures(lines[1] * 2 + block * 2)
    assert left_of(block) in {b"", lines[place]}


@pytest.mark.parametrize("place", [0, 1, 30])
@pytest.mark.parametrize("text", TEXTS)
def test_whatever_stands_where_a_number_should_is_read_as_in_a_line_alone(text: bytes, place: int) -> None:
    lines = [turn_line(llm_ms=1.5, tokens_in=7) for _ in range(31)]
    for name in (b'"llm_ms":1.5', b'"tokens_in":7'):
        broken = lines.copy()
        broken[place] = lines[place].replace(name, name[: name.index(b":") + 1] + text)
        block = b"".join(broken)
        assert quick(block) == figures(block)
        assert quick(lines[0], block) == figures(lines[0] + block)


NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(10**17), 10**17).map(lambda digits: str(digits / 1000))
    | st.tuples(st.integers(-(10**20), 10**20), st.integers(-345, 310)).map(lambda parts: "{}e{}".format(*parts))
    | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)


@given(NUMBERS)
def test_each_bit_of_a_number_is_that_of_the_other_decoder(text: str) -> None:
    block = turn_line().replace(b'"llm_ms":1.5', b'"llm_ms":' + text.encode())
    numbers, others = turnscan.TurnScanner(counts).take_numbers(block)
    if others:
        assert quick(block) == figures(block)
    else:
        assert numbers.times["llm_ms"].tobytes() == array("d", [orjson.loads(text)]).tobytes()


@given(st.floats(1e-5, 1e15) | st.integers(0, 10**17).map(lambda number: number / 1000))
def test_a_number_of_usual_size_is_never_left(number: float) -> None:
    block = turn_line(llm_ms=number)
    numbers, others = turnscan.TurnScanner(counts).take_numbers(block)
    assert others == b""
    assert numbers.times["llm_ms"].tobytes() == array("d", [number]).tobytes()


@pytest.mark.parametrize("power", range(-30, 3))
@given(digits=st.integers(10**14, 10**19 - 1))
def test_many_digits_are_rounded_once(power: int, digits: int) -> None:
    halfway = 2**53 + digits % 10**6 * 2 + 1  # between two doubles, to whichever of them is even
    for number in (f"{digits}e{power}", f"{halfway}.0", f"{halfway}.01", f"-{halfway - 1}.99"):
        block = turn_line().replace(b'"llm_ms":1.5', f'"llm_ms":{number}'.encode())
        numbers, others = turnscan.TurnScanner(counts).take_numbers(block)
        assert others == b"" or "e" in number
        assert others or numbers.times["llm_ms"].tobytes() == array("d", [float(number)]).tobytes()


@pytest.mark.parametrize(
    "text",
    [
        'a "b"',
        "a\nb\\",
        "\x01\x1f\x7f",
        "größe \u2028 \U0001f600",
        "",
        "/",
        "\t" * 20,
        "1234567\\",
        '12345678"',
        "\ud7ff\ue000",
    ],
)
def test_texts_of_users_are_read_whatever_they_hold(text: str) -> None:
    block = turn_line(topic=text, role=text, session_id=text, error=text)
    assert left_of(block) == b""
    assert quick(block) == figures(block)
    ascii_block = json.dumps(orjson.loads(block), separators=(",", ":")).encode() + b"\n"
    assert quick(ascii_block) == figures(ascii_block)


@given(st.text(alphabet='\\"/bfnrtuUdD8cC0aAfF9\n é', max_size=12))
def test_escapes_are_those_of_the_other_decoder(text: str) -> None:
    block = turn_line(role="@").replace(b"@", text.encode())
    assert quick(block) == figures(block)


PAIRS = st.tuples(
    st.sampled_from([*TURN_FIELDS, "event", "sampled_out", "topic", "x_ms", "y_ms"]),
    st.sampled_from(["1", "1.5", "null", "true", '"a"', '"ok"', "{}", "[]", '{"L1":1.5}', '{"L1":1,"L1":2}']),
)
PLAIN = [(name, orjson.dumps(value).decode()) for name, value in orjson.loads(turn_line()).items()]


@given(st.lists(st.tuples(st.integers(0, len(PLAIN)), PAIRS), max_size=3), st.randoms() | st.none())
def test_names_may_come_twice_and_in_any_order(
    more: list[tuple[int, tuple[str, str]]], chance: random.Random | None
) -> None:
    pairs = PLAIN.copy()
    for place, pair in more:
        pairs.insert(place, pair)
    if chance is not None:
        chance.shuffle(pairs)
    block = "{{{}}}\n".format(",".join(f'"{name}":{value}' for name, value in pairs)).encode()
    assert quick(block, block) == figures(block * 2)


@given(st.lists(PAIRS, max_size=4))
def test_fields_of_users_are_those_of_the_other_decoder(pairs: list[tuple[str, str]]) -> None:
    own = "".join(f',"{name}":{value}' for name, value in pairs)
    block = turn_line()[:-2] + own.encode() + b"}\n"
    assert quick(block, block) == figures(block * 2)


def test_an_event_that_holds_a_turn_is_no_turn() -> None:
    event = event_line(copy=orjson.loads(turn_line()))
    block = turn_line() + event + turn_line()
    assert quick(block) == figures(block)
    assert left_of(block) == event


def test_timers_and_adapters_that_come_later_are_read_too() -> None:
    early, late = turn_line() * 40, turn_line(embed_ms=2.5, storage_ms_by={"L2": 1.0}, topic="x") * 40
    assert left_of(early, late, late + early) == b""
    assert quick(early, late, late + early) == figures(early + late + late + early)


def test_events_first_and_in_between_cost_no_turn() -> None:
    block = event_line() * 40 + (turn_line() + event_line()) * 40
    assert left_of(block) == event_line() * 80
    assert quick(*[block] * 20) == figures(block * 20)


NESTED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.integers().map(lambda n: n % 10**9 / 1000)
    | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
)


@given(NESTED)
def test_lists_and_objects_of_users_are_read(value: object) -> None:
    block = turn_line(own=value)
    assert left_of(block) in ({b""} if isinstance(value, list | dict) else {b"", block})
    assert quick(block) == figures(block)


@given(st.lists(st.sampled_from(["[", "]", "{", "}", ",", ":", '"a":', '"a"', "1", "null", "01", " "]), max_size=9))
def test_broken_lists_and_objects_are_those_of_the_other_decoder(pieces: list[str]) -> None:
    block = turn_line(own="@").replace(b'"@"', "".join(pieces).encode())
    assert quick(block) == figures(block)


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 5000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_what_is_too_deep_is_left(begin: str, end: str, depth: int) -> None:
    block = turn_line(own="@").replace(b'"@"', f"{begin * depth}1{end * depth}".encode())
    assert left_of(block) == (b"" if depth <= 32 else block)
    assert quick(block) == figures(block)


def test_an_attempt_is_asked_for_once_and_counts_as_it_is_said() -> None:
    asked = []

    def odd(unit_id: str, attempt: int) -> bool:
        asked.append((unit_id, attempt))
        return len(unit_id) == 1

    lines = [turn_line(unit_id, attempt=attempt) for attempt in (1, 2) for unit_id in ("a", "bb", "größe")]
    scanner = turnscan.TurnScanner(odd)
    taken: list[TurnNumbers] = [scanner.take_numbers(b"".join(lines) * 3)[0] for _ in range(2)]
    assert [numbers.turns for numbers in taken] == [6, 6]
    assert sorted(asked) == sorted({(unit_id, attempt) for attempt in (1, 2) for unit_id in ("a", "bb", "größe")})


@pytest.mark.parametrize("units", [3, 5000])
def test_many_units_in_turns_count_as_alone(units: int) -> None:
    block = b"".join(turn_line(f"{number}-{number % 7}", llm_ms=number) for number in range(units)) * 2

    def some(unit_id: str, _attempt: int) -> bool:
        return unit_id.endswith("-3")

    numbers, others = turnscan.TurnScanner(some).take_numbers(block)
    assert not others
    assert list(numbers.times.get("llm_ms", [])) == [number for number in range(units) if number % 7 == 3] * 2


def test_what_is_raised_by_who_is_asked_leaves_nothing_behind() -> None:
    asked = []

    def ask(unit_id: str, _attempt: int) -> bool:
        asked.append(unit_id)
        if asked == ["a", "b"]:
            raise RuntimeError("gone")
        return True

    scanner = turnscan.TurnScanner(ask)
    with pytest.raises(RuntimeError, match="gone"):
        scanner.take_numbers(turn_line("a") + turn_line("b"))
    assert scanner.take_numbers(turn_line("a") + turn_line("b"))[0].turns == 2


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_block_may_begin_and_end_anywhere(noise: bytes, cut: int) -> None:
    scanner = turnscan.TurnScanner(counts)
    for block in (noise, turn_line() + noise, turn_line()[cut:], turn_line()[:cut], turn_line() + turn_line()[:cut]):
        numbers, others = scanner.take_numbers(block)
        assert numbers.turns == block.count(turn_line())
        assert len(others) + numbers.turns * len(turn_line()) == block.rfind(b"\n") + 1, "a torn line is no line"


@given(st.text(), st.text())
def test_any_name_may_be_that_of_a_timer_or_an_adapter(timer: str, adapter: str) -> None:
    fields: dict[str, Any] = {f"{timer}_ms": 1.5, "storage_ms_by": {adapter: 2.5}}
    block = turn_line() + turn_line(**fields) * 2
    assert quick(block, block) == figures(block * 2)


def test_names_that_change_from_turn_to_turn_are_left_too() -> None:
    blocks = [b"".join(turn_line("a", **{f"{number}-{place}_ms": 1.0}) for place in range(40)) for number in range(30)]
    assert quick(*blocks) == figures(b"".join(blocks))
