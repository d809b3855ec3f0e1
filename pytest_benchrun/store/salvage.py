"""Going on with a damaged journal: good lines are kept and numbered anew, damaged files stay beside it."""

from __future__ import annotations

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import NewerSchema
from pytest_benchrun.core.events import SCHEMA_VERSION, Event, Noted, event_from_json
from pytest_benchrun.store.journal import decode_line, encode_line
from pytest_benchrun.store.rundir import RunDir


def salvage(rundir: RunDir, now_at: str) -> list[str]:
    """Write the journal again without the lines that do not check.

    A line that checks but no longer fits, since the one it depended on is gone (an end without its
    start), is left out too. Nothing is deleted: each damaged file is kept as `<file>.broken-<time>`.

    Returns:
        What was left out, one sentence a line; empty when the journal is whole.

    Raises:
        NewerSchema: a newer version wrote it; nothing is changed.
    """
    finish_salvage(rundir, now_at)
    kept: list[Event] = []
    left_out: list[str] = []
    campaign = Campaign()
    for path in rundir.journal_parts():
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = decode_line(line)
                    if record["schema_version"] > SCHEMA_VERSION:
                        raise NewerSchema(str(path), record["schema_version"], SCHEMA_VERSION)
                    event = event_from_json(record)
                    campaign.apply(event)
                except (ValueError, KeyError, TypeError) as error:
                    left_out.append(f"{path.name}, line {number} is left out: {error}")
                else:
                    kept.append(event)
    if not left_out:
        return []
    kept += [Noted(at=now_at, text=f"salvaged: {sentence}") for sentence in left_out]
    _replace(rundir, kept, now_at)
    return left_out


def finish_salvage(rundir: RunDir, now_at: str) -> None:
    """Put the salvaged journal in its place, also one that a kill has left halfway; nothing to do when there is none.

    It is whole: it was written atomically before the first damaged file got its new name.
    """
    new = rundir.salvaged
    if not new.exists():
        return
    for path in rundir.journal_parts():
        rundir.disk.replace(path, path.with_name(f"{path.name}.broken-{now_at.replace(':', '')}"))
    rundir.disk.replace(new, rundir.journal)
    rundir.disk.sync_dir(rundir.path)


def _replace(rundir: RunDir, events: list[Event], now_at: str) -> None:
    lines = b"".join(encode_line(seq, event) for seq, event in enumerate(events, 1))
    rundir.disk.write_atomically(rundir.salvaged, lines)
    finish_salvage(rundir, now_at)
