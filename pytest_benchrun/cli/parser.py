"""The command line of `benchrun`: its commands and their options. A command is imported only when it is called."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.05, 3600


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The words after `benchrun`: `run` takes them, `command` and `dir` name what was asked for.

    Raises:
        SystemExit: help was asked for, or they make no sense; what is to say has been said.
    """
    # Cut off here: what argparse makes of `--` differs from one Python to the next.
    end = words.index("--") if "--" in words else len(words)
    parser = _parser(words)
    args = parser.parse_args(words[:end])
    args.extra = words[end + 1 :]
    if args.extra and args.command not in {"resume", "start"}:
        parser.error(f"{args.command} takes nothing after --, and got {args.extra[0]!r}")
    return args


def _status(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.status import status  # late: a command imports only what it needs

    return status(args.dir, as_json=args.json, by_exit_code=args.exit_code)


def _watch(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.watch import watch  # late: as above

    return watch(args.dir, interval_s=args.interval)


def _start(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.start import start  # late: as above

    return start(args.dir, args.extra)


def _stop(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.stop import stop  # late: as above

    return stop(args.dir, reason=args.reason, is_now=args.now)


def _rebuild(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.rebuild import rebuild  # late: as above

    return rebuild(args.dir, is_salvage=args.salvage)


def _verify(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.verify import verify  # late: as above

    return verify(args.dir)


def _junit(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.junit import junit  # late: as above

    return junit(args.dir, args.output)


def _stats(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.stats import stats  # late: as above

    return stats(args.dir, as_json=args.json)


def _export(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.export import export  # late: as above

    return export(args.dir, what=args.what, form=args.format, output=args.output)


def _resume(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.resume import resume  # late: as above

    return resume(args.dir, args.extra)


def _gc(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.gc import gc  # late: as above

    return gc(args.dir, is_dry=args.dry_run)


def _record(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.record import record  # late: as above

    return record(args.dir, args.db)


def _history(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.history import history  # late: as above

    return history(args.dir, as_json=args.json)


COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int], str, str], ...] = (
    ("status", _status, "show where a run is", "Show where a run is."),
    (
        "watch",
        _watch,
        "show a run until it ends",
        """Show where a run is until it ends, and exit as it did: 13 for one that was killed, 130 after Ctrl-C, which
        ends the watching and not the run. Without a terminal, a line is printed where something has changed.""",
    ),
    (
        "start",
        _start,
        "start a run that outlives this terminal",
        """Start pytest in a session of its own, its output in DIR/benchmark.log, and return once the run is up. The
        same by hand: nohup pytest --bench-results=DIR ARGUMENTS > benchmark.log 2>&1 < /dev/null &""",
    ),
    ("stop", _stop, "stop a run softly, or now", "Let the units in flight finish, then stop."),
    ("rebuild", _rebuild, "make every view again from the journal", "Make all views again from the journal."),
    (
        "verify",
        _verify,
        "check everything in a results directory",
        "Check everything in a results directory and say what is wrong; exit 0 only when nothing is. Changes no file.",
    ),
    ("stats", _stats, "show the figures of a run", "Show percentiles and totals, also while the run goes on."),
    (
        "export",
        _export,
        "write the run as a table",
        "Write units, attempts, turns or metrics as CSV, JSON lines or Parquet, also while the run goes on.",
    ),
    (
        "junit",
        _junit,
        "write JUnit XML from the journal",
        "Write JUnit XML as pytest does, from the journal and at any time: also of a killed or a live run.",
    ),
    (
        "record",
        _record,
        "add the run to a database",
        """Add the run to a database of many runs, an SQLite file or PostgreSQL, as it is now: also while it goes on and
        after a kill. A run that is there is replaced.""",
    ),
    (
        "history",
        _history,
        "list the runs of a directory or a database",
        "List the runs in DIR and its history, or those in a database (URL, or the path of an SQLite file).",
    ),
    (
        "resume",
        _resume,
        "repeat the recorded command with --bench-resume",
        "Repeat the pytest command of the run's last session, in its folder, with --bench-resume and what follows --.",
    ),
    (
        "gc",
        _gc,
        "remove what killed sessions have left",
        "Remove sandboxes and temporary files that killed sessions of a run have left; never while the run lives.",
    ),
)
"""A command a row: its name, what runs it, its line in the list of all, its own help."""


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal; argparse itself would import shutil to ask, and does so for every option."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size().columns
        except (OSError, ValueError):
            columns = 80
        super().__init__(prog, width=max(columns - 2, 20))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all commands, or of the only one that is named: `benchrun status` must answer at once."""
    parser = argparse.ArgumentParser(
        prog="benchrun", description="Long benchmark campaigns in pytest.", formatter_class=_Formatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="benchrun")
    named = [row for row in COMMANDS if words and row[0] == words[0]]
    for name, run, line, text in named or COMMANDS:
        command = commands.add_parser(name, help=line, description=text, formatter_class=_Formatter)
        command.add_argument("dir", metavar="DIR", help="the results directory (--bench-results)")
        command.set_defaults(run=run)
        if name in OPTIONS:
            OPTIONS[name](command)
    return parser


def _status_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print status.json with the derived state")
    command.add_argument(
        "--exit-code",
        action="store_true",
        help="exit 0 complete, 10 complete with failures, 11 stopped, 12 paused, 13 dead, 14 stalled, 15 running",
    )


def _watch_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--interval", type=_interval, default=1.0, metavar="SECONDS", help="between two looks; default: 1"
    )


def _interval(text: str) -> float:
    """At least a twentieth of a second: the status changes at most five times in one."""
    value = float(text)
    if not LEAST_INTERVAL_S <= value <= MOST_INTERVAL_S:
        problem = f"{text!r} is not between {LEAST_INTERVAL_S} and {MOST_INTERVAL_S} seconds"
        raise argparse.ArgumentTypeError(problem)
    return value


def _start_options(command: argparse.ArgumentParser) -> None:
    command.usage = "benchrun start [-h] DIR -- PYTEST ARGUMENT ..."


def _stop_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--now", action="store_true", help="interrupt the units in flight; a resume runs them again")
    command.add_argument("--reason", help="shown with every unit that is skipped for it")


def _rebuild_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--salvage",
        action="store_true",
        help="leave damaged lines of journal and turns out; the damaged files are kept",
    )


def _stats_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print what runstats.json would hold")


def _export_options(command: argparse.ArgumentParser) -> None:
    tables, formats = ("units", "attempts", "turns", "metrics"), ("csv", "jsonl", "parquet")
    command.add_argument("--what", choices=tables, default="units", help="the table; default: units")
    command.add_argument("--format", choices=formats, default="csv", help="default: csv")
    _junit_options(command)


def _junit_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", metavar="FILE", help="the file; default: standard output")


def _record_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--db",
        type=os.path.expanduser,
        metavar="URL",
        help="the database; default: the environment variable BENCHRUN_DB",
    )


def _history_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print a list of objects")


def _resume_options(command: argparse.ArgumentParser) -> None:
    command.usage = "benchrun resume [-h] DIR [-- PYTEST ARGUMENT ...]"


def _gc_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed")


OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "status": _status_options,
    "watch": _watch_options,
    "start": _start_options,
    "stop": _stop_options,
    "rebuild": _rebuild_options,
    "stats": _stats_options,
    "export": _export_options,
    "junit": _junit_options,
    "record": _record_options,
    "history": _history_options,
    "resume": _resume_options,
    "gc": _gc_options,
}
"""What a command has beside DIR."""
