"""A run as Python objects: every status goes through JSON and YAML and back, whatever its values are made of."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pytest_benchrun
from pytest_benchrun import BenchmarkResult, BenchmarkStatus, load_run
from pytest_benchrun.core.errors import DirectoryProblem, UsageProblem
from pytest_benchrun.core.model import JsonValue, Metric, UnitStatus
from pytest_benchrun.store.journal import encode_line
from tests.stories import FAILED, Story, make_unit

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))


@st.composite
def results(draw: st.DrawFn) -> BenchmarkResult:
    return BenchmarkResult(
        run_id=draw(TEXT),
        unit_id=draw(TEXT),
        config=draw(st.dictionaries(TEXT, VALUES, max_size=3)),
        status=draw(st.sampled_from(BenchmarkStatus)),
        start_time=draw(TIMES),
        end_time=draw(TIMES),
        duration_seconds=draw(st.none() | st.floats(0, 1e9)),
        metrics=draw(st.dictionaries(TEXT, VALUES, max_size=3)),
        errors=draw(st.lists(TEXT, max_size=2)),
        warnings=draw(st.lists(TEXT, max_size=2)),
        metadata=draw(st.dictionaries(TEXT, VALUES, max_size=3)),
    )


@example(BenchmarkResult(run_id="é", unit_id="a\x85b", status=BenchmarkStatus.COMPLETED))
@given(results())
def test_every_result_comes_back_as_it_was(result: BenchmarkResult) -> None:
    assert BenchmarkResult.from_dict(result.to_dict()) == result
    assert BenchmarkResult.from_json(result.to_json()) == result
    assert BenchmarkResult.from_json(result.to_json(indent=2)) == result
    assert BenchmarkResult.from_yaml(result.to_yaml()) == result


@pytest.mark.parametrize("status", BenchmarkStatus)
def test_every_status_comes_back(status: BenchmarkStatus) -> None:
    result = BenchmarkResult(run_id="r", unit_id="u", status=status, start_time=datetime(2026, 11, 21, tzinfo=UTC))
    for again in (BenchmarkResult.from_json(result.to_json()), BenchmarkResult.from_yaml(result.to_yaml())):
        assert again == result
        assert again.status is status
    assert result.summary() == f"u: {status.value}"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (math.nan, None),
        (-math.inf, None),
        (np.float64(0.5), 0.5),
        (np.float32("nan"), None),
        (2**80, 2**80),
        (b"bytes", "b'bytes'"),
        ((1, [math.inf]), [1, [None]]),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_json_has_not_is_kept_as_it_can_be(value: JsonValue, kept: JsonValue) -> None:
    result = BenchmarkResult(run_id="r", unit_id="u", metrics={"m": value})
    assert json.loads(result.to_json())["metrics"] == {"m": kept}
    assert BenchmarkResult.from_yaml(result.to_yaml()).metrics == {"m": kept}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is no JSON"),
        ("[]", "is no result"),
        ('{"run_id": "r"}', "is missing of a result"),
    ],
)
def test_what_is_no_result_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        BenchmarkResult.from_json(text)


@pytest.mark.parametrize("change", [{"status": "lost"}, {"start_time": "noon"}, {"start_time": 3}, {"mood": 1}])
def test_a_field_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    values = BenchmarkResult(run_id="r", unit_id="u").to_dict()
    with pytest.raises(UsageProblem):
        BenchmarkResult.from_dict({**values, **change})


def test_yaml_runs_nothing() -> None:
    with pytest.raises(UsageProblem, match="this is no YAML"):
        BenchmarkResult.from_yaml("!!python/object/apply:os.system ['true']")


def fill(path: Path) -> None:
    """A resumed run with a unit in every state that a journal can end in."""
    units = [make_unit(name, size=len(name)) for name in ("ok", "bad", "again", "open", "never")]
    story = Story().begin(*units)
    story.run("ok", seconds=2.0, metrics={"recall": Metric(value=0.5, unit="%", better="higher")})
    story.run("bad", FAILED, 1.0, message="wrong sum")
    story.run("again", FAILED, 1.0, message="wrong once")
    story.begin(run=["again", "open", "never"])
    story.run("again", seconds=3.0, metrics={"odd": Metric(value=None)})
    story.start("open")
    path.joinpath("journal.jsonl").write_bytes(
        b"".join(encode_line(seq, event) for seq, event in enumerate(story.events, 1))
    )


def test_a_run_is_one_result_a_unit(tmp_path: Path) -> None:
    fill(tmp_path)
    run = load_run(tmp_path)
    assert (run.run_id, run.state, len(run)) == ("demo-20261121-100000-0123abcd", "dead", 5)
    assert [result.status for result in run] == [
        UnitStatus.COMPLETED,
        UnitStatus.FAILED,
        UnitStatus.COMPLETED,
        UnitStatus.RUNNING,
        UnitStatus.PENDING,
    ]
    ok, bad, again, running, never = run
    assert (ok.config, ok.metrics, ok.duration_seconds, ok.errors) == ({"size": 2}, {"recall": 0.5}, 2.0, [])
    assert ok.metadata["metrics"] == {"recall": {"unit": "%", "better": "higher"}}
    assert bad.errors == ["call: wrong sum"]
    assert (again.errors, again.metrics, again.metadata["attempts"]) == ([], {"odd": None}, 2)
    assert running.start_time is not None
    assert (running.end_time, running.duration_seconds) == (None, None)
    assert (never.start_time, never.metadata["attempts"]) == (None, 0)
    assert run["bad"] == bad
    assert [BenchmarkResult.from_yaml(result.to_yaml()) for result in run] == list(run)
    with pytest.raises(KeyError):
        run["missing"]
    assert run.to_rows()[0]["metric.recall"] == 0.5
    assert run.stats["units"]["completed"] == run.status["completed"] == 2


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_run_is_a_table(tmp_path: Path, library: str) -> None:
    pytest.importorskip(library)
    fill(tmp_path)
    table = getattr(load_run(tmp_path), f"to_{library}")()
    assert list(table["unit_id"]) == ["ok", "bad", "again", "open", "never"]
    assert list(table["attempts"]) == [1, 1, 2, 1, 0]


@pytest.mark.parametrize("library", ["pandas", "polars", "yaml"])
def test_a_library_that_is_missing_is_said(tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    run = load_run(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageProblem, match="is not installed") as caught:
        run.results[0].to_yaml() if library == "yaml" else getattr(run, f"to_{library}")()
    assert caught.value.hint.startswith("pip install ")


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DirectoryProblem, match="there is no run"):
        load_run(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b"{}\n\n")
    with pytest.raises(DirectoryProblem, match="damaged"):
        load_run(tmp_path)


def test_the_public_names_are_there_and_no_others() -> None:
    for name in pytest_benchrun.__all__:
        assert getattr(pytest_benchrun, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Benchmark'"):
        _ = pytest_benchrun.Benchmark
