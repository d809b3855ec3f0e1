"""What a suite of another project is, and the log that its fixtures write.

`LOG` is a conftest whose `write` appends a line to `events.log`: the order of what happened.
"""

from __future__ import annotations

from dataclasses import dataclass

LOG = """
import pathlib

import pytest

EVENTS = pathlib.Path(__file__).parent / "events.log"


def write(text):
    with EVENTS.open("a") as file:
        file.write(text + "\\n")


@pytest.fixture(scope="session")
def log():
    return write
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite and how its project runs it.

    Attributes:
        files: sources by path.
        args: for pytest.
        plugins: pytest plugins it needs, by entry point.
        minimum: oldest pytest that has what it uses.
        late: tests whose wide fixtures fail in teardown, after the unit has ended.
        is_split: whether workers, which share no fixtures, give the same errors as one process.
    """

    files: dict[str, str]
    args: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    minimum: tuple[int, int] = (8, 2)
    late: frozenset[str] = frozenset()
    is_split: bool = True
