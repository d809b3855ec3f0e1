"""A journal of three lines, and how tests write, read and reseal one."""

from __future__ import annotations

import zlib

from pytest_benchrun.core.events import Event, Noted, WorkerDown
from pytest_benchrun.store.journal import JournalReader, JournalWriter, encode_line
from pytest_benchrun.store.rundir import RunDir
from tests.fakes import moment

AT = moment(0)
NOTES: list[Event] = [
    Noted(at=AT, text="first"),
    WorkerDown(at=AT, worker="w1", error="crashed"),
    Noted(at=AT, text=""),
]
LINES = [encode_line(seq, event) for seq, event in enumerate(NOTES, 1)]
NEXT = Noted(at=AT, text="the next one")


def write(rundir: RunDir, *events: Event, rotate_bytes: int = 10**9, seq: int = 0) -> None:
    """A session that appends these events."""
    writer = JournalWriter(rundir, seq=seq, rotate_bytes=rotate_bytes)
    for event in events:
        writer.append(event)
    writer.close()


def read(rundir: RunDir) -> list[Event]:
    """All events, of a journal that is whole."""
    reader = JournalReader(rundir)
    events = list(reader)
    assert (reader.seq, reader.torn) == (len(events), b"")
    return events


def resealed(line: bytes, old: bytes, new: bytes) -> bytes:
    """The line with other content and the checksum of that, as another version would write it."""
    head = line.rpartition(b',"crc":')[0].replace(old, new)
    return b'%s,"crc":"%08x"}\n' % (head, zlib.crc32(head))
