"""`--bench-grace`: how long after the first signal the units in flight are awaited."""

from __future__ import annotations

from tests.hooks.campaigns import ENGINES, Campaign, strict_json

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


def test_when_it_is_over_the_units_in_flight_are_interrupted(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_unit.py": UNITS, "conftest.py": CONFTEST})
    ended = campaign.apart(f"--bench-results={campaign.results}", "--bench-grace=0.3", *ENGINES[engine], within_s=25)
    assert ended.returncode == 2, ended.stdout
    assert (campaign.folder / "torn down").exists()
    status = strict_json((campaign.results / "status.json").read_text("utf-8"))
    assert status["state"] == "interrupted"
    assert status["interrupted"] in range(1, 3 if engine == "n2" else 2)
    assert status["interrupted"] + status["pending"] == 3
