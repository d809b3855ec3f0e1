"""What journal and marks prove of a run, whatever was killed on its way."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection

from tests.acceptance.suite import Json, Suite


def assert_journal_is_whole(suite: Suite) -> None:
    """Every line has its checksum, and the numbers rise by one from one."""
    lines = (suite.results / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for line in lines:
        head, _, tail = line.rpartition(b',"crc":"')
        assert tail == b'%08x"}\n' % zlib.crc32(head), line
    assert [event["seq"] for event in suite.journal()] == list(range(1, len(lines) + 1))


def assert_every_unit_counts_once(suite: Suite, unit_ids: Collection[str]) -> None:
    """Each unit has one completed record, its last; every execution is one recorded attempt."""
    history: dict[str, list[Json]] = {}
    for event in suite.journal():
        if event["event"] in {"unit_started", "unit_ended"}:
            history.setdefault(event["unit_id"], []).append(event)
    assert sorted(history) == sorted(unit_ids)
    executed = Counter((mark.unit_id, mark.attempt) for mark in suite.marks())
    for unit_id, events in history.items():
        _assert_counts_once(unit_id, events, executed)
    assert [mark for mark in suite.marks() if not mark.is_recorded] == [], "executed before the start was recorded"
    recorded = {(event["unit_id"], event["attempt"]) for event in suite.events("unit_started")}
    assert executed.keys() <= recorded


def _assert_counts_once(unit_id: str, events: list[Json], executed: Counter[tuple[str, int]]) -> None:
    """Starts and ends of one unit take turns; only the last attempt completed."""
    names = [event["event"] for event in events]
    count = len(events) // 2
    assert names == ["unit_started", "unit_ended"] * count, (unit_id, names)
    attempts = [event["attempt"] for event in events]
    assert attempts == [number for attempt in range(1, count + 1) for number in (attempt, attempt)], unit_id
    ends = events[1::2]
    assert [end["outcome"]["status"] == "completed" for end in ends] == [False] * (count - 1) + [True], unit_id
    for end in ends:
        times = executed[unit_id, end["attempt"]]
        # one that was killed between its recorded start and its first line of code leaves no mark
        was_killed = end["ended"] in {"killed", "lost"}
        assert times == 1 or (times == 0 and was_killed), (unit_id, end, times)
