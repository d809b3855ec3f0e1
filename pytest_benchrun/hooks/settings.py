"""What the user asked for, from command line, environment, campaign file and ini, as the `Settings` of a session."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from pytest_benchrun.core.campaign_file import CampaignFile, read_document
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.phases import DEFAULT_PHASES, check_phases, pick_phases
from pytest_benchrun.core.settings import (
    DEFAULT_FULL_DISK_WAIT_S,
    DEFAULT_MAX_CONSECUTIVE_FAILURES,
    DEFAULT_SAMPLE_INTERVAL_S,
    DEFAULT_STUCK_TIMEOUT_S,
    DEFAULT_THRESHOLD,
    DEFAULT_TURN_ROTATE_BYTES,
    HostSettings,
    Progress,
    Settings,
    StuckSettings,
    TurnSettings,
)
from pytest_benchrun.hooks import options
from pytest_benchrun.hooks.db import read_db
from pytest_benchrun.hooks.hostoptions import parse_gpu, parse_hosts, parse_ssh
from pytest_benchrun.hooks.option import Option
from pytest_benchrun.hooks.parsers import (
    parse_budget,
    parse_consecutive,
    parse_durability,
    parse_environment,
    parse_github,
    parse_interval,
    parse_keep,
    parse_progress,
    parse_resources,
    parse_select,
    parse_share,
    parse_size,
    parse_stuck_action,
    parse_switch,
    parse_threshold,
    parse_time,
    parse_url,
)
from pytest_benchrun.store import names
from pytest_benchrun.store.logfile import is_foreign
from pytest_benchrun.world.config_file import load_config_file

T = TypeVar("T")

_OLDER_NAMES = {"BENCHRUN_STUCK_TIMEOUT_MINUTES": "MAS_BENCH_STUCK_TIMEOUT_MINUTES"}
"""What a variable was called before, looked at after it."""


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this session: command line, then environment, campaign file, configuration file, default.

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
            options.MAX_CONSECUTIVE, parse_consecutive, DEFAULT_MAX_CONSECUTIVE_FAILURES
        ),
        durability=reading.of(options.DURABILITY, parse_durability, "fsync"),
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
        select=tuple(parse_select(text) for text in config.getoption(options.SELECT.dest)),
        plan=config.getoption(options.PLAN.dest),
        turns=read_turn_settings(config, reading.file),
        environment=reading.of(options.ENVIRONMENT, parse_environment, "full"),
        sample_interval_s=reading.of(options.SAMPLE_INTERVAL, parse_interval, DEFAULT_SAMPLE_INTERVAL_S),
        hosts=HostSettings(
            names=reading.of(options.HOSTS, parse_hosts, ()),
            ssh=reading.of(options.SSH, parse_ssh, ("ssh",)),
        ),
        gpu=reading.of(options.GPU, parse_gpu, "auto"),
        progress=_read_progress(config, reading),
        log_file=_read_log_file(config, reading),
        has_github=reading.of(options.GITHUB, parse_github, default=True),
        stuck=read_stuck_settings(config, reading.file),
        resources=read_resources(config, reading.file),
        has_sqlite=reading.of(options.SQLITE, lambda text: parse_switch(text, options.SQLITE), default=True),
        db=read_db(config, reading.file),
    )


def read_turn_settings(config: pytest.Config, file: CampaignFile) -> TurnSettings:
    """What is kept of turns; workers read it by themselves, from the options that xdist gives them.

    Raises:
        UsageProblem: a value that cannot be right.
    """
    reading = _Reading(config, file)
    return TurnSettings(
        is_on=reading.of(options.TURN_METRICS, lambda text: parse_switch(text, options.TURN_METRICS), default=True),
        sample=reading.of(options.TURN_SAMPLE, parse_share, 1.0),
        rotate_bytes=reading.of(options.TURN_ROTATE, parse_size, DEFAULT_TURN_ROTATE_BYTES),
    )


def read_stuck_settings(config: pytest.Config, file: CampaignFile) -> StuckSettings:
    """What becomes of stuck units; workers read it by themselves.

    Raises:
        UsageProblem: a value that cannot be right.
    """
    reading = _Reading(config, file)
    return StuckSettings(
        timeout_s=reading.of(options.STUCK_TIMEOUT, parse_stuck_timeout, DEFAULT_STUCK_TIMEOUT_S),
        action=reading.of(options.STUCK_ACTION, parse_stuck_action, "fail"),
        notify=reading.of(options.NOTIFY, parse_url, None),
    )


def parse_stuck_timeout(text: str) -> float:
    """A time as seconds; a bare number is minutes.

    Raises:
        UsageProblem: anything else.
    """
    return parse_time(options.STUCK_TIMEOUT, text, bare_s=60)


def read_sandbox_keep(config: pytest.Config, file: CampaignFile) -> str:
    """Which sandboxes stay: `never`, `failed` or `always`; workers read it by themselves, as they do of turns.

    Raises:
        UsageProblem: a value that cannot be right.
    """
    return _Reading(config, file).of(options.SANDBOX_KEEP, parse_keep, "never")


def read_resources(config: pytest.Config, file: CampaignFile) -> str:
    """Of which units it is recorded what they use: `auto`, `on` or `off`; workers read it by themselves.

    Raises:
        UsageProblem: a value that cannot be right.
    """
    return _Reading(config, file).of(options.RESOURCES, parse_resources, "auto")


def read_campaign_file(config: pytest.Config) -> CampaignFile:
    """The campaign file named on the command line or in the configuration file; an empty one when none is.

    Raises:
        UsageProblem: it cannot be read, or says something that does not exist.
    """
    path = _path_of_campaign_file(config)
    document = {} if path is None else dict(load_config_file(path))
    name = "" if path is None else path.name
    hook = config.hook.pytest_benchrun_config
    if hook.get_hookimpls():
        name = f"{name} with pytest_benchrun_config" if name else "pytest_benchrun_config"
        try:
            hook(config=config, document=document)
        except Exception as error:
            problem = f"pytest_benchrun_config: {type(error).__name__}: {error}"
            raise UsageProblem(problem, hint="see the conftest.py or plugin that has it") from error
    return read_document(document, name) if name else CampaignFile()


def _path_of_campaign_file(config: pytest.Config) -> Path | None:
    typed = config.getoption(options.CONFIG.dest)
    if typed is not None:
        return config.invocation_params.dir / Path(typed)
    named = config.getini(options.CONFIG.ini or "")
    if not named:
        return None
    base = config.inipath.parent if config.inipath else config.rootpath
    return base / Path(named)


def _refuse_contradictions(config: pytest.Config) -> None:
    if config.getoption(options.RESUME.dest) and config.getoption(options.FRESH.dest):
        problem = "--bench-resume and --bench-fresh contradict each other"
        raise UsageProblem(problem, hint="keep one: --bench-resume goes on, --bench-fresh starts anew")
    progress = config.getoption(options.PROGRESS.dest)
    if config.getoption(options.HEADLESS.dest) and progress not in {None, "none"}:
        problem = f"--bench-headless shows no progress, --bench-progress={progress} does"
        raise UsageProblem(
            problem, hint=f"keep one; for both a log and progress: --bench-log --bench-progress={progress}"
        )
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


def _read_progress(config: pytest.Config, reading: _Reading) -> Progress:
    return "none" if config.getoption(options.HEADLESS.dest) else reading.of(options.PROGRESS, parse_progress, "auto")


def _read_log_file(config: pytest.Config, reading: _Reading) -> str | None:
    """Where the log goes; None for no log."""
    asked = reading.of(options.LOG, str, "" if config.getoption(options.HEADLESS.dest) else None)
    if asked is None:
        return None
    if not asked:
        return str(config.invocation_params.dir / Path(config.getoption(options.RESULTS.dest)) / names.LOG)
    path = config.invocation_params.dir / Path(asked)
    hint = f"for example: {options.LOG.flag}=benchmark.log, or {options.LOG.flag} as the last word for a file in DIR"
    if "::" in asked or path.suffix == ".py" or not path.parent.is_dir():
        problem = f"{options.LOG.flag}={asked!r} names a test"
        raise UsageProblem(
            problem
            if path.parent.is_dir()
            else f"{options.LOG.flag}={asked!r}: there is no folder {str(path.parent)!r}",
            hint=hint,
        )
    try:
        is_other = is_foreign(path)
    except OSError as error:
        raise UsageProblem(f"{options.LOG.flag}={asked!r}: {error.strerror}", hint=hint) from error
    if is_other:
        raise UsageProblem(f"{options.LOG.flag}={asked!r} is there already, and is no log of a run", hint=hint)
    return str(path)


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
        for variable in (option.env, _OLDER_NAMES.get(option.env or "")):
            text = os.environ.get(variable, "").strip() if variable else ""
            if text:
                return self._from(f"environment variable {variable}", parse, text)
        key = (option.ini or "").removeprefix("bench_")
        if key in self.file.options:
            return self._from(f"{self.file.path}, [campaign] {key}", parse, self.file.options[key])
        named = self.config.getini(option.ini) if option.ini else None
        return self._from(option.ini or "", parse, named) if named else default

    def budgets(self) -> tuple[tuple[str, float], ...]:
        """What was typed comes before the campaign file, name by name."""
        where = f"{self.file.path}, [campaign] budget"
        written = [self._from(where, parse_budget, text) for text in self.file.budgets]
        typed = [parse_budget(text) for text in self.config.getoption(options.BUDGET.dest)]
        return tuple({**dict(written), **dict(typed)}.items())

    @staticmethod
    def _from(where: str, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except UsageProblem as error:
            raise UsageProblem(f"{where}: {error.problem}", hint=error.hint) from error
