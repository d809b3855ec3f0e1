"""What the user asked for, from command line, campaign file and configuration file, as the `Settings` of a session."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast

import pytest

from pytest_benchrun.core.campaign_file import CampaignFile, read_document
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.phases import DEFAULT_PHASES, check_phases, pick_phases
from pytest_benchrun.core.settings import (
    DEFAULT_FULL_DISK_WAIT_S,
    DEFAULT_MAX_CONSECUTIVE_FAILURES,
    DEFAULT_SAMPLE_INTERVAL_S,
    DEFAULT_THRESHOLD,
    DEFAULT_TURN_ROTATE_BYTES,
    Settings,
    Threshold,
    TurnSettings,
)
from pytest_benchrun.hooks import options
from pytest_benchrun.hooks.db import read_db
from pytest_benchrun.hooks.options import Option
from pytest_benchrun.world.config_file import load_config_file

T = TypeVar("T")
SHORTEST_INTERVAL_S = 0.1


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this session: command line before campaign file before configuration file before default.

    Raises:
        UsageProblem: a value that cannot be right; names it and what would be.
    """
    _refuse_contradictions(config)
    reading = _Reading(config, read_campaign_file(config))
    phases, wanted = _read_phases(config, reading.file)
    return Settings(
        results_dir=str(config.invocation_params.dir / Path(config.getoption(options.RESULTS.dest))),
        resume=config.getoption(options.RESUME.dest),
        keeps_stale=config.getoption(options.KEEP_STALE.dest),
        is_fresh=config.getoption(options.FRESH.dest),
        max_failures=reading.of(options.MAX_FAILURES, parse_threshold, DEFAULT_THRESHOLD),
        group_by=reading.of(options.GROUP_BY, str, None),
        max_consecutive_failures=reading.of(
            options.MAX_CONSECUTIVE, _parse_consecutive, DEFAULT_MAX_CONSECUTIVE_FAILURES
        ),
        durability=reading.of(options.DURABILITY, _parse_durability, "fsync"),
        maxfail=config.getoption("maxfail", 0),
        time_limit_s=reading.of(options.TIME_LIMIT, lambda text: parse_time(options.TIME_LIMIT, text, bare_s=60), None),
        grace_s=reading.of(options.GRACE, lambda text: parse_time(options.GRACE, text, bare_s=1), None),
        full_disk_wait_s=reading.of(
            options.FULL_DISK_WAIT,
            lambda text: parse_time(options.FULL_DISK_WAIT, text, bare_s=60),
            DEFAULT_FULL_DISK_WAIT_S,
        ),
        budgets=reading.budgets(),
        file=reading.file,
        accepts_drift=config.getoption(options.ACCEPT_DRIFT.dest),
        phases=phases,
        wanted_phases=wanted,
        forces_phase=config.getoption(options.FORCE_PHASE.dest),
        select=tuple(_parse_select(text) for text in config.getoption(options.SELECT.dest)),
        plan=config.getoption(options.PLAN.dest),
        turns=read_turn_settings(config, reading.file),
        environment=reading.of(options.ENVIRONMENT, _parse_environment, "full"),
        sample_interval_s=reading.of(options.SAMPLE_INTERVAL, _parse_interval, DEFAULT_SAMPLE_INTERVAL_S),
        has_sqlite=reading.of(options.SQLITE, lambda text: _parse_switch(text, options.SQLITE), default=True),
        db=read_db(config, reading.file),
    )


def read_turn_settings(config: pytest.Config, file: CampaignFile) -> TurnSettings:
    """What is kept of turns; workers read it by themselves, from the options that xdist gives them.

    Raises:
        UsageProblem: a value that cannot be right.
    """
    reading = _Reading(config, file)
    return TurnSettings(
        is_on=reading.of(options.TURN_METRICS, lambda text: _parse_switch(text, options.TURN_METRICS), default=True),
        sample=reading.of(options.TURN_SAMPLE, _parse_share, 1.0),
        rotate_bytes=reading.of(options.TURN_ROTATE, _parse_size, DEFAULT_TURN_ROTATE_BYTES),
    )


def read_campaign_file(config: pytest.Config) -> CampaignFile:
    """The campaign file named on the command line or in the configuration file; an empty one when none is.

    Raises:
        UsageProblem: it cannot be read, or says something that does not exist.
    """
    typed = config.getoption(options.CONFIG.dest)
    if typed is not None:
        path = config.invocation_params.dir / Path(typed)
    else:
        named = config.getini(options.CONFIG.ini or "")
        if not named:
            return CampaignFile()
        base = config.inipath.parent if config.inipath else config.rootpath
        path = base / Path(named)
    return read_document(load_config_file(path), path.name)


