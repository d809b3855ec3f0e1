"""The `benchrun` mark: what it may say, checked once, and the fingerprint that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_benchrun.core.argv import masked
from pytest_benchrun.core.boilerplate import read_boilerplate
from pytest_benchrun.core.errors import UsageProblem, nearest
from pytest_benchrun.core.jsonsafe import safe_repr, to_name, to_text
from pytest_benchrun.hooks.settings import parse_stuck_timeout
from pytest_benchrun.world.source import inputs_digest, source_digest

MARKER = "benchrun"
KNOWN = ("boilerplate", "exclusive", "group", "inputs", "phase", "repeat", "stuck_timeout", "version", "warmup")
_LEAST = {"repeat": 1, "warmup": 0}
_VERSION_LENGTH = 100
_NOTHING: Mapping[str, Any] = {}


class Marks:
    """What the marks of an item and of all around it say; the closest one wins, keyword by keyword."""

    def __init__(self) -> None:
        self._of_parent: dict[object, Mapping[str, Any]] = {}

    def of(self, item: pytest.Item) -> Mapping[str, Any]:
        """The keywords that hold for `item`.

        Raises:
            UsageProblem: a mark has a keyword that does not exist, or a value without one.
        """
        parent = item.parent
        around = self._of_parent.get(parent)
        if around is None:
            around = self._of_parent[parent] = _merged(parent) if parent is not None else _NOTHING
        own = [mark for mark in item.own_markers if mark.name == MARKER]
        if not own:
            return around
        merged = dict(around)
        for mark in reversed(own):
            merged.update(_checked(mark, item))
        return merged


def _merged(node: pytest.Item | pytest.Collector) -> Mapping[str, Any]:
    merged: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers(MARKER))):
        merged.update(_checked(mark, node))
    return merged or _NOTHING


def _checked(mark: pytest.Mark, node: pytest.Item | pytest.Collector) -> Mapping[str, Any]:
    if mark.args:
        problem = f"@pytest.mark.benchrun({mark.args[0]!r}) at {node.nodeid}: it takes keywords only"
        raise UsageProblem(problem, hint=f"known: {', '.join(KNOWN)}; for example group={mark.args[0]!r}")
    for name in mark.kwargs:
        if name not in KNOWN:
            problem = f"@pytest.mark.benchrun({name}=...) at {node.nodeid}: there is no {name!r}"
            raise UsageProblem(problem, hint=f"known: {', '.join(KNOWN)}; nearest: {nearest(name, KNOWN)}")
        _check_value(name, mark.kwargs[name], node)
    return mark.kwargs


def _check_value(name: str, value: object, node: pytest.Item | pytest.Collector) -> None:
    if name == "boilerplate":
        _check_boilerplate(value, node)
        return
    where = f"@pytest.mark.benchrun({name}={safe_repr(value)}) at {node.nodeid}"
    if name == "exclusive" and not isinstance(value, bool):
        raise UsageProblem(f"{where}: it is true or false", hint="exclusive=True")
    if name == "stuck_timeout":
        _check_time(value, where)
    least = _LEAST.get(name)
    if least is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise UsageProblem(f"{where}: it is a whole number, {least} or more", hint=f"{name}={max(least, 1)}")


def _check_time(value: object, where: str) -> None:
    try:
        stuck_timeout_of({"stuck_timeout": value})
    except UsageProblem:
        raise UsageProblem(f"{where}: it is no time", hint='stuck_timeout="90s"; a bare number is minutes') from None


def stuck_timeout_of(said: Mapping[str, Any]) -> float | None:
    """Seconds of silence after which the unit is stuck, as its marks say; None when they do not.

    Raises:
        UsageProblem: it is no time.
    """
    value = said.get("stuck_timeout")
    return None if value is None else parse_stuck_timeout(to_text(value))


def _check_boilerplate(value: object, node: pytest.Item | pytest.Collector) -> None:
    """Before the first unit: whether it can be one, and whether its folder is there."""
    shown = masked(safe_repr(value))
    where = f"@pytest.mark.benchrun(boilerplate={shown}) at {node.nodeid}"
    source = read_boilerplate(value, where)
    if isinstance(source, str) and not (node.path.parent / source).is_dir():
        problem = f"{where}: there is no folder {str(node.path.parent / source)!r}"
        raise UsageProblem(
            problem, hint="a folder is relative to the test file; a repository is https://, ssh:// or file://"
        )


class Fingerprints:
    """Computes the fingerprint of units; what many share is read once."""

    def __init__(self) -> None:
        self._sources: dict[object, str] = {}
        self._inputs: dict[tuple[Path, ...], str] = {}
        self._texts: dict[str, str] = {}

    def of(self, item: pytest.Item, said: Mapping[str, Any]) -> str:
        """`source:DIGEST inputs:DIGEST version:TEXT`, parts that do not apply left out.

        Raises:
            UsageProblem: an input cannot be read.
        """
        source = self._source(item)
        if not said:
            return source and self._texts.setdefault(source, f"source:{source}")
        parts = [f"source:{source}"] if source else []
        if said.get("inputs"):
            parts.append(f"inputs:{self._digest_inputs(item, said['inputs'])}")
        if said.get("version") is not None:
            parts.append(f"version:{to_name(to_text(said['version']), _VERSION_LENGTH).replace(' ', '_')}")
        text = " ".join(parts)
        return self._texts.setdefault(text, text)

    def _source(self, item: pytest.Item) -> str:
        function = getattr(item, "function", None) or getattr(item, "obj", None)  # doctest items have neither
        if function is None:
            return ""
        key = getattr(function, "__code__", function)  # unittest and methods bind a new object for each item
        if key not in self._sources:
            self._sources[key] = source_digest(function)
        return self._sources[key]

    def _digest_inputs(self, item: pytest.Item, inputs: Any) -> str:  # noqa: ANN401  # what a user wrote into the mark
        if isinstance(inputs, str | Path):
            inputs = [inputs]
        paths = tuple(item.path.parent / Path(path) for path in inputs)
        if paths not in self._inputs:
            try:
                self._inputs[paths] = inputs_digest(list(paths))
            except OSError as error:
                problem = f"{item.nodeid}: its input {str(error.filename)!r} cannot be read: {error.strerror}"
                raise UsageProblem(problem, hint="inputs are paths relative to the test file, or absolute") from error
        return self._inputs[paths]
