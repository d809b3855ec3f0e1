"""`environment.json`: the facts of each host at start and end, what changed between, and which units that touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, pairwise
from typing import Any, TypedDict

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import SCHEMA_VERSION, HostSeen
from pytest_benchrun.core.jsonsafe import to_name, to_text
from pytest_benchrun.core.model import JsonValue

Facts = Mapping[str, Any]

BUSY_SHARE = 0.5
"""Load per usable CPU from which a machine is not free to measure."""

SHOWN_UNITS = 100

SWAPPED_BYTES = 64 * 1024 * 1024
"""Less than that in swap is what every machine has after some days."""


class DriftView(TypedDict):
    """What was different on a host from one look to the next.

    Attributes:
        after: moment of the earlier look.
        before: moment of the later one: the change came between them.
        session: that the later look belongs to.
        changes: one phrase each, `governor performance -> powersave`.
        units_total: units of that session that may have run on both sides of the change; 0 where it came between
            two sessions.
        units: the first of them.
    """

    after: str
    before: str
    session: int
    changes: list[str]
    units_total: int
    units: list[str]


class HostView(TypedDict):
    """A host.

    Attributes:
        start: its facts when the run first saw it.
        end: its facts when the run last saw it; those of `start` where it was seen once.
        drift: what changed, oldest first.
        unfit: why its last start was no good moment to measure, and what to type, one sentence each.
    """

    start: dict[str, JsonValue]
    end: dict[str, JsonValue]
    drift: list[DriftView]
    unfit: list[str]


class EnvironmentView(TypedDict):
    """`environment.json`.

    Attributes:
        hosts: by name.
        drift: phrases of all hosts, each with its host.
    """

    schema_version: int
    run_id: str
    hosts: dict[str, HostView]
    drift: list[str]


def environment_view(campaign: Campaign) -> EnvironmentView | None:
    """The hosts of a run; None where it recorded none."""
    by_host: dict[str, list[tuple[int, HostSeen]]] = {}
    for session, seen in campaign.sightings:
        by_host.setdefault(seen.host, []).append((session, seen))
    if not by_host:
        return None
    hosts = {name: _host(campaign, sightings) for name, sightings in by_host.items()}
    drift = [f"{name}: {change}" for name, host in hosts.items() for one in host["drift"] for change in one["changes"]]
    return EnvironmentView(schema_version=SCHEMA_VERSION, run_id=campaign.run_id, hosts=hosts, drift=drift)


def _host(campaign: Campaign, sightings: list[tuple[int, HostSeen]]) -> HostView:
    starts = [seen for _, seen in sightings if seen.moment == "start"]
    drift = []
    for (before, earlier), (session, later) in pairwise(sightings):
        changes = changes_between(earlier.facts, later.facts)
        if changes:
            units = _units_of(campaign, session) if session == before else []
            one = DriftView(
                after=earlier.at,
                before=later.at,
                session=session,
                changes=changes,
                units_total=len(units),
                units=units[:SHOWN_UNITS],
            )
            drift.append(one)
    return HostView(
        start=sightings[0][1].facts,
        end=sightings[-1][1].facts,
        drift=drift,
        unfit=unfit_to_measure(starts[-1].facts) if starts else [],
    )


def _units_of(campaign: Campaign, session: int) -> list[str]:
    """Units that the session ran; nothing where the journal does not tell."""
    planned = next((one.planned for one in campaign.sessions if one.started.session == session), [])
    return [record.unit.unit_id for record in campaign.units_in(planned) if record.attempts]


def unfit_now(campaign: Campaign) -> list[str]:
    """As `unfit_to_measure`, for the host that the session in progress started on."""
    session = campaign.session
    for number, seen in reversed(campaign.sightings):
        if session is not None and number == session.session and seen.host == session.owner.host:
            return unfit_to_measure(seen.facts) if seen.moment == "start" else []
    return []


def changes_between(earlier: Facts, later: Facts) -> list[str]:
    """What is different on a host, in words; facts that only one of the two looks took are left out."""
    return list(
        chain(
            _named_changes(earlier, later),
            _package_changes(earlier, later),
            _variable_changes(earlier, later),
            _extra_changes(earlier, later),
        )
    )


_ABSENT = object()

_COMPARED: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("governor", "cpu.governors", lambda value: "+".join(value) or "unknown"),
    ("turbo", "cpu.is_turbo_on", lambda value: {True: "on", False: "off"}.get(value, "unknown")),
    ("power", "is_on_battery", lambda value: {True: "battery", False: "mains"}.get(value, "unknown")),
    ("CPU model", "cpu.model", str),
    ("usable CPUs", "cpu.usable_threads", str),
    ("CPU quota", "cpu.quota_cpus", lambda value: "none" if value is None else f"{value:g}"),
    ("memory", "memory.total_bytes", str),
    ("memory limit", "memory.limit_bytes", lambda value: "none" if value is None else str(value)),
    ("operating system", "system.os", str),
    ("kernel", "system.kernel", str),
    ("Python", "python.version", str),
    ("GPUs", "gpus", lambda value: ", ".join(gpu.get("name", "?") for gpu in value) or "none"),
    ("GPU drivers", "gpus", lambda value: ", ".join(gpu.get("driver_version", "?") for gpu in value) or "none"),
    ("git commit", "git.commit", lambda value: value[:12]),
    ("files beside the commit", "git.is_dirty", lambda value: {True: "changed", False: "clean"}.get(value, "unknown")),
)
"""What it is called, where it stands in the facts, how its value is said."""


def _named_changes(earlier: Facts, later: Facts) -> Iterator[str]:
    for name, path, say in _COMPARED:
        values = [_at(facts, path) for facts in (earlier, later)]
        if _ABSENT in values or values[0] == values[1]:
            continue
        before, now = (say(value) for value in values)
        if before != now:
            yield f"{name} {before} -> {now}"


def _package_changes(earlier: Facts, later: Facts) -> Iterator[str]:
    before, now = (_at(facts, "python.packages") or {} for facts in (earlier, later))
    if before and now:  # a basic look takes none
        yield from _changed_keys("package", before, now, "not installed")


def _variable_changes(earlier: Facts, later: Facts) -> Iterator[str]:
    before, now = (earlier.get("variables"), later.get("variables"))
    if before is not None and now is not None:
        yield from _changed_keys("variable", before, now, "not set")


def _extra_changes(earlier: Facts, later: Facts) -> Iterator[str]:
    """What hooks of users know of the host."""
    before, now = (earlier.get("extra"), later.get("extra"))
    if before is not None and now is not None:
        yield from _changed_keys("fact", _shown(before), _shown(now), "not known")


def _shown(facts: Facts) -> dict[str, str]:
    return {to_name(name): to_name(to_text(value)) for name, value in facts.items()}


def _changed_keys(kind: str, before: Mapping[str, str], now: Mapping[str, str], absent: str) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{kind} {key} {before.get(key, absent)} -> {now.get(key, absent)}"


def _at(facts: Facts, path: str) -> Any:  # noqa: ANN401  # decoded JSON
    found: Any = facts
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return _ABSENT
        found = found[name]
    return found


def unfit_to_measure(facts: Facts) -> list[str]:
    """Why figures taken on this host now would mean little; what to type after `-> `, one sentence each."""
    cpu, memory, load = facts["cpu"], facts["memory"], facts["load_1min"]
    found = [
        f"the governor {name} changes the clock speed with the load -> sudo cpupower frequency-set -g performance"
        for name in cpu["governors"]
        if name != "performance"
    ]
    if cpu["is_turbo_on"]:
        found.append(
            "turbo is on: the clock speed follows heat and neighbours -> "
            "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 into cpu/cpufreq/boost"
        )
    threads = cpu["usable_threads"] or 1
    if load is not None and load > BUSY_SHARE * threads:
        found.append(f"the load is {load:g} on {threads} CPUs before the run -> see what runs: top; wait, or end it")
    swapped = memory["swap_used_bytes"]
    if swapped is not None and swapped > SWAPPED_BYTES:
        found.append(f"{swapped // 1024**2} MB are swapped out -> make room in memory, then sudo swapoff -a")
    if facts["is_on_battery"]:
        found.append("the machine runs on battery -> plug it in")
    return found
