"""Fixtures wider than a unit: set up once, torn down before what does not share them, and never silently broken."""

from __future__ import annotations

import pytest

from tests.engines.suites import LOG
from tests.hooks.campaigns import Campaign

WRITES_WORKER = LOG.replace(
    'file.write(text + "\\n")', 'file.write(os.environ.get("PYTEST_XDIST_WORKER", "one") + " " + text + "\\n")'
)
WIDE = """
import pytest
from conftest import write


@pytest.fixture(scope="module")
def module_wide():
    write("up {name}")
    yield
    write("down {name}")


@pytest.mark.parametrize("x", range(6))
def test_unit(module_wide, session_wide, x):
    write(f"{name} {{x}}")
"""

SESSION_WIDE = """

@pytest.fixture(scope="session")
def session_wide():
    write("up session")
    yield
    write("down session")
"""


def by_worker(campaign: Campaign) -> dict[str, list[str]]:
    """What each process wrote, in order."""
    found: dict[str, list[str]] = {}
    for line in (campaign.folder / "events.log").read_text("utf-8").splitlines():
        worker, _, text = line.partition(" ")
        found.setdefault(worker, []).append(text)
    return found


@pytest.fixture
def two_modules(campaign: Campaign) -> Campaign:
    """Two modules of six units each, with a fixture of module scope and one of session scope."""
    conftest = "import os\n" + WRITES_WORKER + SESSION_WIDE
    campaign.write({"conftest.py": conftest, "test_a.py": WIDE.format(name="a"), "test_b.py": WIDE.format(name="b")})
    return campaign


def test_a_module_is_torn_down_before_the_next_is_set_up(two_modules: Campaign, engine: str) -> None:
    assert two_modules.run(engine=engine).exit_code == 0
    for lines in by_worker(two_modules).values():
        modules = [line for line in lines if line in {"up a", "down a", "up b", "down b"}]
        assert modules in (["up a", "down a", "up b", "down b"], ["up a", "down a"], ["up b", "down b"])


def test_wide_fixtures_are_set_up_once_in_a_process(two_modules: Campaign, engine: str) -> None:
    two_modules.run(engine=engine)
    for worker, lines in by_worker(two_modules).items():
        for name in ("up session", "up a", "up b", "down session", "down a", "down b"):
            assert lines.count(name) <= 1, (worker, name)


def test_everything_is_torn_down_at_the_end(two_modules: Campaign, engine: str) -> None:
    two_modules.run(engine=engine)
    for lines in by_worker(two_modules).values():
        ups = [line.removeprefix("up ") for line in lines if line.startswith("up ")]
        downs = [line.removeprefix("down ") for line in lines if line.startswith("down ")]
        assert sorted(ups) == sorted(downs)
        assert lines[-1] == "down session"


def test_wide_fixtures_are_torn_down_when_the_run_stops(two_modules: Campaign, engine: str) -> None:
    failing = WIDE.format(name="a").replace('write(f"a {x}")', "if x == 0: pytest.fail('here', pytrace=False)")
    many = WIDE.format(name="b").replace("range(6)", "range(300)")
    two_modules.write({"test_a.py": failing, "test_b.py": many})
    assert two_modules.run("-x", engine=engine).status()["state"] == "stopped"
    for lines in by_worker(two_modules).values():
        assert lines[-1] == "down session"


def test_a_fixture_stays_warm_over_units_of_one_module_only(two_modules: Campaign) -> None:
    two_modules.run("test_a.py::test_unit[0]", "test_b.py::test_unit[0]", "test_a.py::test_unit[1]")
    assert by_worker(two_modules)["one"] == [
        "up session",
        "up a",
        "a 0",
        "down a",
        "up b",
        "b 0",
        "down b",
        "up a",
        "a 1",
        "down a",
        "down session",
    ]


LATE = """
import pytest

@pytest.fixture(scope="module")
def wide():
    yield
    print("said in the end")
    raise OSError("no teardown")

def test_unit(wide): pass
"""


def test_a_late_error_leaves_the_unit_completed_and_the_session_failed(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_late.py": LATE, "test_other.py": "def test_other(): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 2, "errors": 1}
    assert session.ended() == {"test_late.py::test_unit": "completed", "test_other.py::test_other": "completed"}
    status = session.status()
    assert (status["state"], status["failed"], status["failures_total"]) == ("complete", 0, 0)


