"""Turns as data: the fields of their lines, and which of them a sample keeps."""

from __future__ import annotations

from hashlib import blake2b

TURN_FIELDS = (
    "timestamp",
    "run_id",
    "session_id",
    "unit_id",
    "turn_index",
    "turn_id",
    "role",
    "llm_ms",
    "storage_ms",
    "storage_ms_by",
    "total_ms",
    "tokens_in",
    "tokens_out",
    "status",
    "error",
    "attempt",
    "worker",
)
"""What every line of a turn has, in this order; the user's fields follow."""

EVENT_FIELDS = ("event", "timestamp", "run_id", "unit_id", "turn_index", "attempt", "worker")
"""What every line of an event has, in this order; it is known by its first field, which no turn has."""

SAMPLED_OUT = "sampled_out"
"""The first field of a line that holds the numbers of turns which a sample has left out; no turn has it."""

_STEPS = 2**64


class Sample:
    """Which turns of one unit are kept: by a hash, so that every run keeps the same ones.

    Args:
        unit_id: the unit.
        share: of all turns, 0 to 1.
    """

    def __init__(self, unit_id: str, share: float) -> None:
        self._hash = blake2b(unit_id.encode("utf-8", "backslashreplace") + b"\n", digest_size=8)
        self._limit = share * _STEPS

    def keeps(self, turn_index: int) -> bool:
        """Whether the turn is kept; a larger share keeps all that a smaller one does."""
        turn_hash = self._hash.copy()
        turn_hash.update(b"%d" % turn_index)
        return int.from_bytes(turn_hash.digest(), "big") < self._limit
