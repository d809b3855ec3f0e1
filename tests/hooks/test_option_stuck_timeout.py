"""`--bench-stuck-timeout`: what is said where, and what comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hooks.campaigns import Campaign, Session

HANGS = """
import time, pytest

def test_first(): pass

def test_hangs():
    time.sleep(60)

def test_last(): pass
"""
SWALLOWS = """
import time, pytest

def test_it():
    try:
        time.sleep(60)
    except BaseException:
        pass
"""
SHORT = "--bench-stuck-timeout=0.3s"


def incident(session: Session) -> dict[str, Any]:
    """`run_error.json`."""
    read: dict[str, Any] = json.loads((session.results / "run_error.json").read_bytes())
    return read


def test_a_silent_unit_is_a_timeout_and_the_run_goes_on(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run(SHORT, engine=engine)
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 2, "failed": 1}
    assert session.ended() == {
        "test_it.py::test_first": "completed",
        "test_it.py::test_hangs": "timeout",
        "test_it.py::test_last": "completed",
    }
    found = incident(session)
    assert (found["kind"], found["ended"], found["limit_s"]) == ("stuck", "unit", 0.3)
    assert "test_it.py:7 in test_hangs" in found["where"]
    assert "test_hangs" in found["stacks"]
    assert [beacon["kind"] for beacon in found["beacons"]] == ["start", "setup"]
    assert found["rss_bytes"] > 0
    failure = session.status()["failures"][0]
    assert failure["kind"] == "timeout"
    assert "no sign of progress for 0.3 s" in failure["error"]


def test_what_is_swallowed_is_a_timeout_all_the_same(campaign: Campaign) -> None:
    campaign.write({"test_it.py": SWALLOWS})
    session = campaign.run(SHORT)
    assert session.exit_code == 1
    assert session.outcomes == {"failed": 1}
    assert session.ended() == {"test_it.py::test_it": "timeout"}
    assert [tag for case in session.cases() for tag, _ in case.children] == ["failure"]


@pytest.mark.parametrize(
    ("mark", "args", "env"),
    [
        ("0.3s", ("--bench-stuck-timeout=0",), {}),
        (None, (SHORT,), {"BENCHRUN_STUCK_TIMEOUT_MINUTES": "5"}),
        (None, (), {"BENCHRUN_STUCK_TIMEOUT_MINUTES": "0.005", "MAS_BENCH_STUCK_TIMEOUT_MINUTES": "5"}),
        (None, (), {"MAS_BENCH_STUCK_TIMEOUT_MINUTES": "0.005"}),
    ],
)
def test_the_first_that_is_given_holds(
    campaign: Campaign,
    monkeypatch: pytest.MonkeyPatch,
    mark: str | None,
    args: tuple[str, ...],
    env: dict[str, str],
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    campaign.ini("bench_stuck_timeout = 5")
    said = f"pytestmark = pytest.mark.benchrun(stuck_timeout={mark!r})\n" if mark else ""
    campaign.write({"test_it.py": HANGS + said})
    assert campaign.run(*args).ended()["test_it.py::test_hangs"] == "timeout"


def test_the_campaign_file_comes_before_the_ini(campaign: Campaign) -> None:
    campaign.ini("bench_stuck_timeout = 5")
    campaign.write({"test_it.py": HANGS, "campaign.toml": '[campaign]\nstuck_timeout = "0.3s"\n'})
    assert campaign.run("--bench-config=campaign.toml").ended()["test_it.py::test_hangs"] == "timeout"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--bench-stuck-timeout=soon",), "--bench-stuck-timeout='soon' is not a time"),
        (("--bench-stuck-timeout=-1",), "--bench-stuck-timeout='-1' is not a time"),
    ],
)
def test_other_values_are_refused(campaign: Campaign, args: tuple[str, ...], said: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run(*args)
    assert session.exit_code == 4
    assert said in session.text
    assert "  -> " in session.text
    assert not campaign.results.exists()


def test_wrong_values_elsewhere_are_named_with_their_place(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign.write({"test_it.py": "import pytest\n@pytest.mark.benchrun(stuck_timeout='soon')\ndef test_it(): pass\n"})
    session = campaign.run()
    assert session.exit_code == 4
    assert "@pytest.mark.benchrun(stuck_timeout='soon') at test_it.py::test_it: it is no time" in session.text
    monkeypatch.setenv("BENCHRUN_STUCK_TIMEOUT_MINUTES", "often")
    session = campaign.run()
    assert "environment variable BENCHRUN_STUCK_TIMEOUT_MINUTES" in session.text


def test_the_users_own_limit_holds_beside_ours(campaign: Campaign) -> None:
    source = "import time, pytest\n@pytest.mark.timeout(0.3)\ndef test_wall(benchrun):\n"
    source += "    for _ in range(100):\n        time.sleep(0.05); benchrun.beat()\n" + HANGS
    campaign.write({"test_it.py": source})
    session = campaign.run("--bench-stuck-timeout=0.6s", "--timeout=50")
    ended = session.ended()
    assert (ended["test_it.py::test_wall"], ended["test_it.py::test_hangs"]) == ("timeout", "timeout")
    assert "from pytest-timeout" in session.text
    kinds = [json.loads(path.read_bytes())["kind"] for path in (session.results / "incidents").iterdir()]
    assert sorted(kinds) == ["stuck", "timeout"]


def test_the_users_own_limit_cannot_be_swallowed(campaign: Campaign) -> None:
    campaign.write({"test_it.py": SWALLOWS})
    session = campaign.run("--timeout=0.3")
    assert session.ended() == {"test_it.py::test_it": "timeout"}
    assert incident(session)["kind"] == "timeout"


def test_the_method_thread_ends_the_process_and_is_written_down(campaign: Campaign) -> None:
    campaign.write({"test_it.py": HANGS})
    ended = campaign.apart(f"--bench-results={campaign.results}", "--timeout=0.5", "--timeout-method=thread")
    assert ended.returncode == 1
    found = json.loads(next((campaign.results / "incidents").iterdir()).read_bytes())
    assert (found["kind"], found["unit_id"]) == ("timeout", "test_it.py::test_hangs")


def test_only_the_function_when_pytest_timeout_is_told_so(campaign: Campaign) -> None:
    campaign.ini("timeout = 0.3", "timeout_func_only = true")
    source = "import time, pytest\n@pytest.fixture\ndef slow(): time.sleep(0.6)\ndef test_it(slow): pass\n"
    campaign.write({"test_it.py": source})
    assert campaign.run().exit_code == 0


def test_each_try_of_a_rerun_has_its_own_time(campaign: Campaign) -> None:
    pytest.importorskip("pytest_rerunfailures")
    source = (
        "import time\ntries = []\ndef test_it():\n    tries.append(1)\n    time.sleep(60 if len(tries) < 3 else 0)\n"
    )
    campaign.write({"test_it.py": source})
    session = campaign.run(SHORT, "--reruns=3", plugins=("rerunfailures",))
    assert session.ended() == {"test_it.py::test_it": "completed"}
    assert session.exit_code == 0


CONFTEST = """
import pytest