def test_a_late_error_is_in_journal_summary_terminal_and_junit(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_late.py": LATE, "test_other.py": "def test_other(): pass\n"})
    session = campaign.run(engine=engine)
    (late,) = session.events("late_error")
    assert (late["unit_id"], late["message"]) == ("test_late.py::test_unit", "OSError: no teardown")
    assert "no teardown" in late["detail"]
    assert "late error after test_late.py::test_unit: OSError: no teardown" in session.text
    assert "ERROR at teardown of test_unit" in session.text
    assert "ERROR test_late.py::test_unit - OSError: no teardown" in session.text
    assert "said in the end" in session.text
    (case,) = [case for case in session.cases() if case.name == "test_late::test_unit"]
    assert [tag for tag, _ in case.children] == ["error"]


def test_with_exitfirst_a_late_error_stops_as_it_does_without_us(campaign: Campaign) -> None:
    campaign.write({"test_a.py": LATE, "test_b.py": "def test_after(): pass\n"})
    expected = campaign.plain("-x", has_us=False)
    assert expected.outcomes == {"passed": 1, "errors": 1}
    session = campaign.run("-x")
    assert session.executions() == ["test_a.py::test_unit"]
    assert session.exit_code == 1


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_the_error_of_every_scope_reaches_the_exit_code(campaign: Campaign, engine: str, scope: str) -> None:
    source = LATE.replace('scope="module"', f'scope="{scope}"')
    source = source.replace("def test_unit(wide): pass", "class TestClass:\n    def test_unit(self, wide): pass\n")
    campaign.write({"test_late.py": source, "test_z.py": "def test_z(): pass\n"})
    session = campaign.run(engine=engine)
    assert session.exit_code == 1
    assert session.outcomes == {"passed": 2, "errors": 1}
    assert len(session.events("late_error")) == 1


def test_outside_a_class_a_class_scope_ends_with_the_unit(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_late.py": LATE.replace('scope="module"', 'scope="class"')})
    session = campaign.run(engine=engine)
    assert session.outcomes == {"passed": 1, "errors": 1}
    assert session.ended() == {"test_late.py::test_unit": "failed"}


def test_a_resume_does_not_repeat_a_unit_for_its_late_error(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_late.py": LATE})
    campaign.run(engine=engine)
    before = campaign.files()
    session = campaign.run("--bench-resume", engine=engine)
    assert "nothing to do" in session.text
    assert campaign.files() == before


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "pytest.exit.Exception('over')"])
def test_a_wide_teardown_that_ends_the_session_keeps_what_ended(campaign: Campaign, engine: str, raised: str) -> None:
    source = LATE.replace('raise OSError("no teardown")', f"raise {raised}")
    campaign.write({"test_a.py": source, "test_b.py": "def test_b(): pass\n", "test_c.py": "def test_c(): pass\n"})
    session = campaign.run("-p", "no:randomly", engine=engine)
    assert session.exit_code == 2
    assert session.ended()["test_a.py::test_unit"] == "completed"
    assert session.status()["state"] in {"interrupted", "stopped", "complete"}
    campaign.write({"test_a.py": LATE.replace('raise OSError("no teardown")', "")})
    again = campaign.run("--bench-resume", engine=engine)
    assert again.status()["completed"] == 3


def test_what_a_wide_teardown_warns_is_shown(campaign: Campaign, engine: str) -> None:
    source = LATE.replace('raise OSError("no teardown")', "import warnings; warnings.warn('late warning')")
    campaign.write({"test_late.py": source})
    session = campaign.run(engine=engine)
    assert session.exit_code == 0
    assert "UserWarning: late warning" in session.text


def test_a_wide_setup_that_failed_is_tried_for_no_further_unit(campaign: Campaign) -> None:
    source = """
import pytest
from conftest import write

@pytest.fixture(scope="module")
def wide():
    write("tried")
    raise OSError("no setup")

@pytest.mark.parametrize("x", range(4))
def test_unit(wide, x): pass
"""
    campaign.write({"conftest.py": LOG, "test_broken.py": source})
    session = campaign.run()
    assert session.outcomes == {"errors": 4}
    assert (campaign.folder / "events.log").read_text("utf-8").split() == ["tried"]
