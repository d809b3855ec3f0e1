"""What GitHub Actions shows of a run: the step summary as Markdown, failures as annotations. Text from the state.

Escaped by GitHub's own rules for workflow commands, and for Markdown tables: ids and messages are not ours.
"""

from __future__ import annotations

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.runstats import RunStatsView
from pytest_benchrun.core.stats import Summary
from pytest_benchrun.core.usage import own_first
from pytest_benchrun.core.views import FailureView, message_of
from pytest_benchrun.report.words import clean, seconds

ANNOTATIONS = 10
"""GitHub shows no more of one step."""

SHOWN_FAILURES = 50
SHOWN_METRICS = 30
_TEXT = 300
_COUNTED = ("completed", "failed", "timeout", "skipped", "interrupted", "pending")


def error_commands(stats: RunStatsView) -> list[str]:
    """A workflow command for each of the first failures."""
    return [
        f"::error title={_property(clean(failure['unit_id'], _TEXT))}::"
        f"{_data(clean(failure['kind']) + ': ' + clean(failure['error'], _TEXT))}"
        for failure in stats["failures"][:ANNOTATIONS]
    ]


def step_summary(campaign: Campaign, stats: RunStatsView) -> str:
    """Totals, failures and percentiles as Markdown."""
    units = stats["units"]
    counts = ", ".join(f"{units[name]} {name}" for name in _COUNTED if units[name])
    lines = [f"## benchrun {_cell(campaign.run_id)}", "", _cell(message_of(campaign)), ""]
    lines += [f"**{units['total']} units**: {counts or 'none'}; {seconds(stats['wall_s'])}", ""]
    lines += _failures(stats["failures"])
    lines += _table(
        ("seconds of", "n", "p50", "p95", "p99", "max"),
        [_row(name, part) for name, part in {"all units": stats["unit_seconds"], **stats["by_function"]}.items()],
    )
    lines += _table(
        ("metric", "n", "p50", "min", "max"),
        [
            [
                _cell(name),
                str(one["n"]),
                *(_number(figure, one["unit"]) for figure in (one["p50"], one["min"], one["max"])),
            ]
            for name in own_first(stats["metrics"])[:SHOWN_METRICS]
            for one in (stats["metrics"][name],)
        ],
    )
    return "\n".join(lines) + "\n"


def _failures(failures: list[FailureView]) -> list[str]:
    rows = [
        [_cell(failure["unit_id"]), _cell(failure["kind"]), _cell(failure["error"]), seconds(failure["elapsed_s"])]
        for failure in failures[:SHOWN_FAILURES]
    ]
    left = len(failures) - SHOWN_FAILURES
    more = [f"... and {left} more in `runstats.json`", ""] if left > 0 else []
    return [*_table(("failed unit", "kind", "error", "time"), rows), *more]


def _row(name: str, part: Summary) -> list[str]:
    low = part["low_n"]
    figures = [("~" if key in low else "") + seconds(part[key]) for key in ("p50", "p95", "p99")]
    return [_cell(name), str(part["n"]), *figures, seconds(part["max"])]


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.4g} {_cell(unit)}".strip()


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = [heads, ("---",) * len(heads), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _cell(text: str) -> str:
    """Text that is shown as it is: nothing of it is Markdown, HTML or a mention."""
    shown = clean(text, _TEXT)
    return "".join(f"&#{ord(letter)};" if letter in _MARKUP else letter for letter in shown)


_MARKUP = frozenset("\\`*_{}[]<>#!|~&@$")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
