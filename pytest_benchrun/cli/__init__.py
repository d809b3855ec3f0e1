"""The `benchrun` command: reads the command line, calls one small file per subcommand, says what went wrong."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # a plain `benchrun status` imports next to nothing
    from collections.abc import Callable, Sequence

EXIT_USAGE = 4
STATUS_FLAGS = ("--json", "--exit-code")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code.

    Args:
        argv: the words after `benchrun`; None takes the process's own.
    """
    _make_output_ready()
    words = list(sys.argv[1:] if argv is None else argv)
    directory = _asked_status_of(words)
    if directory is not None:
        return _answer("status", directory, lambda: _status(directory, words))
    from pytest_benchrun.cli.parser import parsed  # late: argparse takes as long as all that `status` does

    args = parsed(words)
    return _answer(args.command, args.dir, lambda: args.run(args))


def _make_output_ready() -> None:
    """Letters that standard output does not know are shown escaped; a process without one shows nothing."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    elif hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _asked_status_of(words: list[str]) -> str | None:
    """DIR of a plain `status DIR [--json] [--exit-code]`; None for all else, which is the parser's to read."""
    if words[:1] != ["status"]:
        return None
    others = [word for word in words[1:] if word not in STATUS_FLAGS]
    return others[0] if len(others) == 1 and not others[0].startswith("-") else None


def _status(directory: str, words: list[str]) -> int:
    from pytest_benchrun.cli.status import status  # late: a command imports only what it needs

    return status(directory, as_json="--json" in words, by_exit_code="--exit-code" in words)


def _answer(command: str, directory: str, run: Callable[[], int]) -> int:
    from pytest_benchrun.core.errors import BenchrunError  # late: keeps `benchrun --help` instant

    try:
        code = run()
        sys.stdout.flush()  # here: an answer that finds no room must not look like one that was given
    except BenchrunError as error:
        print(f"benchrun: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        _let_go_of_output()  # `benchrun status | head`: nothing is wrong, and Python must not say so at exit
        return 0
    except OSError as error:  # a command has said by now what it knows better
        from pytest_benchrun.core.dburl import masked  # late: only `history` takes an address

        _let_go_of_output()
        problem = f"cannot {command} {masked(directory)!r}: {error.strerror or error}"
        where, disk = (f": {error.filename!r}", "its disk") if error.filename else ("", "its disk and for the output")
        print(f"benchrun: {problem}{where}\n  -> see to its permissions and to room on {disk}", file=sys.stderr)
        return EXIT_USAGE
    return code


def _let_go_of_output() -> None:
    from pytest_benchrun.world.screen import let_go_of_output  # late: only where an answer could not be given

    let_go_of_output()
