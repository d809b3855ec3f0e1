"""Text for people, made from the state; decides nothing, writes nothing."""

from __future__ import annotations

from shlex import quote

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.environment import environment_view
from pytest_benchrun.core.model import RunState, UnitStatus
from pytest_benchrun.core.plan import Plan
from pytest_benchrun.core.runstats import MetricView, RunStatsView
from pytest_benchrun.core.stats import Summary
from pytest_benchrun.core.usage import own_first
from pytest_benchrun.core.views import message_of
from pytest_benchrun.report.words import clean, seconds, size

SHOWN_SLOWEST = 5
SHOWN_FAILURES = 10
SHOWN_METRICS = 12
SHOWN_PARTS = 12
_SAID = {"s": seconds, "bytes": size}
"""Units of metrics that have words of their own."""

_COUNTED = ("completed", "failed", "timeout", "skipped", "interrupted", "running", "pending")


def plan_line(campaign: Campaign, plan: Plan) -> str:
    """What this session will do, in one line."""
    if not plan.run and plan.other_phases:
        waiting = f"{plan.other_phases} wait{'s' if plan.other_phases == 1 else ''} in phases that are not selected"
        return f"benchrun: nothing to do in the selected phases, {waiting}"
    if not plan.run and not plan.kept:
        return "benchrun: nothing to do, no unit was selected"
    if not plan.run:
        return f"benchrun: nothing to do, none of {plan.kept} selected units of {campaign.run_id} has to run"
    if not plan.kept and not plan.stale:
        return f"benchrun: {len(plan.run)} unit{'s' if len(plan.run) > 1 else ''} to run"
    stale = f" ({plan.stale} of them changed since they were done)" if plan.stale else ""
    return f"benchrun: {plan.kept} unit{' is' if plan.kept == 1 else 's are'} done, {len(plan.run)} to run{stale}"


def summary_lines(campaign: Campaign, stats: RunStatsView, results_dir: str, problems: list[str]) -> list[str]:
    """The picture at the end of a session."""
    lines = [clean(message_of(campaign), 200)]
    lines += _counts(stats, campaign)
    lines += _percentiles(stats)
    lines += _metrics(stats)
    lines += _turns(stats)
    lines += _slowest(stats)
    lines += _failures(stats)
    lines += [f"late error after {clean(error.unit_id)}: {clean(error.message)}" for error in campaign.late_errors]
    lines += _warnings(campaign)
    lines += _drift(campaign)
    lines += [f"problem: {clean(problem, 500)}" for problem in problems]
    results_dir = clean(results_dir, 500)
    lines.append(f"files: {results_dir}  (status.json, runstats.json, journal.jsonl)")
    lines += _next_step(campaign, results_dir)
    return lines


def stats_lines(campaign: Campaign, stats: RunStatsView) -> list[str]:
    """`benchrun stats` for people."""
    lines = [f"{clean(stats['run_id'])}: {clean(message_of(campaign), 200)}"]
    lines += _counts(stats, campaign) + _percentiles(stats)
    for title, parts in (
        ("phase", stats["by_phase"]),
        ("function", stats["by_function"]),
        ("group", stats["by_group"]),
    ):
        lines += _parts(title, parts)
    return lines + _metrics(stats) + _turns(stats) + _slowest(stats) + _failures(stats)


def _parts(title: str, parts: dict[str, Summary]) -> list[str]:
    """A table of parts, the ones that took most time first; nothing where there is only one."""
    if len(parts) < 2:  # noqa: PLR2004  # the whole again
        return []
    rows = sorted(parts.items(), key=lambda part: -(part[1]["mean"] or 0.0) * part[1]["n"])
    lines = [f"by {title}:"]
    for name, part in rows[:SHOWN_PARTS]:
        text = f"p50 {seconds(part['p50'])}, p95 {_mark(part, 'p95')}{seconds(part['p95'])}"
        text += f", max {seconds(part['max'])} (n = {part['n']})"
        lines.append(f"  {clean(name, 60)}  {text}")
    left = len(rows) - SHOWN_PARTS
    return [*lines, f"  ... and {left} more in runstats.json"] if left > 0 else lines


def _drift(campaign: Campaign) -> list[str]:
    view = environment_view(campaign)
    changes = view["drift"] if view else []
    lines = [f"the host changed: {clean(change)}" for change in changes[:SHOWN_PARTS]]
    left = len(changes) - len(lines)
    return [*lines, f"  ... and {left} more changes in environment.json"] if left else lines


def _counts(stats: RunStatsView, campaign: Campaign) -> list[str]:
    units = {**stats["units"], "running": campaign.counts[UnitStatus.RUNNING]}  # only where the journal was lost
    text = ", ".join(f"{units[name]} {name}" for name in _COUNTED if units[name])
    resumed = f" ({campaign.counters.resumed} from earlier sessions)" if campaign.counters.resumed else ""
    return [f"units: {units['total']}: {text or 'none'}{resumed}"]


