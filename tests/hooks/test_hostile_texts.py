"""Two hundred hostile texts through every door: the files parse, names stay inside, terminals stay clean."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.hooks.campaigns import UNLIMITED, Campaign
from tests.hooks.hostile_texts import HOSTILE_TEXTS

SOURCE = """
import logging, os, sys
import pytest
from hostile_texts import HOSTILE_TEXTS

NUMBERS = range(len(HOSTILE_TEXTS))

def say(text): sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\\n")

@pytest.mark.parametrize("text", [pytest.param(text, id=None if "\\0" in text else text) for text in HOSTILE_TEXTS])
def test_parameter(text): pass

@pytest.mark.parametrize("n", [
    pytest.param(n, marks=pytest.mark.benchrun(group=text or "none")) for n, text in enumerate(HOSTILE_TEXTS)
], ids=str)
def test_fails(benchrun, n):
    text = HOSTILE_TEXTS[n]
    benchrun.metric(text, n, unit=text)
    benchrun.metric("value", text)
    benchrun.stage(text)
    benchrun.note(text)
    say(text)
    logging.getLogger("theirs").error("%s", text)
    raise ValueError(text)

@pytest.mark.parametrize("n", NUMBERS)
def test_artifact(benchrun, n):
    try: path = benchrun.artifact(HOSTILE_TEXTS[n])
    except (ValueError, OSError): return
    assert os.path.realpath(path).startswith(os.path.realpath("results/artifacts") + os.sep)

def test_all_of_them(benchrun):
    for text in HOSTILE_TEXTS: benchrun.event(text or "none", text=text)
    with benchrun.turn(session_id="".join(HOSTILE_TEXTS)) as turn: pass

@pytest.mark.parametrize("n", NUMBERS)
def test_skips(n): pytest.skip(HOSTILE_TEXTS[n])
"""

UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _ask(results: Path, *words: str) -> str:
    asked = subprocess.run(
        [sys.executable, "-m", "pytest_benchrun", *words, str(results)], capture_output=True, check=False
    )
    return asked.stdout.decode("utf-8") + asked.stderr.decode("utf-8")


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE_TEXTS)) > 200


def test_every_door_and_every_sink(campaign: Campaign, engine: str) -> None:
    source = Path(__file__).with_name("hostile_texts.py").read_text("utf-8")
    campaign.write({"hostile_texts.py": source, "test_a.py": SOURCE})
    session = campaign.run(*UNLIMITED, "-q", "-rfsx", "--tb=short", engine=engine)
    count = len(HOSTILE_TEXTS)
    assert "INTERNALERROR" not in session.text
    status = session.status()
    assert (status["state"], status["failed"], status["skipped"], status["completed"]) == (
        "complete",
        count,
        count,
        2 * count + 1,
    )
    assert len(session.cases()) == len(session.ended()) == 4 * count + 1
    assert session.stats()["units"]["total"] == 4 * count + 1
    assert len(session.events("unit_ended")) == 4 * count + 1
    lines = (session.results / "turn_metrics.jsonl").read_bytes().split(b"\n")[:-1]
    assert len([json.loads(line) for line in lines]) == count + 1
    assert UNCLEAN.findall(session.text) == []
    for words in (("status",), ("stats",), ("verify",), ("status", "--json")):
        assert UNCLEAN.findall(_ask(session.results, *words)) == [], words
    inside = {path.name for path in campaign.folder.iterdir()} - {"__pycache__", ".pytest_cache"}
    assert inside == {"hostile_texts.py", "test_a.py", "results", "junit.xml"}
