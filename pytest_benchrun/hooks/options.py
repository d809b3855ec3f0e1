"""Every option one row: flag, ini name, default, help; and from the rows the `Settings` of a session."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.settings import DEFAULT_THRESHOLD, Settings, Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        flag: as typed on the command line.
        metavar: the value's name in the help; None for a switch.
        ini: name in the configuration file; None when it makes sense on the command line only.
        env: environment variable that is looked at last; None when there is none.
        default: as the help shows it.
        help: one or two sentences.
        choices: the values it takes; None for free ones.
        bare_value: the value when the flag stands alone; None when it needs one.
        is_repeated: whether it may be given several times.
    """

    flag: str
    metavar: str | None
    help: str
    ini: str | None = None
    env: str | None = None
    default: str = ""
    choices: tuple[str, ...] | None = None
    bare_value: str | None = None
    is_repeated: bool = False

    @property
    def dest(self) -> str:
        """The attribute under which pytest keeps it."""
        return self.flag.removeprefix("--").replace("-", "_")


RESULTS = Option(
    flag="--bench-results",
    metavar="DIR",
    help="Run as a campaign and keep everything in DIR. Without it this plugin does nothing.",
)
RESUME = Option(
    flag="--bench-resume",
    metavar="all|unfinished",
    choices=("all", "unfinished"),
    bare_value="all",
    help="Go on with the unfinished run in DIR: every unit that has not completed runs (all), or failed ones "
    "stay as they are (unfinished).",
)
KEEP_STALE = Option(
    flag="--bench-keep-stale",
    metavar=None,
    help="On a resume, keep the results of units whose source, inputs, version or parameters have changed since.",
)
FRESH = Option(
    flag="--bench-fresh",
    metavar=None,
    help="Start a new run even if DIR holds an unfinished one, which moves to DIR/history/.",
)
MAX_FAILURES = Option(
    flag="--bench-max-failures",
    metavar="N|P%|none",
    ini="bench_max_failures",
    default="max(5, 10%)",
    help="Pause when more than N groups, or more than P percent of the run's groups, have failed.",
)
GROUP_BY = Option(
    flag="--bench-group-by",
    metavar="PARAMETER",
    ini="bench_group_by",
    help="The parameter whose value is the group of a unit; by default the marker's group=, else each unit is its own.",
)
MAX_CONSECUTIVE = Option(
    flag="--bench-max-consecutive-failures",
    metavar="N|none",
    ini="bench_max_consecutive_failures",
    default="10",
    help="Pause after N failures in a row with no success between.",
)
DURABILITY = Option(
    flag="--bench-durability",
    metavar="fsync|flush",
    choices=("fsync", "flush"),
    ini="bench_durability",
    default="fsync",
    help="fsync: an ended unit is on the disk itself within 100 ms. flush: it survives every process, not a power cut.",
)

TIME_LIMIT = Option(
    flag="--bench-time-limit",
    metavar="TIME",
    ini="bench_time_limit",
    help="Start no unit after this time, like 8h, 90m or 30s (a bare number is minutes). The run can be resumed.",
)
GRACE = Option(
    flag="--bench-grace",
    metavar="SECONDS",
    ini="bench_grace",
    help="So long after SIGINT, SIGTERM or SIGHUP the units in flight are interrupted instead of awaited.",
)
FULL_DISK_WAIT = Option(
    flag="--bench-full-disk-wait",
    metavar="TIME",
    ini="bench_full_disk_wait",
    default="1h",
    help="Wait so long for room when the disk is full, then pause. 0s pauses at once. The run can be resumed.",
)
BUDGET = Option(
    flag="--bench-budget",
    metavar="NAME=VALUE",
    is_repeated=True,
    help="Start no unit once the metric NAME sums up to VALUE over the run, like cost_usd=50. May be given again.",
)

OPTIONS: tuple[Option, ...] = (
    RESULTS,
    RESUME,
    KEEP_STALE,
    FRESH,
    MAX_FAILURES,
    GROUP_BY,
    MAX_CONSECUTIVE,
    TIME_LIMIT,
    GRACE,
    BUDGET,
    DURABILITY,
    FULL_DISK_WAIT,
)


def add_options(parser: pytest.Parser) -> None:
    """Give pytest all options; nothing else happens before `--bench-results` is seen."""
    group = parser.getgroup("benchrun", "long benchmark campaigns (pytest-benchrun)")
    for option in OPTIONS:
        text = f"{option.help} Default: {option.default}." if option.default else option.help
        text = text.replace("%", "%%")
        if option.metavar is None:
            group.addoption(option.flag, action="store_true", default=False, dest=option.dest, help=text)
        elif option.bare_value is not None:
            flags = [option.flag, *(f"{option.flag}={value}" for value in option.choices or ())]
            const = option.bare_value
            group.addoption(*flags, action=_FlagWithValue, nargs=0, const=const, dest=option.dest, help=text)
        elif option.is_repeated:
            group.addoption(
                option.flag, action="append", default=[], metavar=option.metavar, dest=option.dest, help=text
            )
        else:
            metavar = option.metavar
            group.addoption(
                option.flag, default=None, choices=option.choices, metavar=metavar, dest=option.dest, help=text
            )
        if option.ini is not None:
            parser.addini(option.ini, help=f"{option.flag}: {text}".replace("%%", "%"), default=None)


