"""Fixtures of every scope, in classes, modules, packages and over parameters."""

from __future__ import annotations

from tests.engines.suites.suite import LOG, Suite

SUITES: dict[str, Suite] = {}

SUITES["fixtures of every scope"] = Suite(
    files={
        "conftest.py": LOG
        + """

@pytest.fixture(scope="session", params=["s1", "s2"])
def session_wide(request):
    write(f"up {request.param}")
    yield request.param
    write(f"down {request.param}")


@pytest.fixture(scope="package")
def package_wide():
    write("up package")
    yield
    write("down package")


@pytest.fixture(scope="module", params=["m1", "m2"])
def module_wide(request):
    write(f"up {request.param}")
    yield request.param
    write(f"down {request.param}")


@pytest.fixture(scope="class", params=["c1", "c2"])
def class_wide(request):
    write(f"up {request.param}")
    yield request.param
    write(f"down {request.param}")


@pytest.fixture(params=["f1", "f2"])
def function_wide(request):
    write(f"up {request.param}")
    yield request.param
    write(f"down {request.param}")


@pytest.fixture
def indirect(request):
    write(f"up indirect {request.param}")
    request.addfinalizer(lambda: write("finalizer 1"))
    request.addfinalizer(lambda: write("finalizer 2"))
    return request.param * 2
""",
        "test_first.py": """
import pytest
from conftest import write


def test_session(session_wide):
    write(f"test {session_wide}")


def test_module(module_wide):
    write(f"test {module_wide}")


def test_both(session_wide, module_wide):
    write(f"test {session_wide} {module_wide}")


class TestClass:
    def test_class(self, class_wide):
        write(f"test {class_wide}")

    def test_class_again(self, class_wide, function_wide):
        write(f"test {class_wide} {function_wide}")


@pytest.mark.parametrize("indirect", [1, 2], indirect=True)
@pytest.mark.parametrize("plain", ["a", "b"])
def test_indirect(indirect, plain):
    write(f"test {indirect} {plain}")


def test_dynamic(request):
    assert request.getfixturevalue("log") is write
""",
        "pack/__init__.py": "",
        "pack/test_second.py": """
from conftest import write


def test_module(module_wide, package_wide):
    write(f"test second {module_wide}")


def test_session(session_wide):
    write(f"test second {session_wide}")
""",
        "pack/test_third.py": """
import pytest
from conftest import write

pytestmark = pytest.mark.parametrize("over", [1, 2], scope="module")


@pytest.fixture(scope="module", autouse=True)
def around(over):
    write(f"around {over}")
    yield
    write(f"after {over}")


def test_one(over, package_wide):
    write(f"one {over}")


def test_two(over):
    write(f"two {over}")
""",
    },
)

SUITES["classes"] = Suite(
    files={
        "conftest.py": LOG,
        "test_classes.py": """
import pytest
from conftest import write


def setup_module(module):
    write("setup_module")


def teardown_module(module):
    write("teardown_module")


def setup_function(function):
    write("setup_function")


@pytest.fixture(scope="class", autouse=True)
def around_every_class(request):
    write(f"enter {request.cls.__name__ if request.cls else None}")
    yield
    write(f"leave {request.cls.__name__ if request.cls else None}")


class TestOuter:
    @pytest.fixture(scope="class", autouse=True)
    def around(self):
        write("outer up")
        yield
        write("outer down")

    @classmethod
    def setup_class(cls):
        write("setup_class")

    @classmethod
    def teardown_class(cls):
        write("teardown_class")

    def setup_method(self, method):
        write(f"setup {method.__name__}")

    def teardown_method(self, method):
        write(f"teardown {method.__name__}")

    def test_one(self):
        write("one")

    class TestInner:
        @pytest.fixture(scope="class", autouse=True)
        def around(self):
            write("inner up")
            yield
            write("inner down")

        def test_one(self):
            write("inner one")

        def test_two(self):
            write("inner two")

    def test_two(self):
        write("two")


def test_between():
    write("between")


@pytest.mark.parametrize("size", [1, 2], scope="class")
class TestParametrized:
    def test_one(self, size):
        write(f"one {size}")

    def test_two(self, size):
        write(f"two {size}")


class Base:
    value = 0

    def test_inherited(self):
        assert self.value == 1


class TestRight(Base):
    value = 1


class TestWrong(Base):
    value = 2
""",
    },
)
