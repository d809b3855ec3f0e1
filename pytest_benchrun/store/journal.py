"""`journal.jsonl`, the only truth of a run: one checked JSON event a line, one writer.

A line ends with the CRC-32 of all that stands before it, so that one flipped bit is noticed (one in
three would still parse). A tail without its newline is torn: it is cut off into a file of its own
before anything is appended. Appends run in the process that owns the run; `sync` may run in another
thread of it.
"""

from __future__ import annotations

import errno
import os
import threading
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from shlex import quote
from typing import Any, cast

import orjson

from pytest_benchrun.core.errors import DirectoryProblem, DiskFull, JournalDamaged, JournalWriteFailed, NewerSchema
from pytest_benchrun.core.events import EVENT_NAMES, SCHEMA_VERSION, Event, event_from_json
from pytest_benchrun.core.replay import PlainAttempt
from pytest_benchrun.store.plainlines import LINES, plain_attempt
from pytest_benchrun.store.rundir import RunDir

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

_getpid = os.getpid  # now: a unit may patch it

_AT_ONCE = 256 * 1024
"""Bytes of lines that are held at a time."""
ROTATE_BYTES = 64 * 1024 * 1024
_OPENS = b'{"schema_version":%d,"seq":' % SCHEMA_VERSION
_NAMED = {name: b',"event":"%s",' % name.encode("ascii") for name in EVENT_NAMES}
_CRC_OPENS = b',"crc":"'
_TAIL_LENGTH = len(b',"crc":"01234567"}\n')


_NAME = 7
"""The part of a line, cut at its quotes, that names the event: see `encode_line`."""


def encode_line(seq: int, event: Event) -> bytes:
    """The journal line of `event`, newline included."""
    head = b"%s%d%s%s" % (_OPENS, seq, _NAMED[event.name], _dumps(event)[1:-1])
    return b'%s,"crc":"%08x"}\n' % (head, zlib.crc32(head))


def decode_line(line: bytes) -> dict[str, Any]:
    """The record of one line, newline included, after its checksum was checked.

    Raises:
        ValueError: why the line does not check.
    """
    head, tail = line[:-_TAIL_LENGTH], line[-_TAIL_LENGTH:]
    if not tail.startswith(_CRC_OPENS) or not tail.endswith(b'"}\n'):
        message = "it has no checksum at its end"
        raise ValueError(message)
    if tail[len(_CRC_OPENS) : -3] != b"%08x" % zlib.crc32(head):
        message = "its checksum does not match"
        raise ValueError(message)
    record: dict[str, Any] = _loads(line)
    return record


