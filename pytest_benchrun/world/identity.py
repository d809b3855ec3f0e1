"""Names that tell runs and configurations apart."""

from __future__ import annotations

import hashlib
import uuid

import orjson

from pytest_benchrun.core.model import JsonValue


def new_run_id(campaign: str, now_at: str) -> str:
    """`<name>-<YYYYmmdd-HHMMSS>-<8 hex>`."""
    stamp = now_at[:19].replace("-", "").replace(":", "").replace("T", "-")
    return f"{campaign}-{stamp}-{uuid.uuid4().hex[:8]}"


def config_hash(config: dict[str, JsonValue]) -> str:
    """SHA-256 of the canonical JSON of what makes the measured values."""
    return hashlib.sha256(orjson.dumps(config, option=orjson.OPT_SORT_KEYS)).hexdigest()
