"""Of a large suite the garbage collector walks only over what its units make; after the session over all again."""

from __future__ import annotations

import gc

import pytest

from pytest_benchrun.engines.loop import LARGE
from tests.hooks.campaigns import Campaign

SUITE = """
import gc
import pytest

@pytest.mark.parametrize("x", range({units}))
def test_unit(x): assert bool(gc.get_freeze_count()) is {is_large}
"""


@pytest.mark.parametrize("units", [LARGE, 2])
def test_only_a_large_suite_is_kept_out_of_its_walks(campaign: Campaign, engine: str, units: int) -> None:
    campaign.write({"test_it.py": SUITE.format(units=units, is_large=units == LARGE)})
    session = campaign.run("-q", engine=engine)
    assert session.status()["completed"] == units
    assert gc.get_freeze_count() == 0
