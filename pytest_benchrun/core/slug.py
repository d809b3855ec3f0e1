"""File names for units."""

from __future__ import annotations

import hashlib
import re

_LENGTH = 80


def slug(unit_id: str) -> str:
    """A file name for a unit: readable, unique by ten hex digits of the id's SHA-256, safe anywhere."""
    digest = hashlib.sha256(unit_id.encode("utf-8", "backslashreplace")).hexdigest()[:10]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", unit_id[-_LENGTH:]).strip("-.")
    return f"{readable}-{digest}" if readable else digest
