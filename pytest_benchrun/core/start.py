"""How a session begins: what it does with what the directory holds, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from pytest_benchrun.core.events import HostSeen
from pytest_benchrun.core.model import JsonValue


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
        find_extra: asked at both ends of the session what else is known of this host.
    """

    engine: str
    workers: int
    command: list[str]
    cwd: str
    versions: dict[str, str]
    version: str
    find_extra: Callable[[], dict[str, JsonValue]] = dict

    def added_to(self, seen: HostSeen) -> HostSeen:
        """A look at this host with what else is known of it, which may be nothing."""
        extra = self.find_extra()
        return replace(seen, facts={**seen.facts, "extra": extra}) if extra else seen
