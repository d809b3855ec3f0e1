"""What people type for an option, as its value; what cannot be right is named with an example that is."""

from __future__ import annotations

import math
import re
from typing import Literal, cast

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.settings import Progress, StuckAction, Threshold
from pytest_benchrun.hooks import options
from pytest_benchrun.hooks.option import Option
from pytest_benchrun.world.notify import notifier_of

SHORTEST_INTERVAL_S = 0.1


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
    raise wrong(options.MAX_FAILURES, text, "a number of groups (5), a share of them (10%) or none")


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
        raise wrong(option, text, "a time")
    return float(match[1]) * {"": bare_s, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def parse_budget(text: str) -> tuple[str, float]:
    """A metric and the most it may sum up to.

    Raises:
        UsageProblem: anything else.
    """
    name, equals, value = text.partition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not name or not equals or not limit > 0:
        raise wrong(options.BUDGET, text, "a metric and the most it may sum up to")
    return name, limit


def parse_select(text: str) -> tuple[str, str]:
    """A parameter and a pattern of its values.

    Raises:
        UsageProblem: anything else.
    """
    name, equals, pattern = text.partition("=")
    if not name.strip() or not equals or not pattern:
        raise wrong(options.SELECT, text, "a parameter and a pattern of its values")
    return name.strip(), pattern


def parse_consecutive(text: str) -> int | None:
    """A number from 1 up; None for `none`.

    Raises:
        UsageProblem: anything else.
    """
    if text.lower() == "none":
        return None
    if re.fullmatch(r"[1-9]\d*", text):
        return int(text)
    raise wrong(options.MAX_CONSECUTIVE, text, "a number from 1 up, or none")


def parse_durability(text: str) -> Literal["fsync", "flush"]:
    """`fsync` or `flush`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"fsync", "flush"}:
        return cast("Literal['fsync', 'flush']", text)
    raise wrong(options.DURABILITY, text, "fsync or flush")


def parse_interval(text: str) -> float:
    """Seconds between two samples; 0 for none.

    Raises:
        UsageProblem: anything else.
    """
    interval_s = parse_time(options.SAMPLE_INTERVAL, text, bare_s=1)
    if 0 < interval_s < SHORTEST_INTERVAL_S:
        raise wrong(options.SAMPLE_INTERVAL, text, f"0, or at least {SHORTEST_INTERVAL_S:g}s")
    return interval_s


def parse_environment(text: str) -> Literal["full", "basic", "off"]:
    """`full`, `basic` or `off`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"full", "basic", "off"}:
        return cast("Literal['full', 'basic', 'off']", text)
    raise wrong(options.ENVIRONMENT, text, "full, basic or off")


def parse_github(text: str) -> bool:
    """Whether it is `auto`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"auto", "off"}:
        return text == "auto"
    raise wrong(options.GITHUB, text, "auto or off")


def parse_progress(text: str) -> Progress:
    """One of its four words.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"auto", "tqdm", "plain", "none"}:
        return cast("Progress", text)
    raise wrong(options.PROGRESS, text, "auto, tqdm, plain or none")


def parse_stuck_action(text: str) -> StuckAction:
    """`fail`, `stop` or `report`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"fail", "stop", "report"}:
        return cast("StuckAction", text)
    raise wrong(options.STUCK_ACTION, text, "fail, stop or report")


def parse_url(text: str) -> str:
    """A URL that can be told of incidents.

    Raises:
        UsageProblem: anything else.
    """
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", text):
        notifier_of(text)  # what is missing for it is said before the first unit
        return text
    raise wrong(options.NOTIFY, text, "a URL")


def parse_keep(text: str) -> str:
    """`never`, `failed` or `always`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"never", "failed", "always"}:
        return text
    raise wrong(options.SANDBOX_KEEP, text, "never, failed or always")


def parse_resources(text: str) -> str:
    """`auto`, `on` or `off`.

    Raises:
        UsageProblem: anything else.
    """
    if text in {"auto", "on", "off"}:
        return text
    raise wrong(options.RESOURCES, text, "auto, on or off")


def parse_switch(text: str, option: Option) -> bool:
    """Whether it is `on`.

    Raises:
        UsageProblem: anything else.
    """
    if text.lower() in {"on", "off"}:
        return text.lower() == "on"
    raise wrong(option, text, "on or off")


def parse_share(text: str) -> float:
    """A share from 0 to 1.

    Raises:
        UsageProblem: anything else.
    """
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise wrong(options.TURN_SAMPLE, text, "a share from 0 to 1")
    return share


def parse_size(text: str) -> int:
    """A number of bytes, `64M` or `1G`.

    Raises:
        UsageProblem: anything else.
    """
    match = re.fullmatch(r"([1-9]\d{0,14})([KMG]?)B?", text.strip().upper())
    if match is None:
        raise wrong(options.TURN_ROTATE, text, "a size")
    return int(match[1]) * {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}[match[2]]


def wrong(option: Option, text: str, right: str) -> UsageProblem:
    """What cannot be right, what would be, and an example."""
    return UsageProblem(
        f"{option.flag}={text!r} is not {right}", hint=f"for example: {option.flag}={_EXAMPLES[option.flag]}"
    )


_EXAMPLES = {
    options.MAX_FAILURES.flag: "10%",
    options.MAX_CONSECUTIVE.flag: "10",
    options.DURABILITY.flag: "fsync",
    options.TIME_LIMIT.flag: "8h",
    options.GRACE.flag: "30s",
    options.FULL_DISK_WAIT.flag: "1h",
    options.BUDGET.flag: "cost_usd=50",
    options.ENVIRONMENT.flag: "basic",
    options.SAMPLE_INTERVAL.flag: "10s",
    options.HOSTS.flag: "node1,me@node2",
    options.SSH.flag: "'ssh -F ssh_config'",
    options.GPU.flag: "auto",
    options.RESOURCES.flag: "off",
    options.SANDBOX_KEEP.flag: "failed",
    options.TURN_METRICS.flag: "off",
    options.SQLITE.flag: "off",
    options.TURN_SAMPLE.flag: "0.1",
    options.TURN_ROTATE.flag: "256M",
    options.PROGRESS.flag: "plain",
    options.GITHUB.flag: "off",
    options.STUCK_TIMEOUT.flag: "15m",
    options.STUCK_ACTION.flag: "fail",
    options.NOTIFY.flag: "https://example.org/hook",
    options.SELECT.flag: "molecule=compound_0[1-5]",
}
