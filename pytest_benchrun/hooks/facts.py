"""What a session says of itself in the journal."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata

import pytest

from pytest_benchrun.core.dburl import masked_command
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.core.model import JsonValue
from pytest_benchrun.core.secrets import masked_option, masked_words
from pytest_benchrun.core.start import SessionFacts
from pytest_benchrun.hooks.options import DB, NOTIFY

_PACKAGES = ("pytest", "pytest-xdist", "pytest-timeout", "pytest-benchrun")


def session_facts(
    config: pytest.Config, engine: str, workers: int, version: str, find_extra: Callable[[], dict[str, JsonValue]]
) -> SessionFacts:
    """The facts of this session.

    Args:
        config: pytest's.
        engine: `bare` or `xdist`.
        workers: how many were asked for.
        version: ours.
        find_extra: asked at both ends of the session what else is known of this host.
    """
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        versions[package] = _version_of(package)
    arguments = [safe_text(str(argument)) for argument in config.invocation_params.args]
    masked = masked_command(arguments, DB.flag, DB.ini or "")
    return SessionFacts(
        engine=engine,
        workers=workers,
        command=["pytest", *masked_words(masked_option(masked, NOTIFY.flag))],
        cwd=safe_text(str(config.invocation_params.dir)),
        versions=versions,
        version=version,
        find_extra=find_extra,
    )


def campaign_name(text: str) -> str:
    """A run's name from a folder's: letters, digits, dot, dash and underscore."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in text)
    return kept.strip("-.")[:60] or "run"


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
