"""What the plugin costs a session that does not use it: its import, after pytest's own."""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.contenders import IMPORT_LIMIT_MS
from benchmarks.harness.figures import Verdict
from benchmarks.harness.process import measure

TIMES = 10
PLUGIN = "pytest_benchrun.plugin"

PROBE = f"""
import json, sys, time
import pytest
before = set(sys.modules)
started = time.perf_counter()
import {PLUGIN}
ms = (time.perf_counter() - started) * 1000
print(json.dumps({{"ms": ms, "modules": sorted(set(sys.modules) - before)}}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCost:
    """Medians of several fresh processes.

    Attributes:
        pytest_ms: CPU of `python -c "import pytest"`.
        plugin_ms: CPU of `python -c "import pytest_benchrun.plugin"`, which imports pytest too.
        added_ms: wall time of importing the plugin where pytest is imported already.
        modules: what that import loads.
        verdict: on `added_ms`.
    """

    pytest_ms: float
    plugin_ms: float
    added_ms: float
    modules: tuple[str, ...]
    verdict: Verdict


def measure_import(folder: Path, environment: Mapping[str, str]) -> ImportCost:
    """Import the plugin in fresh processes.

    Args:
        folder: temporary folder.
        environment: variables of every run.

    Raises:
        RunError: an import failed.
    """
    _cpu_ms(PLUGIN, folder, environment)  # compiles it, and shows why if it cannot be imported
    added, modules = _time_added(environment)
    pairs = [(_cpu_ms("pytest", folder, environment), _cpu_ms(PLUGIN, folder, environment)) for _ in range(TIMES)]
    return ImportCost(
        pytest_ms=statistics.median(first for first, _ in pairs),
        plugin_ms=statistics.median(second for _, second in pairs),
        added_ms=added,
        modules=modules,
        verdict=Verdict(what="ms to import the inactive plugin", found=added, limit=IMPORT_LIMIT_MS),
    )


def _cpu_ms(module: str, folder: Path, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", f"import {module}"]
    output = folder / "import.txt"
    cost = measure(command, folder=folder, output=output, environment=environment, limit_s=60)
    return cost.cpu_s * 1000


def _time_added(environment: Mapping[str, str]) -> tuple[float, tuple[str, ...]]:
    answers = []
    for _ in range(TIMES):
        answer = subprocess.run(
            [sys.executable, "-c", PROBE],
            env=environment,
            cwd=environment["TMPDIR"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        answers.append(json.loads(answer.stdout))
    return statistics.median(answer["ms"] for answer in answers), tuple(answers[-1]["modules"])
