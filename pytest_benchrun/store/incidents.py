"""`incidents/` and `run_error.json`: written where the incident was, by processes that may have to die of it.

One file an incident, named by its worker; the owner of the run alone tidies the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import orjson

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import LateError, UnitResult
from pytest_benchrun.core.incident import IncidentView, is_of, outcome_of
from pytest_benchrun.store.rundir import RunDir

_dumps, _loads = orjson.dumps, orjson.loads  # now: a unit may patch them

MAX_INCIDENTS = 200
"""More are kept of no run: the oldest go. One has 60 kB at most."""


def write_incident(rundir: RunDir, name: str, incident: IncidentView) -> None:
    """Write one incident.

    Args:
        rundir: of the run.
        name: `WORKER-PID-NUMBER`, unique in the run.
        incident: what it was.

    Raises:
        OSError: it could not be written.
    """
    rundir.disk.make_dir(rundir.incidents)
    data = _dumps(incident, option=orjson.OPT_INDENT_2)
    rundir.disk.write_atomically(rundir.incidents / f"{name}.json", data)


def write_run_error(rundir: RunDir, incident: IncidentView) -> None:
    """Make an incident the latest one.

    Raises:
        OSError: it could not be written.
    """
    rundir.disk.write_atomically(rundir.run_error, _dumps(incident, option=orjson.OPT_INDENT_2))


def incident_names(rundir: RunDir) -> list[str]:
    """The files in `incidents/`, oldest first."""
    with suppress(OSError):
        found = [(path.stat().st_mtime_ns, path.name) for path in rundir.incidents.glob("*.json")]
        return [name for _, name in sorted(found)]
    return []


def read_incident(rundir: RunDir, name: str) -> IncidentView | None:
    """One incident; None for a file that is none of ours."""
    return _read(rundir.incidents / name)


def read_run_error(rundir: RunDir) -> IncidentView | None:
    """The latest incident; None when there is none that can be read."""
    return _read(rundir.run_error)


def _read(path: Path) -> IncidentView | None:
    try:
        raw = _loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(raw, dict) or not set(IncidentView.__annotations__) <= set(raw):
        return None
    return cast("IncidentView", raw)


def prune(rundir: RunDir) -> None:
    """Remove the oldest ones."""
    for name in incident_names(rundir)[:-MAX_INCIDENTS]:
        with suppress(OSError):
            rundir.disk.unlink(rundir.incidents / name)


def _that_ended_a_process(rundir: RunDir, run_id: str) -> Iterator[IncidentView]:
    for name in incident_names(rundir):
        incident = read_incident(rundir, name)
        if incident is not None and incident["run_id"] == run_id and incident["ended"] == "worker":
            yield incident


def take_fates(rundir: RunDir, campaign: Campaign) -> set[str]:
    """Give attempts in flight whose process was ended because it was stuck their result.

    For the next start, when the process was the one that owned the run: nobody lived to record it.

    Returns:
        Their ids.
    """
    taken = set()
    for incident in _that_ended_a_process(rundir, campaign.run_id) if campaign.running else ():
        for unit_id, running in campaign.running.items():
            if is_of(incident, unit_id, running.attempt) and incident["worker"] == running.worker:
                taken.add(unit_id)
                running.result = UnitResult(
                    at=campaign.last_at,
                    unit_id=unit_id,
                    attempt=running.attempt,
                    worker=running.worker,
                    elapsed_s=incident["elapsed_s"],
                    outcome=outcome_of(incident),
                )
    return taken


def late_errors(rundir: RunDir, campaign: Campaign) -> list[LateError]:
    """Teardowns of wide fixtures for which the last owner was ended: nobody lived to record them."""
    last = campaign.sessions[-1] if campaign.sessions else None
    if last is None or last.ended_at is not None:
        return []
    return [
        LateError(
            at=campaign.last_at, unit_id=incident["unit_id"], message=incident["message"], detail=incident["stacks"]
        )
        for incident in _that_ended_a_process(rundir, campaign.run_id)
        if incident["is_wide"] and incident["pid"] == last.started.owner.pid
    ]


def enders(rundir: RunDir, run_id: str) -> set[str]:
    """Ids of the units under which a process had to be ended: a session without workers runs them last."""
    return {incident["unit_id"] for incident in _that_ended_a_process(rundir, run_id)}
