"""`benchrun watch DIR`: the status again and again until the run ends; exits as the run did."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import orjson

from pytest_benchrun.cli.status import EXIT_CODES, Seen, has_colours, read_record
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.report.status_text import coloured, left_of, progress
from pytest_benchrun.report.words import clean
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.world.alive import lives
from pytest_benchrun.world.clock import WallClock

EXIT_INTERRUPTED = 130
"""After Ctrl-C, as shells have it: 128 and the number of SIGINT."""
PATIENCE_S = 5.0
"""How long a status that is not there may be on its way: a new run moves the old one to the history."""

# An own screen: lines that were wrapped, or cut, before the terminal changed its size leave nothing behind.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def watch(directory: str, *, interval_s: float) -> int:
    """Show the run in `directory` until it ends.

    Returns:
        The exit code of the run's last session, 13 for a run that is dead, 130 after Ctrl-C.

    Raises:
        DirectoryProblem: there is no run, or its status cannot be understood any more.
    """
    seen = Seen(directory, WallClock().now_at())
    is_terminal = sys.stdout.isatty()
    try:
        seen = _on_screen(directory, seen, interval_s) if is_terminal else _line_by_line(directory, seen, interval_s)
    except KeyboardInterrupt:
        print("benchrun: the run goes on")
        return EXIT_INTERRUPTED
    if is_terminal:
        print("\n".join(coloured(seen.lines, seen.state) if has_colours() else seen.lines))
    return _exit_code(directory, seen)


def _on_screen(directory: str, seen: Seen, interval_s: float) -> Seen:
    sys.stdout.write(_ENTER)
    try:
        while not _is_over(seen):
            _draw(seen)
            time.sleep(interval_s)
            seen = _look(directory, seen)
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
    return seen


def _draw(seen: Seen) -> None:
    """One frame in one write, line over line: nothing is blank in between."""
    columns, rows = shutil.get_terminal_size()
    cut = [clean(line, max(columns - 1, 3)) for line in seen.lines[: rows - 1]]
    shown = coloured(cut, seen.state) if has_colours() else cut
    sys.stdout.write(_HOME + "".join(f"{line}{_END_OF_LINE}\n" for line in shown) + _BELOW)
    sys.stdout.flush()


def _line_by_line(directory: str, seen: Seen, interval_s: float) -> Seen:
    said = ""
    while True:
        now = _line(seen)
        if now != said:
            rest = left_of(seen.view) if seen.state in {"running", "stopping"} else ""
            print(f"{seen.view['updated_at']}  {now}{rest}", flush=True)
            said = now
        if _is_over(seen):
            return seen
        time.sleep(interval_s)
        seen = _look(directory, seen)


def _line(seen: Seen) -> str:
    """What must change for a new line."""
    why = seen.note if seen.state == "dead" else seen.view["reason"]
    return f"{clean(seen.state)}: {progress(seen.view)}" + (f" ({clean(why, 200)})" if why else "")


def _look(directory: str, before: Seen) -> Seen:
    """The run now; as it was while its status is on its way."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Seen(directory, WallClock().now_at())
        except DirectoryProblem:
            if time.monotonic() > deadline_s or read_record(directory) != before.owner:
                raise
        time.sleep(0.05)


def _is_over(seen: Seen) -> bool:
    """Whether nothing more will come: it is at rest, and its process has gone or is somebody else."""
    if seen.state in {"pending", "running", "stopping", "stalled"} or seen.is_waiting:
        return False
    owner = seen.owner
    return owner is None or not lives(owner["host"], owner["pid"], owner["boot_id"], owner["process_started"])


def _exit_code(directory: str, seen: Seen) -> int:
    if seen.state == "dead":
        return EXIT_CODES["dead"]
    with suppress(OSError, ValueError, TypeError, KeyError, IndexError):
        session = orjson.loads(RunDir(Path(directory)).run_state.read_bytes())["sessions"][-1]
        if isinstance(session["exit_code"], int):
            return session["exit_code"]
    return 1 if seen.view["failures_total"] else 0
