"""Values that break serialisers, in errors, output, warnings, reasons and properties, never end a run."""

from __future__ import annotations

from tests.hooks.campaigns import UNLIMITED, Campaign
from tests.hooks.hostile import HEAD, KINDS, failed, run


def test_as_the_message_of_an_error(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("name", ALL)
def test_assertion(name): assert False, ALL[name]
@pytest.mark.parametrize("name", ALL)
def test_exception(name): raise ValueError(ALL[name])
@texts
def test_fail(name): pytest.fail(TEXTS[name])
@texts
def test_no_traceback(name): pytest.fail(TEXTS[name], pytrace=False)
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"failed"}


def test_in_a_comparison(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("name", ALL)
def test_equal(name): assert [ALL[name]] == [1, 2]
@values
def test_in(name): assert "z" in (VALUES[name],)
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"failed"}


def test_in_the_error_of_a_fixture(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.fixture
def before(name): raise ValueError(TEXTS[name])
@pytest.fixture
def after(name):
    yield
    raise ValueError(TEXTS[name])
@texts
def test_before(before, name): pass
@texts
def test_after(after, name): pass
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"failed"}


def test_in_the_error_of_a_wide_fixture(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.fixture(scope="class")
def wide(request):
    yield
    raise ValueError(TEXTS[request.cls.name])

for _number, _name in enumerate(TEXTS):
    _class = type(f"Test{_number}", (), {"name": _name, "test_wide": lambda self, wide: None})
    globals()[_class.__name__] = _class
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"completed"}
    assert session.exit_code == 1
    assert len(session.events("late_error")) == session.status()["total_tasks"]


PROPERTIES = """
@pytest.mark.parametrize("name", {names})
def test_value(record_property, name): record_property("p", ALL[name])
"""


def test_as_the_value_of_a_property(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, PROPERTIES.format(names="[name for name in VALUES if name in PRINTABLE]"))
    assert failed(session) == []


def test_as_the_value_of_a_property_whose_methods_raise(hostile: Campaign, engine: str) -> None:
    session = run(hostile, engine, PROPERTIES.format(names="[name for name in EXOTIC if name in PRINTABLE]"))
    assert failed(session) == []


@KINDS
def test_as_the_value_of_a_property_without_a_junit_file(hostile: Campaign, engine: str, kind: str) -> None:
    hostile.write({"test_hostile.py": HEAD + PROPERTIES.format(names=kind.upper())})
    session = hostile.run(*UNLIMITED, "--junitxml=", engine=engine)
    assert session.exit_code == 0
    assert set(session.ended().values()) == {"completed"}


PLAIN_PROPERTIES = """
@pytest.mark.parametrize("value", [1, 1.5, None, True, "text", "ä", (1, 2), [1, [2]], {"a": 1}, (("a", 1),)], ids=repr)
def test_value(record_property, value): record_property("p", value)

@pytest.mark.parametrize("name", ["numpy float", "numpy int", "numpy bool", "2**64", "path", "enum", "time"])
def test_hostile(record_property, name): record_property("p", VALUES[name])
"""


def test_a_property_reads_the_same_in_every_engine(hostile: Campaign, engine: str) -> None:
    hostile.write({"test_hostile.py": HEAD + PLAIN_PROPERTIES})
    expected = {case.name: case.values("p") for case in hostile.plain(has_us=False).cases()}
    session = run(hostile, engine, PLAIN_PROPERTIES)
    assert {case.name: case.values("p") for case in session.cases()} == expected


def test_as_the_name_of_a_property(hostile: Campaign, engine: str) -> None:
    source = """
@pytest.mark.parametrize("name", ["lines", "xml", "json", "right to left", "percent", "path", "astral", "long"])
def test_text(record_property, benchrun, name): record_property(TEXTS[name], 1)

@pytest.fixture
def earlier(record_property, name): record_property(VALUES[name], 1)

@pytest.mark.parametrize("name", ["none", "2**63", "bytes", "nan", "numpy int", "enum", "path"])
def test_value(earlier, benchrun, name): benchrun.metric("m", 1)
"""
    session = run(hostile, engine, source)
    assert failed(session) == []


def test_as_a_warning(hostile: Campaign, engine: str) -> None:
    source = """
@texts
def test_text(name): warnings.warn(TEXTS[name])
@pytest.mark.parametrize("name", ["numpy float", "nan", "set", "bytes", "circular list", "enum", "2**64", "surrogate"])
def test_value(name): warnings.warn(UserWarning(VALUES[name], 1))
"""
    session = run(hostile, engine, source)
    assert failed(session) == []


def test_in_captured_output(hostile: Campaign, engine: str) -> None:
    source = """
import logging

@texts
def test_print(name):
    print(TEXTS[name].encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    print(TEXTS[name].encode("utf-8", "replace").decode(), file=sys.stderr)
    raise AssertionError
@texts
def test_log(name):
    logging.getLogger("theirs").error(TEXTS[name])
    raise AssertionError
def test_bytes():
    sys.stdout.buffer.write(bytes(range(256)))
    raise AssertionError
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"failed"}


def test_as_the_reason_of_a_skip(hostile: Campaign, engine: str) -> None:
    source = """
@texts
def test_skip(name): pytest.skip(TEXTS[name])
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.skip(reason=TEXTS[name])) for name in TEXTS])
def test_marked(name): pass
"""
    session = run(hostile, engine, source)
    assert set(session.ended().values()) == {"skipped"}


def test_as_the_reason_of_an_xfail(hostile: Campaign, engine: str) -> None:
    source = """
@texts
def test_xfail(name): pytest.xfail(TEXTS[name])
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xfail(reason=TEXTS[name])) for name in TEXTS])
def test_marked(name): raise AssertionError(TEXTS[name])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xfail(reason=TEXTS[name], strict=True)) for name in TEXTS]
)
def test_strict(name): pass
"""
    session = run(hostile, engine, source)
    assert sorted(session.ended().values()) == ["completed"] * 30 + ["failed"] * 15
