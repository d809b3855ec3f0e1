"""Beside the plugins that campaigns meet: reruns, random order, coverage, timeouts, xdist's own modes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign, Session

FLAKY = """
import pathlib
import pytest

TRIES = pathlib.Path(__file__).parent / "tries"

@pytest.fixture
def tries(request):
    TRIES.mkdir(exist_ok=True)
    path = TRIES / request.node.name
    number = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(number))
    return number
"""


def reruns(campaign: Campaign, body: str) -> None:
    """A suite whose fixture `tries` counts how often its test was tried."""
    campaign.write({"conftest.py": FLAKY, "test_flaky.py": f"import pytest\n{body}"})


def forget_tries(campaign: Campaign) -> None:
    """The next session begins with first tries."""
    for path in (campaign.folder / "tries").iterdir():
        path.unlink()


RERUN_KINDS = """
@pytest.mark.flaky(reruns=2)
def test_passes_in_the_end(tries): assert tries == 3

@pytest.mark.flaky(reruns=1)
def test_never_passes(tries): assert not tries

@pytest.mark.flaky(reruns=3)
def test_passes_at_once(tries): assert tries == 1

@pytest.mark.flaky(reruns=2)
def test_skips_in_the_end(tries):
    if tries == 2: pytest.skip("after all")
    raise AssertionError

@pytest.fixture
def broken_once(tries): assert tries > 1

@pytest.mark.flaky(reruns=2)
def test_setup_passes_in_the_end(broken_once): pass

def test_not_flaky(tries): assert tries == 1
"""


def test_reruns_are_tries_of_one_attempt(campaign: Campaign, engine: str) -> None:
    reruns(campaign, RERUN_KINDS)
    expected = campaign.plain(plugins=("rerunfailures",), has_us=False)
    forget_tries(campaign)
    session = campaign.run(*UNLIMITED, plugins=("rerunfailures",), engine=engine)
    assert session.counted == expected.counted
    assert session.outcomes == expected.outcomes
    assert session.ended() == {
        "test_flaky.py::test_passes_in_the_end": "completed",
        "test_flaky.py::test_never_passes": "failed",
        "test_flaky.py::test_passes_at_once": "completed",
        "test_flaky.py::test_skips_in_the_end": "skipped",
        "test_flaky.py::test_setup_passes_in_the_end": "completed",
        "test_flaky.py::test_not_flaky": "completed",
    }
    assert len(session.executions()) == len(set(session.executions())) == 6
    assert session.cases() == expected.cases()


def test_reruns_asked_on_the_command_line(campaign: Campaign, engine: str) -> None:
    reruns(campaign, "@pytest.mark.parametrize('x', range(4))\ndef test_a(tries, x): assert tries > x\n")
    session = campaign.run("--reruns=2", plugins=("rerunfailures",), engine=engine)
    assert session.outcomes == {"passed": 3, "failed": 1, "rerun": 5}
    assert session.status()["failed"] == 1


def test_a_rerun_begins_without_the_metrics_of_the_try_before(campaign: Campaign, engine: str) -> None:
    body = """
@pytest.mark.flaky(reruns=2)
def test_a(benchrun, tries):
    benchrun.metric(f"of try {tries}", tries)
    benchrun.metric("of each", tries)
    assert benchrun.attempt == 1
    assert tries == 3
