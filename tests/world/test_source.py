"""Digests of functions and files: the same for what means the same, different for what does not."""

from __future__ import annotations

import functools
import linecache
from pathlib import Path

import pytest

from pytest_benchrun.world.source import DIGEST_LENGTH, inputs_digest, source_digest

PLAIN = "def unit(size):\n    total = size + 1\n    return total\n"


def digest_of(source: str, on_disk: str | None = None) -> str:
    """The digest of the function `unit` in a module with that text, or one edited since it was imported."""
    name = f"<module {hash(source)}>"
    text = source if on_disk is None else on_disk
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, object] = {"mark": lambda function: function, "wraps": functools.wraps}
    exec(compile(source, name, "exec"), namespace)  # noqa: S102  # the texts of this test
    digest = source_digest(namespace["unit"])
    del linecache.cache[name]
    return digest


@pytest.mark.parametrize(
    "source",
    [
        PLAIN,
        "# a comment\n\n\n" + PLAIN,
        "def unit(size):\n    # why\n\n    total = size + 1  # plus one\n    return total\n",
        "def unit(\n        size,\n):\n    total = (size\n        + 1)\n    return (total)\n",
        "@mark\n" + PLAIN,
        "if True:\n    def unit(size):\n        total = size + 1\n        return total\n",
        "def other():\n    return 2\n\n\n" + PLAIN,
    ],
)
def test_comments_layout_and_decorators_do_not_count(source: str) -> None:
    assert digest_of(source) == digest_of(PLAIN)


@pytest.mark.parametrize(
    "source",
    [
        PLAIN.replace("+ 1", "+ 2"),
        PLAIN.replace("size + 1", "1 + size"),
        PLAIN.replace("size)", "size, mode=None)"),
        PLAIN.replace("size)", "size=1)"),
        PLAIN.replace("def unit", "async def unit"),
        PLAIN.replace("total", "result"),
    ],
)
def test_what_a_function_does_counts(source: str) -> None:
    assert digest_of(source) != digest_of(PLAIN)


@pytest.mark.parametrize(
    "on_disk", ["", "x = 1\n", '"""no end\n', "def unit(\n", "    return 1\n", "\x00\n", "(\n" * 300]
)
def test_a_file_edited_after_its_import_is_no_error(on_disk: str) -> None:
    assert digest_of(PLAIN, on_disk) != digest_of(PLAIN)


def test_a_wrapper_is_looked_through() -> None:
    wrapped = (
        "def kept(function):\n    @wraps(function)\n    def wrapper(*args):\n        return function(*args)\n"
        "    return wrapper\n\n\n@kept\n"
    )
    assert digest_of(wrapped + PLAIN) == digest_of(PLAIN)


@pytest.mark.parametrize("function", [len, int, 7, None, "text"])
def test_what_has_no_source_has_an_empty_digest(function: object) -> None:
    assert source_digest(function) == ""


def test_a_digest_has_its_length() -> None:
    assert len(digest_of(PLAIN)) == DIGEST_LENGTH


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "one.csv").write_bytes(b"1")
    (tmp_path / "below" / "two.csv").write_bytes(b"2")
    (tmp_path / "below" / "deep" / "three.csv").write_bytes(b"3")
    return tmp_path


def test_the_content_of_an_input_counts(data: Path) -> None:
    before = inputs_digest([data / "one.csv"])
    assert (len(before), inputs_digest([data / "one.csv"])) == (DIGEST_LENGTH, before)
    (data / "one.csv").write_bytes(b"2")
    assert inputs_digest([data / "one.csv"]) != before


def test_the_place_of_an_input_does_not_count_but_its_name_does(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "one.csv").write_bytes(b"1")
    (elsewhere / "1.csv").write_bytes(b"1")
    assert inputs_digest([elsewhere / "one.csv"]) == inputs_digest([data / "one.csv"])
    assert inputs_digest([elsewhere / "1.csv"]) != inputs_digest([data / "one.csv"])


def test_a_folder_stands_for_all_files_below_it(data: Path) -> None:
    before = inputs_digest([data])
    (data / "below" / "deep" / "three.csv").write_bytes(b"x")
    changed = inputs_digest([data])
    (data / "below" / "deep" / "three.csv").write_bytes(b"3")
    (data / "below" / "four.csv").write_bytes(b"")
    assert len({before, changed, inputs_digest([data])}) == 3


def test_content_does_not_run_from_one_file_into_the_next(data: Path) -> None:
    (data / "a").write_bytes(b"12")
    (data / "b").write_bytes(b"3")
    before = inputs_digest([data / "a", data / "b"])
    (data / "a").write_bytes(b"1")
    (data / "b").write_bytes(b"23")
    assert inputs_digest([data / "a", data / "b"]) != before


def test_a_missing_input_is_an_error_that_names_it(data: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        inputs_digest([data / "one.csv", data / "gone.csv"])
    assert caught.value.filename == str(data / "gone.csv")
