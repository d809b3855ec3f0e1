"""What each command says of one run, word for word; the run is the gold directory of the store.

A text that has changed on purpose is written anew by `PYTHONPATH=. python tests/cli/test_texts.py`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pytest_benchrun.cli import main

HERE = Path(__file__).parent
RUN = HERE.parent / "store" / "gold" / "schema-1"
TEXTS: dict[str, tuple[tuple[str, ...], int]] = {
    "status": (("status", "results", "--exit-code"), 10),
    "watch": (("watch", "results"), 1),
    "stop": (("stop", "results"), 4),
    "resume": (("resume", "results"), 4),
    "stats": (("stats", "results"), 0),
    "history": (("history", "results"), 0),
    "export units": (("export", "results"), 0),
    "export metrics": (("export", "results", "--what", "metrics", "--format", "jsonl"), 0),
    "record": (("record", "results", "--db", "all.sqlite"), 0),
    "verify": (("verify", "results"), 0),
    "rebuild": (("rebuild", "results"), 0),
    "gc": (("gc", "results"), 0),
    "no run": (("stats", "nowhere"), 4),
}


def _said(words: tuple[str, ...], folder: Path) -> tuple[int, str]:
    """Exit code of a command in `folder`, where the run is in `results`, and what it says there."""
    shutil.copytree(RUN, folder / "results")
    screen = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with chdir(folder), redirect_stdout(screen), redirect_stderr(screen):
        if words[0] == "verify":  # the status of an earlier version had less in it
            main(["rebuild", "results"])
            screen.seek(0)
            screen.truncate()
        code = main(words)
    screen.seek(0)
    return code, screen.read().replace(str(folder), "/campaign")


@pytest.mark.parametrize("name", TEXTS)
def test_each_command_says_what_it_said(name: str, tmp_path: Path) -> None:
    words, code = TEXTS[name]
    assert _said(words, tmp_path) == (code, (HERE / "gold" / f"{name}.txt").read_text("utf-8"))


if __name__ == "__main__":
    for name, (words, _) in TEXTS.items():
        with tempfile.TemporaryDirectory() as place:
            code, text = _said(words, Path(place).resolve())
            (HERE / "gold" / f"{name}.txt").write_text(text, "utf-8")
            sys.stdout.write(f"{name}: exit code {code}\n{text}\n")