"""
    reruns(campaign, body)
    session = campaign.run(plugins=("rerunfailures",), engine=engine)
    metrics = session.metrics("test_flaky.py::test_a")
    assert {name: metric["value"] for name, metric in metrics.items()} == {"of try 3": 3, "of each": 3}
    last = list(ET.parse(session.junit).iter("testcase"))[-1]  # noqa: S314  # pytest has just written it
    properties = [(one.get("name"), one.get("value")) for one in last.iter("property")]
    assert [entry for entry in properties if entry[0] not in {"bench.run_id", "bench.group"}] == [
        ("bench.attempt", "1"),
        ("bench.metric.of try 3", "3"),
        ("bench.metric.of each", "3"),
    ]


def test_a_rerun_that_passes_is_no_failure_for_the_threshold(campaign: Campaign, engine: str) -> None:
    mark = "@pytest.mark.flaky(reruns=1)\n@pytest.mark.parametrize('x', range(6))\n"
    reruns(campaign, mark + "def test_a(tries, x): assert tries > 1\n")
    session = campaign.run("--bench-max-failures=0", plugins=("rerunfailures",), engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == 6


def test_a_random_order_is_the_one_of_plain_pytest(campaign: Campaign) -> None:
    campaign.write({f"test_{name}.py": "".join(f"def test_{n}(): pass\n" for n in range(8)) for name in "abc"})
    expected = campaign.plain("--randomly-seed=7", plugins=("randomly",), has_us=False)
    session = campaign.run("--randomly-seed=7", plugins=("randomly",))
    order = list(dict.fromkeys(shown.nodeid for shown in expected.shown))
    assert session.executions() == order
    assert order != sorted(order)


def test_a_random_order_is_the_same_in_every_worker(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "import random\n" + "".join(f"def test_{n}(): pass\n" for n in range(20))})
    session = campaign.run(plugins=("randomly",), engine="n2")
    assert session.exit_code == 0
    assert session.status()["completed"] == 20


def test_a_resume_in_another_order_runs_what_is_left(campaign: Campaign, engine: str) -> None:
    source = "import os\nimport pytest\n@pytest.mark.parametrize('x', range(20))\n"
    source += "def test_unit(x): assert x % 7 or os.path.exists('mended')\n"
    campaign.write({"test_a.py": source})
    campaign.run("--randomly-seed=1", plugins=("randomly",), engine=engine)
    campaign.write({"mended": ""})
    session = campaign.run("--randomly-seed=2", "--bench-resume", plugins=("randomly",), engine=engine)
    assert session.exit_code == 0
    assert len(session.executions()) == 23


TIMEOUTS = """
import time
import pytest

@pytest.mark.timeout(0.2)
def test_hangs(): time.sleep(30)

@pytest.fixture
def hanging(): time.sleep(30)

@pytest.mark.timeout(0.2)
def test_setup_hangs(hanging): pass

@pytest.mark.timeout(30)
def test_fails_by_itself(): raise AssertionError("Timeout is only a word here")

def test_passes(): pass
"""


def test_a_timeout_is_a_status_of_its_own(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_timeouts.py": TIMEOUTS})
    session = campaign.run(engine=engine)
    assert session.exit_code == 1
    assert session.ended() == {
        "test_timeouts.py::test_hangs": "timeout",
        "test_timeouts.py::test_setup_hangs": "timeout",
        "test_timeouts.py::test_fails_by_itself": "failed",
        "test_timeouts.py::test_passes": "completed",
    }
    status = session.status()
    assert (status["timeout"], status["failed"], status["failures_total"]) == (2, 1, 3)


def test_timeouts_count_for_the_threshold_and_run_again(campaign: Campaign) -> None:
    source = (
        "import time, os\ndef test_hangs():\n    if not os.path.exists('mended'): time.sleep(30)\ndef test_z(): pass\n"
    )
    campaign.write({"test_timeouts.py": source})
    assert campaign.run("--timeout=0.2", "--bench-max-failures=0").status()["state"] == "paused"
    campaign.write({"mended": ""})
    session = campaign.run("--timeout=0.2", "--bench-resume")
    assert session.exit_code == 0
    assert session.status()["completed"] == 2


COVERED = {
    "mine.py": "def used(x):\n    if x:\n        return 1\n    return 2\n\n\ndef unused():\n    return 3\n",
    "test_mine.py": "import mine\n\ndef test_used(): assert mine.used(0)\n\ndef test_used_too(): assert mine.used(1)\n",
}


def coverage_lines(campaign: Campaign, *args: str) -> list[str]:
    """The table that pytest-cov prints, from an interpreter of its own: coverage cannot run twice in one."""
    measured = ("--cov=mine", "--cov-branch", "--cov-report=term-missing")
    done = campaign.apart(*measured, *args, plugins=("pytest_cov",))
    assert done.returncode == 0
    return [line for line in done.stdout.splitlines() if line.startswith(("mine.py", "TOTAL"))]


@pytest.mark.parametrize("args", [(), ("-n2",)], ids=["bare", "n2"])
def test_coverage_is_measured_as_without_us(campaign: Campaign, args: tuple[str, ...]) -> None:
    campaign.write(COVERED)
    expected = coverage_lines(campaign, *args)
    assert expected[0].split()[-1] == "8"
    assert coverage_lines(campaign, "--bench-results=results", *args) == expected


def test_the_fixtures_of_xdist_say_where_a_unit_runs(campaign: Campaign, engine: str) -> None:
    source = """
import os

