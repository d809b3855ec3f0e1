"""The log of a run: one line for each event that people care about, made from the event and the state after it."""

from __future__ import annotations

from enum import IntEnum

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import (
    ConfigAccepted,
    Event,
    LateError,
    Noted,
    RestSkipped,
    SessionEnded,
    SessionPlanned,
    SessionStarted,
    StopAsked,
    UnitEnded,
    UnitStarted,
    WorkerDown,
    WorkerUp,
)
from pytest_benchrun.core.model import FAILURES, Metric, UnitStatus
from pytest_benchrun.core.views import message_of
from pytest_benchrun.report.words import clean, seconds

_TEXT = 500
_ID = 400


class Level(IntEnum):
    """How much a line matters, by the numbers that Python's own logging has."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


def level_of(verbosity: int, named: str | None) -> Level:
    """From which level on lines are kept.

    Args:
        verbosity: pytest's: above 0 for each detail, below 0 for errors only.
        named: `LOG_LEVEL`, which is asked when the verbosity says nothing; None or an unknown name for `INFO`.
    """
    if verbosity:
        return Level.DEBUG if verbosity > 0 else Level.ERROR
    name = {"WARN": "WARNING", "CRITICAL": "ERROR", "FATAL": "ERROR"}.get((named or "").upper(), (named or "").upper())
    return Level[name] if name in Level.__members__ else Level.INFO


def log_line(event: Event, campaign: Campaign, level: Level) -> str | None:
    """The line of one event, its moment first.

    Args:
        event: what happened.
        campaign: the state after it.
        level: lines below it are left out.

    Returns:
        Printable text without a line end; None when the event has no line.
    """
    said = _say(event, campaign, has_detail=level <= Level.DEBUG)
    if said is None or said[0] < level:
        return None
    return f"{event.at} {said[0].name:<7} {said[1]}"


def turn_text(turn: dict[str, object]) -> str:
    """One turn, by its line in the file of turns."""
    times = ", ".join(f"{name} {value}" for name, value in turn.items() if name.endswith("_ms") and value is not None)
    error = f": {clean(str(turn['error']), _TEXT)}" if turn.get("error") else ""
    return f"turn {turn.get('turn_index')} {clean(str(turn.get('status')))} {clean(times, _TEXT)}{error}"


def _say(event: Event, campaign: Campaign, *, has_detail: bool) -> tuple[Level, str] | None:  # noqa: C901, PLR0911, PLR0912  # one branch a kind
    match event:
        case UnitEnded():
            return _unit_ended(event, has_detail=has_detail)
        case UnitStarted() if has_detail:
            return Level.DEBUG, f"started {_id(event.unit_id)}, attempt {event.attempt}, on {clean(event.worker)}"
        case SessionStarted():
            owner = f"pid {event.owner.pid} on {clean(event.owner.host)}"
            return Level.INFO, f"session {event.session} of {clean(campaign.run_id)} began: {owner}, {event.engine}"
        case SessionPlanned():
            count = sum(end - start for start, end in event.run)
            return Level.INFO, f"{count} of {len(campaign.records)} units to run"
        case LateError():
            return Level.ERROR, f"late error after {_id(event.unit_id)}: {clean(event.message, _TEXT)}"
        case WorkerUp():
            return Level.INFO, f"worker {clean(event.worker)} is up: pid {event.pid} on {clean(event.host)}"
        case WorkerDown():
            if event.error is None:
                return Level.DEBUG, f"worker {clean(event.worker)} has ended"
            return Level.WARNING, f"worker {clean(event.worker)} is lost: {clean(event.error, _TEXT)}"
        case StopAsked():
            return Level.WARNING, f"stopping: {clean(event.reason, _TEXT)}"
        case RestSkipped():
            count = sum(end - start for start, end in event.units)
            return Level.WARNING, f"{count} units do not start: {clean(event.reason, _TEXT)}"
        case Noted():
            return Level.INFO, clean(event.text, _TEXT)
        case ConfigAccepted():
            return Level.WARNING, "the configuration has changed, as it was accepted"
        case SessionEnded():
            return Level.INFO, f"{clean(message_of(campaign), _TEXT)}; exit code {event.exit_code}"
    return None


def _unit_ended(event: UnitEnded, *, has_detail: bool) -> tuple[Level, str]:
    outcome = event.outcome
    text = f"{outcome.status} {_id(event.unit_id)} {seconds(event.elapsed_s)}"
    if outcome.message:
        text += f": {outcome.kind or outcome.status}: {clean(outcome.message, _TEXT)}"
    if has_detail:
        text += f" (attempt {event.attempt}, {clean(event.worker)}{_metrics(outcome.metrics)})"
    if outcome.status in FAILURES:
        return Level.ERROR, text
    return Level.WARNING if outcome.status is UnitStatus.INTERRUPTED else Level.INFO, text


def _metrics(metrics: dict[str, Metric]) -> str:
    return "".join(
        f", {clean(name, 60)}={clean(str(metric.value), 60)}{clean(metric.unit, 20)}"
        for name, metric in metrics.items()
    )


def _id(unit_id: str) -> str:
    return clean(unit_id, _ID)
