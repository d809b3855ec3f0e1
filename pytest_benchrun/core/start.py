"""How a session begins: what it does with what the directory holds, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Start(Enum):
    """What the session will do with what the directory holds (the table in the README)."""

    NEW = auto()
    RESUME = auto()
    NEW_AFTER_HISTORY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What a session says of itself in the journal.

    Attributes:
        engine: `bare` or `xdist`.
        workers: how many were asked for.
    """

    engine: str
    workers: int
    command: list[str]
    cwd: str
    versions: dict[str, str]
    version: str