def _mark(summary: Summary, name: str) -> str:
    return "~" if name in summary["low_n"] or "error" in summary else ""


def _percentiles(stats: RunStatsView) -> list[str]:
    figures = stats["unit_seconds"]
    if not figures["n"]:
        return []
    text = f"p50 {seconds(figures['p50'])}, p95 {_mark(figures, 'p95')}{seconds(figures['p95'])}"
    text += f", p99 {_mark(figures, 'p99')}{seconds(figures['p99'])}, max {seconds(figures['max'])}"
    note = "; ~ means n is too small for it" if figures["low_n"] else ""
    busy = f"busy {seconds(stats['busy_s'])} in {seconds(stats['wall_s'])}"
    return [f"unit seconds: {text} (n = {figures['n']}; {busy}{note})"]


def _metrics(stats: RunStatsView) -> list[str]:
    if not stats["metrics"]:
        return []
    lines = ["metrics:"]
    shown = [(name, stats["metrics"][name]) for name in own_first(stats["metrics"])[:SHOWN_METRICS]]
    width = max(len(clean(name, 40)) for name, _ in shown)
    for name, metric in shown:
        figures = _figures(metric)
        better = f", {metric['better']} is better" if metric["better"] else ""
        lines.append(f"  {clean(name, 40):<{width}}  {figures} (n = {metric['n']}{better})")
    left = len(stats["metrics"]) - len(shown)
    return [*lines, f"  ... and {left} more in runstats.json"] if left else lines


def _figures(metric: MetricView) -> str:
    p50, low, high = metric["p50"], metric["min"], metric["max"]
    if p50 is None or low is None or high is None:
        return "no number"
    say = _SAID.get(metric["unit"]) if low >= 0 else None
    if say is not None:
        return f"p50 {say(p50)}, min {say(low)}, max {say(high)}"
    unit = f" {clean(metric['unit'], 20)}" if metric["unit"] else ""
    return f"p50 {p50:.4g}, min {low:.4g}, max {high:.4g}{unit}"


def _turns(stats: RunStatsView) -> list[str]:
    """What the turns took; nothing where there were none."""
    turns = stats["turn_metrics_summary"]
    if not turns["turns"]:
        return []
    errors = f", {turns['errors']} failed" if turns["errors"] else ""
    tokens = f", tokens {turns['tokens_in']} in, {turns['tokens_out']} out" if turns["tokens_in"] else ""
    lines = [f"turns: {turns['turns']}, {turns['timed_turns']} timed{errors}{tokens}"]
    rows = {"llm_ms": turns["llm_ms"], "storage_ms": turns["storage_ms"]}
    rows |= {f"storage_ms of {adapter}": summary for adapter, summary in turns["storage_ms_by"].items()}
    rows |= turns["other_ms"] | {"total_ms": turns["total_ms"]}
    for name, row in rows.items():
        if row["n"]:
            figures = f"p50 {row['p50']:.4g}, p95 {_mark(row, 'p95')}{row['p95']:.4g}"
            figures += f", p99 {_mark(row, 'p99')}{row['p99']:.4g} ms (n = {row['n']})"
            lines.append(f"  {clean(name, 60)}  {figures}")
    return lines


def _slowest(stats: RunStatsView) -> list[str]:
    shown = stats["slowest"][:SHOWN_SLOWEST]
    if not shown:
        return []
    return ["slowest:", *(f"  {seconds(slow['elapsed_s']):>9}  {clean(slow['unit_id'])}" for slow in shown)]


def _failures(stats: RunStatsView) -> list[str]:
    failures = stats["failures"]
    if not failures:
        return []
    lines = ["failures:"]
    lines += [
        f"  {clean(failure['unit_id'])}: {clean(failure['kind'])}: {clean(failure['error'], 120)}"
        for failure in failures[:SHOWN_FAILURES]
    ]
    left = len(failures) - SHOWN_FAILURES
    return [*lines, f"  ... and {left} more in runstats.json"] if left > 0 else lines


def _warnings(campaign: Campaign) -> list[str]:
    if not campaign.warnings_total:
        return []
    return [f"warnings: {campaign.warnings_total}", *(f"  {clean(text, 200)}" for text in campaign.warnings[:5])]


def _next_step(campaign: Campaign, results_dir: str) -> list[str]:
    if not campaign.unfinished:
        return []
    is_partial = campaign.stop is None and campaign.state is RunState.STOPPED
    how = ", without what left units out (--bench-to, --bench-only, -k, ...)" if is_partial else ""
    return [
        f"go on: the same command with --bench-resume{how}   (benchrun status {quote(results_dir)} shows where it is)"
    ]
