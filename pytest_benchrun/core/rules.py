"""When no further unit may start, and what the process tells its caller at the end.

A rule looks at the state and the settings and answers with the stop it wants, or None.
To add one: a function here, its row in `RULES`, a table in its test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.model import FAILURES, RunState
from pytest_benchrun.core.settings import Settings

EXIT_OK, EXIT_FAILED, EXIT_STOPPED, EXIT_INTERNAL, EXIT_USAGE, EXIT_NOTHING = range(6)
"""pytest's exit codes, whose meanings we keep."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A reason to start no further unit.

    Attributes:
        source: who asks, one word for scripts.
        reason: the sentence shown with every unit skipped for it.
        target: the state the run ends in.
    """

    source: str
    reason: str
    target: RunState


def too_many_failed_groups(campaign: Campaign, settings: Settings) -> Stop | None:  # noqa: ARG001  # a rule's signature
    """Pause when more groups have failed than the threshold allows."""
    failed, limit = len(campaign.counters.failed_groups), campaign.failure_limit
    if limit is None or failed <= limit:
        return None
    total = campaign.groups_total
    return Stop("max-failures", f"{failed} of {total} groups failed, more than {limit} allowed", RunState.PAUSED)


def too_many_consecutive_failures(campaign: Campaign, settings: Settings) -> Stop | None:
    """Pause a pilot in which nothing succeeds, and a crash loop."""
    limit = settings.max_consecutive_failures
    if limit is None or campaign.counters.consecutive_failures < limit:
        return None
    count = campaign.counters.consecutive_failures
    return Stop("max-consecutive-failures", f"{count} failures in a row with no success between", RunState.PAUSED)


def maxfail_reached(campaign: Campaign, settings: Settings) -> Stop | None:
    """Stop as pytest's `-x` and `--maxfail` do."""
    failed = campaign.counters.failed_units
    if not settings.maxfail or failed < settings.maxfail:
        return None
    return Stop("maxfail", f"stopping after {failed} failures", RunState.STOPPED)


def budget_spent(campaign: Campaign, settings: Settings) -> Stop | None:
    """Stop when a metric has summed up to its budget, every attempt counted: what was spent is spent."""
    for name, limit in settings.budgets:
        spent = campaign.metric_sums.get(name, 0.0)
        if spent >= limit:
            return Stop("budget", f"budget spent: {name} is {spent:.6g} of {limit:.6g}", RunState.PAUSED)
    return None


RULES: tuple[Callable[[Campaign, Settings], Stop | None], ...] = (
    maxfail_reached,
    too_many_failed_groups,
    too_many_consecutive_failures,
    budget_spent,
)


def judge(campaign: Campaign, settings: Settings) -> Stop | None:
    """The first rule that wants to stop; None when the next unit may start."""
    for rule in RULES:
        stop = rule(campaign, settings)
        if stop is not None:
            return stop
    return None


def time_is_up(settings: Settings, elapsed_s: float) -> Stop | None:
    """Stop when the session has run for as long as it may."""
    if settings.time_limit_s is None or elapsed_s < settings.time_limit_s:
        return None
    return Stop("time-limit", f"time limit of {settings.time_limit_s:g} s reached", RunState.STOPPED)


def final_state(campaign: Campaign) -> tuple[RunState, str | None]:
    """The state a session that ran to its end leaves behind, and its reason."""
    if not campaign.unfinished:
        return RunState.COMPLETE, None
    if campaign.stop is not None:
        return campaign.stop.target, campaign.stop.reason
    return RunState.STOPPED, f"{campaign.unfinished} units of the run were not selected in this session"


def exit_code_of_nothing(campaign: Campaign, pytest_code: int) -> int:
    """The exit code of a session that found nothing to do: 0, not pytest's 5; 1 when failed units were left alone."""
    if pytest_code not in {EXIT_OK, EXIT_NOTHING} or not campaign.records:
        return pytest_code
    return EXIT_FAILED if any(campaign.counts[status] for status in FAILURES) else EXIT_OK


def exit_code(campaign: Campaign, state: RunState, pytest_code: int) -> int:
    """The process's exit code, pytest's meanings kept.

    Args:
        campaign: the run at its end.
        state: the state it ends in.
        pytest_code: what pytest itself would exit with.

    Returns:
        0 only when every selected unit has a final record and none failed: a unit that called
        `pytest.exit(returncode=0)` must not make a run look green.
    """
    if pytest_code in {EXIT_INTERNAL, EXIT_USAGE}:
        return pytest_code
    stop = campaign.stop if state is not RunState.COMPLETE else None
    if state is RunState.PAUSED or (stop is not None and stop.source == "maxfail"):
        return EXIT_FAILED
    if stop is not None or state is RunState.INTERRUPTED:
        return EXIT_STOPPED if pytest_code in {EXIT_OK, EXIT_FAILED, EXIT_NOTHING} else pytest_code
    if any(campaign.counts[status] for status in FAILURES) or campaign.late_errors:
        return EXIT_FAILED
    return EXIT_OK if pytest_code == EXIT_NOTHING and campaign.records else pytest_code


def lacks_end(campaign: Campaign) -> bool:
    """Whether the last owner died, or lost its journal, before it could write the run's true end."""
    is_live = campaign.state in {RunState.RUNNING, RunState.STOPPING} or bool(campaign.running)
    return is_live or (campaign.state is not RunState.COMPLETE and not campaign.unfinished)
