"""A program in place of ssh: it runs here what should run there."""

from __future__ import annotations

from pathlib import Path

LOCAL = '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n'


def write_ssh(folder: Path, script: str = LOCAL) -> str:
    """Write the program; returns its path."""
    path = folder / "fake-ssh"
    path.write_text(script, "utf-8")
    path.chmod(0o755)
    return str(path)
