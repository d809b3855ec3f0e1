"""`--bench-stuck-action`: what becomes of the unit and the run."""

from __future__ import annotations

import json

from tests.hooks.campaigns import Campaign

HANGS = """
import time

def test_first(): pass

def test_hangs():
    time.sleep(60)

def test_last(): pass
"""


def test_stop_starts_no_further_unit(campaign: Campaign, engine: str) -> None:
    after = "\nimport pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_later(n): time.sleep(0.1)\n"
    campaign.write({"test_it.py": HANGS.replace("def test_first(): pass", "") + after})
    session = campaign.run("--bench-stuck-timeout=0.5s", "--bench-stuck-action=stop", engine=engine)
    assert session.status()["state"] == "stopped"
    assert "no sign of progress" in session.status()["reason"]
    assert session.exit_code == 2
    assert session.outcomes["skipped"] >= 5
    assert session.ended()["test_it.py::test_hangs"] == "timeout"


def test_report_lets_the_unit_go_on_and_tells_once_a_silence(campaign: Campaign, engine: str) -> None:
    source = "import time\ndef test_it(benchrun):\n    time.sleep(0.8)\n    benchrun.beat()\n    time.sleep(0.8)\n"
    campaign.write({"test_it.py": source})
    session = campaign.run("--bench-stuck-timeout=0.3s", "--bench-stuck-action=report", engine=engine)
    assert session.exit_code == 0
    assert session.ended() == {"test_it.py::test_it": "completed"}
    assert len(list((session.results / "incidents").iterdir())) == 2
    assert json.loads((session.results / "run_error.json").read_bytes())["ended"] is None


def test_fail_goes_on_with_the_next_unit(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-stuck-timeout=0.3s", "--bench-stuck-action=fail", engine=engine)
    assert (session.exit_code, session.outcomes) == (1, {"passed": 2, "failed": 1})


def test_another_word_is_refused(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-stuck-action=kill", engine=engine)
    assert session.exit_code == 4
    assert "'kill'" in session.text
    assert all(word in session.text for word in ("fail", "stop", "report"))
    assert not campaign.results.exists()