class JournalReader:
    """Reads a journal from its first part to its last line.

    Attributes:
        seq: number of the last good line read; 0 before the first.
        torn: the bytes of a tail without newline, found after iterating; `b""` when there is none.
    """

    def __init__(self, rundir: RunDir) -> None:
        self._rundir = rundir
        self.seq = 0
        self.torn = b""

    def __iter__(self) -> Iterator[Event]:
        """The events in order.

        Raises:
            JournalDamaged: a line in the middle does not check.
            NewerSchema: a newer version wrote it.
        """
        for happened in self._walk(is_together=False):
            yield cast("Event", happened)

    def attempts(self) -> Iterator[Event | PlainAttempt]:
        """The events in order, those of most attempts in one: in a third of the time.

        Raises:
            DirectoryProblem: as above.
        """
        return self._walk(is_together=True)

    def _walk(self, *, is_together: bool) -> Iterator[Event | PlainAttempt]:
        parts = self._rundir.journal_parts()
        for path in parts:
            is_last = path is parts[-1]
            with path.open("rb") as file:
                before = 0
                while lines := file.readlines(_AT_ONCE):
                    at = 0
                    while at < len(lines):
                        plain = plain_attempt(lines, at, self.seq + 1) if is_together else None
                        if plain is not None:
                            at += LINES
                            self.seq += LINES
                            yield plain
                            continue
                        line = lines[at]
                        at += 1
                        if not line.endswith(b"\n"):
                            if not is_last:
                                raise self._damage(path, before + at, "the file ends in the middle of a line")
                            self.torn = line
                            return
                        yield self._event(path, before + at, line)
                    before += len(lines)

    def _event(self, path: Path, number: int, line: bytes) -> Event:
        try:
            record = decode_line(line)
            version = record["schema_version"]
            if version > SCHEMA_VERSION:
                raise NewerSchema(str(path), version, SCHEMA_VERSION)
            event = event_from_json(record)
            seq = record["seq"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._damage(path, number, str(error)) from error
        if seq != self.seq + 1:
            raise self._damage(path, number, f"its seq is {seq} where {self.seq + 1} was expected: lines are missing")
        self.seq = seq
        return event

    def _damage(self, path: Path, number: int, why: str) -> JournalDamaged:
        return JournalDamaged(str(path), number, why, directory=quote(str(self._rundir.path)))


def events_named(rundir: RunDir, names: Collection[str]) -> Iterator[Event]:
    """The events of some kinds, of a journal that was read and checked before: the others cost next to nothing.

    Raises:
        ValueError: a line is no event.
    """
    wanted = {name.encode("ascii") for name in names}
    for path in rundir.journal_parts():
        with path.open("rb") as file:
            for line in file:
                head = line.split(b'"', _NAME + 1)
                if len(head) > _NAME and head[_NAME] in wanted and line.endswith(b"\n"):
                    yield event_from_json(_loads(line))


def all_events(rundir: RunDir) -> list[Event]:
    """All events; read again when a live run put a part of its journal away meanwhile.

    Raises:
        DirectoryProblem: as of `JournalReader`.
    """
    while True:
        parts = rundir.journal_parts()
        try:
            return list(JournalReader(rundir))
        except JournalDamaged:
            if rundir.journal_parts() == parts:
                raise


class JournalWriter:
    """Appends to the journal of a run that this process owns.

    Args:
        rundir: where it is.
        seq: number of the last line already there.
        rotate_bytes: size after which the file is put away as `journal.N.jsonl`.
    """

    def __init__(self, rundir: RunDir, *, seq: int = 0, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._rundir = rundir
        self._disk = rundir.disk
        self._rotate_bytes = rotate_bytes
        self._seq = seq
        self._pid = _getpid()
        self._is_dirty = False
        self._error: OSError | None = None
        self._rotate_at = rotate_bytes
        self._descriptor_lock = threading.Lock()  # between a sync in its thread and a rotation
        self._descriptor = self._open()

    def _open(self) -> int:
        try:
            descriptor = self._disk.open_append(self._rundir.journal)
        except OSError as error:
            raise _cannot_write(self._rundir.journal, error) from error
        try:
            self._disk.sync_dir(self._rundir.path)
        except OSError as error:
            os.close(descriptor)
            raise _cannot_write(self._rundir.journal, error) from error
        self._size = os.fstat(descriptor).st_size
        self._rotate_at = self._rotate_bytes
        return descriptor

    def append(self, event: Event) -> None:
        """Hand one line to the operating system; whole, or not at all.

        A forked child that came back into pytest is not the owner: its events are dropped.

        Raises:
            DiskFull: there is no room for the line; the file is as before.
            JournalWriteFailed: the line could not be written; the file is as before.
        """
        if _getpid() != self._pid:
            return
        if self._error is not None:
            raise _cannot_write(self._rundir.journal, self._error)
        before, seq = self._size, self._seq + 1
        line = encode_line(seq, event)
        try:
            self._write_whole(line)
            self._seq, self._size = seq, before + len(line)
        except OSError as error:
            self._take_back(error)
        except BaseException:  # Ctrl-C: whether the line is in the file is asked of the file
            if os.fstat(self._descriptor).st_size == before + len(line):
                self._seq, self._size = seq, before + len(line)
            else:
                self._cut_back()
            raise
        self._is_dirty = True
        if self._size >= self._rotate_at:
            self._rotate()

    def sync(self) -> None:
        """Wait until the disk has every line appended so far; nothing to do when it has.

        A sync that fails makes the next append fail: what the disk has lost must stop the run.
        """
        if not self._is_dirty:
            return
        with self._descriptor_lock:  # or a rotation would close what is looked at, and end the thread that syncs
            try:
                if os.fstat(self._descriptor).st_nlink == 0:
                    self._error = FileNotFoundError(errno.ENOENT, "it was deleted during the run")
                    return
                self._is_dirty = False
                if self._disk.is_durable:
                    self._disk.sync(self._descriptor)
            except OSError as error:
                self._error = error

    def check(self) -> None:
        """Make sure that what was appended is still there.

        Raises:
            JournalWriteFailed: the file was deleted, or the disk has failed.
        """
        self._is_dirty = True
        self.sync()
        if self._error is not None:
            raise _cannot_write(self._rundir.journal, self._error)

    def close(self) -> None:
        """Sync and close; appending is over."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def _write_whole(self, line: bytes) -> None:
        if self._disk.write(self._descriptor, line) != len(line):
            # a full disk gives a short write and no error
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _take_back(self, error: OSError) -> None:
        self._cut_back()
        is_full = self._error is None and error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise _cannot_write(self._rundir.journal, error, DiskFull if is_full else JournalWriteFailed) from error

    def _cut_back(self) -> None:
        try:
            self._disk.truncate(self._descriptor, self._size)
        except OSError as error:
            # The torn tail stays, and the next start cuts it off as after a kill; nothing may follow it till then.
            self._error = error

    def _rotate(self) -> None:
        """Put the full file away. What fails is tried again 64 MB later: the line itself is kept already.

        Where only the new file could not be made, the old one is written on under its new name: it is still
        the last one of the parts.
        """
        old = self._descriptor
        try:
            self.sync()
            self._disk.replace(self._rundir.journal, self._rundir.next_part())
            with self._descriptor_lock:
                self._descriptor = self._open()
                os.close(old)
        except (OSError, JournalWriteFailed):
            self._rotate_at = self._size + self._rotate_bytes


def _cannot_write(
    path: Path, error: OSError, kind: type[JournalWriteFailed] = JournalWriteFailed
) -> JournalWriteFailed:
    hint = "make room or mend the disk, then start again with --bench-resume; nothing recorded is lost"
    if isinstance(error, FileNotFoundError):
        hint = "put it back from a copy and start again with --bench-resume, or start anew; without it, the run is lost"
    return kind(f"cannot write {path}: {error.strerror}", hint=hint)


def cut_torn_tail(rundir: RunDir, torn: bytes, at: str) -> Path:
    """Move a torn tail out of the journal, so that the next line starts on a line of its own.

    The copy is written first: a kill in between leaves both.

    Returns:
        The file that now holds the torn bytes, `journal.jsonl.torn-<time>`.
    """
    kept = rundir.journal.with_name(f"journal.jsonl.torn-{at.replace(':', '')}")
    path = rundir.journal_parts()[-1]
    try:
        rundir.disk.write_atomically(kept, torn)
        descriptor = rundir.disk.open_append(path)
        try:
            rundir.disk.truncate(descriptor, os.fstat(descriptor).st_size - len(torn))
            rundir.disk.sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"cannot cut the torn end off {path}: {error.strerror}"
        raise DirectoryProblem(message, hint="make room or mend the disk, then start again") from error
    return kept
