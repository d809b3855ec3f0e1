"""What the tests of the hooks ask for: a campaign in a folder of its own, and the engines that matter to them."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.hostile import write_hostile_module
from tests.hooks.phased import write_phased_module


@pytest.fixture
def campaign(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """An empty folder; plugins are named, not found."""
    return Campaign(pytester, monkeypatch)


ENGINE_NAMES = ("bare", "n2")


@pytest.fixture(params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest) -> str:
    """Where the units run: in the process that owns the run, or in two workers."""
    name: str = request.param
    return name


@pytest.fixture
def hostile(campaign: Campaign) -> Campaign:
    """A folder with the module of hostile values in it."""
    write_hostile_module(campaign.folder)
    return campaign


@pytest.fixture
def phased(campaign: Campaign) -> Campaign:
    """A folder with four units in three phases."""
    write_phased_module(campaign.folder)
    return campaign
