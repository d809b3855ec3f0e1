"""Tests of every kind that pytest runs: unittest, doctest, async, subtests, properties, items of a conftest."""

from __future__ import annotations

from tests.engines.suites.suite import LOG, Suite

SUITES: dict[str, Suite] = {}

SUITES["unittest"] = Suite(
    files={
        "conftest.py": LOG,
        "test_cases.py": """
import unittest

import pytest
from conftest import write


def setUpModule():
    write("setUpModule")


def tearDownModule():
    write("tearDownModule")


class TestLife(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        write("setUpClass")
        cls.shared = []

    @classmethod
    def tearDownClass(cls):
        write("tearDownClass")

    def setUp(self):
        write("setUp")

    def tearDown(self):
        write("tearDown")

    def test_a_passes(self):
        self.addCleanup(write, "cleanup")
        self.assertEqual(self.shared, [])

    def test_b_fails(self):
        self.assertEqual(1, 2, "numbers")

    @unittest.skip("not today")
    def test_c_is_skipped(self):
        raise AssertionError

    @unittest.skipIf(True, "condition")
    def test_d_is_skipped_if(self):
        raise AssertionError

    @unittest.expectedFailure
    def test_e_fails_as_expected(self):
        self.fail("expected")

    @unittest.expectedFailure
    def test_f_passes_unexpectedly(self):
        pass

    def test_g_skips_itself(self):
        self.skipTest("in the middle")

    def test_h_raises_skip(self):
        raise unittest.SkipTest("raised")

    @pytest.mark.xfail(reason="marked")
    def test_i_is_xfail_by_mark(self):
        self.fail("marked")


class TestBrokenSetUp(unittest.TestCase):
    def setUp(self):
        raise OSError("no setup")

    def test_one(self):
        pass


class TestBrokenTearDown(unittest.TestCase):
    def tearDown(self):
        raise OSError("no teardown")

    def test_one(self):
        pass


class TestBrokenSetUpClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no class")

    def test_one(self):
        pass

    def test_two(self):
        pass


@unittest.skip("whole class")
class TestSkippedClass(unittest.TestCase):
    def test_one(self):
        pass


class TestAsync(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.value = 1

    async def test_awaits(self):
        self.assertEqual(self.value, 1)
""",
    }
)

SUITES["unittest subTest"] = Suite(
    minimum=(9, 0),
    files={
        "test_sub.py": """
import unittest


class TestSub(unittest.TestCase):
    def test_some_fail(self):
        for number in range(4):
            with self.subTest("even", number=number):
                self.assertEqual(number % 2, 0)

    def test_all_pass(self):
        for number in range(2):
            with self.subTest(number=number):
                pass

    def test_one_skips(self):
        for number in range(2):
            with self.subTest(number=number):
                if number:
                    self.skipTest("odd")

    def test_fails_after_them(self):
        with self.subTest("inner"):
            self.fail("inner")
        self.fail("outer")
"""
    },
)

SUITES["subtests fixture"] = Suite(
    minimum=(9, 0),
    files={
        "test_sub.py": """
import pytest


def test_some_fail(subtests):
    for number in range(4):
        with subtests.test("even", number=number):
            assert number % 2 == 0


def test_all_pass(subtests):
    for number in range(2):
        with subtests.test(number=number):
            print("out of", number)


def test_one_skips(subtests):
    with subtests.test("first"):
        pytest.skip("not this one")
    with subtests.test("second"):
        pass


def test_one_xfails(subtests):
    with subtests.test("first"):
        pytest.xfail("known")


def test_fails_after_them(subtests):
    with subtests.test("inner"):
        pass
    raise AssertionError("outer")


@pytest.mark.xfail(reason="as a whole")
def test_xfails_with_a_failing_one(subtests):
    with subtests.test("inner"):
        raise AssertionError("inner")
"""
    },
)

SUITES["doctest"] = Suite(
    args=("--doctest-modules",),
    files={
        "package_of_mine.py": '''
"""Arithmetic.

>>> double(2)
4
"""


def double(x):
    """Twice.

    >>> double(1)
    2
    >>> double("a")
    'aa'
    """
    return 2 * x


def wrong():
    """
    >>> 1 + 1
    3
    """


def skipped():
    """
    >>> 1 + 1  # doctest: +SKIP
    3
    """


def raises():
    """
    >>> int("x")
    Traceback (most recent call last):
    ValueError: ...
    >>> undefined
    1
    """


class Thing:
    """
    >>> Thing().name
    'thing'
    """

    name = "thing"
''',
        "test_text.txt": """
Text
====

>>> import math
>>> math.floor(1.5)
1
""",
        "test_wrong.txt": """
>>> 2 * 2
5
>>> 2 * 3
6
""",
    },
)

SUITES["asyncio"] = Suite(
    plugins=("asyncio",),
    args=("-o", "asyncio_default_fixture_loop_scope=function"),
    files={
        "conftest.py": LOG,
        "test_async.py": """
import asyncio

import pytest
import pytest_asyncio
from conftest import write


@pytest_asyncio.fixture
async def number():
    write("number up")
    await asyncio.sleep(0)
    yield 3
    await asyncio.sleep(0)
    write("number down")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server():
    write("server up")
    yield {"loop": asyncio.get_running_loop()}
    await asyncio.sleep(0)
    write("server down")


@pytest.mark.asyncio
async def test_awaits(number):
    await asyncio.sleep(0)
    assert number == 3


@pytest.mark.asyncio
async def test_fails(number):
    await asyncio.sleep(0)
    assert number == 4


@pytest.mark.asyncio
@pytest.mark.parametrize("delay", [0, 0.001])
async def test_with_parameters(delay):
    await asyncio.wait_for(asyncio.sleep(delay), 5)


@pytest.mark.asyncio(loop_scope="module")
async def test_shares_the_loop(server):
    assert asyncio.get_running_loop() is server["loop"]


@pytest.mark.asyncio(loop_scope="module")
async def test_shares_the_loop_again(server):
    assert asyncio.get_running_loop() is server["loop"]


@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    async def test_one(self):
        TestClass.loop = asyncio.get_running_loop()

    async def test_times_out(self):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(30), 0.001)


def test_sync():
    pass
""",
        "test_second.py": """
import pytest


@pytest.mark.asyncio
async def test_another_module():
    pass
""",
    },
)

SUITES["a protocol of their own"] = Suite(
    files={
        "conftest.py": """
import pytest


class Line(pytest.Item):
    def __init__(self, *, value, **kwargs):
        super().__init__(**kwargs)
        self.value = value

    def runtest(self):
        if self.value == "skip":
            pytest.skip("said the file")
        if self.value != "ok":
            raise ValueError(self.value)

    def repr_failure(self, excinfo):
        return f"line says {excinfo.value}"

    def reportinfo(self):
        return self.path, 0, f"line: {self.name}"


class Lines(pytest.File):
    def collect(self):
        for number, value in enumerate(self.path.read_text().split()):
            yield Line.from_parent(self, name=f"{number}::[{value}]", value=value)


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".lines":
        return Lines.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    item.user_properties.append(("wrapped", "yes"))
    return (yield)
""",
        "some.lines": "ok bad skip ok",
        "test_beside.py": "def test_beside(request): assert ('wrapped', 'yes') in request.node.user_properties\n",
    }
)
