"""Lines of turns and events, as the plugin writes them."""

from __future__ import annotations

import orjson

from tests.fakes import moment


def turn_line(unit_id: str = "a", **fields: object) -> bytes:
    """A turn of the run `demo`, with these fields instead of or beside its own."""
    record: dict[str, object] = {
        "timestamp": moment(1),
        "run_id": "demo",
        "session_id": None,
        "unit_id": unit_id,
        "turn_index": 0,
        "turn_id": "0123456789-1-0",
        "role": None,
        "llm_ms": 1.5,
        "storage_ms": None,
        "storage_ms_by": {},
        "total_ms": 2.0,
        "tokens_in": None,
        "tokens_out": 3,
        "status": "ok",
        "error": None,
        "attempt": 1,
        "worker": "main",
    }
    return orjson.dumps({**record, **fields}) + b"\n"


def event_line(unit_id: str = "a", **fields: object) -> bytes:
    """An event of the same run."""
    record: dict[str, object] = {
        "event": "compacted",
        "timestamp": moment(1),
        "run_id": "demo",
        "unit_id": unit_id,
        "turn_index": None,
        "attempt": 1,
        "worker": "main",
    }
    return orjson.dumps({**record, **fields}) + b"\n"
