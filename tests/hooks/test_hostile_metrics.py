"""Values that break serialisers, in metrics and parameters, never end a run and never fail a unit."""

from __future__ import annotations

from tests.hooks.campaigns import Campaign, Session
from tests.hooks.hostile import KINDS, failed, run

BENCH = "@{kind}\ndef test_value(benchrun, name): benchrun.metric({arguments})\n"


@KINDS
def test_as_the_value_of_a_metric(hostile: Campaign, engine: str, kind: str) -> None:
    session = run(hostile, engine, BENCH.format(kind=kind, arguments="'m', ALL[name]"))
    assert failed(session) == []


def test_numbers_of_any_kind_are_numbers(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, BENCH.format(kind="values", arguments="'m', ALL[name]"))
    values = {name: metric(session, name) for name in ("numpy float", "numpy int", "numpy bool", "2**63", "nan", "inf")}
    assert values == {
        "numpy float": 1.5,
        "numpy int": 7,
        "numpy bool": 1,
        "2**63": 2.0**63,
        "nan": None,
        "inf": None,
    }


def metric(session: Session, name: str) -> object:
    """The value of metric `m` of the unit of that hostile value."""
    return session.metrics(f"test_hostile.py::test_value[{name}]")["m"]["value"]


def test_what_was_wrong_with_metrics_stands_in_the_summary(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("name", ["nan", "raising repr", "text"])
def test_value(benchrun, name): benchrun.metric("m", VALUES[name])
@pytest.mark.parametrize("x", range(10))
def test_right(benchrun, x): benchrun.metric("m", x)
"""
    session = run(hostile, engine, source)
    assert "warnings: 3" in session.text
    assert "test_hostile.py::test_value[nan]: metric 'm' is not finite (nan): kept as null" in session.text
    assert "metric 'm' is not a number ('text'): kept as text, in no statistic" in session.text
    assert "metric 'm' is not a number (<RaisingRepr: repr raised RuntimeError>)" in session.text
    assert session.stats()["metrics"]["m"]["n"] == 10


@KINDS
def test_as_the_name_of_a_metric(hostile: Campaign, engine: str, kind: str) -> None:
    session = run(hostile, engine, BENCH.format(kind=kind, arguments="ALL[name], 1"))
    assert failed(session) == []


def test_texts_as_the_name_of_a_metric(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, "@texts\ndef test_name(benchrun, name): benchrun.metric(TEXTS[name], 1)\n")
    assert failed(session) == []
    assert session.stats()["metrics"]["\\ud800 lone \\udfff"]["n"] == 1


@KINDS
def test_as_the_unit_of_a_metric(hostile: Campaign, engine: str, kind: str) -> None:
    session = run(hostile, engine, BENCH.format(kind=kind, arguments="'m', 1, unit=ALL[name]"))
    assert failed(session) == []


@KINDS
def test_as_the_direction_of_a_metric(hostile: Campaign, engine: str, kind: str) -> None:
    session = run(hostile, engine, BENCH.format(kind=kind, arguments="'m', 1, better=ALL[name]"))
    assert failed(session) == []


def test_escapes_of_an_id_do_not_reach_the_terminal(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("x", range(11))
def test_value(benchrun, x):
    benchrun.metric("\\x1b[31mred", x, unit="\\x1b]0;title\\x07")
    benchrun.metric("odd", "\\x1b[2J")
    raise ValueError("\\x1b[2J")
"""
    session = run(hostile, engine, source, "--tb=no", "-q", "--no-summary")
    summary = session.text[session.text.index("= benchrun") :] if "= benchrun" in session.text else session.text
    assert "\x1b[2J" not in summary
    assert "\x1b]0;" not in summary


def test_the_junit_file_of_all_of_it_is_xml(hostile: Campaign, engine: str) -> None:
    source = """
@texts
def test_value(benchrun, record_property, name):
    benchrun.metric(TEXTS[name], TEXTS[name], unit=TEXTS[name])
    record_property("p", TEXTS[name])
    print(ascii(TEXTS[name]))
    raise ValueError(TEXTS[name])
"""
    session = run(hostile, engine, source)
    assert len(session.cases()) == session.status()["failed"]
