"""What a campaign file may say, every way to say it wrong, and the combinations of its matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.campaign_file import (
    CampaignFile,
    Value,
    config_of,
    differences,
    from_json,
    read_document,
)
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.phases import DEFAULT_PHASES

MATRIX: dict[str, list[Value]] = {"molecule": ["water", "ammonia"], "functional": ["pbe", "hf"], "size": [1, 2.5, True]}
VALUES: st.SearchStrategy[Value] = st.sampled_from([0, 1, 2, True, False, 0.0, 1.0, "", "1", "a"])


def read(document: Mapping[str, object]) -> CampaignFile:
    return read_document(document, "nmr.toml")


def matrix_of(names: Sequence[str]) -> st.SearchStrategy[dict[str, list[Value]]]:
    values = st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda value: (type(value), value))
    return st.fixed_dictionaries(dict.fromkeys(names, values))


def test_an_empty_file_says_nothing() -> None:
    assert read({}) == CampaignFile(path="nmr.toml")


def test_everything_that_a_file_can_say() -> None:
    file = read(
        {
            "campaign": {
                "name": "nmr-2026",
                "phases": ["prepare", "run"],
                "group_by": "molecule",
                "max_failures": "10%",
                "time_limit": 90,
                "grace": 2.5,
                "budget": {"cost_usd": 50, "tokens": 2e6},
            },
            "matrix": MATRIX,
            "exclude": [{"molecule": "water", "functional": ["hf"]}],
            "parameters": {"basis": "sto-3g", "grid": {"points": [1, None, True]}},
        }
    )
    assert (file.name, file.phases) == ("nmr-2026", ("prepare", "run"))
    assert file.options == {"group_by": "molecule", "max_failures": "10%", "time_limit": "90", "grace": "2.5"}
    assert file.budgets == ("cost_usd=50", "tokens=2000000.0")
    assert file.matrix == {name: tuple(values) for name, values in MATRIX.items()}
    assert file.exclude == ({"molecule": ("water",), "functional": ("hf",)},)
    assert file.parameters == {"basis": "sto-3g", "grid": {"points": [1, None, True]}}


def test_a_switch_is_typed_as_yaml_understands_on_and_off() -> None:
    said = [read({"campaign": {"turn_metrics": value}}).options["turn_metrics"] for value in (True, False, "on")]
    assert said == ["on", "off", "on"]


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("document", "problem", "hint"),
    [
        ({"matrx": {}}, "nmr.toml: there is no table 'matrx'; known: campaign, matrix,", "did you mean matrix?"),
        ({7: {}}, "nmr.toml: there is no table 7", "did you mean"),
        (
            {"campaign": {"phase": ["run"]}},
            "nmr.toml, [campaign]: there is no key 'phase'; known: name, phases, group_by,",
            "did you mean phases?",
        ),
        ({"campaign": {"results": "out"}}, "[campaign]: there is no key 'results'", "did you mean"),
        ({"campaign": "nmr"}, "nmr.toml: campaign = 'nmr' is no table", "write it as [campaign]"),
        ({"matrix": ["a"]}, "nmr.toml: matrix = ['a'] is no table", "write it as [matrix]"),
        ({"matrix": {1: ["a"]}}, "nmr.toml: matrix = {1: ['a']} is no table", "[matrix]"),
        ({"parameters": None}, "nmr.toml: parameters = None is no table", "[parameters]"),
        ({"campaign": {"name": ""}}, "nmr.toml, [campaign]: name = '' is no name", 'name = "nmr-2026"'),
        ({"campaign": {"name": 7}}, "[campaign]: name = 7 is no name", 'name = "nmr-2026"'),
        ({"campaign": {"phases": "run"}}, "phases = 'run' is no list of names", 'phases = ["prepare", "run", "score"]'),
        ({"campaign": {"phases": ["run", 1]}}, "phases = ['run', 1] is no list of names", "phases = ["),
        ({"campaign": {"phases": []}}, "nmr.toml, [campaign] phases names no phase", "for example: phases = ["),
        ({"campaign": {"phases": ["run", "run"]}}, "names the phase 'run' twice", "for example: phases = ["),
        ({"campaign": {"max_failures": True}}, "max_failures = True is neither text nor a number", '"10%"'),
        ({"campaign": {"turn_sample": True}}, "[campaign] turn_sample = True is neither text nor a number", '"10%"'),
        ({"campaign": {"grace": [1]}}, "nmr.toml, [campaign] grace = [1] is neither text nor a number", '"10%"'),
        (
            {"campaign": {"budget": 50}},
            "nmr.toml, [campaign]: budget = 50 is no table",
            "write it as [campaign.budget]",
        ),
        ({"matrix": {"molecule": "water"}}, "[matrix] molecule = 'water' is no list of values", 'molecule = ["water"'),
        ({"matrix": {"molecule": []}}, "nmr.toml, [matrix] molecule = [] is no list of values", "molecule = ["),
        ({"matrix": {"size": [1, 2, 1]}}, "nmr.toml, [matrix] size has 1 twice", "name it once"),
        ({"matrix": {"size": [float("nan")]}}, "size: nan is neither text, a number, nor true or false", "for example"),
        ({"matrix": {"size": [float("inf")]}}, "size: inf is neither text, a number", "for example"),
        ({"matrix": {"size": [2**63]}}, "size: 9223372036854775808 is neither text, a number", "for example"),
        ({"matrix": {"size": [None]}}, "size: None is neither text, a number, nor true or false", "for example"),
        ({"matrix": {"size": [[1]]}}, "size: [1] is neither text, a number, nor true or false", "for example"),
        ({"matrix": {"size": ["\ud800"]}}, "size: '\\ud800' is neither text", "for example"),
        ({"exclude": {"molecule": "water"}}, "exclude = {'molecule': 'water'} is no list of tables", "[[exclude]]"),
        ({"exclude": [{}]}, "nmr.toml: exclude = [{}] is no list of tables", "[[exclude]]"),
        (
            {"exclude": [{"molecule": "water"}]},
            "nmr.toml, [[exclude]]: [matrix] has no 'molecule'; known: none",
            "write a [matrix] first",
        ),
        (
            {"matrix": MATRIX, "exclude": [{"molecle": "water"}]},
            "[[exclude]]: [matrix] has no 'molecle'; known: molecule, functional, size",
            "did you mean molecule?",
        ),
        ({"matrix": MATRIX, "exclude": [{3: "water"}]}, "[[exclude]]: [matrix] has no 3", "did you mean"),
        (
            {"matrix": MATRIX, "exclude": [{"molecule": ["water", "amonia"]}]},
            "nmr.toml, [[exclude]] molecule: 'amonia' is no value of [matrix] molecule",
            "nearest: ammonia",
        ),
        ({"matrix": MATRIX, "exclude": [{"size": 2}]}, "[[exclude]] size: 2 is no value of", "nearest: 1"),
        ({"matrix": MATRIX, "exclude": [{"size": 1.0}]}, "[[exclude]] size: 1.0 is no value of", "nearest: 1"),
        (
            {"matrix": {"size": [1]}, "exclude": [{"size": True}]},
            "size: True is no value of [matrix] size",
            "nearest: 1",
        ),
        ({"matrix": MATRIX, "exclude": [{"size": [[1]]}]}, "size: [1] is no value of [matrix] size", "nearest: 1"),
        (
            {"matrix": MATRIX, "exclude": [{"size": []}]},
            "size: an empty list excludes nothing",
            "or take the line away",
        ),
        ({"parameters": {"day": {1, 2}}}, "[parameters] day: {1, 2} is neither text, number, true", "write it as text"),
        ({"parameters": {"a": {"b": float("nan")}}}, "[parameters] a.b: nan is neither text", "write it as text"),
        ({"parameters": {"a": {1: 2}}}, "nmr.toml, [parameters] a: {1: 2} is neither text", "write it as text"),
        ({"parameters": {"a": -(2**63) - 1}}, "[parameters] a: -9223372036854775809 is neither", "write it as text"),
        ({"parameters": {"a": "\udcff"}}, "[parameters] a: '\\udcff' is neither text", "write it as text"),
        ({"parameters": {"a": CIRCLE}}, "[parameters] a: tables and lists are nested more than 20 deep", "its path"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_cure(document: Mapping[str, object], problem: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as error:
        read(document)
    assert problem in error.value.problem
    assert hint in error.value.hint
    assert "\n" not in error.value.problem


@pytest.mark.parametrize("values", [[1, True], [1, 1.0], [0, False, 0.0, "0"], ["a", "A", ""]])
def test_values_that_only_look_alike_are_values_of_their_own(values: list[Value]) -> None:
    rows = read({"matrix": {"x": values}}).combinations(["x"], "a test")
    assert [(type(row[0]), row[0]) for row in rows] == [(type(value), value) for value in values]


def test_one_value_is_excluded_and_not_the_one_that_looks_like_it() -> None:
    file = read({"matrix": {"x": [1, True, 1.0, "1"]}, "exclude": [{"x": True}]})
    assert [repr(row[0]) for row in file.combinations(["x"], "a test")] == ["1", "1.0", "'1'"]


def test_the_first_name_changes_slowest() -> None:
    rows = read({"matrix": MATRIX}).combinations(["functional", "molecule"], "a test")
    assert rows == [("pbe", "water"), ("pbe", "ammonia"), ("hf", "water"), ("hf", "ammonia")]


def test_an_exclusion_by_a_parameter_that_was_not_asked_for_excludes_nothing() -> None:
    file = read({"matrix": MATRIX, "exclude": [{"molecule": "water", "functional": "hf"}]})
    assert file.combinations(["molecule"], "a test") == [("water",), ("ammonia",)]
    assert len(file.combinations(["molecule", "functional"], "a test")) == 3


@given(st.data())
def test_combinations_are_all_rows_that_no_exclusion_names(data: st.DataObject) -> None:
    matrix = data.draw(matrix_of(["a", "b", "c"]))
    tables = []
    for _ in range(data.draw(st.integers(0, 3))):
        names = data.draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
        tables.append({name: data.draw(st.lists(st.sampled_from(matrix[name]), min_size=1)) for name in names})
    asked = data.draw(st.sampled_from([row for size in (1, 2, 3) for row in permutations("abc", size)]))
    file = read({"matrix": matrix, "exclude": tables})

    def is_in(value: Value, values: list[Value]) -> bool:
        return repr(value) in [repr(other) for other in values]

    expected: list[tuple[Value, ...]] = [()]
    for name in asked:
        expected = [(*row, value) for row in expected for value in matrix[name]]
    for table in tables:
        expected = [
            row
            for row in expected
            if not all(name in asked and is_in(row[asked.index(name)], values) for name, values in table.items())
        ]
    if expected:
        assert repr(file.combinations(list(asked), "a test")) == repr(expected)
        sent = from_json(orjson.loads(orjson.dumps(file)))
        assert repr(sent.combinations(list(asked), "a test")) == repr(expected)
    else:
        with pytest.raises(UsageProblem, match=re.escape("[[exclude]] in nmr.toml leaves nothing of")):
            file.combinations(list(asked), "a test")


def test_a_parameter_that_the_matrix_has_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageProblem) as error:
        read({"matrix": MATRIX}).combinations(["molecule", "functionl"], "the mark at test_a.py")
    assert error.value.problem == (
        "the mark at test_a.py: [matrix] has no 'functionl'; known: molecule, functional, size"
    )
    assert error.value.hint == ('\'functional\', or write functionl = ["...", "..."] under [matrix] in nmr.toml')


def test_without_a_file_the_option_is_named() -> None:
    with pytest.raises(UsageProblem, match="known: none") as error:
        CampaignFile().combinations(["molecule"], "a test")
    assert error.value.hint == 'write molecule = ["...", "..."] under [matrix] in --bench-config=FILE'


def test_a_file_that_was_sent_as_json_says_the_same() -> None:
    file = read(
        {
            "campaign": {"name": "nmr", "phases": ["b", "a"], "budget": {"usd": 1}},
            "matrix": MATRIX,
            "exclude": [{"size": [True]}],
            "parameters": {"ä": [1.0, {"b": None}]},
        }
    )
    sent = from_json(orjson.loads(orjson.dumps(file)))
    assert sent == file
    assert repr(sent) == repr(file), "true, 1 and 1.0 are equal"
    assert from_json(orjson.loads(orjson.dumps(CampaignFile()))) == CampaignFile()


@pytest.mark.parametrize(
    ("document", "group_by", "phases", "config"),
    [
        ({}, None, DEFAULT_PHASES, {}),
        ({}, "molecule", ("b", "a"), {"group_by": "molecule", "phases": ["b", "a"]}),
        ({"parameters": {"basis": "tz"}}, None, DEFAULT_PHASES, {"parameters": {"basis": "tz"}}),
        ({"campaign": {"phases": list(DEFAULT_PHASES)}}, None, DEFAULT_PHASES, {}),
        ({"campaign": {"name": "n", "max_failures": 3, "time_limit": 1}, "matrix": MATRIX}, None, DEFAULT_PHASES, {}),
    ],
)
def test_the_configuration_is_what_makes_the_measured_values(
    document: Mapping[str, object], group_by: str | None, phases: tuple[str, ...], config: dict[str, JsonValue]
) -> None:
    assert config_of(read(document), group_by, phases) == config


LONG = "x" * 500


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ({}, {}, []),
        ({"group_by": "a"}, {"group_by": "b"}, [("group_by", "'a'", "'b'")]),
        ({"group_by": "a"}, {}, [("group_by", "'a'", "not set")]),
        ({}, {"phases": ["a"]}, [("phases", "not set", "['a']")]),
        ({"phases": ["a", "b"]}, {"phases": ["b", "a"]}, [("phases", "['a', 'b']", "['b', 'a']")]),
        (
            {"parameters": {"a": 1, "b": {"c": 1, "d": 2}}},
            {"parameters": {"b": {"d": 3, "c": 1}, "a": 1}},
            [("parameters.b.d", "2", "3")],
        ),
        ({"parameters": {"a": 1}}, {"parameters": {"a": True}}, [("parameters.a", "1", "True")]),
        ({"parameters": {"a": 1}}, {"parameters": {"a": 1.0}}, [("parameters.a", "1", "1.0")]),
        ({"parameters": {"a": {}}}, {"parameters": {"a": []}}, [("parameters.a", "{}", "[]")]),
        (
            {"parameters": {"a": None}},
            {"parameters": {}},
            [("parameters.a", "None", "not set"), ("parameters", "", "")],
        ),
        ({"parameters": {"a.b": 1}}, {"parameters": {"a": {"b": 1}}}, [("parameters.'a.b'", "1", "not set")]),
    ],
)
def test_differences_name_each_key_with_both_values(
    before: dict[str, JsonValue], now: dict[str, JsonValue], changed: list[tuple[str, str, str]]
) -> None:
    found = differences(before, now)
    assert [entry for entry in changed if entry[1]] == [entry for entry in found if entry in changed]
    assert bool(found) == bool(changed)


@pytest.mark.parametrize(("a", "b"), [(LONG + "a", LONG + "b"), ([LONG, 1], [LONG, 2])])
def test_values_that_differ_only_behind_what_is_shown_are_different(a: JsonValue, b: JsonValue) -> None:
    [(key, was, is_now)] = differences({"parameters": {"x": a}}, {"parameters": {"x": b}})
    assert key == "parameters.x"
    assert was != is_now
    assert max(len(was), len(is_now)) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=2), children, max_size=3),
    max_leaves=6,
)
CONFIG = st.dictionaries(st.sampled_from(["parameters", "group_by", "a.b", "a"]), JSON, max_size=3)


@given(CONFIG, CONFIG)
def test_there_is_a_difference_exactly_when_the_hash_is_another(
    before: dict[str, JsonValue], now: dict[str, JsonValue]
) -> None:
    option = orjson.OPT_SORT_KEYS
    is_same = orjson.dumps(before, option=option) == orjson.dumps(now, option=option)
    assert (differences(before, now) == []) == is_same
