"""How far a run is, as rows for a terminal and as lines for a file: text from `StatusView`, decides nothing.

The bars are tqdm's, by its formatter alone: an object of tqdm would share its place on the screen, and its lock,
with the bars that a unit draws itself.
"""

from __future__ import annotations

import unicodedata

from tqdm import tqdm

from pytest_benchrun.core.views import StatusView, TaskView
from pytest_benchrun.report.words import clean, remaining, seconds

SHOWN_UNITS = 4
WIDE = 120
"""Columns from which the bar has room for the range of the estimate."""

_NARROW = 60
_NESTED = 26
_SPINNER = "|/-\\"
_MINUTE_H = 1 / 60
_STEPS = 20
_PAUSE_S = 60.0


class Pace:
    """When a line is due: 5 % or 60 s after the one before.

    Args:
        ended: units that had ended when the session began.
        now_s: when it began, by any clock.
    """

    def __init__(self, ended: int, now_s: float) -> None:
        self.ended = ended
        self._at_s = now_s

    def is_due(self, ended: int, total: int, now_s: float) -> bool:
        """Whether to say that `ended` of `total` units have ended; if so, the next line counts from here."""
        is_step = ended > self.ended and (ended - self.ended) * _STEPS >= total
        if not is_step and now_s - self._at_s < _PAUSE_S:
            return False
        self.ended, self._at_s = ended, now_s
        return True


def ended_of(view: StatusView) -> int:
    """Units that have ended, one way or the other."""
    return view["completed"] + view["failed"] + view["timeout"] + view["skipped"] - view["held_back"]


def progress_line(view: StatusView, elapsed_s: float, *, is_over: bool = False) -> str:
    """One line without control characters.

    Args:
        view: where the run is.
        elapsed_s: seconds of this session.
        is_over: whether no more is to come.
    """
    if is_over:
        return f"benchrun: {_count(view, with_percent=True)}{_failed(view)}; took {seconds(elapsed_s)}"
    parts = [f"benchrun: {_count(view, with_percent=True)}{_failed(view)}", tqdm.format_interval(elapsed_s)]
    if view["state"] == "stopping":
        parts.append("stopping")
    else:
        parts.append(_left(view, has_range=True))
    tasks = view["current_tasks"]
    if tasks:
        words = _words(tasks[0], 60)
        about = f" ({words})" if words else ""
        more = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
        parts.append(f"running: {clean(tasks[0]['unit_id'])}{about}{more}")
    return "; ".join(parts)


def progress_rows(
    view: StatusView, elapsed_s: float, columns: int, rows: int, *, is_short: bool = False, is_ascii: bool = False
) -> list[str]:
    """The bar of the run, and under it a row for each of some units in flight.

    Args:
        view: where the run is.
        elapsed_s: seconds of this session.
        columns: of the terminal; no row is as wide.
        rows: of the terminal; one stays free.
        is_short: the bar alone.
        is_ascii: whether the terminal knows nothing else.
    """
    made = [bar_row(view, elapsed_s, columns, is_ascii=is_ascii)]
    if is_short:
        return made
    room = min(SHOWN_UNITS, rows - 2)
    tasks, workers = view["current_tasks"], [worker["worker"] for worker in view["workers"]]
    if 0 < len(workers) <= room:  # a row for each worker, so that nothing jumps while units come and go
        by_worker = {task["worker"]: task for task in tasks}
        made += [_worker_row(name, by_worker.get(name), columns, len(workers), is_ascii=is_ascii) for name in workers]
        return made
    made += [unit_row(task, columns, task["worker"], is_ascii=is_ascii) for task in tasks[: max(room, 0)]]
    if len(tasks) > room > 0:
        made[-1] = fit(f"  ... and {len(tasks) - room + 1} more units are running", columns - 1)
    return made


def bar_row(view: StatusView, elapsed_s: float, columns: int, *, is_ascii: bool = False, is_over: bool = False) -> str:
    """The bar of the run; arguments as for `progress_rows` and `progress_line`."""
    tail = f"| {_count(view)}{_failed(view)}"
    if is_over:
        tail += f" [{tqdm.format_interval(elapsed_s)}]"
    else:
        is_stopping = view["state"] == "stopping"
        what = "stopping" if is_stopping else _left(view, has_range=columns >= WIDE)
        tail += f" [{tqdm.format_interval(elapsed_s)}, {what}]"
    return tqdm.format_meter(
        ended_of(view),
        max(view["total_tasks"], 1),
        elapsed_s,
        ncols=columns - 1,
        ascii=is_ascii,
        bar_format=f"{_percent(view):3d}%|{{bar}}{tail}",
    )


