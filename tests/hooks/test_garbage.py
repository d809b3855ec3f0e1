"""What was collected is out of the garbage collector's sight while units run, and in it again after the session."""

from __future__ import annotations

import gc

import pytest

from tests.hooks.campaigns import Campaign

SUITE = {
    "test_a.py": """\
import gc

IS_ON_AT_IMPORT = gc.isenabled()


def test_unit():
    assert not IS_ON_AT_IMPORT
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000


def test_what_a_unit_leaves_is_still_found():
    class Ring:
        pass

    ring = Ring()
    ring.itself = ring
    del ring
    assert gc.collect() > 0
"""
}
PLAIN = {"test_a.py": "import gc\n\n\ndef test_plain():\n    assert gc.isenabled() and not gc.get_freeze_count()\n"}


def test_units_run_with_a_collector_that_walks_only_what_is_new(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    assert campaign.run(engine=engine).outcomes == {"passed": 2}
    assert gc.isenabled()
    assert not gc.get_freeze_count()


def test_a_session_without_a_run_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a=PLAIN["test_a.py"])
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_what_somebody_else_has_frozen_stays_so(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    gc.freeze()
    try:
        campaign.run()
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()


def test_a_broken_module_leaves_the_collector_as_it_was(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "import no_such_module_anywhere\n"})
    campaign.run()
    assert gc.isenabled()
    assert not gc.get_freeze_count()
