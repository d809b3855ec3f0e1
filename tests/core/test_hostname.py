"""What is a host, and what only looks like one."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.hostname import ssh_destination


@pytest.mark.parametrize(
    ("typed", "destination"),
    [
        ("node1", "node1"),
        ("node-1.example.org", "node-1.example.org"),
        ("my_alias", "my_alias"),
        ("me@node1", "me@node1"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("me@[fe80::1%eth0]", "me@fe80::1%eth0"),
    ],
)
def test_a_host_is_what_ssh_takes(typed: str, destination: str) -> None:
    assert ssh_destination(typed) == destination


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-oProxyCommand=touch x",
        "-oProxyCommand=x",
        "--",
        "me@-oProxyCommand=x",
        "-me@node1",
        "a b",
        "a\n",
        "a;b",
        "a$(b)",
        "a`b`",
        "a|b",
        "a&b",
        "a'b",
        'a"b',
        "a/b",
        "a\\b",
        "a%h",
        "a=b",
        "a*",
        "ä",
        "@a",
        "a@",
        "a@b@c",
        "[node1]",
        "[::1",
        "[::1]:22",
        "node1:22",
        "fe80::1%$(b)",
        "a" * 300,
        "\0",
    ],
)
def test_what_could_be_more_than_a_host_is_none(typed: str) -> None:
    assert ssh_destination(typed) is None
