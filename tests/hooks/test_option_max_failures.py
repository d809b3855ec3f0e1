"""`--bench-max-failures`: a run pauses when too many groups have failed."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.settings import Threshold
from pytest_benchrun.hooks.parsers import parse_threshold
from tests.hooks.campaigns import Campaign, Session

FAILS = """
import pytest

@pytest.mark.parametrize("x", range({total}))
def test_unit(x):
    assert x >= {failing}
"""
MOLECULES = """
import pytest

@pytest.mark.parametrize("functional", ["pbe", "b3lyp", "hf"])
@pytest.mark.parametrize("molecule", ["water", "ammonia", "methane"])
{mark}
def test_energy(molecule, functional):
    assert molecule not in {failing}
"""
ENDLESS = "--bench-max-consecutive-failures=none"


def failing(campaign: Campaign, total: int, failing: int) -> None:
    """A suite of `total` units, the first `failing` of which fail."""
    campaign.write({"test_unit.py": FAILS.format(total=total, failing=failing)})


def molecules(campaign: Campaign, mark: str, *failing: str) -> None:
    """Three molecules by three functionals; each unit of a failing molecule fails."""
    campaign.write({"test_energy.py": MOLECULES.format(mark=mark, failing=failing)})


def failed(session: Session) -> int:
    """How many units the journal has as failed."""
    return list(session.ended().values()).count("failed")


@pytest.mark.parametrize("text", ["0", "1", "3"])
def test_the_run_pauses_after_one_group_more_than_allowed(campaign: Campaign, text: str) -> None:
    failing(campaign, total=10, failing=10)
    session = campaign.run(f"--bench-max-failures={text}", ENDLESS)
    assert failed(session) == int(text) + 1
    assert session.exit_code == 1
    assert session.status()["state"] == "paused"
    assert session.outcomes == {"failed": int(text) + 1, "skipped": 9 - int(text)}


def test_with_workers_only_units_in_flight_are_more(campaign: Campaign) -> None:
    failing(campaign, total=40, failing=40)
    session = campaign.run("--bench-max-failures=2", ENDLESS, engine="n2")
    assert 3 <= failed(session) <= 4
    assert session.exit_code == 1
    assert session.status()["state"] == "paused"
    assert session.outcomes == {"failed": failed(session), "skipped": 40 - failed(session)}


def test_the_rest_is_skipped_with_the_reason(campaign: Campaign, engine: str) -> None:
    failing(campaign, total=20, failing=20)
    session = campaign.run("--bench-max-failures=1", ENDLESS, engine=engine)
    reason = session.status()["reason"]
    assert reason == "2 of 20 groups failed, more than 1 allowed"
    skipped = [case for case in session.cases() if case.children and case.children[0][0] == "skipped"]
    assert {case.children[0][1] for case in skipped} == {f"benchrun: {reason}"}
    assert len(skipped) == session.status()["held_back"] == 20 - failed(session)
    assert len(session.cases()) == 20
    assert f"benchrun: paused: {reason}" in session.text


def test_the_counts_of_a_paused_run_add_up(campaign: Campaign, engine: str) -> None:
    failing(campaign, total=20, failing=20)
    status = campaign.run("--bench-max-failures=1", ENDLESS, engine=engine).status()
    names = ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")
    assert sum(status[name] for name in names) == status["total_tasks"] == 20
    assert status["failure_threshold"] == {"limit": 1, "groups_total": 20, "by": None}


@pytest.mark.parametrize(
    ("text", "total", "limit"), [("10%", 20, 2), ("10%", 19, 1), ("0%", 20, 0), ("12.5%", 16, 2), ("50%", 4, 2)]
)
def test_a_percentage_is_of_the_groups_of_the_run(campaign: Campaign, text: str, total: int, limit: int) -> None:
    failing(campaign, total=total, failing=total)
    session = campaign.run(f"--bench-max-failures={text}", ENDLESS)
    assert session.status()["failure_threshold"]["limit"] == limit
    assert failed(session) == limit + 1


def test_all_may_fail_at_a_hundred_percent(campaign: Campaign) -> None:
    failing(campaign, total=12, failing=12)
    session = campaign.run("--bench-max-failures=100%", ENDLESS)
    assert failed(session) == 12
    assert session.status()["state"] == "complete"


@pytest.mark.parametrize("word", ["none", "None", "NONE"])
def test_none_never_pauses(campaign: Campaign, word: str) -> None:
    failing(campaign, total=30, failing=30)
    session = campaign.run(f"--bench-max-failures={word}", ENDLESS)
    assert failed(session) == 30
    assert session.status()["failure_threshold"]["limit"] is None
    assert session.exit_code == 1


@pytest.mark.parametrize(("total", "limit"), [(10, 5), (50, 5), (80, 8)])
def test_by_default_more_than_five_and_more_than_a_tenth_pause(campaign: Campaign, total: int, limit: int) -> None:
    failing(campaign, total=total, failing=total)
    session = campaign.run(ENDLESS)
    assert failed(session) == limit + 1
    assert session.status()["state"] == "paused"


def test_the_configuration_file_sets_it(campaign: Campaign, engine: str) -> None:
    campaign.ini("bench_max_failures = 1", "bench_max_consecutive_failures = none")
    failing(campaign, total=20, failing=20)
    session = campaign.run(engine=engine)
    assert session.status()["failure_threshold"]["limit"] == 1
    assert session.status()["state"] == "paused"


def test_the_command_line_comes_before_the_configuration_file(campaign: Campaign) -> None:
    campaign.ini("bench_max_failures = 1")
    failing(campaign, total=4, failing=4)
    session = campaign.run("--bench-max-failures=none")
    assert session.status()["state"] == "complete"


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "101%", "-5%", "%", "5 %", "1e3", "nan%", "٣%x"])
def test_other_values_are_refused_with_an_example(campaign: Campaign, text: str) -> None:
    failing(campaign, total=1, failing=0)
    session = campaign.run(f"--bench-max-failures={text}")
    assert session.exit_code == 4
    assert f"--bench-max-failures={text!r} is not" in session.text
    assert "  -> for example: --bench-max-failures=10%" in session.text
    assert not campaign.results.exists()


def test_a_wrong_value_in_the_configuration_file_is_refused_too(campaign: Campaign, engine: str) -> None:
    campaign.ini("bench_max_failures = many")
    failing(campaign, total=1, failing=0)
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert "'many'" in session.text


def test_a_wrong_value_is_no_matter_without_a_run(campaign: Campaign) -> None:
    campaign.ini("bench_max_failures = many")
    failing(campaign, total=1, failing=0)
    assert campaign.plain().exit_code == 0


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("@pytest.mark.benchrun(group='molecule')", ()),
        ("", ("--bench-group-by=molecule",)),
        ("@pytest.mark.benchrun(group='functional')", ("--bench-group-by=molecule",)),
    ],
    ids=["marker", "option", "option before marker"],
)
def test_a_group_that_fails_in_several_units_counts_once(
    campaign: Campaign, engine: str, mark: str, options: tuple[str, ...]
) -> None:
    molecules(campaign, mark, "water")
    session = campaign.run("--bench-max-failures=1", ENDLESS, *options, engine=engine)
    assert failed(session) == 3
    assert session.status()["state"] == "complete"
    assert session.status()["failed_groups"] == ["water"]
    assert session.status()["failure_threshold"]["groups_total"] == 3


def test_two_failed_groups_are_more_than_one(campaign: Campaign) -> None:
    molecules(campaign, "@pytest.mark.benchrun(group='molecule')", "water", "ammonia")
    session = campaign.run("--bench-max-failures=1", ENDLESS)
    assert session.status()["state"] == "paused"
    assert session.status()["failed_groups"] == ["water", "ammonia"]
    assert session.status()["reason"] == "2 of 3 groups failed, more than 1 allowed"


def test_a_literal_group_is_one_group(campaign: Campaign, engine: str) -> None:
    molecules(campaign, "@pytest.mark.benchrun(group='all of them')", "water", "ammonia", "methane")
    session = campaign.run("--bench-max-failures=1", ENDLESS, engine=engine)
    assert failed(session) == 9
    assert session.status()["failed_groups"] == ["all of them"]


def test_setup_errors_teardown_errors_and_strict_passes_count(campaign: Campaign) -> None:
    source = """
