"""Values that break serialisers, as a module that the suites of the tests import, by name.

`VALUES` are what benchmarks really hold, `EXOTIC` objects whose own methods raise, `TEXTS` are strings.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np  # a module that must not be imported anew by each session
import pytest

from tests.hooks.campaigns import UNLIMITED, Campaign, Session

SOURCE = r'''
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import threading
import types
import uuid
from collections.abc import Mapping, Sequence, Set

import numpy


class RaisingRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


class RaisingStr:
    def __str__(self):
        raise RuntimeError("no str")


class RaisingAttributes:
    def __getattr__(self, name):
        raise RuntimeError("no " + name)


class Anything:
    """Has every attribute, and each can be called, as a mock does."""

    def __getattr__(self, name):
        return Anything() if not name.startswith("__") else object.__getattribute__(self, name)

    def __call__(self, *args, **kwargs):
        return self


class RaisingEq:
    __hash__ = object.__hash__

    def __eq__(self, other):
        raise RuntimeError("no eq")


class RaisingItem:
    shape = ()

    def item(self):
        raise RuntimeError("no item")


class ItemOfItself:
    shape = ()

    def item(self):
        return self


class RaisingSequence(Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        raise RuntimeError("no item")


class RaisingMapping(Mapping):
    def __len__(self):
        return 1

    def __iter__(self):
        raise RuntimeError("no keys")

    def __getitem__(self, key):
        raise RuntimeError("no value")


class RaisingSet(Set):
    def __len__(self):
        return 1

    def __iter__(self):
        raise RuntimeError("no elements")

    def __contains__(self, element):
        return False


class Text(str):
    def __str__(self):
        raise RuntimeError("no str")


class Number(float):
    def __float__(self):
        raise RuntimeError("no float")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Name(enum.StrEnum):
    ONE = "one"


@dataclasses.dataclass
class Point:
    x: object


Pair = collections.namedtuple("Pair", "a b")

circular_list = [1]
circular_list.append(circular_list)
circular_dict = {"a": 1}
circular_dict["self"] = circular_dict
deep = []
for _ in range(5000):
    deep = [deep]

VALUES = {
    "numpy float": numpy.float64(1.5),
    "numpy float32": numpy.float32(1.5),
    "numpy int": numpy.int64(7),
    "numpy bool": numpy.bool_(True),
    "numpy nan": numpy.float64("nan"),
    "numpy array": numpy.array([1.0, 2.0]),
    "numpy zero-dimensional": numpy.array(5),
    "numpy empty": numpy.array([]),
    "numpy time": numpy.datetime64("2026-11-01"),
    "numpy object": numpy.array([object()], dtype=object),
    "numpy text": numpy.str_("text"),
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "2**63": 2**63,
    "2**64": 2**64,
    "-2**63": -(2**63),
    "10**400": 10**400,
    "10**5000": 10**5000,
    "-10**5000": -(10**5000),
    "denormal": 5e-324,
    "decimal": decimal.Decimal("1.1"),
    "decimal nan": decimal.Decimal("sNaN"),
    "fraction": fractions.Fraction(1, 3),
    "complex": 1 + 2j,
    "none": None,
    "true": True,
    "text": "text",
    "surrogate": "\ud800 lone",
    "bytes": b"\xff\x00",
    "bytearray": bytearray(b"\xff"),
    "memoryview": memoryview(b"\xff"),
    "set": {1, "a", None},
    "frozenset": frozenset({frozenset({1}), 2}),
    "dict": {None: 1, (1, 2): 2, b"\xff": 3, "\ud800": 4, 1.5: 5},
    "dict of sets": {frozenset({1}): {2}},
    "circular list": circular_list,
    "circular dict": circular_dict,
    "deep": deep,
    "raising repr": RaisingRepr(),
    "list of raising repr": [RaisingRepr()],
    "enum": Color.RED,
    "int enum": Level.LOW,
    "text enum": Name.ONE,
    "named tuple": Pair(1, {2}),
    "path": pathlib.Path("/a/b"),
    "time": datetime.datetime(2026, 11, 1),
    "time delta": datetime.timedelta(1),
    "uuid": uuid.UUID(int=1),
    "type": int,
    "module": types,
    "function": lambda: None,
    "generator": (x for x in ()),
    "lock": threading.Lock(),
    "exception": ValueError("\ud800"),
    "long text": "x" * 100_000,
    "long bytes": b"x" * 100_000,
    "long list": list(range(100_000)),
    "long range": range(1_000_000),
}

EXOTIC = {
    "dict of raising keys": {RaisingRepr(): 1},
    "raising attributes": RaisingAttributes(),
    "raising sequence": RaisingSequence(),
    "raising mapping": RaisingMapping(),
    "raising set": RaisingSet(),
    "text subclass": Text("text"),
    "number subclass": Number(1.5),
    "dataclass": Point(RaisingRepr()),
    "raising str": RaisingStr(),
    "raising eq": RaisingEq(),
    "raising item": RaisingItem(),
    "item of itself": ItemOfItself(),
    "anything": Anything(),
}

# what `str` cannot print, pytest's own JUnit file cannot hold
PRINTABLE = {}
for _name, _value in {**VALUES, **EXOTIC}.items():
    try:
        str(_value)
    except Exception:
        continue
    PRINTABLE[_name] = _value

# pytest itself cannot make an id of the others
NAMABLE = {
    name: value for name, value in VALUES.items() if not name.endswith("10**5000")
}

TEXTS = {
    "empty": "",
    "surrogate": "\ud800 lone \udfff",
    "nul": "a\0b",
    "control": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "lines": "a\nb\r\nc\u2028d\x85e",
    "xml": "]]> <!-- <script>alert(1)</script> &amp; ' \"",
    "json": '{"a": NaN} \\u0000 \\',
    "no character": "\uffff\ufffe\U0010ffff",
    "right to left": "\u202egnp.exe",
    "percent": "%s %d {0} {name}",
    "path": "../../etc/passwd",
    "astral": "\U0001f600" * 3,
    "long": "x" * 100_000,
    "long astral": "\U0001f600" * 30_000,
}
'''


def write_hostile_module(folder: Path) -> None:
    """Put `hostile.py` where a suite can import it."""
    assert np.__name__ == "numpy"
    (folder / "hostile.py").write_text(SOURCE, "utf-8")


HEAD = """
import sys
import warnings

