"""`python -m benchmarks.nemesis --seconds 600 --seed N`: campaigns under attack, one after the other, each proved.

The seed chooses the acts and their moments; which unit they hit is the machine's to say. Clocks are stepped
for the sessions alone, where there is a C compiler.
"""

from __future__ import annotations

import argparse
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.nemesis.acts import Nemesis
from benchmarks.nemesis.campaign import Campaign
from benchmarks.nemesis.checker import faults_of
from benchmarks.nemesis.clock import SteppedClock, can_step

ENGINES: tuple[tuple[str, ...], ...] = ((), ("-n2",))
UNLIMITED = ("--bench-max-failures=none", "--bench-max-consecutive-failures=none", "--bench-stuck-timeout=30s")
MOST_SESSIONS = 60
DISK = "16M"


def attack(folder: Path, seed: str, until_s: float) -> tuple[list[str], Counter[str], int]:
    """One campaign to its end.

    Args:
        folder: for its suite and results.
        seed: decides all.
        until_s: from this monotonic time on it is left alone.

    Returns:
        What is wrong with it, how often each act was done, and how many sessions it took.
    """
    chance = random.Random(seed)
    with _disk(folder / "disk") as has_disk:
        clock = SteppedClock(folder) if can_step() else None
        campaign = Campaign(folder / "suite", folder / "disk" / "results", clock=clock)
        nemesis = Nemesis(campaign, chance, has_disk=has_disk)
        while not nemesis.faults:
            session = campaign.start(*UNLIMITED, *chance.choice(ENGINES))
            if time.monotonic() < until_s and campaign.sessions < MOST_SESSIONS:
                nemesis.act_on(session)
            nemesis.await_end(session)
            if session.returncode == 0:
                nemesis.faults += faults_of(campaign)
                break
            if campaign.sessions > 2 * MOST_SESSIONS:
                nemesis.faults.append(f"not complete after {campaign.sessions} sessions")
        return nemesis.faults, Counter(nemesis.done), campaign.sessions


@contextmanager
def _disk(place: Path) -> Iterator[bool]:
    """A small disk of its own where one can be mounted, else a folder; whether it is one."""
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    try:
        has_disk = subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        has_disk = False
    try:
        yield has_disk
    finally:
        if has_disk:
            subprocess.run(["umount", "-l", str(place)], check=True)


def main(argv: list[str] | None = None) -> int:
    """Attack until the time is over; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nemesis", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="no campaign is begun after them")
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time")
    asked = parser.parse_args(argv)
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    without = "" if can_step() else "; clocks are not stepped, as there is no C compiler"
    print(f"seed {seed}{without}", flush=True)
    begun_s, number = time.monotonic(), 0
    done: Counter[str] = Counter()
    while number == 0 or time.monotonic() - begun_s < asked.seconds:
        folder = Path(tempfile.mkdtemp(prefix="nemesis-"))
        faults, acts, sessions = attack(folder, f"{seed}-{number}", begun_s + asked.seconds)
        done += acts
        print(f"campaign {number}: {sessions} sessions, {acts.total()} acts, {len(faults)} faults", flush=True)
        if faults:
            print("\n".join(faults), f"seed {seed}, campaign {number}; its suite is kept in {folder}", sep="\n")
            return 1
        number += 1
    print(f"{number} campaigns in {time.monotonic() - begun_s:.0f} s, every promise kept; {dict(sorted(done.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
