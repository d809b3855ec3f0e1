"""What units give wrongly: an error or a warning that names unit and field; no lost turn, result or broken line."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.jsonsafe import to_json, to_json_with_loss
from pytest_benchrun.hooks.bench import MAX_METRICS, MAX_WARNINGS
from pytest_benchrun.hooks.turnlines import MAX_FIELDS
from tests.hooks.campaigns import Campaign, Session, strict_json

UNIT = "test_a.py::test_a"


def run(campaign: Campaign, engine: str, body: str) -> Session:
    """One unit that does this, after which the run must be whole."""
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    campaign.write({"test_a.py": f"import pytest\n\ndef test_a(benchrun):\n{indented}\n"})
    session = campaign.run(engine=engine)
    assert "INTERNALERROR" not in session.text
    assert (session.status()["state"], len(session.events("unit_ended"))) == ("complete", 1)
    assert max(map(len, (campaign.results / "journal.jsonl").read_bytes().splitlines())) < 2_000_000
    assert len((campaign.results / "status.json").read_bytes()) < 100_000
    return session


def warnings_of(session: Session) -> list[str]:
    """As the journal has them; a few are in the summary too, with the unit's name."""
    (ended,) = session.events("unit_ended")
    warnings: list[str] = ended["outcome"]["warnings"]
    assert all(UNIT in line for line in session.text.splitlines() if warnings and warnings[0][:60] in line)
    return warnings


def turns_of(session: Session) -> list[dict[str, Any]]:
    data = (session.results / "turn_metrics.jsonl").read_bytes()
    return [strict_json(line) for line in data.decode("utf-8").split("\n")[:-1]]


@pytest.mark.parametrize(
    "tokens", ["input=-1", "output=-3", "input=float('nan')", "input='many'", "output=2**60", "input=1.5", "input=[]"]
)
def test_tokens_that_are_no_count_fail_the_unit_and_keep_its_turn(campaign: Campaign, tokens: str) -> None:
    session = run(campaign, "bare", f"with benchrun.turn() as turn:\n    turn.tokens({tokens})")
    (ended,) = session.events("unit_ended")
    field = tokens.partition("=")[0]
    assert f"turn 0 of unit '{UNIT}': tokens({field}=" in ended["outcome"]["message"]
    (turn,) = turns_of(session)
    assert (turn["status"], turn["tokens_in"], turn["tokens_out"]) == ("error", None, None)


FIELDS = {
    "nan": ("float('nan')", None, "is not finite: kept as null"),
    "inf inside": ("[1, float('inf')]", [1, None], "is not finite: kept as null"),
    "bytes": ("b'x'", "b'x'", "is nothing that JSON has: kept as text"),
    "huge int": ("2**70", str(2**70), "is nothing that JSON has: kept as text"),
    "long text": ("'x' * 10_000_000", None, "is too long: cut"),
    "long list": ("[0] * 50_000", None, "is too long: cut"),
    "circle": ("(lambda d: d.update(d=d) or d)({})", None, "is too long: cut"),
}


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_that_cannot_be_kept_as_it_is_is_named(campaign: Campaign, kind: str) -> None:
    code, kept, loss = FIELDS[kind]
    session = run(campaign, "bare", f"for _ in range(3):\n    with benchrun.turn(score={code}): pass")
    assert session.exit_code == 0
    assert warnings_of(session) == [f"field 'score' of a turn or event {loss} (3 times)"]
    lines = turns_of(session)
    assert len(lines) == 3
    assert kept is None or lines[0]["score"] == kept
    assert len(str(lines[0]["score"])) <= 10_000


def test_events_and_names_are_named_too(campaign: Campaign, engine: str) -> None:
    body = """
benchrun.event("e", size=float("nan"))
with benchrun.turn(session_id="s" * 10_000_000, role="r" * 2000) as turn:
    turn.set(good=1, also=(1, 2), text="x")
"""
    session = run(campaign, engine, body)
    assert warnings_of(session) == [
        "field 'size' of a turn or event is not finite: kept as null",
        "field 'session_id' of a turn or event is too long: cut",
        "field 'role' of a turn or event is too long: cut",
    ]