import pytest
from hostile import EXOTIC, NAMABLE, PRINTABLE, TEXTS, VALUES

ALL = {**VALUES, **EXOTIC}
values = pytest.mark.parametrize("name", VALUES)
exotic = pytest.mark.parametrize("name", EXOTIC)
texts = pytest.mark.parametrize("name", TEXTS)

"""

KINDS = pytest.mark.parametrize("kind", ["values", "exotic"])


def run(campaign: Campaign, engine: str, source: str, *args: str) -> Session:
    """Run the suite; whatever it holds, the run must come to its end and its files must be readable."""
    campaign.write({"test_hostile.py": HEAD + source})
    session = campaign.run(*UNLIMITED, "--tb=short", *args, engine=engine)
    assert [line for line in session.text.splitlines() if "INTERNALERROR> " in line][-2:] == []
    assert session.exit_code in {0, 1}
    status = session.status()
    assert status["state"] == "complete"
    assert status["total_tasks"] == len(session.ended()) > 5
    assert session.stats()["units"]["total"] == status["total_tasks"]
    assert len(session.events()) > 2 * status["total_tasks"]
    assert len(session.cases()) == status["total_tasks"]
    for path in campaign.results.rglob("*.json"):
        path.read_text("utf-8")
    return session


def failed(session: Session) -> list[str]:
    """Names of the values whose unit failed."""
    return sorted(unit_id.partition("[")[2][:-1] for unit_id, status in session.ended().items() if status == "failed")
