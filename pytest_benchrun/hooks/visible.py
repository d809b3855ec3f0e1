"""What pytest shows has every character visible: warnings, and ids where pytest was told to leave them alone."""

from __future__ import annotations

import linecache
import warnings
from typing import Any

import pytest

from pytest_benchrun.core.jsonsafe import to_text
from pytest_benchrun.hooks.output import visible

_RAW_IDS = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"


class VisibleIds:
    """Escapes in ids what pytest escapes without that option: control characters and what cannot be seen."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._made: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Before anybody has read the id, in every process alike."""
        nodeid = free = _one_line(item.nodeid)
        number, is_made = 0, nodeid != item.nodeid
        while free in (self._taken if is_made else self._made):  # one of the two was written as the other is shown
            number += 1
            free = f"{nodeid}-{number}"
        if free != item.nodeid:
            item.name = _one_line(item.name)
            _rename(item, free)
            self._made.add(free)
        self._taken.add(free)


class VisibleWarnings:
    """In the process that shows them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Before the terminal reads it."""
        text = to_text(warning_message.message)
        shown = visible(text)
        if shown != text:
            warning_message.message = Warning(shown)
        line = warning_message.line or linecache.getline(warning_message.filename, warning_message.lineno)
        shown = visible(line)
        if shown != line:
            warning_message.line = shown


def show_names(config: pytest.Config) -> None:
    """Have ids and warnings shown with every character visible."""
    if config.getini(_RAW_IDS):
        config.pluginmanager.register(VisibleIds(), "benchrun-visible-ids")
    config.pluginmanager.register(VisibleWarnings(), "benchrun-visible-warnings")


def _rename(item: Any, nodeid: str) -> None:  # noqa: ANN401  # what pytest keeps of an item for itself
    known = getattr(item, "_id", None)
    if known is None:  # pytest up to 9.1
        item._nodeid = nodeid  # noqa: SLF001  # there is no other door to it
    else:
        item._id = type(known).parse(nodeid)  # noqa: SLF001  # as above


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode-escape").decode() for letter in text)
