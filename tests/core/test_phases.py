"""Phases: where each one is, which ones a session runs, and what names they may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.model import UnitStatus
from pytest_benchrun.core.phases import PhaseRecord, PhaseStatus, check_phases, pick_phases
from tests.fakes import moment
from tests.stories import COMPLETED, FAILED, INTERRUPTED, SKIPPED, TIMEOUT

PENDING, RUNNING = UnitStatus.PENDING, UnitStatus.RUNNING
KNOWN = ("prepare", "run", "score", "report")
COUNTS = st.fixed_dictionaries({status: st.integers(0, 3) for status in UnitStatus})


def phase(counts: Mapping[UnitStatus, int], *, has_started: bool = True) -> PhaseRecord:
    record = PhaseRecord(started_at=moment(0) if has_started else None)
    record.counts.update(counts)
    return record


@pytest.mark.parametrize(
    ("counts", "has_started", "is_current", "status"),
    [
        ({PENDING: 3}, False, False, "not_started"),
        ({PENDING: 3}, False, True, "running"),
        ({PENDING: 2, RUNNING: 1}, True, False, "running"),
        ({PENDING: 2, COMPLETED: 1}, True, True, "running"),
        ({PENDING: 2, COMPLETED: 1}, True, False, "stopped"),
        ({PENDING: 2, FAILED: 1}, True, False, "stopped"),
        ({INTERRUPTED: 1, COMPLETED: 2}, True, False, "stopped"),
        ({COMPLETED: 3}, True, True, "completed"),
        ({COMPLETED: 3}, True, False, "completed"),
        ({COMPLETED: 1, SKIPPED: 2}, True, False, "completed"),
        ({COMPLETED: 2, FAILED: 1}, True, False, "failed"),
        ({COMPLETED: 2, TIMEOUT: 1}, True, False, "failed"),
        ({FAILED: 1, SKIPPED: 1}, True, False, "failed"),
        ({SKIPPED: 2}, True, False, "skipped"),
        ({SKIPPED: 2}, False, False, "skipped"),
        ({}, False, False, "skipped"),
    ],
)
def test_where_a_phase_is_follows_from_its_units(
    counts: Mapping[UnitStatus, int], *, has_started: bool, is_current: bool, status: str
) -> None:
    assert phase(counts, has_started=has_started).status(is_current=is_current) == PhaseStatus(status)


@given(counts=COUNTS, has_started=st.booleans(), is_current=st.booleans())
def test_a_phase_with_an_open_unit_is_never_over_and_one_without_always_is(
    *, counts: dict[UnitStatus, int], has_started: bool, is_current: bool
) -> None:
    record = phase(counts, has_started=has_started)
    over = {PhaseStatus.COMPLETED, PhaseStatus.FAILED, PhaseStatus.SKIPPED}
    assert (record.status(is_current=is_current) in over) == (record.unfinished == 0)
    assert record.total == record.unfinished + record.completed + record.failed + counts[SKIPPED]


@pytest.mark.parametrize(
    ("first", "last", "only", "picked"),
    [
        (None, None, None, KNOWN),
        ("run", None, None, ("run", "score", "report")),
        (None, "run", None, ("prepare", "run")),
        ("run", "score", None, ("run", "score")),
        ("run", "run", None, ("run",)),
        (None, None, "score", ("score",)),
    ],
)
def test_a_session_runs_the_phases_that_were_asked_for(
    first: str | None, last: str | None, only: str | None, picked: tuple[str, ...]
) -> None:
    assert pick_phases(KNOWN, first=first, last=last, only=only) == frozenset(picked)


@pytest.mark.parametrize(
    ("option", "key"), [("--bench-from", "first"), ("--bench-to", "last"), ("--bench-only", "only")]
)
def test_an_unknown_phase_is_refused_with_the_known_ones_and_the_nearest(option: str, key: str) -> None:
    with pytest.raises(
        UsageProblem, match=re.escape(f"{option}='scor': there is no such phase; known: prepare, ")
    ) as e:
        pick_phases(KNOWN, **{key: "scor"})
    assert e.value.hint == f"{option}=score"


def test_a_range_that_is_empty_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageProblem, match="no phase lies between; order: prepare, run, score, report") as error:
        pick_phases(KNOWN, first="score", last="run")
    assert error.value.hint == "--bench-from=run --bench-to=score"


@pytest.mark.parametrize(("first", "last"), [("run", None), (None, "run"), ("run", "run")])
def test_one_phase_alone_and_a_range_contradict_each_other(first: str | None, last: str | None) -> None:
    with pytest.raises(UsageProblem, match="--bench-only names one phase") as error:
        pick_phases(KNOWN, first=first, last=last, only="run")
    assert error.value.hint == "keep one of them: --bench-only=run"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True))
def test_every_range_is_a_piece_of_the_order(known: list[str]) -> None:
    for (start, first), (end, last) in product(enumerate(known), repeat=2):
        if start <= end:
            assert pick_phases(known, first=first, last=last) == frozenset(known[start : end + 1])
        else:
            with pytest.raises(UsageProblem):
                pick_phases(known, first=first, last=last)


def test_phases_keep_the_order_in_which_they_were_named() -> None:
    assert check_phases(iter(["score", "run"]), "--bench-phases") == ("score", "run")


@pytest.mark.parametrize("names", [[], [""], ["run", "  "]])
def test_a_list_without_a_name_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageProblem, match="--bench-phases names no phase"):
        check_phases(names, "--bench-phases")


def test_a_name_that_no_file_can_hold_is_refused() -> None:
    with pytest.raises(UsageProblem, match=r"names the phase 'a\\udcff', which is no text"):
        check_phases(["run", "a\udcff"], "--bench-phases")


@pytest.mark.parametrize(
    ("said_by", "example"),
    [
        ("--bench-phases", "--bench-phases=prepare,run,score,report"),
        ("bench_phases", "bench_phases = prepare, run, score, report"),
        ("nmr.toml, [campaign] phases", 'phases = ["prepare", "run", "score", "report"]'),
    ],
)
def test_a_phase_that_stands_twice_is_refused_with_an_example_for_where_it_stands(said_by: str, example: str) -> None:
    with pytest.raises(UsageProblem) as error:
        check_phases(["run", "score", "run"], said_by)
    assert error.value.problem == f"{said_by} names the phase 'run' twice"
    assert error.value.hint == f"for example: {example}"
