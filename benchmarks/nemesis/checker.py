"""Proves from journal and marks alone what the campaign was promised."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.nemesis.campaign import UNIT_IDS, Campaign

VIEWS = ("status.json", "run_state.json", "runstats.json")
_KILLED = frozenset({"killed", "lost", "stuck"})


def faults_of(campaign: Campaign) -> list[str]:
    """What is wrong with a campaign that is at rest and complete; empty when every promise was kept."""
    events = campaign.journal()
    return [
        *_of_numbers(events),
        *_of_attempts(events, campaign),
        *_of_stops(events),
        *_of_views(campaign),
        *_of_verify(campaign),
    ]


def _of_numbers(events: list[dict[str, Any]]) -> list[str]:
    numbers = [event["seq"] for event in events]
    return [] if numbers == list(range(1, len(numbers) + 1)) else ["the journal's numbers do not rise by one"]


def _of_attempts(events: list[dict[str, Any]], campaign: Campaign) -> list[str]:
    """Each unit has one completed attempt, its last; every execution is one attempt that was recorded before."""
    starts: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["event"] == "unit_started":
            starts[event["unit_id"]].append(event["attempt"])
        elif event["event"] == "unit_ended":
            ends[event["unit_id"]].append(event)
    executed = Counter((mark.unit_id, mark.attempt) for mark in campaign.marks())
    faults = [f"{unit_id}: no unit of the campaign" for unit_id in starts.keys() - set(UNIT_IDS)]
    for unit_id in UNIT_IDS:
        numbers = list(range(1, len(starts[unit_id]) + 1))
        if starts[unit_id] != numbers or [end["attempt"] for end in ends[unit_id]] != numbers:
            faults.append(f"{unit_id}: started {starts[unit_id]}, ended {[end['attempt'] for end in ends[unit_id]]}")
        completed = [end["attempt"] for end in ends[unit_id] if end["outcome"]["status"] == "completed"]
        if completed != numbers[-1:]:
            faults.append(f"{unit_id}: completed in its attempts {completed} of {len(numbers)}")
        for end in ends[unit_id]:
            times = executed.pop((unit_id, end["attempt"]), 0)
            # one that was killed between its recorded start and its first line leaves no mark
            if times != 1 and not (times == 0 and end["ended"] in _KILLED):
                faults.append(f"{unit_id}: its attempt {end['attempt']} ({end['ended']}) was executed {times} times")
    return faults + [f"{unit_id}: attempt {number} is not recorded" for unit_id, number in executed]


def _of_stops(events: list[dict[str, Any]]) -> list[str]:
    """After a session has recorded its stop it starts no unit."""
    faults, stopped = [], False
    for event in events:
        if event["event"] == "session_started":
            stopped = False
        elif event["event"] == "stop_asked":
            stopped = True
        elif event["event"] == "unit_started" and stopped:
            faults.append(f"{event['unit_id']}: started after the stop, event {event['seq']}")
    return faults


def _of_views(campaign: Campaign) -> list[str]:
    """The views at rest are those that the journal gives."""
    before = _views(campaign.results)
    rebuilt = campaign.command("rebuild")
    if rebuilt.returncode:
        return [f"benchrun rebuild: {rebuilt.stdout}{rebuilt.stderr}"]
    after = _views(campaign.results)
    return [f"{name} differs once it is rebuilt" for name in VIEWS if before[name] != after[name]]


def _views(results: Path) -> dict[str, bytes | None]:
    return {name: (results / name).read_bytes() if (results / name).exists() else None for name in VIEWS}


def _of_verify(campaign: Campaign) -> list[str]:
    verified = campaign.command("verify")
    return [f"benchrun verify: {verified.stdout}{verified.stderr}"] if verified.returncode else []