def test_far_too_many_fields_of_a_turn_are_cut_to_a_thousand(campaign: Campaign, engine: str) -> None:
    body = """
many = {f"f{number}": number for number in range(50_000)}
with benchrun.turn(**many): pass
with benchrun.turn() as turn:
    turn.set(a=1)
    turn.set(**many)
benchrun.event("e", **many)
"""
    session = run(campaign, engine, body)
    assert [sum(name.startswith("f") for name in line) for line in turns_of(session)] == [
        MAX_FIELDS,
        MAX_FIELDS - 1,
        MAX_FIELDS,
    ]
    assert warnings_of(session) == [
        "field 'f1000' of a turn or event is beyond 1000 fields of a line: left out (2 times)",
        "field 'f999' of a turn or event is beyond 1000 fields of a line: left out",
    ]


def test_many_odd_fields_are_counted(campaign: Campaign) -> None:
    body = "for n in range(1000):\n    with benchrun.turn(**{f'x{n}': float('nan')}): pass"
    session = run(campaign, "bare", body)
    assert len(turns_of(session)) == 1000
    warnings = warnings_of(session)
    assert (len(warnings), warnings[-1]) == (21, "980 more values of turns and events could not be kept as they are")


METRICS = {
    "text": ("'fast'", "is not a number ('fast'): kept as text, in no statistic"),
    "nan": ("float('nan')", "is not finite (nan): kept as null"),
    "circle": ("(lambda d: d.update(d=d) or d)({})", "is not a number ({'d': {'d': {'d': {...}}}}): kept as text"),
    "10 MB": ("'x' * 10_000_000", "is not a number ('xxx"),
    "list": ("[[1]] * 10", "is not a number"),
    "none": ("None", "is not a number (None)"),
}


@pytest.mark.parametrize("kind", METRICS)
def test_a_metric_that_is_no_number_is_named(campaign: Campaign, kind: str) -> None:
    code, said = METRICS[kind]
    session = run(campaign, "bare", f"value = {code}\nfor _ in range(50): benchrun.metric('m', value)")
    (warning,) = warnings_of(session)
    assert f"metric 'm' {said}" in warning
    assert len(warning) < 300
    assert set(session.metrics(UNIT)) == {"m"}


def test_a_million_metrics_are_cut_to_a_thousand(campaign: Campaign, engine: str) -> None:
    body = "for number in range(1_000_000): benchrun.metric(f'm{number}', number)\nbenchrun.metric('m7', 8)"
    session = run(campaign, engine, body)
    assert list(session.metrics(UNIT)) == [f"m{number}" for number in range(MAX_METRICS)]
    assert session.metrics(UNIT)["m7"]["value"] == 8  # replacing one stays possible
    assert warnings_of(session) == ["metric 'm1000', and what came after it, is beyond 1000: left out"]


def test_a_flood_of_warnings_is_cut(campaign: Campaign) -> None:
    body = "for number in range(5_000): benchrun.metric('m', f'text {number}')"
    warnings = warnings_of(run(campaign, "bare", body))
    assert len(warnings) == MAX_WARNINGS + 1
    assert warnings[-1] == "there were more than 50 warnings: the first ones are kept"


def test_long_names_are_cut_and_told_apart(campaign: Campaign) -> None:
    session = run(
        campaign, "bare", "for end in 'ab': benchrun.metric('x' * 10_000_000 + end, 1, unit='u' * 10_000_000)"
    )
    metrics = session.metrics(UNIT)
    assert [len(name) for name in metrics] == [200, 200]
    assert {len(metric["unit"]) for metric in metrics.values()} == {200}


def test_very_long_ids_lose_nothing(campaign: Campaign, engine: str) -> None:
    source = """
import pytest

@pytest.mark.parametrize("x", [1, 2, 3], ids=["x" * 100_000 + end for end in "abc"])
def test_a(benchrun, x):
    with benchrun.turn(): pass
    benchrun.metric("m", x)
    benchrun.artifact("a.txt").write_text("x")
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert (session.exit_code, session.status()["completed"]) == (0, 3)
    assert sorted(len(unit_id) for unit_id in session.ended()) == [100_000 + len("test_a.py::test_a[a]")] * 3
    assert {line["unit_id"] for line in turns_of(session)} == set(session.ended())
    assert campaign.run("--bench-resume", engine=engine).exit_code == 0


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=50)


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_what_json_has_is_kept_without_loss_and_only_that(value: object) -> None:
    made, loss = to_json_with_loss(value)
    assert made == to_json(value)
    assert (loss is None) == (not has_odd_number(value))


def has_odd_number(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(has_odd_number, value.values()))
    if isinstance(value, list):
        return any(map(has_odd_number, value))
    return isinstance(value, float) and not math.isfinite(value)
