"""`--bench-hosts`: which other hosts are looked at, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.fakessh import write_ssh

SUITE = {"test_it.py": "def test_it(): pass\n"}


@pytest.mark.parametrize("where", ["typed", "ini", "file"])
def test_hosts_are_beside_this_one(campaign: Campaign, tmp_path: Path, where: str, engine: str) -> None:
    ssh = write_ssh(tmp_path)
    campaign.write(SUITE)
    options: tuple[str, ...] = ()
    if where == "typed":
        options = ("--bench-hosts=node1, me@node2,node1", f"--bench-ssh={ssh}")
    elif where == "ini":
        campaign.ini(f"bench_hosts = node1,me@node2\nbench_ssh = {ssh}")
    else:
        campaign.write({"campaign.toml": f'[campaign]\nhosts = "node1,me@node2"\nssh = "{ssh}"\n'})
        options = ("--bench-config=campaign.toml",)
    session = campaign.run(*options, engine=engine)
    assert session.exit_code == 0
    assert "problem" not in session.text
    hosts = json.loads((campaign.results / "environment.json").read_text())["hosts"]
    assert len(hosts) == 3
    assert hosts["node1"]["end"]["memory"]["total_bytes"] == psutil.virtual_memory().total
    assert sorted(event["moment"] for event in session.events("host_seen") if event["host"] == "me@node2") == [
        "end",
        "start",
    ]
    assert session.events()[-1]["event"] == "session_ended"
    assert len(list((campaign.results / "timeseries").iterdir())) == 3


@pytest.mark.parametrize("typed", ["-oProxyCommand=touch x", "a b", "node1,", "a;b", "$(x)", ""])
def test_what_is_no_host_is_refused_before_anything_runs(campaign: Campaign, typed: str) -> None:
    campaign.write(SUITE)
    session = campaign.run(f"--bench-hosts={typed}")
    assert session.exit_code == 4
    assert "is no host: a name, user@name, an address" in session.text
    assert "-> for example: --bench-hosts=node1,me@node2" in session.text
    assert not campaign.results.exists()


def test_this_host_is_not_asked_again(campaign: Campaign) -> None:
    campaign.write(SUITE)
    name = os.uname().nodename
    session = campaign.run(f"--bench-hosts={name}", "--bench-ssh=/no/such/program")
    assert (session.exit_code, "problem" in session.text) == (0, False)
    assert len(session.events("host_seen")) == 2


def test_a_series_that_cannot_be_written_costs_one_line_and_no_facts(campaign: Campaign, tmp_path: Path) -> None:
    campaign.write({**SUITE, "results/timeseries/node1.jsonl/a": "a folder where the file should be"})
    session = campaign.run("--bench-hosts=node1", f"--bench-ssh={write_ssh(tmp_path)}")
    assert session.exit_code == 0
    assert session.text.count("problem: the time series of host 'node1' ended: ") == 1
    assert len([event for event in session.events("host_seen") if event["host"] == "node1"]) == 2


def test_nothing_is_asked_where_nothing_is_wanted(campaign: Campaign) -> None:
    campaign.write(SUITE)
    options = ("--bench-environment=off", "--bench-sample-interval=0", "--bench-hosts=node1", "--bench-ssh=/no/such")
    session = campaign.run(*options)
    assert (session.exit_code, session.events("noted")) == (0, [])
