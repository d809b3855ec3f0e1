"""`benchrun status` for people. Imports next to nothing, so that it answers at once."""

from __future__ import annotations

from datetime import datetime

from pytest_benchrun.report.words import clean, remaining, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:  # the views import the whole core
    from pytest_benchrun.core.views import StatusView, TaskView

SHOWN_FAILURES = 3
SHOWN_RUNNING = 16
_LIVE = ("pending", "running", "stopping", "stalled")
_SILENT_S = 10
"""A unit that was heard of within so long is not said to be silent."""
_PLAIN, _BOLD, _RED, _GREEN, _YELLOW = "\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"
_COLOURS = {"running": _GREEN, "complete": _GREEN, "dead": _RED, "failed": _RED}


def ended_units(view: StatusView) -> int:
    """Units that have an end; what the run's stop held back has none."""
    return view["completed"] + view["failed"] + view["timeout"] + view["skipped"] - view["held_back"]


def progress(view: StatusView) -> str:
    """How far the run is."""
    total, ended = view["total_tasks"], ended_units(view)
    return f"{ended}/{total} ({100 * ended / total if total else 0.0:.1f} %), {view['failures_total']} failed"


def remaining_range(view: StatusView) -> str:
    """The time that is left and its range; minutes below one hour."""
    eta = view["eta"]
    if eta["low_hours"] is None or eta["high_hours"] is None:
        return remaining(None)
    likely = eta.get("hours", view["estimated_remaining_hours"])  # earlier versions had no own middle
    middle, low, high = remaining(likely), remaining(eta["low_hours"]), remaining(eta["high_hours"])
    more = [f"{low} to {high}"] if low != high else []
    more += [f"{eta['workers']} workers"] if eta["workers"] > 1 else []
    return f"{middle} ({', '.join(more)})" if more else middle


def left_of(view: StatusView) -> str:
    """The same behind a comma, where something is known."""
    return "" if view["eta"]["low_hours"] is None else f", {remaining_range(view)} left"


def status_lines(view: StatusView, state: str, note: str | None, now_at: str | None = None) -> list[str]:
    """Where a run is.

    Args:
        view: what `status.json` says.
        state: what a reader may believe: `dead` and `stalled` are derived.
        note: why the state differs from what the file says; None when it does not.
        now_at: the reader's time, to say how long units run and are silent; None takes the file's.
    """
    lines = [f"{clean(view['run_id'])}: {clean(state)}" + (f" ({clean(note, 200)})" if note else "")]
    if view["reason"]:
        lines.append(f"reason: {clean(view['reason'], 200)}")
    lines.append(f"progress: {progress(view)}")
    seen_at = now_at if now_at and state in _LIVE else view["heartbeat_at"]
    tasks = view["current_tasks"]
    for task in tasks[:SHOWN_RUNNING]:
        lines += _task_lines(task, seen_at)
    if len(tasks) > SHOWN_RUNNING:
        lines.append(f"... and {len(tasks) - SHOWN_RUNNING} more units are running")
    left = remaining_range(view)  # whether it is shown or not: what has none is no status
    if state in {"running", "stopping"}:
        lines.append(f"remaining: {left}")
    started, updated = clean(str(view["started_at"])), clean(str(view["updated_at"]))
    lines.append(f"started: {started}, updated: {updated}, session {view['session']}")
    lines += [
        f"failed: {clean(failure['unit_id'])}: {clean(failure['kind'])}: {clean(failure['error'], 120)}"
        for failure in view["failures"][-SHOWN_FAILURES:]
    ]
    return lines


def _task_lines(task: TaskView, seen_at: str) -> list[str]:
    elapsed_s = _age_s(task["started_at"], seen_at, task["elapsed_s"])
    line = f"running: {clean(task['unit_id'])} on {clean(task['worker'])} for {seconds(elapsed_s)}"
    silent_s = _age_s(task["last_beacon_at"], seen_at, 0.0)
    if silent_s >= _SILENT_S:
        line += f", silent for {seconds(silent_s)}"
    said = [f"{name}: {clean(text, 120)}" for name, text in (("stage", task["stage"]), ("note", task["note"])) if text]
    return [line, f"  {', '.join(said)}"] if said else [line]


def _age_s(since_at: str | None, now_at: str, otherwise_s: float) -> float:
    """Seconds from one moment to another; `otherwise_s` where either is none."""
    try:
        return max(0.0, (datetime.fromisoformat(now_at) - datetime.fromisoformat(since_at or "")).total_seconds())
    except (ValueError, TypeError):
        return otherwise_s


def coloured(lines: list[str], state: str) -> list[str]:
    """The same lines for a terminal: the first by its state, failures red."""
    head = f"{_BOLD}{_COLOURS.get(state, _YELLOW)}{lines[0]}{_PLAIN}"
    return [head, *(f"{_RED}{line}{_PLAIN}" if line.startswith("failed: ") else line for line in lines[1:])]
