"""What a sandbox may begin with, and what git is never asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.core.boilerplate import GitSource, read_boilerplate
from pytest_benchrun.core.errors import UsageProblem


@pytest.mark.parametrize(
    ("text", "url", "ref"),
    [
        ("https://host/a/b.git", "https://host/a/b.git", "HEAD"),
        ("https://host:8443/a/b.git@v1.2", "https://host:8443/a/b.git", "v1.2"),
        ("ssh://git@host/a/b.git@feature/x-1", "ssh://git@host/a/b.git", "feature/x-1"),
        ("ssh://git@host:22/~me/b", "ssh://git@host:22/~me/b", "HEAD"),
        ("file:///srv/b.git@" + "0" * 40, "file:///srv/b.git", "0" * 40),
    ],
)
def test_a_repository_and_its_ref(text: str, url: str, ref: str) -> None:
    assert read_boilerplate(text, "here") == GitSource(url=url, ref=ref)


@pytest.mark.parametrize("value", ["template", "../a@b", Path("/srv/template"), "a:b"])
def test_anything_else_is_a_folder(value: object) -> None:
    assert read_boilerplate(value, "here") == str(value)


@pytest.mark.parametrize(
    "text",
    [
        "http://host/a",
        "git://host/a",
        "ftp://host/a",
        "HTTPS://host/a",
        "ext::sh -c touch% /tmp/x",
        "fd::17",
        "file::/a",
        "https::https://host/a",
        "git@host:a/b.git",
        "-upload-pack=touch x",
        "--upload-pack=touch x",
        "https://host/a@--upload-pack=touch",
        "https://host/a@-x",
        "https://host/a@+x:refs/heads/y",
        "https://host/a@x:y",
        "https://host/a@a..b",
        "https://host/a@",
        "https://host/a@x y",
        "https://host",
        "https:///a",
        "ssh://-oProxyCommand=touch/a",
        "ssh://-oProxyCommand@host/a",
        "ssh://git@-host/a",
        "file://host/a",
        "file://",
        "https://host/a\n--x",
        "https://host/a?x#y",
        "https://host:0/a",
        "https://host:x/a",
        "",
        "a\0b",
        7,
        None,
    ],
)
def test_what_git_must_not_be_asked_is_refused(text: object) -> None:
    with pytest.raises(UsageProblem, match="here"):
        read_boilerplate(text, "here")


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter2@host/a",
        "https://hunter2@host/a.git@v1",
        "ssh://git:hunter2@host/a",
        "https://:hunter2@host/a",
    ],
)
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_boilerplate(text, "here")
    assert "password or token" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_short_form_of_ssh_is_written_out_in_the_hint() -> None:
    with pytest.raises(UsageProblem, match=r"ssh://git@host/a/b\.git"):
        read_boilerplate("git@host:a/b.git", "here")