import pytest

@pytest.fixture
def no_setup(): raise OSError
@pytest.fixture
def no_teardown():
    yield
    raise OSError

def test_setup(no_setup): pass
def test_teardown(no_teardown): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
def test_rest(): pass
"""
    campaign.write({"test_kinds.py": source})
    session = campaign.run("--bench-max-failures=2", ENDLESS)
    assert session.status()["state"] == "paused"
    assert session.status()["failures_total"] == 3


def test_skips_and_expected_failures_do_not_count(campaign: Campaign) -> None:
    source = """
import pytest

@pytest.mark.parametrize("x", range(5))
@pytest.mark.xfail
def test_known(x): raise AssertionError
@pytest.mark.parametrize("x", range(5))
def test_skips(x): pytest.skip()
def test_rest(): pass
"""
    campaign.write({"test_kinds.py": source})
    session = campaign.run("--bench-max-failures=0")
    assert session.exit_code == 0
    assert session.status()["state"] == "complete"


def test_a_resume_counts_anew(campaign: Campaign, engine: str) -> None:
    failing(campaign, total=20, failing=2)
    assert campaign.run("--bench-max-failures=1", ENDLESS).status()["state"] == "paused"
    failing(campaign, total=20, failing=1)
    session = campaign.run("--bench-resume", "--bench-max-failures=1", ENDLESS, engine=engine)
    assert session.status()["state"] == "complete"
    assert session.status()["failed_groups"] == ["test_unit.py::test_unit[0]"]
    assert session.status()["completed"] == 19


def test_a_run_whose_last_unit_passes_the_threshold_is_complete(campaign: Campaign, engine: str) -> None:
    failing(campaign, total=2, failing=2)
    session = campaign.run("--bench-max-failures=1", ENDLESS, engine=engine)
    assert session.status()["state"] == "complete"
    assert session.exit_code == 1


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("0", Threshold(groups=0)),
        ("007", Threshold(groups=7)),
        ("100%", Threshold(percent=100.0)),
        ("0.5%", Threshold(percent=0.5)),
        ("none", Threshold()),
    ],
)
def test_the_text_becomes_a_threshold(text: str, threshold: Threshold) -> None:
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize("text", ["", "%", "100.1%", "1e400%", "+1", "1,5%", " 1", "1 "])
def test_no_other_text_does(text: str) -> None:
    with pytest.raises(UsageProblem, match="is not a number of groups"):
        parse_threshold(text)