class _FlagWithValue(argparse.Action):
    """`--flag`, and `--flag=value` for each value, as flags of their own.

    An option that may take a value would take the path after it: `pytest --bench-resume benchmarks/`.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  # argparse's signature
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002  # as above
        option_string: str | None = None,
    ) -> None:
        said = (option_string or "").partition("=")[2]
        setattr(namespace, self.dest, said or self.const)


def is_asked_for(config: pytest.Config) -> bool:
    """Whether `--bench-results` was given."""
    return config.getoption(RESULTS.dest, None) is not None


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this session: command line before configuration file before default.

    Raises:
        UsageProblem: a value that cannot be right; names it and what would be.
    """
    if config.getoption(RESUME.dest) and config.getoption(FRESH.dest):
        problem = "--bench-resume and --bench-fresh contradict each other"
        raise UsageProblem(problem, hint="keep one: --bench-resume goes on, --bench-fresh starts anew")
    if not config.getoption(RESULTS.dest).strip():
        problem = "--bench-results='' names no directory"
        raise UsageProblem(problem, hint="for example: --bench-results=results")
    max_failures = _given(config, MAX_FAILURES)
    consecutive, durability = _given(config, MAX_CONSECUTIVE), _given(config, DURABILITY)
    time_limit, grace = _given(config, TIME_LIMIT), _given(config, GRACE)
    full_disk_wait = _given(config, FULL_DISK_WAIT) or FULL_DISK_WAIT.default
    results = Path(config.getoption(RESULTS.dest))
    return Settings(
        results_dir=str(config.invocation_params.dir / results),
        resume=config.getoption(RESUME.dest),
        keeps_stale=config.getoption(KEEP_STALE.dest),
        is_fresh=config.getoption(FRESH.dest),
        max_failures=DEFAULT_THRESHOLD if max_failures is None else parse_threshold(max_failures),
        group_by=_given(config, GROUP_BY),
        max_consecutive_failures=_parse_consecutive(MAX_CONSECUTIVE.default if consecutive is None else consecutive),
        durability=_parse_durability(DURABILITY.default if durability is None else durability),
        maxfail=config.getoption("maxfail", 0),
        time_limit_s=None if time_limit is None else parse_time(TIME_LIMIT, time_limit, bare_s=60),
        grace_s=None if grace is None else parse_time(GRACE, grace, bare_s=1),
        full_disk_wait_s=parse_time(FULL_DISK_WAIT, full_disk_wait, bare_s=60),
        budgets=tuple(_parse_budget(text) for text in config.getoption(BUDGET.dest)),
    )


def parse_threshold(text: str) -> Threshold:
    """`N`, `P%` or `none` as a threshold.

    Raises:
        UsageProblem: anything else.
    """
    if text.lower() == "none":
        return Threshold()
    if re.fullmatch(r"\d+", text):
        return Threshold(groups=int(text))
    if re.fullmatch(r"\d+(\.\d+)?%", text) and float(text[:-1]) <= 100:  # noqa: PLR2004  # percent
        return Threshold(percent=float(text[:-1]))
    raise _wrong(MAX_FAILURES, text, "a number of groups (5), a share of them (10%) or none")


def parse_time(option: Option, text: str, *, bare_s: float) -> float:
    """`8h`, `90m`, `30s`, `2d` or a bare number as seconds.

    Args:
        option: named when the text is wrong.
        text: as typed.
        bare_s: seconds that a bare number counts in.

    Raises:
        UsageProblem: anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if match is None:
        raise _wrong(option, text, "a time")
    return float(match[1]) * {"": bare_s, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _parse_budget(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = float("nan")
    if not name or not equals or not limit > 0:
        raise _wrong(BUDGET, text, "a metric and the most it may sum up to")
    return name, limit


def _parse_consecutive(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if re.fullmatch(r"[1-9]\d*", text):
        return int(text)
    raise _wrong(MAX_CONSECUTIVE, text, "a number from 1 up, or none")


def _parse_durability(text: str) -> Literal["fsync", "flush"]:
    if text == "fsync":
        return "fsync"
    if text == "flush":
        return "flush"
    raise _wrong(DURABILITY, text, "fsync or flush")


def _given(config: pytest.Config, option: Option) -> str | None:
    """The text of an option from the command line, else from the configuration file, else None."""
    given: str | None = config.getoption(option.dest)
    if given is None and option.ini is not None:
        given = config.getini(option.ini) or None
    return given


def _wrong(option: Option, text: str, right: str) -> UsageProblem:
    return UsageProblem(
        f"{option.flag}={text!r} is not {right}", hint=f"for example: {option.flag}={_EXAMPLES[option.flag]}"
    )


_EXAMPLES = {
    MAX_FAILURES.flag: "10%",
    MAX_CONSECUTIVE.flag: "10",
    DURABILITY.flag: "fsync",
    TIME_LIMIT.flag: "8h",
    GRACE.flag: "30s",
    FULL_DISK_WAIT.flag: "1h",
    BUDGET.flag: "cost_usd=50",
}
