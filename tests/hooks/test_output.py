"""What units print beyond 64 kB at each end of a section goes to a log, whatever pytest's capture is."""

from __future__ import annotations

import re

import pytest

from tests.hooks.campaigns import Campaign, Session

FLOOD = """
import os, subprocess, sys
import pytest

@pytest.fixture
def floods():
    print("setup " * 100_000)
    yield
    print("teardown " * 100_000)
    assert 0

def test_prints():
    for number in range(60_000): print(f"line {number} ä")
    print("ERR " * 100_000, file=sys.stderr)
    assert 0

def test_children():
    subprocess.run([sys.executable, "-c", "print('child ' * 100_000)"], check=True)
    assert 0

def test_fixture(floods): pass

def test_passes(): print("quiet " * 100_000)

def test_short():
    print("short")
    assert 0
"""


def _sections(session: Session, name: str) -> dict[str, str]:
    return {title: text for shown in session.shown if shown.nodeid.endswith(name) for title, text in shown.output}


def _log(session: Session, name: str) -> str:
    return next(session.results.glob(f"artifacts/*{name}*/output.1.log")).read_text("utf-8")


def test_head_and_tail_stay_in_the_report_and_all_of_it_in_the_log(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_a.py": FLOOD})
    session = campaign.run("-q", "--tb=no", engine=engine)
    assert session.ended() == {
        "test_a.py::test_prints": "failed",
        "test_a.py::test_children": "failed",
        "test_a.py::test_fixture": "failed",
        "test_a.py::test_passes": "completed",
        "test_a.py::test_short": "failed",
    }
    printed = _sections(session, "test_prints")
    out = printed["Captured stdout call"]
    assert out.startswith("line 0 ä\nline 1 ä\n")
    assert out.endswith("line 59998 ä\nline 59999 ä\n")
    assert re.search(
        r"\n\.\.\. \d+ bytes left out; see artifacts/test_a.py-test_prints-\w{10}/output.1.log \.\.\.\n", out
    )
    assert all(120_000 < len(text) < 140_000 for text in printed.values())
    whole = _log(session, "test_prints")
    assert all(f"line {number} ä\n" in whole for number in range(0, 60_000, 999))
    assert whole.count("ERR ") == 100_000
    assert _log(session, "test_children").count("child ") == 100_000
    assert _log(session, "test_fixture").count("setup ") == _log(session, "test_fixture").count("teardown ") == 100_000
    assert _log(session, "test_passes").count("quiet ") == 100_000
    assert _sections(session, "test_short") == {"Captured stdout call": "short\n"}
    assert len(list(session.results.glob("artifacts/*"))) == 4


@pytest.mark.parametrize("method", ["sys", "tee-sys"])
def test_what_is_captured_in_memory_is_cut_in_the_reports(campaign: Campaign, engine: str, method: str) -> None:
    campaign.write({"test_a.py": "def test_it():\n    print('word ' * 100_000)\n    assert 0\n"})
    session = campaign.run("-q", "--tb=no", f"--capture={method}", engine=engine)
    out = _sections(session, "test_it")["Captured stdout call"]
    assert 120_000 < len(out) < 140_000
    assert "left out; see artifacts/" in out
    assert _log(session, "test_it").count("word ") == 100_000


def test_log_records_are_cut_in_the_reports(campaign: Campaign, engine: str) -> None:
    source = "import logging\ndef test_it():\n    for n in range(20_000): logging.warning('n %d', n)\n    assert 0\n"
    campaign.write({"test_a.py": source})
    session = campaign.run("-q", "--tb=no", engine=engine)
    assert len(_sections(session, "test_it")["Captured log call"]) < 140_000
    assert "n 10000\n" in _log(session, "test_it")


def test_a_test_reads_all_of_its_own_output(campaign: Campaign, engine: str) -> None:
    source = """
import os
import pytest
@pytest.mark.parametrize("reads", ["capfd", "capsys"])
def test_reads(request, reads):
    fixture = request.getfixturevalue(reads)
    print("word " * 100_000)
    assert fixture.readouterr().out == "word " * 100_000 + "\\n"
@pytest.fixture
def later(capfd):
    yield
    assert capfd.readouterr().out == "word " * 100_000 + "\\n"
def test_later(later): print("word " * 100_000)
"""
    campaign.write({"test_a.py": source})
    assert campaign.run(engine=engine).exit_code == 0


def test_a_unit_that_takes_its_descriptors_away_harms_nobody(campaign: Campaign, engine: str) -> None:
    source = """
import os
def test_closes():
    os.close(1); os.close(2)
    os.open(os.devnull, os.O_WRONLY); os.open(os.devnull, os.O_WRONLY)
def test_after(): pass
"""
    campaign.write({"test_a.py": source})
    assert campaign.run(engine=engine).exit_code == 0


def test_a_long_error_is_cut_everywhere(campaign: Campaign, engine: str) -> None:
    source = """
def test_message(): raise ValueError("head" + "m" * 5_000_000 + "tail")
def test_lines(): raise ValueError("\\n".join(map(str, range(500_000))))
def test_chain():
    try: raise ValueError("c" * 5_000_000)
    except ValueError as error: raise KeyError("d" * 5_000_000) from error
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert session.status()["failed"] == 3
    assert len(session.text) < 3_000_000
    assert session.junit.stat().st_size < 3_000_000
    assert "characters left out" in session.text


@pytest.mark.parametrize(("option", "count"), [("-rN", 0), ("-rP", 1), ("-rA", 1)])
def test_output_of_passed_units_is_kept_only_where_it_is_shown_at_the_end(
    campaign: Campaign, engine: str, option: str, count: int
) -> None:
    campaign.write({"test_a.py": "def test_it(): print('said so')\n"})
    assert campaign.run(option, engine=engine).text.count("\nsaid so\n") == count


def test_a_late_error_shows_what_its_unit_printed(campaign: Campaign, engine: str) -> None:
    source = """
import pytest
@pytest.fixture(scope="module")
def wide():
    yield
    print("late words")
    print("long " * 100_000)
    assert 0
def test_it(wide): print("said before")
"""
    campaign.write({"test_a.py": source})
    session = campaign.run(engine=engine)
    assert "said before" in session.text
    assert "late words" in session.text
    assert len(session.text) < 200_000
