"""`--bench-ssh`: the program that reaches other hosts."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from tests.hooks.campaigns import Campaign
from tests.hooks.fakessh import write_ssh

SUITE = {"test_it.py": "def test_it(): pass\n"}


def test_its_own_options_come_first_and_the_owner_alone_calls_it(
    campaign: Campaign, tmp_path: Path, engine: str
) -> None:
    calls = tmp_path / "calls"
    ssh = write_ssh(tmp_path, f'#!/bin/sh\necho "$PPID $1 $2" >> {calls}\nfor last; do :; done\nexec sh -c "$last"\n')
    campaign.write(SUITE)
    session = campaign.run("--bench-hosts=node1", f"--bench-ssh={ssh} -F 'my config'", engine=engine)
    assert session.exit_code == 0
    assert "problem" not in session.text
    assert set(calls.read_text("utf-8").splitlines()) == {f"{os.getpid()} -F my config"}


@pytest.mark.parametrize("typed", ["", "  ", "ssh 'open"])
def test_what_is_no_command_is_refused(campaign: Campaign, typed: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-hosts=node1", f"--bench-ssh={typed}")
    assert session.exit_code == 4
    assert f"--bench-ssh={typed!r} is not a command" in session.text


def test_a_program_that_is_missing_costs_one_warning_a_host(campaign: Campaign, engine: str) -> None:
    campaign.write(SUITE)
    session = campaign.run("--bench-hosts=node1,node2", "--bench-ssh=/no/such/program", engine=engine)
    assert session.exit_code == 0
    said = "cannot be looked at: '/no/such/program' cannot be started: No such file or directory"
    for name in ("node1", "node2"):
        assert session.text.count(f"host '{name}' {said} -> /no/such/program {name} true") == 1
    assert len(session.events("noted")) == 2


def test_a_program_that_hangs_costs_one_warning(campaign: Campaign, tmp_path: Path) -> None:
    campaign.write(SUITE)
    ssh = write_ssh(tmp_path, f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 300\n")
    session = campaign.run("--bench-hosts=node1", f"--bench-ssh={ssh}")
    assert session.exit_code == 0
    assert session.text.count("problem: host 'node1' cannot be looked at: it did not answer at the end") == 1
    assert [event["event"] for event in session.events()][-1] == "session_ended"
    assert len(session.events("noted")) == 1
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_session_with_nothing_to_do_asks_nobody_for_last_words(campaign: Campaign, tmp_path: Path) -> None:
    campaign.write(SUITE)
    campaign.run()
    before = (campaign.results / "journal.jsonl").read_bytes()
    ssh = write_ssh(tmp_path, "#!/bin/sh\nexec sleep 300\n")
    session = campaign.run("--bench-resume", "--bench-hosts=node1", f"--bench-ssh={ssh}")
    assert session.exit_code == 0
    assert "node1" not in session.text
    assert (campaign.results / "journal.jsonl").read_bytes() == before
