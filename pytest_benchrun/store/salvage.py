"""Going on with a damaged journal: good lines are kept and numbered anew, damaged files stay beside it."""

from __future__ import annotations

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, Noted, event_from_json
from pytest_benchrun.store.journal import decode_line, encode_line
from pytest_benchrun.store.rundir import RunDir


def salvage(rundir: RunDir, now_at: str) -> list[str]:
    """Write the journal again without the lines that do not check.

    A line that checks but no longer fits, since the one it depended on is gone (an end without its
    start), is left out too. Nothing is deleted: each damaged file is kept as `<file>.broken-<time>`.

    Returns:
        What was left out, one sentence a line; empty when the journal is whole.
    """
    kept: list[Event] = []
    left_out: list[str] = []
    campaign = Campaign()
    for path in rundir.journal_parts():
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    event = event_from_json(decode_line(line))
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


def _replace(rundir: RunDir, events: list[Event], now_at: str) -> None:
    """The new journal is whole on disk before the damaged files get their new names."""
    new = rundir.path / "journal.salvaged"
    rundir.disk.write_atomically(new, b"".join(encode_line(seq, event) for seq, event in enumerate(events, 1)))
    for path in rundir.journal_parts():
        rundir.disk.replace(path, path.with_name(f"{path.name}.broken-{now_at.replace(':', '')}"))
    rundir.disk.replace(new, rundir.journal)
    rundir.disk.sync_dir(rundir.path)
