"""Every way to end: marks, skips, failures, and fixtures that break."""

from __future__ import annotations

from tests.engines.suites.suite import LOG, Suite

SUITES: dict[str, Suite] = {}

SUITES["outcomes"] = Suite(
    files={
        "test_outcomes.py": """
import pytest


def test_passes():
    pass


def test_fails():
    values = {"a": 1, "b": [1, 2, 3]}
    assert values == {"a": 1, "b": [1, 2, 4]}


def test_raises():
    raise KeyError("missing")


def test_fails_without_traceback():
    pytest.fail("in words", pytrace=False)


def test_chained():
    try:
        raise ValueError("first")
    except ValueError as error:
        raise RuntimeError("second") from error


def test_group():
    raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])


@pytest.mark.skip
def test_skip():
    raise AssertionError


@pytest.mark.skip(reason="said why")
def test_skip_with_reason():
    raise AssertionError


@pytest.mark.skipif("1 > 0", reason="in a string")
def test_skipif():
    raise AssertionError


def test_skips_itself():
    pytest.skip("in the middle")


def test_importorskip():
    pytest.importorskip("no_such_module_anywhere")


@pytest.mark.xfail(reason="known")
def test_xfail():
    raise AssertionError("known")


@pytest.mark.xfail(reason="by now right")
def test_xpass():
    pass


@pytest.mark.xfail(strict=True, reason="must not pass")
def test_strict_xpass():
    pass


@pytest.mark.xfail(raises=ValueError, reason="of a kind")
def test_xfail_of_another_kind():
    raise TypeError("another")


@pytest.mark.xfail(run=False, reason="would crash")
def test_xfail_not_run():
    raise AssertionError


def test_xfails_itself():
    pytest.xfail("on the way")


@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.skip), pytest.param(3, marks=pytest.mark.xfail)])
def test_marked_parameters(x):
    assert x == 1


@pytest.mark.parametrize("x", [])
def test_no_parameters(x):
    raise AssertionError


def test_systemexit():
    raise SystemExit(3)
""",
        "test_skipped_module.py": """
import pytest
pytest.skip("whole module", allow_module_level=True)
def test(): pass
""",
        "test_needs_more.py": "import pytest\npytest.importorskip('no_such_module_anywhere')\ndef test(): pass\n",
        "test_marked_module.py": """
import pytest
pytestmark = pytest.mark.skipif(True, reason="marked")
def test(): pass
""",
    }
)

SUITES["broken fixtures"] = Suite(
    files={
        "conftest.py": LOG,
        "test_setup.py": """
import pytest


@pytest.fixture
def function_wide():
    raise OSError("function setup")


@pytest.fixture(scope="class")
def class_wide():
    raise OSError("class setup")


@pytest.fixture(scope="module")
def module_wide():
    raise OSError("module setup")


@pytest.fixture(scope="session")
def session_wide():
    raise OSError("session setup")


@pytest.fixture
def skipping():
    pytest.skip("by a fixture")


@pytest.fixture
def xfailing():
    pytest.xfail("by a fixture")


def test_function(function_wide):
    pass


def test_class(class_wide):
    pass


@pytest.mark.parametrize("x", [1, 2])
def test_module(module_wide, x):
    pass


def test_session(session_wide):
    pass


def test_unknown(no_such_fixture):
    pass


def test_skip(skipping):
    pass


def test_xfail(xfailing):
    pass


@pytest.mark.xfail(reason="setup too")
def test_xfail_of_setup(function_wide):
    pass
""",
        "test_teardown.py": """
import pytest


@pytest.fixture
def first():
    yield
    raise OSError("first teardown")


@pytest.fixture
def second():
    yield
    raise OSError("second teardown")


@pytest.fixture
def leaves_a_skip():
    yield
    pytest.skip("in teardown")


def test_one(first):
    print("said by the test")


def test_both(first, second):
    pass


def test_fails_twice(first):
    raise AssertionError("call")


def test_skipping_teardown(leaves_a_skip):
    pass


@pytest.mark.xfail(reason="call only")
def test_xfail(first):
    raise AssertionError("call")


@pytest.fixture
def two_yields():
    yield 1
    yield 2


def test_two_yields(two_yields):
    pass
""",
    }
)

SUITES["late errors"] = Suite(
    late=frozenset(
        {"test_class.py::TestClass::test_class", "test_module.py::test_module", "test_warning.py::test_module"}
    ),
    files={
        "conftest.py": LOG,
        "test_class.py": """
import pytest


class TestClass:
    @pytest.fixture(scope="class")
    def class_wide(self):
        yield
        print("said by the class's teardown")
        raise OSError("class teardown")

    def test_class(self, class_wide):
        pass


def test_after():
    pass
""",
        "test_module.py": """
import pytest
from conftest import write


@pytest.fixture(scope="module")
def module_wide():
    yield
    write("module teardown")
    raise OSError("module teardown")


def test_module(module_wide):
    pass
""",
        "test_next.py": """
import pytest
from conftest import write


@pytest.fixture(scope="module", autouse=True)
def module_wide():
    write("next module setup")


def test_after():
    pass
""",
        "test_warning.py": """
import warnings

import pytest

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def module_wide():
    yield
    warnings.warn("late warning")


def test_module(module_wide):
    pass
""",
    },
)

SUITES["late errors of the whole session"] = Suite(
    is_split=False,
    late=frozenset({"pack/test_b.py::test_two"}),
    files={
        "conftest.py": LOG
        + """

@pytest.fixture(scope="session", autouse=True)
def session_wide():
    yield
    write("session teardown")
    raise OSError("session teardown")
""",
        "pack/__init__.py": "",
        "pack/conftest.py": """
import pytest

@pytest.fixture(scope="package")
def package_wide():
    yield
    raise OSError("package teardown")
""",
        "pack/test_a.py": "def test_one(package_wide): pass\n",
        "pack/test_b.py": "def test_two(): pass\n",
    },
)

SUITES["late errors of parametrized fixtures"] = Suite(
    is_split=False,
    late=frozenset({"test_params.py::test_two[3]"}),
    files={
        "conftest.py": LOG,
        "test_params.py": """
import pytest
from conftest import write


@pytest.fixture(scope="module", params=[1, 2, 3])
def wide(request):
    write(f"up {request.param}")
    yield
    write(f"down {request.param}")
    raise OSError(f"teardown of {request.param}")


def test_one(wide):
    pass


def test_two(wide):
    pass
""",
        "test_then.py": "def test_then(): pass\n",
    },
)
