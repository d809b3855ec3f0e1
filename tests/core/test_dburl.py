"""Addresses of databases: what they may be, and that nobody is shown a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.dburl import (
    has_password,
    masked,
    masked_command,
    sqlite_path,
    without_masked,
    without_passwords,
)
from pytest_benchrun.core.errors import UsageProblem

FLAG, INI = "--bench-db", "bench_db"
URL = "postgresql://anna:geheim@db/bench"
SHOWN = "postgresql://anna:***@db/bench"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, SHOWN),
        ("postgresql://anna@db/bench", "postgresql://anna@db/bench"),
        ("postgresql://db/bench", "postgresql://db/bench"),
        ("postgresql://a:p@ss@db/bench", "postgresql://a:***@db/bench"),
        ("postgresql://a:p?s@db/bench", "postgresql://a:***@db/bench"),
        ("postgresql:///b?host=/tmp&password=geheim", "postgresql:///b?host=/tmp&password=***"),
        ("postgresql:///b?sslPassword=geheim&x=1", "postgresql:///b?sslPassword=***&x=1"),
        ("postgresql:///b?pass%77ord=geheim", "postgresql:///b?pass%77ord=***"),
        ("history.sqlite", "history.sqlite"),
        ("sqlite:////data/a@b.sqlite", "sqlite:////data/a@b.sqlite"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert has_password(url) == (url != shown)
    assert masked(shown) == shown


@given(st.text(st.characters(codec="ascii", exclude_characters="/"), min_size=8).filter(str.strip))
def test_no_password_is_shown_whatever_it_is_made_of(password: str) -> None:
    assert f"secret{password}" not in masked(f"postgresql://a:secret{password}@db/bench")


def test_what_a_library_says_loses_the_password_as_written_and_as_meant() -> None:
    url = "postgresql://a:p%40ss@db/bench"
    assert without_passwords(f"no p%40ss, no p@ss in {url}", url) == f"no ***, no *** in {masked(url)}"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("history.sqlite", "history.sqlite"),
        ("sqlite:///history.sqlite", "history.sqlite"),
        ("sqlite:////data/history.sqlite", "/data/history.sqlite"),
        (URL, None),
        ("postgres://db/x", None),
    ],
)
def test_a_path_is_a_file_and_an_address_says_its_kind(url: str, path: str | None) -> None:
    assert sqlite_path(url, FLAG) == path


@pytest.mark.parametrize(
    ("url", "problem", "hint"),
    [
        ("mysql://a:geheim@db", "no kind of database 'mysql'", "did you mean"),
        ("sqlit:///x", "known: sqlite, postgresql", "did you mean sqlite://"),
        ("sqlite://x", "names no file", "three slashes"),
        ("", "names no database", "history.sqlite"),
        ("postgresql://a:geheim@db:port/x", "no address of a database", "%40"),
    ],
)
def test_what_is_no_address_is_refused_and_its_password_kept(url: str, problem: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        sqlite_path(url, FLAG)
    assert problem in caught.value.problem
    assert hint in caught.value.hint
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [[f"{FLAG}={URL}"], [FLAG, URL], ["-o", f"{INI}={URL}"], [f"-o{INI}={URL}"], [f"--override-ini={INI}={URL}"]],
)
def test_a_recorded_command_has_no_password_and_is_repeated_without_the_address(words: list[str]) -> None:
    recorded = masked_command(["-q", *words, "--other=http://a:b@c", "x"], FLAG, INI)
    assert "geheim" not in " ".join(recorded)
    assert SHOWN in " ".join(recorded)
    assert recorded[-2:] == ["--other=http://a:b@c", "x"]
    assert without_masked(recorded, FLAG, INI) == (["-q", "--other=http://a:b@c", "x"], True)


def test_an_address_without_a_password_is_repeated() -> None:
    words = ["-q", FLAG, "postgresql://db/x", f"{FLAG}=history.sqlite", "--other=:***@"]
    assert masked_command(words, FLAG, INI) == words
    assert without_masked(words, FLAG, INI) == (words, False)
