"""Command line of the rows about turns: what one costs, what a million cost under xdist, and what figures cost."""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import percentile_peers, turn_peers
from benchmarks.harness.machine import Installed, clean_environment, describe_machine, find_installed
from benchmarks.harness.process import Cost, RunError, become_reaper, measure
from benchmarks.harness.table import show_machine, show_table

HERE = Path(__file__).parent
OURS = "pytest-benchrun"
TURN_TARGET = 3.5
EXTRA_TARGET_S = 4.0
SUMMARY_TARGET = 1.2
STATS_TARGET = 1.0
MEMORY_TARGET_MB = 400.0
MANY = 10_000_000
"""Turns from which on `benchrun stats` is held against DuckDB."""

LIMIT_S = 1800.0
SUITE = """\
import pytest


@pytest.mark.parametrize("unit", range(20))
def test_turns(benchrun, unit):
    for _ in range({turns}):
        with benchrun.turn() as turn:
            with turn.time("llm_ms"):
                pass
            with turn.time("storage_ms", adapter="L2"):
                pass
"""
LOADED = "import pytest_benchrun.core.campaign, pytest_benchrun.store.journal, pytest_benchrun.store.turnstats"
"""What a session has imported when it comes to its end."""

PROPERTIES = """\
import pytest


@pytest.mark.parametrize("unit", range(20))
def test_turns(record_property, unit):
    for _ in range({turns}):
        record_property("turn", {record})
"""
ALONE = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")


class Bench:
    """Runs commands in fresh folders under one temporary folder, in rounds.

    Args:
        folder: the temporary folder.
        rounds: how many.
        seed: of the orders.
    """

    def __init__(self, folder: Path, rounds: int, seed: int) -> None:
        self.folder = folder
        (folder / "tmp").mkdir()
        self.environment = clean_environment(folder / "tmp")
        self.installed: Installed = find_installed(self.environment)
        self._rounds = rounds
        self._chance = random.Random(seed)
        self.failures: dict[str, str] = {}

    def run(self, name: str, command: Sequence[str]) -> tuple[Cost, str]:
        """Run Python with these arguments in a fresh folder, `<here>` among them; its cost and its last line."""
        fresh = self.folder / "run"
        fresh.mkdir()
        try:
            output = fresh / "output.txt"
            words = [sys.executable, *(word.replace("<here>", str(fresh)) for word in command)]
            cost = measure(words, folder=fresh, output=output, environment=self.environment, limit_s=LIMIT_S)
            print(f"{name}: {cost.cpu_s:.2f} s CPU, {cost.wall_s:.2f} s wall", file=sys.stderr)
            return cost, (output.read_text().splitlines() or [""])[-1]
        finally:
            shutil.rmtree(fresh)

    def play(self, commands: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[Cost, str]]]:
        """Run each command once a round, in a new order each round; one that fails is left out."""
        found: dict[str, list[tuple[Cost, str]]] = {name: [] for name in commands}
        for _ in range(self._rounds):
            order = [name for name in commands if name not in self.failures]
            self._chance.shuffle(order)
            for name in order:
                try:
                    found[name].append(self.run(name, commands[name]))
                except RunError as error:
                    print(f"ERROR {name}: {error}", file=sys.stderr)
                    self.failures[name] = f"error: {error.problem}"
        return {name: runs for name, runs in found.items() if name not in self.failures}

    def absent(self, name: str, needs: Sequence[str]) -> str | None:
        """Why a peer has no figure; None where it has one."""
        missing = any(need not in self.installed.versions for need in needs if need)
        return "not installed" if missing else self.failures.get(name)


