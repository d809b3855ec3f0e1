"""Shows figures as Markdown tables; returns strings, decides nothing."""

from collections.abc import Mapping, Sequence

from benchmarks.harness.accounting import Balance
from benchmarks.harness.contenders import Contender
from benchmarks.harness.figures import Figure, Verdict
from benchmarks.harness.imports import ImportCost
from benchmarks.harness.machine import Installed, Machine

HEADINGS = (
    "contender",
    "over",
    "CPU ratio",
    "least to most",
    "wall ratio",
    "ms CPU a unit",
    "peak MB",
    "kB a unit beyond",
    "earlier",
    "target",
    "verdict",
)
SHOWN_VERSIONS = ("pytest", "pluggy", "execnet", "orjson")


def show_machine(machine: Machine, installed: Installed, contenders: Sequence[Contender]) -> str:
    """Say what the figures were measured on."""
    names = [*SHOWN_VERSIONS, *sorted(set().union(*(one.needs for one in contenders)))]
    versions = (f"{name} {installed.versions[name]}" for name in names if name in installed.versions)
    disk = machine.file_system or "an unknown file system"
    return (
        f"{machine.cpu}, {machine.cores} cores; {machine.kernel}; {machine.python}\n"
        f"{', '.join(versions)}\n"
        f"results on {disk}, where an appended line is durable after {machine.fdatasync_us:.0f} us; "
        f"load before the start {machine.load:.1f}"
    )


def show_size(units: int, contenders: Sequence[Contender], figures: Sequence[Figure], absent: Mapping[str, str]) -> str:
    """Show everybody at one size.

    Args:
        units: the size.
        contenders: who, in this order.
        figures: all figures.
        absent: name of a contender to the reason why it has no figure.
    """
    found = {figure.contender: figure for figure in figures if figure.units == units}
    rounds = max((figure.rounds for figure in found.values()), default=0)
    rows = []
    for one in contenders:
        if one.name in found:
            rows.append(_row(one, found[one.name]))
        else:
            reason = absent.get(one.name, f"no figure of {one.over}")
            rows.append((one.title, one.over, *[""] * 6, one.earlier, _promise(one), reason))
    title = f"## Units: {units:,}, median of {rounds} paired rounds"
    return f"{title}\n\n{show_table(HEADINGS, rows)}"


def show_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Show figures that are held against a target of their own."""
    rows = [(one.what, f"{one.found:.2f}", f"{one.limit:.2f}", one.text) for one in verdicts]
    return show_table(("what", "found", "target", "verdict"), rows)


def show_import(cost: ImportCost) -> str:
    """Show what the inactive plugin costs, and what it loads."""
    modules = ", ".join(cost.modules) or "nothing"
    rows = (
        ('CPU of `python -c "import pytest"`', f"{cost.pytest_ms:.1f} ms"),
        ('CPU of `python -c "import pytest_benchrun.plugin"`', f"{cost.plugin_ms:.1f} ms"),
        ("the plugin alone, after pytest", f"{cost.added_ms:.2f} ms"),
    )
    verdict = f"target {cost.verdict.limit:g} ms: {cost.verdict.text}"
    return f"{show_table(('import', 'median'), rows)}\n\n{verdict}. It loads {modules}."


def show_balance(balances: Sequence[Balance]) -> str:
    """Show CPU time counted twice."""
    headings = ("contender", "measured", "own accounts", "of it workers", "processes", "strays", "verdict")
    rows = [
        (
            one.contender,
            f"{one.measured_s:.2f} s",
            f"{one.confessed_s:.2f} s",
            f"{one.workers_s:.2f} s",
            str(one.processes),
            str(one.strays),
            "adds up" if one.adds_up else f"differs by {one.measured_s / one.confessed_s - 1:+.1%}",
        )
        for one in balances
    ]
    return show_table(headings, rows)


def _row(one: Contender, figure: Figure) -> tuple[str, ...]:
    is_reference = one.name == one.over
    return (
        one.title + (f" ({figure.strays} strays)" if figure.strays else ""),
        one.over,
        f"{figure.cpu_ratio.median:.2f}",
        "" if is_reference else f"{figure.cpu_ratio.least:.2f} to {figure.cpu_ratio.most:.2f}",
        f"{figure.wall_ratio.median:.2f}",
        f"{figure.cpu_ms:.2f}",
        f"{figure.peak_mb:.0f}",
        "" if is_reference else f"{figure.unit_kb:.1f}",
        one.earlier,
        f"{figure.verdict.limit:.2f}" if figure.verdict else "",
        figure.verdict.text if figure.verdict else "",
    )


def _promise(one: Contender) -> str:
    if one.target.noise:
        return "noise"
    return "" if one.target.cpu_ratio is None else f"{one.target.cpu_ratio:.2f}"


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(3, *map(len, column)) for column in columns]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
