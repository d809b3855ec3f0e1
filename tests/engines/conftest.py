"""What the tests of the engines ask for: a campaign in a folder of its own, a small suite, and every engine."""

from __future__ import annotations

import pytest

from tests.hooks.campaigns import ENGINES, Campaign

SUITE = {
    "test_a.py": """
import logging
import pytest

@pytest.fixture(scope="module")
def wide():
    print("wide up")
    yield
    print("wide down")

def test_passes(wide): logging.getLogger("theirs").info("logged")

def test_fails(wide):
    print("said before")
    assert [1, 2, 3] == [1, 2, 4]

@pytest.mark.parametrize("x", [1, 2, 3])
def test_some_pass(wide, x): pass

def test_skips(): pytest.skip("not here")
""",
    "test_b.py": '''
"""
>>> 1 + 1
2
"""
import pytest

class TestClass:
    @pytest.fixture(autouse=True, scope="class")
    def around(self):
        yield

    def test_one(self): pass

    @pytest.mark.slow
    def test_two(self): pass

@pytest.mark.xfail(reason="known")
def test_xfails(): raise AssertionError

@pytest.mark.xfail(reason="no more")
def test_xpasses(): pass

@pytest.fixture
def broken(): raise OSError("no setup")

def test_broken(broken): pass
''',
    "conftest.py": "def pytest_configure(config): config.addinivalue_line('markers', 'slow: of theirs')\n",
}


@pytest.fixture
def campaign(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """An empty folder; plugins are named, not found."""
    return Campaign(pytester, monkeypatch)


@pytest.fixture
def suite(campaign: Campaign) -> Campaign:
    """A suite with one test of each kind in two modules."""
    campaign.write(SUITE)
    return campaign


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Bare, `-n0`, `-n2`: the same tests through all of them."""
    name: str = request.param
    return name