def test_worker(worker_id, testrun_uid, request):
    assert testrun_uid
    assert worker_id == os.environ.get("PYTEST_XDIST_WORKER", "master")
    assert hasattr(request.config, "workerinput") == (worker_id != "master")
"""
    campaign.write({"test_worker.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    workers = {event["worker"] for event in session.events("unit_started")}
    assert workers <= ({"gw0", "gw1"} if engine == "n2" else {"main"})


def places(session: Session) -> dict[str, list[str]]:
    """By unit the workers that ran it, from the journal."""
    found: dict[str, list[str]] = defaultdict(list)
    for event in session.events("unit_started"):
        found[event["unit_id"]].append(event["worker"])
    return found


SCOPES = """
import pytest

class TestOne:
    @pytest.mark.parametrize("x", range(4))
    def test_a(self, x): pass

class TestTwo:
    @pytest.mark.parametrize("x", range(4))
    def test_b(self, x): pass

@pytest.mark.xdist_group("g")
@pytest.mark.parametrize("x", range(4))
def test_grouped(x): pass

@pytest.mark.xdist_group(name="g")
def test_grouped_too(): pass
"""


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadscope", "loadfile", "loadgroup"])
def test_every_mode_of_xdist_runs_each_unit_once(campaign: Campaign, dist: str) -> None:
    campaign.write({"test_a.py": SCOPES, "test_b.py": SCOPES})
    expected = campaign.plain(has_us=False)
    session = campaign.run(f"--dist={dist}", engine="n2")
    assert session.exit_code == 0
    assert session.counted == expected.counted
    assert set(places(session)) == {shown.nodeid for shown in expected.shown}
    assert all(len(workers) == 1 for workers in places(session).values())


@pytest.mark.parametrize(
    ("dist", "key"),
    [
        ("loadfile", lambda unit_id: unit_id.partition("::")[0]),
        ("loadscope", lambda unit_id: unit_id.partition("[")[0].rpartition("::")[0]),
        ("loadgroup", lambda unit_id: "g" if "test_grouped" in unit_id else unit_id),
    ],
)
def test_units_that_belong_together_share_a_worker(campaign: Campaign, dist: str, key: Callable[[str], str]) -> None:
    campaign.write({"test_a.py": SCOPES, "test_b.py": SCOPES})
    session = campaign.run(f"--dist={dist}", engine="n2")
    together: dict[str, set[str]] = defaultdict(set)
    for unit_id, workers in places(session).items():
        together[key(unit_id)].update(workers)
    assert all(len(workers) == 1 for workers in together.values())


@pytest.mark.parametrize("dist", ["loadgroup", "load"])
def test_an_xdist_group_is_not_part_of_an_id(campaign: Campaign, engine: str, dist: str) -> None:
    campaign.write({"test_a.py": SCOPES})
    args = (f"--dist={dist}",) if engine == "n2" else ()
    session = campaign.run(*args, engine=engine)
    assert not any("@" in unit_id for unit_id in session.ended())
    assert "nothing to do" in campaign.run("--bench-resume").text


def test_each_is_refused_with_the_other_modes(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    session = campaign.run("--dist=each", "--tx=2*popen")
    assert session.exit_code == 4
    assert "--dist=each runs every unit once a worker" in session.text
    assert "  -> --dist=load" in session.text
    assert not campaign.results.exists()


@pytest.mark.parametrize("args", [("-n1",), ("-n3",), ("--tx=2*popen", "--dist=load"), ("-n2", "--maxprocesses=1")])
def test_any_number_of_workers_will_do(campaign: Campaign, args: tuple[str, ...]) -> None:
    campaign.write({"test_a.py": SCOPES})
    session = campaign.run(*args)
    assert session.exit_code == 0
    assert session.status()["completed"] == 13


@pytest.mark.parametrize("args", [("-n0", "--dist=load"), ("-n0", "--dist=loadscope"), ("-p", "no:xdist")])
def test_without_workers_the_units_run_in_one_process(campaign: Campaign, args: tuple[str, ...]) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    session = campaign.run(*args)
    assert session.exit_code == 0
    assert session.events("session_started")[0]["engine"] == "bare"


def test_more_workers_than_units_do_no_harm(campaign: Campaign) -> None:
    campaign.write({"test_a.py": "def test_a(): pass\n"})
    session = campaign.run("-n3")
    assert session.exit_code == 0
    assert session.outcomes == {"passed": 1}
