"""Where pytest prints to: a full disk, or a reader that has gone. The run goes on."""

from __future__ import annotations

import pytest

from tests.acceptance.processes import PYTEST
from tests.acceptance.suite import Suite

LINES = "import pytest\n@pytest.mark.parametrize('n', range(300))\ndef test_it(n): assert n != 7\n"
PLACES = {"full disk": "{} >/dev/full", "reader gone": "{{ {}; echo ended with $? >&2; }} | true"}


@pytest.mark.parametrize("engine", ["", "-n2"], ids=["bare", "n2"])
@pytest.mark.parametrize("place", PLACES)
def test_a_run_outlives_what_it_prints_to(suite: Suite, place: str, engine: str) -> None:
    suite.write("test_it.py", LINES)
    pytest_words = f'"$@" --bench-results={suite.results} -v {engine}'
    ended = suite.children.start(["sh", "-c", PLACES[place].format(pytest_words), "sh", *PYTEST], suite.folder).wait()
    status = suite.status()
    assert (status["state"], status["completed"], status["failed"]) == ("complete", 299, 1), ended.output
    assert "INTERNALERROR" not in ended.output
    assert "Traceback" not in ended.output
    assert ended.output.count("benchrun: what pytest prints is lost: ") == 1, ended.output
    assert f"the run goes on -> benchrun status {suite.results}\n" in ended.output
    assert ended.code == 1 if place == "full disk" else "ended with 1\n" in ended.output
