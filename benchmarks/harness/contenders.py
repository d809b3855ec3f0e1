"""Who is measured, with which options, against whom, and what we promised: one row each, no logic.

To add a contender, add a row to `BARE`, `PARALLEL` or `RESUME`.
"""

from dataclasses import dataclass

OURS = "pytest-benchrun"

OUT = "<out>"
"""In arguments: a path that does not exist yet, another one for each run; the run must make it."""

KEPT = "<kept>"
"""In arguments: a path that stays the same for all runs of a contender at one size."""

JUDGED_FROM_UNITS = 10_000
"""The promised ratios are for campaigns of this size; start-up weighs too much in shorter ones."""

FLAT_FROM_UNITS = 1_000
"""Growth and memory a unit are promised from this size on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was promised of a contender.

    Attributes:
        cpu_ratio: the highest CPU time over that of the reference; None means not promised.
        noise: True if the ratio must be indistinguishable from that of plain pytest run twice.
        growth: the highest growth of the ratio from any size to any larger one, as a factor.
        unit_kb: the most memory a unit may take beyond the reference, in kB (1,024 bytes).
    """

    cpu_ratio: float | None = None
    noise: bool = False
    growth: float | None = None
    unit_kb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to run the same units.

    Attributes:
        name: what `--only` takes.
        title: what the table shows.
        needs: distributions that must be installed; the plugins of all others are off.
        arguments: what follows `python -m pytest -q`.
        prepare: arguments of an unmeasured run before the first measured one; empty means none.
        over: name of the contender whose run in the same round is 1.00.
        suite: key of `suites.SOURCES`.
        expects: text the output must contain, or the run counts as failed.
        earlier: the ratio found when the targets were set (November 2026); empty means none.
        slow: measured only when `--only` names it.
    """

    name: str
    title: str
    needs: frozenset[str] = frozenset()
    arguments: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    over: str = "plain"
    suite: str = "trivial"
    expects: str = "{units} passed"
    earlier: str = ""
    target: Target = Target()
    slow: bool = False


TIMEOUT = frozenset({"pytest-timeout"})
XDIST = frozenset({"pytest-xdist"})
# Our dependencies stay loaded beside us: nobody runs us without them.
ALL_OF_OURS = frozenset({OURS}) | TIMEOUT | XDIST

# Journal, status, STOP, threshold and ETA are on by default.
EVERYTHING = (f"--bench-results={OUT}", "--bench-max-failures=10%")
FLUSH = "--bench-durability=flush"
FSYNC = "--bench-durability=fsync"

BARE = (
    Contender(name="plain", title="plain `pytest -q`", earlier="1.00"),
    Contender(name="again", title="plain `pytest -q` again (the noise)"),
    Contender(
        name="inactive",
        title="pytest-benchrun installed, inactive",
        needs=frozenset({OURS}),
        target=Target(noise=True),
    ),
    Contender(
        name="idle",
        title="xdist and pytest-timeout loaded, idle",
        needs=XDIST | TIMEOUT,
    ),
    Contender(
        name="flush",
        title="pytest-benchrun, everything on, flush",
        needs=ALL_OF_OURS,
        arguments=(*EVERYTHING, FLUSH),
        target=Target(cpu_ratio=1.10, growth=1.05, unit_kb=0.5),
    ),
    Contender(
        name="fsync",
        title="pytest-benchrun, everything on, fsync",
        needs=ALL_OF_OURS,
        arguments=(*EVERYTHING, FSYNC),
        target=Target(cpu_ratio=1.25, growth=1.05, unit_kb=0.5),
    ),
    Contender(
        name="metric",
        title="the same, flush, three metrics in each unit",
        needs=ALL_OF_OURS,
        arguments=(*EVERYTHING, FLUSH),
        suite="metric",
    ),
    Contender(
        name="timeout-signal",
        title="pytest-timeout, signal",
        needs=TIMEOUT,
        arguments=("--timeout=60", "--timeout-method=signal"),
        earlier="1.15-1.25",
    ),
    Contender(
        name="timeout-thread",
        title="pytest-timeout, thread",
        needs=TIMEOUT,
        arguments=("--timeout=60", "--timeout-method=thread"),
        earlier="1.77",
    ),
    Contender(
        name="reportlog",
        title="pytest-reportlog",
        needs=frozenset({"pytest-reportlog"}),
        arguments=(f"--report-log={OUT}",),
        earlier="1.12-1.22",
    ),
    Contender(
        name="junitxml",
        title="`--junitxml`",
        arguments=(f"--junitxml={OUT}",),
        earlier="1.25",
    ),
    Contender(
        name="json-report",
        title="pytest-json-report",
        needs=frozenset({"pytest-json-report", "pytest-metadata"}),
        arguments=("--json-report", f"--json-report-file={OUT}"),
        earlier="1.30-1.36",
    ),
    Contender(
        name="html",
        title="pytest-html",
        needs=frozenset({"pytest-html", "pytest-metadata"}),
        arguments=(f"--html={OUT}", "--self-contained-html"),
        earlier="1.30-1.36",
    ),
    Contender(
        name="harvest",
        title="pytest-harvest (results bag)",
        # It asks xdist about the session wherever xdist can be imported, and fails if it is off.
        needs=frozenset({"pytest-harvest"}) | XDIST,
        suite="bag",
        earlier="1.50",
    ),
    Contender(
        name="benchmark",
        title="pytest-benchmark (one round a unit, saved)",
        needs=frozenset({"pytest-benchmark"}),
        # With its defaults each unit is repeated for a second; these make it one short round.
        arguments=(
            f"--benchmark-json={OUT}",
            "--benchmark-max-time=0.00001",
            "--benchmark-min-rounds=1",
            "--benchmark-calibration-precision=1",
        ),
        suite="benchmark",
        earlier="1.5",
    ),
    Contender(
        name="checkpoint",
        title="pytest-checkpoint",
        needs=frozenset({"pytest-checkpoint"}),
        # It has no entry point of its own.
        arguments=("-p", "pytest_checkpoint", f"--lap-out={OUT}", "--collect-behavior=skip"),
        earlier="1.5-2.5",
    ),
    Contender(
        name="monitor",
        title="pytest-monitor",
        needs=frozenset({"pytest-monitor"}),
        arguments=(f"--db={OUT}",),
        earlier="45",
        slow=True,
    ),
)

PARALLEL = (
    Contender(
        name="xdist",
        title="stock xdist, `-n 2`",
        needs=XDIST,
        arguments=("-n", "2"),
        earlier="2.6",
    ),
    Contender(
        name="xdist-again",
        title="stock xdist, `-n 2` again (the noise)",
        needs=XDIST,
        arguments=("-n", "2"),
        over="xdist",
    ),
    Contender(
        name="xdist-flush",
        title="pytest-benchrun, `-n 2`, flush",
        needs=ALL_OF_OURS,
        arguments=("-n", "2", *EVERYTHING, FLUSH),
        over="xdist",
        target=Target(cpu_ratio=1.10),
    ),
    Contender(
        name="xdist-fsync",
        title="pytest-benchrun, `-n 2`, fsync",
        needs=ALL_OF_OURS,
        arguments=("-n", "2", *EVERYTHING, FSYNC),
        over="xdist",
        target=Target(cpu_ratio=1.10),
    ),
)

RESUME = (
    Contender(
        name="collect",
        title="plain `pytest --collect-only`",
        # -qq counts the units of a file instead of naming each.
        arguments=("--collect-only", "-q"),
        expects="{units}",
    ),
    Contender(
        name="resume",
        title="pytest-benchrun, resume with nothing to do",
        needs=ALL_OF_OURS,
        prepare=(f"--bench-results={KEPT}", FLUSH),
        arguments=(f"--bench-results={KEPT}", "--bench-resume"),
        over="collect",
        expects="",
        target=Target(cpu_ratio=1.05),
    ),
)

CONTENDERS = (*BARE, *PARALLEL, *RESUME)

IMPORT_LIMIT_MS = 2.0
"""What importing the plugin may add to a session that does not use it."""
