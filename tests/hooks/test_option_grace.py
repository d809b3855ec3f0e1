"""`--bench-grace`: how long after the first signal the units in flight are awaited."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign, strict_json

UNITS = """
import os, signal, time
import pytest

@pytest.fixture
def torn_down(request):
    yield
    (request.config.rootpath / "torn down").touch()

@pytest.mark.parametrize("number", range(3))
def test_unit(torn_down, request, number):
    if number == 0:  # a second signal would not wait for the grace
        os.kill(int(os.environ["OWNER"]), signal.SIGTERM)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.01)  # for ever, were it not for the end of the grace
"""
CONFTEST = """
import os
def pytest_configure(config):
    os.environ.setdefault("OWNER", str(os.getpid()))
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_when_it_is_over_the_units_in_flight_are_interrupted(campaign: Campaign, workers: tuple[str, ...]) -> None:
    campaign.write({"test_unit.py": UNITS, "conftest.py": CONFTEST})
    ended = campaign.apart(f"--bench-results={campaign.results}", "--bench-grace=0.3", *workers, within_s=25)
    assert ended.returncode == 2, ended.stdout
    assert (campaign.folder / "torn down").exists()
    status = strict_json((campaign.results / "status.json").read_text("utf-8"))
    assert status["state"] == "interrupted"
    assert status["interrupted"] in range(1, max(1, 2 * len(workers)) + 1)
    assert status["interrupted"] + status["pending"] == 3
