"""Going on with a damaged journal: good lines are kept and numbered anew, damaged files stay beside it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import NewerSchema
from pytest_benchrun.core.events import SCHEMA_VERSION, Event, Noted, RunCreated, event_from_json
from pytest_benchrun.core.jsonsafe import to_name
from pytest_benchrun.core.sequence import BAD_VALUES, SALVAGED, fault_before, is_salvage_note
from pytest_benchrun.store.journal import decode_line, encode_line
from pytest_benchrun.store.rundir import RunDir


def salvage(rundir: RunDir, now_at: str) -> list[str]:
    """Write the journal again without the lines that do not check.

    A line that checks but no longer fits, since the one it depended on is gone (an end without its
    start), is left out too. Nothing is deleted: each damaged file is kept as `<file>.broken-<time>`.

    Returns:
        What was left out, or kept although it does not follow from what was before it (such as an end without
        its start), one sentence a line; empty when the journal is whole.

    Raises:
        NewerSchema: a newer version wrote it; nothing is changed.
    """
    finish_salvage(rundir, now_at)
    kept: list[Event] = []
    left_out: list[str] = []
    out_of_place: list[str] = []  # what a line that was left out explains; said only where none was
    campaign = Campaign()
    last_seq = 0
    bad_lines = 0  # since the last good one: they explain as many missing numbers
    for path in rundir.journal_parts():
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = decode_line(line)
                    if record["schema_version"] > SCHEMA_VERSION:
                        raise NewerSchema(str(path), record["schema_version"], SCHEMA_VERSION)
                    event, seq = event_from_json(record), int(record["seq"])
                    if seq <= last_seq:
                        left_out.append(f"{path.name}, line {number} is left out: seq {seq} was there before")
                        continue
                    _fold(campaign, event, f"{path.name}, line {number}", out_of_place)
                except BAD_VALUES as error:
                    left_out.append(f"{path.name}, line {number} is left out: {error}")
                    bad_lines += 1
                else:
                    missing = seq - last_seq - 1 - bad_lines
                    if missing > 0:
                        left_out.append(f"{path.name}, line {number}: {missing} lines before it are missing")
                    last_seq, bad_lines = seq, 0
                    kept.append(event)
    left_out = left_out or out_of_place
    if not left_out:
        return []
    if kept and campaign.created is None:
        kept.insert(0, _created_again(rundir, kept[0].at))
    kept += [Noted(at=now_at, text=f"{SALVAGED}{sentence}") for sentence in left_out]
    _replace(rundir, kept, now_at)
    return left_out


def _fold(campaign: Campaign, event: Event, place: str, out_of_place: list[str]) -> None:
    """Take one event into the state, and note when nothing before it leads to it."""
    if is_salvage_note(event):
        out_of_place.clear()
    fault = fault_before(campaign, event)
    campaign.apply(event)
    if fault is not None:
        out_of_place.append(f"{place} is kept: {fault}")


def _created_again(rundir: RunDir, at: str) -> RunCreated:
    """The run's first line, where it is the damaged one: its name is in the views too."""
    view: dict[str, Any] = {}
    for path in (rundir.status, rundir.runstats):
        with suppress(OSError, ValueError, TypeError):
            view = {**orjson.loads(path.read_bytes()), **view}
    run_id = to_name(view.get("run_id") or f"salvaged-{at.replace(':', '')}")
    campaign = run_id.rsplit("-", 3)[0]
    config_hash = to_name(view.get("config_hash") or "")
    return RunCreated(at=at, run_id=run_id, campaign=campaign, config={}, config_hash=config_hash, version="")


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
