"""`@pytest.mark.benchrun(repeat=N, warmup=M)`: the items that come of one, and what cannot be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import TestCase

import pytest

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.repeats import PARAMETER, Repeat, asked_of, base_of, repeats_of
from pytest_benchrun.hooks.marks import Marks


class RepeatHooks:
    """Parametrizes what is to run several times; registered in every process of a run that collects.

    After everybody else's parameters, so that the warm-ups and repeats of a unit stand together.
    """

    def __init__(self) -> None:
        self._marks = Marks()

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make warm-ups and repeats of each item of the function."""
        try:
            repeats = repeats_of(asked_of(self._marks.of(metafunc.definition)))
        except UsageProblem:
            return  # said again when the work list is made, where an error is shown as one
        if repeats:
            metafunc.fixturenames.append(PARAMETER)  # pytest takes it out again: the function does not ask for it
            metafunc.parametrize(PARAMETER, repeats, ids=[repeat.label for repeat in repeats])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put warm-ups directly before their repeats again where a plugin has shuffled the items."""
        firsts: dict[str, int] = {}
        places: list[tuple[int, bool, int]] = []
        for position, item in enumerate(items):
            repeat = _made_of(item)
            if repeat is None or not repeat.asked[1]:
                places.append((position, False, 0))
            else:
                first = firsts.setdefault(base_of(item.nodeid), position)
                places.append((first, not repeat.is_warmup, repeat.number))
        if firsts:
            pairs = sorted(zip(places, items, strict=True), key=lambda pair: pair[0])
            items[:] = [item for _, item in pairs]


def _made_of(item: pytest.Item) -> Repeat | None:
    callspec = getattr(item, "callspec", None)  # doctest and unittest items have none
    return None if callspec is None else callspec.params.get(PARAMETER)


def repeat_of(item: pytest.Item, said: Mapping[str, Any]) -> Repeat | None:
    """Which repeat or warm-up the item is; None for one that runs once.

    Args:
        item: as it was collected.
        said: the keywords of its marks.

    Raises:
        UsageProblem: its marks ask for something else than has come of it.
    """
    repeat = _made_of(item)
    asked = asked_of(said)
    if asked == ((1, 0) if repeat is None else repeat.asked):
        return repeat
    name = "repeat" if asked[0] != 1 else "warmup"
    problem = f"@pytest.mark.benchrun({name}={said.get(name, 0)}) at {item.nodeid} cannot be done: "
    if _is_plain(item):
        problem += "a mark of one parameter set, or one that a hook adds later, comes when the items are made"
        raise UsageProblem(problem, hint="put it on the function, its class or its module")
    problem += "only plain test functions and methods can be repeated, not unittest methods and doctests"
    raise UsageProblem(problem, hint=f"leave {name}= away there, or write it as a plain function")


def _is_plain(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    return item.cls is None or not issubclass(item.cls, TestCase)
