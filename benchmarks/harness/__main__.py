"""Command line of the harness: reads options, plays the rounds, prints the table, writes the JSON."""

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness.accounting import check_accounting
from benchmarks.harness.arena import Arena
from benchmarks.harness.contenders import CONTENDERS, OURS, Contender
from benchmarks.harness.figures import draw_figures, judge_across_sizes
from benchmarks.harness.imports import ImportCost, measure_import
from benchmarks.harness.machine import Installed, clean_environment, describe_machine, find_installed
from benchmarks.harness.process import RunError, become_reaper
from benchmarks.harness.rounds import Results, play
from benchmarks.harness.table import show_balance, show_import, show_machine, show_size, show_verdicts

SCHEMA_VERSION = 1
LARGE = 50_000
ACCOUNTED = ("plain", "xdist", "xdist-flush")


def main() -> int:
    """Run the harness.

    Returns:
        0 if everything that is installed ran, 1 if a run failed. A missed target is a figure, no failure.
    """
    options = _parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # clean up as after Ctrl-C
    if not become_reaper():
        print("cannot adopt orphaned processes here: their CPU time is missing", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="harness-", dir=options.dir) as name:
        folder = Path(name).resolve()
        temporary = folder / "tmp"
        temporary.mkdir()
        environment = clean_environment(temporary)
        installed = find_installed(environment)
        arena = Arena(folder=folder, environment=environment, installed=installed, limit_s=options.time_limit)
        if options.self_check:
            return _check(arena)
        return _compare(arena, options)


def _compare(arena: Arena, options: argparse.Namespace) -> int:
    """Measure, print and write everything; 1 if a run failed."""
    machine = describe_machine(arena.folder)
    asked = _select(options.only)
    absent = _find_absent(asked, options.only, arena.installed)
    present = [one for one in asked if one.name not in absent]
    sizes = sorted({*options.units, *([LARGE] if options.large else [])})
    about = show_machine(machine, arena.installed, present)
    print(f"# What it costs\n\n{about}; seed {options.seed}\n", flush=True)

    results = play(arena, present, sizes, options.rounds, options.seed)
    import_cost = None if options.only else _import(arena, results)
    absent |= {name: f"error: {problem}" for name, problem in results.failures.items()}

    figures = draw_figures(present, results.samples)
    verdicts = judge_across_sizes(present, figures, results.samples)
    print("\n\n".join(show_size(units, asked, figures, absent) for units in sizes))
    if verdicts:
        print(f"\n## Across sizes\n\n{show_verdicts(verdicts)}")
    if import_cost:
        print(f"\n## Inactive\n\n{show_import(import_cost)}")
    if options.json:
        _write(
            options.json,
            machine=asdict(machine) | {"load_at_end": os.getloadavg()[0]},
            versions=arena.installed.versions,
            seed=options.seed,
            absent=absent,
            contenders=[asdict(one) | {"needs": sorted(one.needs)} for one in asked],
            figures=[asdict(figure) for figure in figures],
            verdicts=[asdict(verdict) | {"text": verdict.text} for verdict in verdicts],
            inactive_import=asdict(import_cost) if import_cost else None,
            samples=[asdict(sample) for sample in results.samples],
        )
    return 1 if results.failures else 0


def _find_absent(asked: Sequence[Contender], only: Sequence[str], installed: Installed) -> dict[str, str]:
    """Name of each contender that will not run, and why."""
    absent = {}
    for one in asked:
        if not _is_installed(one, installed):
            absent[one.name] = "not installed"
        elif one.slow and one.name not in only:
            absent[one.name] = "slow: on request"
    return absent


def _write(path: Path, **parts: object) -> None:
    path.write_text(json.dumps({"schema_version": SCHEMA_VERSION, **parts}, indent=2) + "\n")


def _import(arena: Arena, results: Results) -> ImportCost | None:
    if OURS not in arena.installed.versions:
        return None
    try:
        return measure_import(arena.folder, arena.environment)
    except RunError as error:
        print(f"ERROR import: {error}", file=sys.stderr)
        results.failures["import"] = error.problem
        return None


def _check(arena: Arena) -> int:
    """Print the check of the CPU accounting; 1 if it does not add up or a run failed."""
    able = [one for one in CONTENDERS if one.name in ACCOUNTED and _is_installed(one, arena.installed)]
    balances = []
    failed = False
    for one in able:
        try:
            balances.append(check_accounting(arena, one))
        except RunError as error:
            print(f"ERROR {one.name}: {error}", file=sys.stderr)
            failed = True
    print(show_balance(balances))
    return 1 if failed or not all(balance.adds_up for balance in balances) else 0


def _select(only: Sequence[str]) -> list[Contender]:
    """Contenders that were asked for and those they are measured against, in the table's order."""
    if not only:
        return list(CONTENDERS)
    by_name = {one.name: one for one in CONTENDERS}
    wanted = {"plain", *only}
    wanted |= {by_name[name].over for name in only}
    wanted |= {"again" for name in only if by_name[name].target.noise}
    return [one for one in CONTENDERS if one.name in wanted]


def _is_installed(one: Contender, installed: Installed) -> bool:
    return one.needs <= installed.versions.keys()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    names = [one.name for one in CONTENDERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.harness",
        description="Measures what pytest-benchrun costs beside its peers, side by side.",
        epilog=f"Contenders: {', '.join(names)}.",
    )
    add = parser.add_argument
    add("--units", type=_sizes, default=[1_000, 10_000], metavar="N,...", help="sizes (default 1000,10000)")
    add("--large", action="store_true", help=f"{LARGE:,} units as well")
    add("--rounds", type=_positive, default=5, metavar="N", help="paired rounds at each size (default 5)")
    add("--only", type=_names, default=[], metavar="NAME,...", help="these contenders and their references")
    add("--seed", type=int, default=secrets.randbelow(10**6), metavar="N", help="of the orders of the rounds")
    add("--dir", type=Path, metavar="DIR", help="holds the temporary folder: the disk to measure")
    add("--time-limit", type=_positive, metavar="SECONDS", help="of each run (default 120 and 0.02 a unit)")
    add("--json", type=Path, metavar="FILE", help="write everything to this file")
    add("--self-check", action="store_true", help="check the CPU accounting instead of comparing")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def _sizes(text: str) -> list[int]:
    return [_positive(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    known = {one.name for one in CONTENDERS}
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"no contender {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return names


if __name__ == "__main__":
    sys.exit(main())
