"""What other projects do around their tests: hooks, built-in fixtures, warnings as errors, odd ids."""

from __future__ import annotations

from tests.engines.suites.suite import Suite

SUITES: dict[str, Suite] = {}

SUITES["hooks of a conftest"] = Suite(
    files={
        "conftest.py": """
import pytest


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true")
    parser.addini("their_option", "a setting of theirs", default="theirs")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: of theirs")
    config.addinivalue_line("markers", "order(n): of theirs")


def pytest_runtest_setup(item):
    if item.get_closest_marker("slow") and not item.config.getoption("--run-slow"):
        pytest.skip("needs --run-slow")


def pytest_collection_modifyitems(config, items):
    dropped = [item for item in items if "dropped" in item.name]
    items[:] = [item for item in items if "dropped" not in item.name]
    config.hook.pytest_deselected(items=dropped)
    items.sort(key=lambda item: mark.args[0] if (mark := item.get_closest_marker("order")) else 0)
    for item in items:
        if "marked_later" in item.name:
            item.add_marker(pytest.mark.xfail(reason="marked later"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "rep_" + report.when, report)
    if report.when == "call":
        report.sections.append(("theirs", "a section of theirs"))


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    pyfuncitem.calls = getattr(pyfuncitem, "calls", 0) + 1
    yield


@pytest.fixture
def sees_the_report(request):
    yield
    assert request.node.rep_call.failed == ("fails" in request.node.name)
    assert request.node.calls == 1


def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames:
        metafunc.parametrize("generated", range(3), ids=lambda number: f"g{number}")


def pytest_make_parametrize_id(config, val, argname):
    return f"{argname}:{val}" if argname == "named" else None


def pytest_report_teststatus(report, config):
    if report.when == "call" and report.passed and "starred" in report.nodeid:
        return "starred", "*", "STARRED"
    return None


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    terminalreporter.write_line(f"theirs: {exitstatus:d} {config.getini('their_option')}")
""",
        "test_hooked.py": """
import pytest


@pytest.mark.slow
def test_slow():
    raise AssertionError


@pytest.mark.order(3)
def test_third():
    pass


@pytest.mark.order(2)
def test_second():
    pass


def test_dropped():
    raise AssertionError


def test_marked_later():
    raise AssertionError


def test_fails(sees_the_report):
    raise AssertionError("on purpose")


def test_passes(sees_the_report):
    pass


def test_generated(generated):
    assert generated != 1


@pytest.mark.parametrize("named", [1, 2])
def test_named(named):
    pass


def test_starred():
    pass
""",
    }
)

SUITES["built-in fixtures"] = Suite(
    files={
        "test_builtin.py": """
import logging
import os
import sys
import warnings

import pytest


def test_tmp_path(tmp_path, tmp_path_factory):
    (tmp_path / "x").write_text("x")
    assert tmp_path_factory.mktemp("more").is_dir()


def test_capsys(capsys):
    print("seen")
    assert capsys.readouterr().out == "seen\\n"


def test_capsys_disabled(capsys):
    with capsys.disabled():
        pass
    print("kept")
    raise AssertionError("shows what was printed")


def test_capfd(capfd):
    os.write(1, b"raw")
    assert capfd.readouterr().out == "raw"


def test_output_of_a_failure():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"to the descriptor\\n")
    logging.getLogger("theirs").warning("to the log")
    raise AssertionError("with output")


@pytest.fixture
def talks():
    print("setup talks")
    yield
    print("teardown talks")


def test_output_of_phases(talks):
    print("call talks")
    raise AssertionError("with phases")


def test_caplog(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("theirs").info("noted")
    assert caplog.messages == ["noted"]


def test_monkeypatch(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THEIRS", "1")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert os.getpid() == -1


def test_monkeypatch_is_undone():
    assert "THEIRS" not in os.environ
    assert os.getpid() > 0


def test_recwarn(recwarn):
    warnings.warn("recorded")
    assert len(recwarn) == 1


def test_warning():
    warnings.warn("shown in the summary", UserWarning)


@pytest.mark.filterwarnings("error")
def test_warning_as_error():
    warnings.warn("an error here", UserWarning)


@pytest.mark.filterwarnings("ignore")
def test_ignored_warning():
    warnings.warn("not shown", UserWarning)


def test_properties(record_property, record_xml_attribute):
    record_property("theirs", 1)
    record_xml_attribute("theirs", "2")


def test_suite_property(record_testsuite_property):
    record_testsuite_property("theirs", "suite")


def test_cache(cache):
    cache.set("theirs/value", [1])
    assert cache.get("theirs/value", None) == [1]


def test_config(pytestconfig, request):
    assert pytestconfig is request.config
    assert request.session.items


def test_environment():
    assert os.environ["PYTEST_CURRENT_TEST"].endswith("::test_environment (call)")


def test_recursion():
    def deeper():
        deeper()
    deeper()
""",
        "pytest.ini": """
[pytest]
filterwarnings =
    ignore::pytest.PytestExperimentalApiWarning
    ignore:record_xml_attribute
""",
    }
)

