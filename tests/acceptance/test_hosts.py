"""Other hosts, for real: two network namespaces with an sshd each, that live, die, and outlive the run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from pytest_benchrun.store.rundir import RunDir
from tests.acceptance.processes import Child, wait_until
from tests.acceptance.suite import Suite
from tests.namespaces import Network, network

PACE = "--bench-sample-interval=0.1s"
SOURCE = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_it(until, n):
    if n == 1:
        until("go on")
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Network]:
    """Two of them."""
    with network(tmp_path / "network", "left", "right") as made:
        yield made


def _samples(suite: Suite, host: str) -> list[dict[str, Any]]:
    path = RunDir(suite.results).timeseries(host)
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [orjson.loads(line) for line in lines]


def _environment(suite: Suite) -> dict[str, Any]:
    view: dict[str, Any] = orjson.loads((suite.results / "environment.json").read_bytes())
    return view


def _start(suite: Suite, hosts: Network, *options: str) -> Child:
    suite.write("test_it.py", SOURCE)
    return suite.start(*hosts.options(), PACE, *options)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_facts_and_series_of_both_are_in_the_files(suite: Suite, hosts: Network, workers: tuple[str, ...]) -> None:
    run = _start(suite, hosts, *workers)
    wait_until(lambda: all(len(_samples(suite, name)) >= 3 for name in hosts.hosts), "some samples of both")
    suite.touch("go on")
    ended = run.wait()
    assert ended.code == 0, ended.output
    assert "problem:" not in ended.output
    own = psutil.virtual_memory().total
    view = _environment(suite)
    assert {"left", "right"} < set(view["hosts"])
    for name in hosts.hosts:
        host = view["hosts"][name]
        assert host["start"]["memory"]["total_bytes"] == host["end"]["memory"]["total_bytes"] == own
        assert host["start"]["python"]["version"]
        assert host["end"]["python"]["packages"] == {}, "the end asks for nothing that costs time"
        assert host["drift"] == []
        samples = _samples(suite, name)
        assert {sample["host"] for sample in samples} == {name}
        assert [sample["at"] for sample in samples] == sorted(sample["at"] for sample in samples)
        assert any(sample["received_bytes_per_s"] for sample in samples), "the connection itself is in its figures"
        assert hosts.hosts[name].programs() == []
    assert [event["host"] for event in suite.events("host_seen") if event["moment"] == "end"].count("left") == 1


def test_one_that_dies_in_the_middle_costs_one_warning(suite: Suite, hosts: Network) -> None:
    run = _start(suite, hosts)
    wait_until(lambda: all(len(_samples(suite, name)) >= 2 for name in hosts.hosts), "some samples of both")
    dead, other = hosts.hosts["left"], hosts.hosts["right"]
    programs = dead.programs()
    assert programs
    dead.die()
    wait_until(lambda: not any(program.is_running() for program in programs), "the end of what ran there")
    wait_until(lambda: bool(suite.events("noted")), "that it is noted")
    before = len(_samples(suite, "right"))
    wait_until(lambda: len(_samples(suite, "right")) > before + 2, "more samples of the other one")
    suite.touch("go on")
    ended = run.wait()
    assert ended.code == 0, ended.output
    assert ended.output.count("'left'") == 1, ended.output
    assert "problem: host 'left' is looked at no more: " in ended.output
    assert f"-> ssh -F {hosts.config} left true" in ended.output
    assert suite.status()["completed"] == 3
    assert len(suite.events("noted")) == 1
    assert set(_environment(suite)["hosts"]["left"]["start"]) == set(_environment(suite)["hosts"]["right"]["start"])
    assert other.programs() == []


def test_one_that_is_dead_costs_one_warning_at_the_start(suite: Suite, hosts: Network) -> None:
    hosts.hosts["left"].die()
    suite.write("test_it.py", "def test_it(): pass\n")
    ended = suite.run(*hosts.options(), PACE)
    assert ended.code == 0, ended.output
    assert ended.output.count("'left'") == 1, ended.output
    assert "benchrun: host 'left' cannot be looked at: ssh: connect to host" in ended.output
    assert "Connection refused" in ended.output
    assert "left" not in _environment(suite)["hosts"]
    assert len(_samples(suite, "right")) >= 1


@pytest.mark.parametrize("check", ["yes", "ask"])
def test_one_whose_key_nobody_knows_is_not_trusted_and_nobody_is_asked(
    suite: Suite, hosts: Network, check: str
) -> None:
    config = hosts.config.read_text("ascii")
    hosts.config.write_text(config.replace("StrictHostKeyChecking yes", f"StrictHostKeyChecking {check}"), "ascii")
    known = hosts.config.parent / "known_hosts"
    known.write_text(known.read_text("ascii").splitlines(keepends=True)[1], "ascii")
    suite.write("test_it.py", "def test_it(): pass\n")
    ended = suite.run(*hosts.options(), PACE)
    assert ended.code == 0, ended.output
    assert "host 'left' cannot be looked at: Host key verification failed. -> ssh " in ended.output
    assert len(_samples(suite, "right")) >= 1


def test_an_interrupt_is_not_for_the_connections(suite: Suite, hosts: Network) -> None:
    run = _start(suite, hosts)
    wait_until(lambda: all(len(_samples(suite, name)) >= 2 for name in hosts.hosts), "some samples of both")
    run.tell_all(signal.SIGINT)
    wait_until(lambda: bool(suite.events("stop_asked")), "that the stop is noted")
    suite.touch("go on")
    ended = run.wait()
    assert ended.code == 2, ended.output
    assert "problem:" not in ended.output
    assert sorted(event["host"] for event in suite.events("host_seen") if event["moment"] == "end")[:2] == [
        "left",
        "right",
    ]


def test_nothing_outlives_a_killed_run(suite: Suite, hosts: Network) -> None:
    run = _start(suite, hosts)
    wait_until(lambda: all(len(_samples(suite, name)) >= 2 for name in hosts.hosts), "some samples of both")
    started = run.descendants()
    programs = [program for host in hosts.hosts.values() for program in host.programs()]
    assert len(programs) >= 2
    run.kill()
    wait_until(lambda: not any(program.is_running() for program in programs), "the end of what ran there")
    wait_until(lambda: not any(process.is_running() for process in started), "the end of what ran here")
    suite.touch("go on")
    ended = suite.run("--bench-resume", *hosts.options(), PACE)
    assert ended.code == 0, ended.output
    assert [sample["session"] for sample in _samples(suite, "left")][-1] == 2


def test_a_cable_that_is_cut_holds_nobody_up(suite: Suite, hosts: Network) -> None:
    run = _start(suite, hosts)
    wait_until(lambda: all(len(_samples(suite, name)) >= 2 for name in hosts.hosts), "some samples of both")
    hosts.hosts["left"].unplug()
    suite.touch("go on")
    ended = run.wait()
    assert ended.code == 0, ended.output
    assert "host 'left' is looked at no more: it did not answer at the end" in ended.output
    assert suite.events("session_ended")[0]["state"] == "complete"
