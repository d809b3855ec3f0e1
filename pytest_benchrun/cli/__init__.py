"""The `benchrun` command: one small file per subcommand, imported only when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

EXIT_USAGE = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code.

    Args:
        argv: the words after `benchrun`; None takes the process's own.
    """
    from pytest_benchrun.core.errors import BenchrunError  # late: keeps `benchrun --help` instant

    words = list(sys.argv[1:] if argv is None else argv)
    # Cut off here: what argparse makes of `--` differs from one Python to the next.
    end = words.index("--") if "--" in words else len(words)
    parser = _parser()
    args = parser.parse_args(words[:end])
    args.extra = words[end + 1 :]
    if args.extra and args.command != "resume":
        parser.error(f"{args.command} takes nothing after --, and got {args.extra[0]!r}")
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except BenchrunError as error:
        print(f"benchrun: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        sys.stderr.close()  # `benchrun status | head`: nothing is wrong, and Python must not say so at exit
        return 0
    except OSError as error:  # a command has said by now what it knows better
        problem = f"cannot {args.command} {args.dir!r}: {error.strerror or error}: {error.filename!r}"
        print(f"benchrun: {problem}\n  -> see to its permissions and to room on its disk", file=sys.stderr)
        return EXIT_USAGE


def _status(args: argparse.Namespace) -> int:
    from pytest_benchrun.cli.status import status  # late: a command imports only what it needs

    return status(args.dir, as_json=args.json, by_exit_code=args.exit_code)


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


COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int], str, str], ...] = (
    ("status", _status, "show where a run is", "Show where a run is."),
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
        "Write units, attempts or metrics as CSV or JSON lines, also while the run goes on.",
    ),
    (
        "junit",
        _junit,
        "write JUnit XML from the journal",
        "Write JUnit XML as pytest does, from the journal and at any time: also of a killed or a live run.",
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchrun", description="Long benchmark campaigns in pytest.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    by_name = {}
    for name, run, line, text in COMMANDS:
        command = by_name[name] = commands.add_parser(name, help=line, description=text)
        command.add_argument("dir", metavar="DIR", help="the results directory (--bench-results)")
        command.set_defaults(run=run)
    by_name["status"].add_argument("--json", action="store_true", help="print status.json with the derived state")
    by_name["status"].add_argument(
        "--exit-code",
        action="store_true",
        help="exit 0 complete, 10 complete with failures, 11 stopped, 12 paused, 13 dead, 14 stalled, 15 running",
    )
    by_name["stop"].add_argument(
        "--now", action="store_true", help="interrupt the units in flight; a resume runs them again"
    )
    by_name["stop"].add_argument("--reason", help="shown with every unit that is skipped for it")
    by_name["stats"].add_argument("--json", action="store_true", help="print what runstats.json would hold")
    tables, formats = ("units", "attempts", "metrics"), ("csv", "jsonl")
    by_name["export"].add_argument("--what", choices=tables, default="units", help="the table; default: units")
    by_name["export"].add_argument("--format", choices=formats, default="csv", help="default: csv")
    by_name["export"].add_argument("-o", "--output", metavar="FILE", help="the file; default: standard output")
    by_name["junit"].add_argument("-o", "--output", metavar="FILE", help="the file; default: standard output")
    by_name["resume"].usage = "benchrun resume [-h] DIR [-- PYTEST ARGUMENT ...]"
    by_name["gc"].add_argument("--dry-run", action="store_true", help="only say what would be removed")
    by_name["rebuild"].add_argument(
        "--salvage", action="store_true", help="leave damaged journal lines out; the damaged files are kept"
    )
    return parser