SUITES["warnings as errors everywhere"] = Suite(
    files={
        "pytest.ini": "[pytest]\nfilterwarnings = error\n",
        "test_strict.py": """
import warnings

import pytest


@pytest.fixture
def warns_in_setup():
    warnings.warn("setup")


@pytest.fixture
def warns_in_teardown():
    yield
    warnings.warn("teardown")


def test_setup(warns_in_setup):
    pass


def test_call():
    warnings.warn("call")


def test_teardown(warns_in_teardown):
    pass


def test_deprecation():
    with pytest.deprecated_call():
        warnings.warn("old", DeprecationWarning)


@pytest.mark.filterwarnings("default")
def test_allowed():
    warnings.warn("allowed here")


def test_thread():
    import threading
    def body():
        raise ValueError("in a thread")
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
""",
    }
)

SUITES["ids"] = Suite(
    files={
        "test_ids.py": """
import enum

import pytest


class Color(enum.Enum):
    RED = 1


@pytest.mark.parametrize("x", ["a/b", "a::b", "[x]", "a b", "", "ä", "日本", "\\x1b[31m", "a\\nb", "\\0", "%s", "#2"])
def test_text(x):
    pass


@pytest.mark.parametrize("x", [1.5, None, True, b"bytes", Color.RED, int, lambda: 0, object(), {"a": 1}, (1, 2)])
def test_kinds(x):
    pass


@pytest.mark.parametrize(("x", "y"), [pytest.param(1, 2, id="same"), pytest.param(3, 4, id="same")])
def test_same_ids(x, y):
    assert (x, y) == (1, 2)


@pytest.mark.parametrize("x", [1, 1, 1])
def test_same_values(x):
    pass
"""
    }
)

SUITES["hypothesis"] = Suite(
    plugins=("hypothesispytest",),
    args=("--hypothesis-seed=1", "--hypothesis-profile=default"),
    files={
        "test_laws.py": """
from hypothesis import given, settings, strategies


@given(strategies.lists(strategies.integers()))
@settings(max_examples=10, database=None, deadline=None)
def test_reverse(values):
    assert list(reversed(list(reversed(values)))) == values


@given(strategies.integers())
@settings(max_examples=10, database=None, deadline=None)
def test_wrong(value):
    assert value < 0
"""
    },
)

SUITES["their own properties"] = Suite(
    files={
        "conftest.py": """
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    item.user_properties.append(("wrapped", "yes"))
    return (yield)
""",
        "test_properties.py": """
def test_sees_only_its_own(request, record_property):
    record_property("theirs", 1)
    assert request.node.user_properties == [("wrapped", "yes"), ("theirs", 1)]
""",
    }
)