@pytest.hookimpl(optionalhook=True)
def pytest_benchrun_incident(incident):
    with open("incidents.txt", "a") as file:
        file.write(incident["unit_id"] + "\\n")
    {body}

@pytest.hookimpl(optionalhook=True)
def pytest_benchrun_alert(text, incident):
    with open("alerts.txt", "a") as file:
        file.write(text + "\\n")
"""


@pytest.mark.parametrize("body", ["pass", "raise SystemExit('no')"])
def test_hooks_are_called_once_in_the_owner_and_may_fail(campaign: Campaign, engine: str, body: str) -> None:
    campaign.write({"conftest.py": CONFTEST.format(body=body), "test_it.py": HANGS})
    session = campaign.run(SHORT, engine=engine)
    assert (campaign.folder / "incidents.txt").read_text() == "test_it.py::test_hangs\n"
    assert (campaign.folder / "alerts.txt").read_text().count("\n") == 1
    assert session.outcomes == {"passed": 2, "failed": 1}
    assert ("pytest_benchrun_incident: SystemExit: no" in session.text) is (body != "pass")


def test_a_suite_with_the_hooks_runs_without_us_too(campaign: Campaign) -> None:
    campaign.write({"conftest.py": CONFTEST.format(body="pass"), "test_it.py": "def test_it(): pass\n"})
    assert campaign.plain().exit_code == 0