def compare_turns(bench: Bench, turns: int) -> str:
    """The table of what one turn costs."""
    peers = turn_peers.PEERS
    able = [name for name, (_, needs, _) in peers.items() if bench.absent(name, [needs]) is None]
    script = str(HERE / "turn_peers.py")
    runs = bench.play({name: [script, name, str(turns), "<here>"] for name in able})
    told = {name: [json.loads(line) for _, line in found] for name, found in runs.items()}
    rows = []
    for name, (title, needs, _) in peers.items():
        if name not in told:
            rows.append((title, *[""] * 4, bench.absent(name, [needs]) or ""))
            continue
        ratios = [one["ratio"] for one in told[name]]
        middle = statistics.median(ratios)
        verdict = "" if name != "ours" else "met" if middle <= TURN_TARGET else "missed"
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        target = f"{TURN_TARGET}" if name == "ours" else ""
        rows.append(
            (
                title,
                f"{statistics.median(one['us'] for one in told[name]):.2f}",
                f"{middle:.1f}",
                spread,
                target,
                verdict,
            )
        )
    rows.append(_sent_to_the_controller(bench, turns // 10))
    headings = ("a turn", "us CPU", "over `orjson.dumps`", "least to most", "target", "")
    return f"## A turn: {turns:,} each\n\n{show_table(headings, rows)}"


def _sent_to_the_controller(bench: Bench, turns: int) -> tuple[str, ...]:
    """The row of what most plugins do with xdist: data of a test goes with its report, as a property."""
    title = "sent to the xdist controller as a user property"
    suite = bench.folder / "properties"
    suite.mkdir()
    (suite / "pytest.ini").write_text("[pytest]\n")
    for name, many in (("some", turns), ("none", 0)):
        (suite / f"test_{name}.py").write_text(PROPERTIES.format(turns=many // 20, record=turn_peers.RECORD))
    start = ["-m", "pytest", *ALONE, "-n", "2", f"--rootdir={suite}"]
    runs = bench.play({f"properties, {name}": [*start, str(suite / f"test_{name}.py")] for name in ("some", "none")})
    if len(runs) < 2 or not turns:
        return title, *[""] * 4, bench.absent("properties, some", []) or ""
    some, none = ([cost.cpu_s for cost, _ in found] for found in runs.values())
    us = [(one - other) / turns * 1e6 for one, other in zip(some, none, strict=True)]
    return title, f"{statistics.median(us):.0f}", "", f"{min(us):.0f} to {max(us):.0f} us", "", ""


def compare_workers(bench: Bench, turns: int) -> str:
    """The table of many turns under two workers, against the same units without a run."""
    suite = bench.folder / "suite"
    suite.mkdir()
    (suite / "pytest.ini").write_text("[pytest]\n")
    (suite / "test_turns.py").write_text(SUITE.format(turns=turns // 20))
    start = ["-m", "pytest", *ALONE, "-n", "2", f"--rootdir={suite}", str(suite)]
    runs = bench.play({"workers, no run": start, "workers": [*start, "--bench-results=<here>/results"]})
    if len(runs) < 2:
        return ""
    idle, busy = ([cost.wall_s for cost, _ in found] for found in runs.values())
    extra = [one - other for one, other in zip(busy, idle, strict=True)]
    most = EXTRA_TARGET_S * turns / 1_000_000
    verdict = "met" if statistics.median(extra) <= most else "missed"
    rows = [
        ("turns that do nothing", f"{statistics.median(idle):.2f}", "", "", ""),
        ("with a run", f"{statistics.median(busy):.2f}", f"{statistics.median(extra):.2f}", f"{most:.2f}", verdict),
    ]
    return f"## {turns:,} turns under `-n 2`\n\n{show_table(('', 's wall', 's beyond', 'target', ''), rows)}"


def compare_figures(bench: Bench, turns: int) -> str:
    """The table of percentiles over a turn file."""
    home = bench.folder / f"turns-{turns}"
    home.mkdir()
    making = [sys.executable, str(HERE / "turn_files.py"), str(home), str(turns)]
    output = home / "output.txt"
    measure(making, folder=home, output=output, environment=bench.environment, limit_s=LIMIT_S)
    file, script = home / "results" / "turn_metrics.jsonl", str(HERE / "percentile_peers.py")
    titles = {"ours": ("`benchrun stats`", (OURS,))}
    titles |= {name: (title, needs) for name, (title, needs, _) in percentile_peers.PEERS.items()}
    commands = {"ours": ["-m", "pytest_benchrun", "stats", "--json", str(home / "results")]}
    places = {"columns": home / "columns", "duckdb-parquet": home / "columns", "summary": home / "results"}
    for name in percentile_peers.PEERS:
        commands[name] = [script, name, str(places.get(name, file))]
    able = {name: words for name, words in commands.items() if bench.absent(name, titles[name][1]) is None}
    runs = bench.play({**able, "loaded": ["-c", LOADED]})
    answers = {name: json.loads(found[0][1]) for name, found in runs.items() if name not in {"ours", "loaded"}}
    answers["ours"] = _ours(home / "results", bench.environment)
    true = answers.get("columns", answers["ours"])
    rows = []
    for name, (title, needs) in titles.items():
        if name in runs:
            rows.append((title, *_figures_of([cost for cost, _ in runs[name]]), _deviation(answers[name], true)))
        else:
            rows.append((title, *[""] * 4, bench.absent(name, needs) or ""))
    resumes = compare_resumes(bench, home, turns)
    shutil.rmtree(home)
    headings = ("percentiles", "s CPU", "s wall", "least to most", "peak MB", "off by at most")
    table, targets = (
        show_table(headings, rows),
        _targets({name: [cost for cost, _ in runs[name]] for name in runs}, turns),
    )
    return f"## Percentiles over a file of {turns:,} turns\n\n{table}\n\n{targets}\n\n{resumes}"


def _figures_of(costs: Sequence[Cost]) -> tuple[str, ...]:
    wall = [cost.wall_s for cost in costs]
    return (
        f"{statistics.median(cost.cpu_s for cost in costs):.2f}",
        f"{statistics.median(wall):.2f}",
        f"{min(wall):.2f} to {max(wall):.2f}",
        f"{max(cost.peak_kb for cost in costs) / 1024:.0f}",
    )


def _targets(costs: Mapping[str, Sequence[Cost]], turns: int) -> str:
    """The table of what was promised of figures, `benchrun stats` of many; ratios are of the runs of one round."""
    rows = []
    if {"summary", "loaded", "columns"} <= costs.keys():
        triples = list(zip(costs["summary"], costs["loaded"], costs["columns"], strict=True))
        ratios = [(whole.cpu_s - loaded.cpu_s) / floor.cpu_s for whole, loaded, floor in triples]
        rows.append(("summary at the end of a session: CPU over NumPy", *_held_against(SUMMARY_TARGET, ratios, ".2f")))
        ratios = [whole.cpu_s / floor.cpu_s for whole, _, floor in triples]
        rows.append(("the same in a process that imports it first", *_spread(ratios, ".2f"), "", ""))
    if {"ours", "duckdb"} <= costs.keys():
        ratios = [mine.wall_s / theirs.wall_s for mine, theirs in zip(costs["ours"], costs["duckdb"], strict=True)]
        rows.append(
            (
                "`benchrun stats`: wall over DuckDB `read_json`",
                *_held_against(STATS_TARGET if turns >= MANY else None, ratios, ".2f"),
            )
        )
    if "ours" in costs:
        rows.append(("`benchrun stats`: peak MB", *_held_against(MEMORY_TARGET_MB, _peaks_mb(costs["ours"]), ".0f")))
    return show_table(("figures", "median", "least to most", "target", ""), rows)


def _peaks_mb(costs: Sequence[Cost]) -> list[float]:
    return [cost.peak_kb / 1024 for cost in costs]


def _held_against(target: float | None, found: Sequence[float], form: str) -> tuple[str, ...]:
    if target is None:
        return *_spread(found, form), "", ""
    return *_spread(found, form), f"{target:g}", "met" if statistics.median(found) <= target else "missed"


def _spread(found: Sequence[float], form: str) -> tuple[str, str]:
    return f"{statistics.median(found):{form}}", f"{min(found):{form}} to {max(found):{form}}"


def compare_resumes(bench: Bench, home: Path, turns: int) -> str:
    """The table of what a finished run with many turns costs whoever plans or resumes it."""
    start = ["-m", "pytest", *ALONE, f"--rootdir={home}", str(home)]
    run = [*start, f"--bench-results={home / 'results'}"]
    commands = {
        "`pytest --collect-only`": [*start, "--collect-only"],
        "`--bench-plan --bench-resume`": [*run, "--bench-plan", "--bench-resume"],
        "`--bench-resume`, nothing to do": [*run, "--bench-resume"],
    }
    rows = []
    for name, found in bench.play(commands).items():
        wall = [cost.wall_s for cost, _ in found]
        cpu_s = statistics.median(cost.cpu_s for cost, _ in found)
        spread = f"{min(wall):.2f} to {max(wall):.2f}"
        rows.append((name, f"{cpu_s:.2f}", f"{statistics.median(wall):.2f}", spread))
    headings = ("a finished run", "s CPU", "s wall", "least to most")
    return f"## A run of {turns:,} turns, planned and resumed\n\n{show_table(headings, rows)}"


def _ours(results: Path, environment: Mapping[str, str]) -> dict[str, list[float]]:
    """The percentiles that the run has in its figures."""
    command = [sys.executable, "-m", "pytest_benchrun", "stats", "--json", str(results)]
    answer = subprocess.run(command, check=True, capture_output=True, env=environment)
    summary: dict[str, Any] = json.loads(answer.stdout)["turn_metrics_summary"]
    return {name: [summary[name][p] for p in ("p50", "p95", "p99")] for name in percentile_peers.COLUMNS}


def _deviation(found: Mapping[str, Sequence[float]], true: Mapping[str, Sequence[float]]) -> str:
    shares = [abs(a / b - 1) for name in true for a, b in zip(found[name], true[name], strict=True)]
    return "the same bits" if found == true else f"{max(shares):.1e}"


def main() -> int:
    """Print the tables; 1 if something that is installed failed."""
    options = _parse(sys.argv[1:])
    become_reaper()
    with tempfile.TemporaryDirectory(prefix="harness-", dir=options.dir) as name:
        folder = Path(name).resolve()
        bench = Bench(folder, options.rounds, options.seed)
        print(f"# What turns cost\n\n{show_machine(describe_machine(folder), bench.installed, [])}\n", flush=True)
        parts: list[tuple[Callable[[Bench, int], str], Sequence[int]]] = [
            (compare_turns, [options.turns]),
            (compare_workers, [options.workers]),
            (compare_figures, options.figures),
        ]
        for compare, sizes in parts:
            for size in sizes:
                if size:
                    print(f"{compare(bench, size)}\n", flush=True)
    return 1 if bench.failures else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.harness.turns",
        description="Measures what turns and their figures cost beside our peers, side by side.",
    )
    add = parser.add_argument
    add("--turns", type=int, default=50_000, metavar="N", help="turns of each peer; 0 for none (default 50000)")
    add("--workers", type=int, default=100_000, metavar="N", help="turns under two workers (default 100000)")
    add("--figures", type=_sizes, default=[100_000], metavar="N,...", help="turns in a file (default 100000)")
    add("--rounds", type=int, default=3, metavar="N", help="rounds, each in another order (default 3)")
    add("--seed", type=int, default=1, metavar="N", help="of the orders")
    add("--dir", type=Path, metavar="DIR", help="holds the temporary folder: the disk to measure")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
