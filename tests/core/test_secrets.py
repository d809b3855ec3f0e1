"""What is masked of a command line, and what stays so that it can be repeated."""

from __future__ import annotations

import pytest

from pytest_benchrun.core.secrets import mask_text, masked_option, masked_url, masked_words, without_masked_words

SAME = ["pytest", "-k", "token", "--bench-budget", "tokens_total=2e6", "--max-tokens=9", "--tokenizer", "x", "a::b[c]"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["x", "--password=abc d"], ["x", "--password=***"]),
        (["x", "--api-token", "abc", "y"], ["x", "--api-token", "***", "y"]),
        (["x", "--token", "--verbose"], ["x", "--token", "--verbose"]),
        (["DB_PASSWORD=abc", "x"], ["DB_PASSWORD=***", "x"]),
        (["sh", "-c", "run --password=abc && run"], ["sh", "-c", "run --password=*** && run"]),
        (["sh", "-c", "run --secret 'abc' && run"], ["sh", "-c", "run --secret '***' && run"]),
        (["x", "https://me:abc@host/y"], ["x", "https://(masked)@host/y"]),
        (["x", "https://abc@host/y"], ["x", "https://(masked)@host/y"]),
        (["--bench-db=postgresql://me:***@host/y"], ["--bench-db=postgresql://me:***@host/y"]),
        (SAME, SAME),
    ],
)
def test_a_secret_is_masked_and_nothing_else(words: list[str], shown: list[str]) -> None:
    assert masked_words(words) == shown
    assert masked_words(shown) == shown
    assert "abc" not in mask_text(" ".join(words).replace("abc d", "abc"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host", "https://host"),
        ("http://host:80/", "http://host:80/"),
        ("https://hooks.host/T0/abc", "https://hooks.host/***"),
        ("https://me:abc@host:8", "https://host:8/***"),
        ("https://host?key=abc", "https://host/***"),
        ("https://host:port/abc", "***"),
    ],
)
def test_of_an_address_only_the_host_is_shown(url: str, shown: str) -> None:
    assert masked_url(url) == shown
    assert masked_option(["x", f"--to={url}", "--to", url], "--to") == ["x", f"--to={shown}", "--to", shown]


def test_a_command_is_repeated_without_what_was_masked() -> None:
    words = [
        "a.py",
        "--password=***",
        "--token",
        "***",
        "--bench-notify=https://host/***",
        "--bench-notify",
        "https://h/***",
    ]
    assert without_masked_words(words) == (["a.py"], ["--password", "--token", "--bench-notify", "--bench-notify"])
    assert without_masked_words(SAME) == (SAME, [])