def unit_row(task: TaskView, columns: int, worker: str | None = None, *, is_ascii: bool = False) -> str:
    """A unit in flight: its worker, its id, its stage and note, a bar of its turns where it has a length, its time.

    Args:
        task: the unit.
        columns: of the terminal.
        worker: where it runs; None when there is only one.
        is_ascii: as for `progress_rows`.
    """
    tail = f" {tqdm.format_interval(task['elapsed_s'])}"
    total = task["turns_total"]
    if total and columns >= _NARROW:
        bar = "|{bar}| {n_fmt}/{total_fmt}"
        tail = f" {tqdm.format_meter(min(task['turns_done'], total), total, 0, ncols=_NESTED, ascii=is_ascii, bar_format=bar)}{tail}"  # noqa: E501
    head = f"  {clean(worker, 20)} " if worker else "  "
    room = columns - 1 - cells(head) - cells(tail)
    if room < 1:
        return fit(head + tail, columns - 1)
    words = _words(task, 200)
    name = clean(task["unit_id"], 400)
    if cells(name) + cells(words) + 2 > room:
        name = name.partition("::")[2] or name  # the file says least
    if words:
        words = fit(words, max(room // 2, room - cells(name) - 2))
        name = fit(name, room - cells(words) - 2)
        name = f"{name}  {words}"
    name = fit(name, room)
    return f"{head}{name}{' ' * (room - cells(name))}{tail}"


def stage_row(stage: str, elapsed_s: float, columns: int) -> str:
    """A stage of the session that has no length: it turns, and says how long it has been."""
    return fit(f"{_SPINNER[int(elapsed_s * 5) % 4]} {stage} {tqdm.format_interval(elapsed_s)}", columns - 1)


def cells(text: str) -> int:
    """Columns that printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_width, text))


def fit(text: str, room: int) -> str:
    """Text of at most `room` columns, its middle left out when it is longer."""
    if cells(text) <= room:
        return text
    if room < 1:
        return ""
    front = _take(text, (room - 1) // 2)
    return f"{front}…{_take(text[::-1], room - 1 - cells(front))[::-1]}"


def _take(text: str, room: int) -> str:
    taken = 0
    for place, letter in enumerate(text):
        taken += _width(letter)
        if taken > room:
            return text[:place]
    return text


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _worker_row(name: str, task: TaskView | None, columns: int, workers: int, *, is_ascii: bool) -> str:
    shown = name if workers > 1 else None
    if task is None:
        return fit(f"  {clean(name, 20)} -" if shown else "  -", columns - 1)
    return unit_row(task, columns, shown, is_ascii=is_ascii)


def _percent(view: StatusView) -> int:
    """Whole percent, 100 only when all is done."""
    return 100 * ended_of(view) // view["total_tasks"] if view["total_tasks"] else 0


def _count(view: StatusView, *, with_percent: bool = False) -> str:
    text = f"{ended_of(view)}/{view['total_tasks']}"
    return f"{text} ({_percent(view)} %)" if with_percent else text


def _failed(view: StatusView) -> str:
    return f", {view['failures_total']} failed" if view["failures_total"] else ""


def _left(view: StatusView, *, has_range: bool) -> str:
    """The remaining time as `benchrun status` says it."""
    eta = view["eta"]
    if eta["hours"] is None:
        return "remaining time not known yet"
    text = f"{_time(eta['hours'])} left"
    low, high = eta["low_hours"], eta["high_hours"]
    if has_range and low is not None and high is not None and _time(low) != _time(high):
        text += f" ({_time(low)} to {_time(high)})"
    return text


def _time(hours: float) -> str:
    return f"{hours * 3600:.0f} s" if hours < _MINUTE_H else remaining(hours)


def _words(task: TaskView, length: int) -> str:
    """What the unit says of itself."""
    return clean(": ".join(part for part in (task["stage"], task["note"]) if part), length)
