"""Directories of earlier formats: what this version wrote once, every later one reads, shows and makes again."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import RunState
from pytest_benchrun.core.tables import TABLES
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.turnrows import TurnRows
from pytest_benchrun.store.turnstats import figures_of
from pytest_benchrun.store.verify import verify
from tests.fakes import moment
from tests.schemas import faults_of_run

GOLD = sorted((Path(__file__).parent / "gold").iterdir())


@pytest.fixture(params=GOLD, ids=[path.name for path in GOLD])
def gold(request: pytest.FixtureRequest, tmp_path: Path) -> RunDir:
    """A copy: five units and a repeated one, stopped after the first and resumed with two workers."""
    folder = tmp_path / "moved"
    shutil.copytree(request.param, folder)
    return RunDir(folder)


def test_it_is_still_what_its_schemas_say(gold: RunDir) -> None:
    assert faults_of_run(gold.path) == []


def test_nothing_is_wrong_with_it(gold: RunDir) -> None:
    (run,) = verify(gold, lambda _: False, moment(60))
    # a view that a later version makes anew may say more
    assert [str(finding) for finding in run.findings if "differs from what" not in finding.problem] == []
    assert run.title.startswith("demo-")


def test_its_journal_says_what_happened(gold: RunDir) -> None:
    campaign = Campaign.of(JournalReader(gold))
    ended = {unit_id.partition("::")[2]: record.status.value for unit_id, record in campaign.records.items()}
    assert ended == {
        "test_it[good]": "completed",
        "test_it[bad]": "failed",
        "test_it[skipped]": "skipped",
        "test_it[xfail]": "completed",
        "test_it[turn fails]": "failed",
        "test_repeated[w0]": "completed",
        "test_repeated[r0]": "completed",
        "test_repeated[r1]": "completed",
    }
    assert (campaign.state, len(campaign.sessions)) == (RunState.COMPLETE, 2)
    assert campaign.records["test_it.py::test_it[good]"].unit.group == "good"


def assert_says_all_of(now: object, then: object) -> None:
    """Fields may have been added."""
    if isinstance(now, dict) and isinstance(then, dict):
        for name, value in then.items():
            assert_says_all_of(now[name], value)
    else:
        assert now == then


def test_its_figures_and_tables_can_be_made_again(gold: RunDir) -> None:
    events = list(JournalReader(gold))
    made = figures_of(gold, Campaign.of(events))
    assert_says_all_of(orjson.loads(orjson.dumps(made)), orjson.loads(gold.runstats.read_bytes()))
    assert {what: len(make(events)) for what, make in TABLES.items()} == {"units": 8, "attempts": 8, "metrics": 10}
    with TurnRows(gold) as rows:
        assert (sum(1 for _ in rows), rows.left_out) == (16, 0)
