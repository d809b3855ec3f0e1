"""The `benchrun` command: one small file per subcommand, imported only when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

EXIT_USAGE = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code.

    Args:
        argv: the words after `benchrun`; None takes the process's own.
    """
    from pytest_benchrun.core.errors import BenchrunError  # late: keeps `benchrun --help` instant

    args = _parser().parse_args(argv)
    try:
        return _run(args)
    except BenchrunError as error:
        print(f"benchrun: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        sys.stderr.close()  # `benchrun status | head`: nothing is wrong, and Python must not say so at exit
        return 0


def _run(args: argparse.Namespace) -> int:
    if args.command == "status":
        from pytest_benchrun.cli.status import status  # late: a command imports only what it needs

        return status(args.dir, as_json=args.json, by_exit_code=args.exit_code)
    if args.command == "stop":
        from pytest_benchrun.cli.stop import stop  # late: as above

        return stop(args.dir, reason=args.reason, is_now=args.now)
    from pytest_benchrun.cli.rebuild import rebuild  # late: as above

    return rebuild(args.dir, is_salvage=args.salvage)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchrun", description="Long benchmark campaigns in pytest.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="show where a run is", description="Show where a run is.")
    status.add_argument("dir", metavar="DIR", help="the results directory (--bench-results)")
    status.add_argument("--json", action="store_true", help="print status.json with the derived state")
    status.add_argument(
        "--exit-code",
        action="store_true",
        help="exit 0 complete, 10 complete with failures, 11 stopped, 12 paused, 13 dead, 14 stalled, 15 running",
    )
    stop = commands.add_parser(
        "stop", help="stop a run softly, or now", description="Let the units in flight finish, then stop."
    )
    stop.add_argument("dir", metavar="DIR", help="the results directory (--bench-results)")
    stop.add_argument("--now", action="store_true", help="interrupt the units in flight; a resume runs them again")
    stop.add_argument("--reason", help="shown with every unit that is skipped for it")
    rebuild = commands.add_parser(
        "rebuild", help="make status.json and runstats.json again", description="Make all views again from the journal."
    )
    rebuild.add_argument("dir", metavar="DIR", help="the results directory (--bench-results)")
    rebuild.add_argument(
        "--salvage", action="store_true", help="leave damaged journal lines out; the damaged files are kept"
    )
    return parser
