"""`--bench-keep-stale`: a completed unit runs again when what its result depends on has changed, or is kept."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import Campaign

UNIT = """
import pytest

def theirs(x): return x + 1

@pytest.mark.benchrun({mark})
@pytest.mark.parametrize("x", [{values}])
def test_unit(x):
    {comment}
    assert theirs(x) {body}
"""
DEFAULTS = {"mark": "version=1", "values": "1, 2", "comment": "# first", "body": "> 0"}


def write(campaign: Campaign, **changed: str) -> None:
    """The suite of two units, with one part of it changed."""
    campaign.write({"test_unit.py": UNIT.format(**DEFAULTS | changed)})


CHANGES = [
    {"body": ">= 1"},
    {"mark": "version=2"},
    {"mark": "inputs=['data.txt']"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_changed_unit_runs_again(campaign: Campaign, engine: str, change: dict[str, str]) -> None:
    campaign.write({"data.txt": "1"})
    write(campaign)
    campaign.run(engine=engine)
    write(campaign, **change)
    session = campaign.run("--bench-resume", engine=engine)
    assert session.exit_code == 0
    assert session.outcomes["passed"] == 2
    assert [event["attempt"] for event in session.events("unit_ended")] == [1, 1, 2, 2]
    assert session.status()["total_tasks"] == 2


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_it_is_kept_when_that_is_asked(campaign: Campaign, engine: str, change: dict[str, str]) -> None:
    campaign.write({"data.txt": "1"})
    write(campaign)
    campaign.run(engine=engine)
    write(campaign, **change)
    before = campaign.files()
    session = campaign.run("--bench-resume", "--bench-keep-stale", engine=engine)
    assert session.exit_code == 0
    assert "nothing to do" in session.text
    assert campaign.files() == before


@pytest.mark.parametrize(
    "change",
    [{"comment": "# other words"}, {"comment": "\n\n\n    # far below"}, {"values": "1, 2,  # end\n"}],
    ids=str,
)
def test_comments_and_blank_lines_are_no_change(campaign: Campaign, change: dict[str, str]) -> None:
    write(campaign)
    campaign.run()
    write(campaign, **change)
    assert "nothing to do" in campaign.run("--bench-resume").text


def test_another_value_under_the_same_id_is_a_change(campaign: Campaign, engine: str) -> None:
    write(campaign, values="pytest.param(1, id='x')")
    campaign.run(engine=engine)
    write(campaign, values="pytest.param(2, id='x')")
    assert len(campaign.run("--bench-resume", engine=engine).executions()) == 2


def test_a_new_value_leaves_the_others_done(campaign: Campaign, engine: str) -> None:
    write(campaign)
    campaign.run(engine=engine)
    write(campaign, values="1, 2, 3")
    assert campaign.run("--bench-resume", engine=engine).executions()[2:] == ["test_unit.py::test_unit[3]"]


def test_the_contents_of_inputs_count(campaign: Campaign, engine: str) -> None:
    campaign.write({"data.txt": "1", "folder/deep/a.txt": "1"})
    write(campaign, mark="inputs=['data.txt', 'folder']")
    campaign.run(engine=engine)
    assert "nothing to do" in campaign.run("--bench-resume", engine=engine).text
    campaign.write({"folder/deep/a.txt": "2"})
    assert len(campaign.run("--bench-resume", engine=engine).executions()) == 4


def test_an_input_that_is_missing_is_refused_by_name(campaign: Campaign, engine: str) -> None:
    write(campaign, mark="inputs=['nowhere.txt']")
    session = campaign.run(engine=engine)
    assert session.exit_code == 4
    assert "nowhere.txt' cannot be read: No such file or directory" in session.text
    assert "Traceback" not in session.text
    assert not campaign.results.exists()


def test_what_a_unit_calls_does_not_count(campaign: Campaign) -> None:
    write(campaign)
    campaign.run()
    source = UNIT.format(**DEFAULTS).replace("return x + 1", "return x + 100")
    campaign.write({"test_unit.py": source})
    assert "nothing to do" in campaign.run("--bench-resume").text


STEADY = """
import functools
import pathlib
import pytest

class Codec:
    def encode(self): pass

def function(): pass

VALUES = [
    object(), Codec(), Codec, Codec().encode, function, lambda: 0, functools.partial(function, 1), {"a", "b", "c"},
    frozenset("abcdef"), {"a": Codec()}, [lambda: 0], (x for x in ()), pathlib.Path("/a"), float("nan"), b"x" * 1000,
]

@pytest.mark.parametrize("value", VALUES)
def test_unit(value): pass
"""


def test_values_without_a_repr_of_their_own_are_no_change(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_steady.py": STEADY})
    campaign.run(engine=engine)
    for other in ("bare", "n2"):
        assert "nothing to do" in campaign.run("--bench-resume", engine=other).text


METHODS = '''
import unittest

class TestText:
    def test_text(self):
        text = """
at the beginning of a line
"""
        assert len(text) > {number}

class TestCase(unittest.TestCase):
    def test_case(self):
        assert {number}
'''


def test_methods_are_compared_whatever_text_they_hold(campaign: Campaign) -> None:
    campaign.write({"test_text.py": METHODS.format(number=1)})
    campaign.run()
    campaign.write({"test_text.py": METHODS.format(number=10)})
    session = campaign.run("--bench-resume")
    assert session.executions()[2:] == ["test_text.py::TestText::test_text", "test_text.py::TestCase::test_case"]


ODD = """
import functools
import pytest

exec("def test_made_by_exec(): pass")

test_lambda = lambda: None

def test_inner():
    pass

def wrapped(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner

@wrapped
def test_wrapped(): pass

test_partial_made = functools.wraps(test_inner)(lambda: None)

def test_one_line(): pass; pass
def\\
 test_continued(): pass
if True:
	def test_with_tabs():
		pass
def test_last(): pass"""


def test_functions_of_any_make_are_units(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_odd.py": ODD})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert session.status()["completed"] == 9
    assert "nothing to do" in campaign.run("--bench-resume", engine=engine).text


def test_a_stale_unit_is_shown_as_one_of_those_to_run(campaign: Campaign) -> None:
    write(campaign)
    campaign.run()
    write(campaign, body="!= 0")
    assert "2" in next(line for line in campaign.run("--bench-resume").text.splitlines() if "stale" in line)
