"""The three journal lines of an attempt that completed and left nothing but its time, read without decoding them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import orjson

from pytest_benchrun.core.events import SCHEMA_VERSION, UnitEnded, UnitResult, UnitStarted
from pytest_benchrun.core.model import COMPLETED, Ending
from pytest_benchrun.core.replay import PlainAttempt

LINES = 3
_TEXT = rb'([^"\\]*)'
_SECONDS = rb"(\d+\.\d+(?:e-?\d+)?)"
_CRC_LENGTH = len(b',"crc":"01234567"}\n')
_OUTCOME = re.escape(orjson.dumps(COMPLETED))


def _pattern(name: str, rest: bytes) -> re.Pattern[bytes]:
    """The line of an event, as `encode_line` writes it; groups: seq, time, unit with attempt and worker, each, CRC."""
    head = rb'\{"schema_version":%d,"seq":(\d+),"event":"%b","at":"%b",' % (SCHEMA_VERSION, name.encode(), _TEXT)
    whose = rb'("unit_id":"%b","attempt":(\d+),"worker":"%b")' % (_TEXT, _TEXT)
    return re.compile(head + whose + rest + rb',"crc":"([0-9a-f]{8})"\}\n')


_STARTED = _pattern(UnitStarted.name, b"")
_RESULT = _pattern(UnitResult.name, rb',"elapsed_s":%b,"outcome":%b' % (_SECONDS, _OUTCOME))
_ENDED = _pattern(
    UnitEnded.name, rb',"ended":"%b","elapsed_s":%b,"outcome":%b' % (Ending.EXITED.encode(), _SECONDS, _OUTCOME)
)


def plain_attempt(lines: Sequence[bytes], at: int, seq: int) -> PlainAttempt | None:
    """The attempt that begins with a line.

    Args:
        lines: of the journal, newlines included.
        at: where the line is among them.
        seq: the number that it has to have.

    Returns:
        None where the three are not those of one such attempt, or one of them does not check.
    """
    started = _STARTED.fullmatch(lines[at])
    if started is None or at + LINES > len(lines):
        return None
    result, ended = _RESULT.fullmatch(lines[at + 1]), _ENDED.fullmatch(lines[at + 2])
    if result is None or ended is None or not started[3] == result[3] == ended[3]:
        return None
    for number, found in enumerate((started, result, ended)):
        line = found.string
        if int(found[1]) != seq + number or found[found.re.groups] != b"%08x" % zlib.crc32(line[:-_CRC_LENGTH]):
            return None
    try:
        unit_id, attempt, worker = started[4].decode(), int(started[5]), started[6].decode()
        return PlainAttempt(unit_id, attempt, worker, started[2].decode(), ended[2].decode(), float(ended[7]))
    except UnicodeDecodeError:
        return None