def _refuse_contradictions(config: pytest.Config) -> None:
    if config.getoption(options.RESUME.dest) and config.getoption(options.FRESH.dest):
        problem = "--bench-resume and --bench-fresh contradict each other"
        raise UsageProblem(problem, hint="keep one: --bench-resume goes on, --bench-fresh starts anew")
    if not config.getoption(options.RESULTS.dest).strip():
        problem = "--bench-results='' names no directory"
        raise UsageProblem(problem, hint="for example: --bench-results=results")


def _read_phases(config: pytest.Config, file: CampaignFile) -> tuple[tuple[str, ...], frozenset[str] | None]:
    """All phases in order, and those that this session runs (None for all)."""
    typed = config.getoption(options.PHASES.dest)
    named = config.getini(options.PHASES.ini or "")
    if typed is not None:
        phases = check_phases(_split(typed), options.PHASES.flag)
    elif file.phases is not None:
        phases = file.phases
    elif named:
        phases = check_phases(_split(named), options.PHASES.ini or "")
    else:
        phases = DEFAULT_PHASES
    first, last, only = (config.getoption(option.dest) for option in (options.FROM, options.TO, options.ONLY))
    if first is None and last is None and only is None:
        return phases, None
    return phases, pick_phases(phases, first=first, last=last, only=only)


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where options are looked up, one after the other."""

    config: pytest.Config
    file: CampaignFile

    def of(self, option: Option, parse: Callable[[str], T], default: T) -> T:
        """The value of `option`; what is wrong in a file is said with the place where it stands."""
        typed: str | None = self.config.getoption(option.dest)
        if typed is not None:
            return parse(typed)
        key = (option.ini or "").removeprefix("bench_")
        if key in self.file.options:
            return self._from(f"{self.file.path}, [campaign] {key}", parse, self.file.options[key])
        named = self.config.getini(option.ini) if option.ini else None
        return self._from(option.ini or "", parse, named) if named else default

    def budgets(self) -> tuple[tuple[str, float], ...]:
        """What was typed comes before the campaign file, name by name."""
        where = f"{self.file.path}, [campaign] budget"
        written = [self._from(where, _parse_budget, text) for text in self.file.budgets]
        typed = [_parse_budget(text) for text in self.config.getoption(options.BUDGET.dest)]
        return tuple({**dict(written), **dict(typed)}.items())

    @staticmethod
    def _from(where: str, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except UsageProblem as error:
            raise UsageProblem(f"{where}: {error.problem}", hint=error.hint) from error


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
    raise _wrong(options.MAX_FAILURES, text, "a number of groups (5), a share of them (10%) or none")


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
        limit = math.nan
    if not name or not equals or not limit > 0:
        raise _wrong(options.BUDGET, text, "a metric and the most it may sum up to")
    return name, limit


def _parse_select(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    if not name.strip() or not equals or not pattern:
        raise _wrong(options.SELECT, text, "a parameter and a pattern of its values")
    return name.strip(), pattern


def _parse_consecutive(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if re.fullmatch(r"[1-9]\d*", text):
        return int(text)
    raise _wrong(options.MAX_CONSECUTIVE, text, "a number from 1 up, or none")


def _parse_durability(text: str) -> Literal["fsync", "flush"]:
    if text in {"fsync", "flush"}:
        return cast("Literal['fsync', 'flush']", text)
    raise _wrong(options.DURABILITY, text, "fsync or flush")


def _parse_interval(text: str) -> float:
    interval_s = parse_time(options.SAMPLE_INTERVAL, text, bare_s=1)
    if 0 < interval_s < SHORTEST_INTERVAL_S:
        raise _wrong(options.SAMPLE_INTERVAL, text, f"0, or at least {SHORTEST_INTERVAL_S:g}s")
    return interval_s


def _parse_environment(text: str) -> Literal["full", "basic", "off"]:
    if text in {"full", "basic", "off"}:
        return cast("Literal['full', 'basic', 'off']", text)
    raise _wrong(options.ENVIRONMENT, text, "full, basic or off")


def _parse_switch(text: str, option: Option) -> bool:
    if text.lower() in {"on", "off"}:
        return text.lower() == "on"
    raise _wrong(option, text, "on or off")


def _parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise _wrong(options.TURN_SAMPLE, text, "a share from 0 to 1")
    return share


def _parse_size(text: str) -> int:
    match = re.fullmatch(r"([1-9]\d{0,14})([KMG]?)B?", text.strip().upper())
    if match is None:
        raise _wrong(options.TURN_ROTATE, text, "a size")
    return int(match[1]) * {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}[match[2]]


def _wrong(option: Option, text: str, right: str) -> UsageProblem:
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
    options.TURN_METRICS.flag: "off",
    options.SQLITE.flag: "off",
    options.TURN_SAMPLE.flag: "0.1",
    options.TURN_ROTATE.flag: "256M",
    options.SELECT.flag: "molecule=compound_0[1-5]",
}
