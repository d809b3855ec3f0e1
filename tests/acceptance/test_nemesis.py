"""Campaigns under attack: kills, signals, stops, full disks, deleted views; resumed until done, then proved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = os.environ.get("BENCHRUN_NEMESIS_S", "60")
"""No campaign is begun after them; the last one is finished."""

SEED = os.environ.get("BENCHRUN_NEMESIS_SEED", "7")
"""The same choices for every change that is judged; others are for whoever has time."""


def test_no_promise_is_broken_whatever_is_done_to_a_campaign() -> None:
    argv = [sys.executable, "-m", "benchmarks.nemesis", "--seconds", SECONDS, "--seed", SEED]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stdout.write(ended.stdout)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "every promise kept" in ended.stdout
