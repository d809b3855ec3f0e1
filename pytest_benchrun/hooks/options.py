"""Every option one row: flag, ini name, default, help."""

from __future__ import annotations

import pytest

from pytest_benchrun.hooks.option import Option, add_option

RESULTS = Option(
    flag="--bench-results",
    metavar="DIR",
    is_path=True,
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

CONFIG = Option(
    flag="--bench-config",
    metavar="FILE",
    ini="bench_config",
    is_path=True,
    help="The campaign file, TOML or YAML: phases, matrix, exclusions, free parameters, and options of the campaign.",
)
ACCEPT_DRIFT = Option(
    flag="--bench-accept-drift",
    metavar=None,
    help="On a resume, go on although the campaign's configuration has changed; the change is recorded.",
)
SELECT = Option(
    flag="--bench-select",
    metavar="PARAMETER=PATTERN",
    is_repeated=True,
    help="Run a pilot: only units whose parameter matches, like molecule=compound_0[1-5]. May be given again.",
)
PHASES = Option(
    flag="--bench-phases",
    metavar="NAME,...",
    ini="bench_phases",
    default="prepare, run, score, report",
    help="The phases of the campaign in the order in which they run; a unit says its own with the marker's phase=.",
)
FROM = Option(flag="--bench-from", metavar="PHASE", help="Run this phase and those after it.")
TO = Option(flag="--bench-to", metavar="PHASE", help="Run up to the end of this phase.")
ONLY = Option(flag="--bench-only", metavar="PHASE", help="Run this phase alone; earlier ones must have ended.")
FORCE_PHASE = Option(
    flag="--bench-force-phase",
    metavar=None,
    help="With --bench-only or --bench-from: although units of earlier phases have not ended.",
)
PLAN = Option(
    flag="--bench-plan",
    metavar="text|json",
    choices=("text", "json"),
    bare_value="text",
    help="Print what would run, unit by unit with its reason, and end; nothing is written.",
)

TURN_METRICS = Option(
    flag="--bench-turn-metrics",
    metavar="on|off",
    choices=("on", "off"),
    ini="bench_turn_metrics",
    default="on",
    help="Whether turns and events of units are kept, a line each, in turn_metrics.jsonl.",
)
TURN_SAMPLE = Option(
    flag="--bench-turn-sample",
    metavar="SHARE",
    ini="bench_turn_sample",
    default="1",
    help="Keep this share of the turns, 0 to 1, the same ones in every run; turns that failed are always kept.",
)
TURN_ROTATE = Option(
    flag="--bench-turn-rotate",
    metavar="SIZE",
    ini="bench_turn_rotate",
    default="256M",
    help="Put turn_metrics.jsonl away as turn_metrics.N.jsonl.gz when it is larger, like 64M or 1G.",
)

ENVIRONMENT = Option(
    flag="--bench-environment",
    metavar="full|basic|off",
    choices=("full", "basic", "off"),
    ini="bench_environment",
    default="full",
    help="What environment.json says of the host: all; no packages, GPUs and git commit (basic); nothing (off).",
)

SAMPLE_INTERVAL = Option(
    flag="--bench-sample-interval",
    metavar="TIME",
    ini="bench_sample_interval",
    default="10s",
    help="Write down every so often what the host does: CPU, memory, disks, network (a bare number is seconds). "
    "0 switches it off.",
)

HOSTS = Option(
    flag="--bench-hosts",
    metavar="HOST,...",
    ini="bench_hosts",
    help="Other hosts whose facts and time series are recorded beside those of this one, through ssh, which must not "
    "ask for anything: names, user@name, addresses. One that cannot be reached costs a warning.",
)
SSH = Option(
    flag="--bench-ssh",
    metavar="COMMAND",
    ini="bench_ssh",
    default="ssh",
    help="The program that reaches the hosts of --bench-hosts, with options of its own, like 'ssh -F ssh_config'.",
)
GPU = Option(
    flag="--bench-gpu",
    metavar="auto|on|off",
    choices=("auto", "on", "off"),
    ini="bench_gpu",
    default="auto",
    help="Write down what the GPUs do, which needs the extra gpu: where there are some (auto), or say why not (on).",
)

PROGRESS = Option(
    flag="--bench-progress",
    metavar="auto|tqdm|plain|none",
    choices=("auto", "tqdm", "plain", "none"),
    ini="bench_progress",
    default="auto",
    help="How a session shows where it is: a bar (tqdm), lines (plain) or nothing. auto: a bar on a terminal, lines "
    "elsewhere and with -v or -s, nothing there with -q.",
)

HEADLESS = Option(
    flag="--bench-headless",
    metavar=None,
    help="Nobody watches: show no progress, and write benchmark.log in the results directory.",
)
LOG = Option(
    flag="--bench-log",
    metavar="FILE",
    ini="bench_log",
    bare_value="",
    is_path=True,
    help="Write a log of the run, a line for each thing that happens, to FILE; without a value to benchmark.log in the "
    "results directory. -v adds each turn, -q leaves failures only; else LOG_LEVEL says how much.",
)
GITHUB = Option(
    flag="--bench-github",
    metavar="auto|off",
    choices=("auto", "off"),
    ini="bench_github",
    default="auto",
    help="In GitHub Actions, write the step summary and annotate failures (auto), or do not (off).",
)
STUCK_TIMEOUT = Option(
    flag="--bench-stuck-timeout",
    metavar="TIME",
    ini="bench_stuck_timeout",
    env="BENCHRUN_STUCK_TIMEOUT_MINUTES",
    default="15m",
    help="A unit that gives no sign of progress for this long is stuck, like 15m or 90s (a bare number is minutes). "
    "0 looks after no unit. The marker's stuck_timeout= comes first.",
)
STUCK_ACTION = Option(
    flag="--bench-stuck-action",
    metavar="fail|stop|report",
    choices=("fail", "stop", "report"),
    ini="bench_stuck_action",
    default="fail",
    help="fail: a stuck unit is ended as timeout and the run goes on. stop: no further unit starts then. "
    "report: it is only written down and told.",
)
NOTIFY = Option(
    flag="--bench-notify",
    metavar="URL",
    ini="bench_notify",
    env="BENCHRUN_NOTIFY",
    help="Tell of incidents: http and https get a JSON POST; other services need the extra notify.",
)
SANDBOX_KEEP = Option(
    flag="--bench-sandbox-keep",
    metavar="never|failed|always",
    choices=("never", "failed", "always"),
    ini="bench_sandbox_keep",
    default="never",
    help="Which working directories of units stay when the unit has ended, in its artifacts.",
)
RESOURCES = Option(
    flag="--bench-resources",
    metavar="auto|on|off",
    choices=("auto", "on", "off"),
    ini="bench_resources",
    default="auto",
    help="Record CPU time, peak memory and I/O of units and of the processes they start, as metrics: of units that "
    "take 10 ms or more (auto), of all (on), of none (off).",
)
SQLITE = Option(
    flag="--bench-sqlite",
    metavar="on|off",
    choices=("on", "off"),
    ini="bench_sqlite",
    default="on",
    help="Whether results.sqlite, the run as SQL tables, is made when the session ends.",
)
DB = Option(
    flag="--bench-db",
    metavar="URL",
    ini="bench_db",
    env="BENCHRUN_DB",
    is_path=True,
    help="Add the run to a database of many runs when the session ends: the path of an SQLite file, or postgresql://...",
)

OPTIONS: tuple[Option, ...] = (
    RESULTS,
    RESUME,
    KEEP_STALE,
    ACCEPT_DRIFT,
    FRESH,
    PLAN,
    CONFIG,
    SELECT,
    PHASES,
    FROM,
    TO,
    ONLY,
    FORCE_PHASE,
    MAX_FAILURES,
    GROUP_BY,
    MAX_CONSECUTIVE,
    TIME_LIMIT,
    GRACE,
    BUDGET,
    DURABILITY,
    FULL_DISK_WAIT,
    TURN_METRICS,
    TURN_SAMPLE,
    TURN_ROTATE,
    ENVIRONMENT,
    SAMPLE_INTERVAL,
    HOSTS,
    SSH,
    GPU,
    PROGRESS,
    HEADLESS,
    LOG,
    GITHUB,
    STUCK_TIMEOUT,
    STUCK_ACTION,
    NOTIFY,
    RESOURCES,
    SANDBOX_KEEP,
    SQLITE,
    DB,
)


def add_options(parser: pytest.Parser) -> None:
    """Give pytest all options; nothing else happens before `--bench-results` is seen."""
    group = parser.getgroup("benchrun", "long benchmark campaigns (pytest-benchrun)")
    for option in OPTIONS:
        add_option(parser, group, option)


def has_campaign_file(config: pytest.Config) -> bool:
    """Whether a campaign file was named, on the command line or in the configuration file."""
    return bool(config.getoption(CONFIG.dest, None) or config.getini(CONFIG.ini or ""))


def refuse_orphans(config: pytest.Config) -> None:
    """Refuse what is nothing without a run: whoever asks for a plan or a pilot must not get every test run.

    Raises:
        pytest.UsageError: names the option.
    """
    for option in (PLAN, RESUME, FRESH, SELECT, FROM, TO, ONLY):
        value = config.getoption(option.dest, None)
        if value and not hasattr(config, "workerinput"):
            typed = option.flag if option.choices or option.metavar is None else f"{option.flag}={_first(value)}"
            message = f"{option.flag} needs --bench-results=DIR\n  -> for example: --bench-results=results {typed}"
            raise pytest.UsageError(message)


def _first(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]


def is_asked_for(config: pytest.Config) -> bool:
    """Whether `--bench-results` was given."""
    return config.getoption(RESULTS.dest, None) is not None
