"""Facts without which the figures mean nothing: the machine, the versions, the disk, the plugins."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
SYNCS = 50

# Run in a child, so that the harness itself stays small (see process.py) and the answer is that
# of the environment the contenders get.
PROBE = """
import importlib.metadata, json, re
versions, plugins = {}, {}
for dist in importlib.metadata.distributions():
    name = re.sub(r"[-_.]+", "-", dist.metadata["Name"]).lower()
    versions.setdefault(name, dist.version)
    for point in dist.entry_points:
        if point.group == "pytest11":
            plugins[point.name] = name
print(json.dumps({"versions": versions, "plugins": plugins}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What is installed beside us.

    Attributes:
        versions: distribution name (normalized) to version.
        plugins: name of a pytest plugin to the distribution it belongs to.
    """

    versions: Mapping[str, str]
    plugins: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the figures were measured on.

    Attributes:
        cpu: model name.
        cores: logical processors this process may use.
        kernel: system, release and architecture.
        python: implementation and version.
        load: mean number of running processes in the minute before the start.
        file_system: type of the file system results are written to; None means unknown.
        fdatasync_us: median microseconds of appending a line and `fdatasync` there.
    """

    cpu: str
    cores: int
    kernel: str
    python: str
    load: float
    file_system: str | None
    fdatasync_us: float


def clean_environment(temporary: Path) -> dict[str, str]:
    """Build the variables of every run: an allow-list, so that nothing set here changes a figure.

    Args:
        temporary: where runs put their own temporary files.

    Returns:
        All variables; the hash seed is fixed, because it changes the cost of a run by a percent.
    """
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return kept | {"TMPDIR": str(temporary), "PYTHONHASHSEED": "0"}


def find_installed(environment: Mapping[str, str]) -> Installed:
    """Ask this interpreter, in the environment of the runs, what is installed."""
    command = [sys.executable, "-c", PROBE]
    answer = subprocess.run(
        command, env=environment, check=True, capture_output=True, timeout=60, cwd=environment["TMPDIR"]
    )
    found = json.loads(answer.stdout)
    return Installed(versions=found["versions"], plugins=found["plugins"])


def describe_machine(folder: Path) -> Machine:
    """Collect the facts.

    Args:
        folder: an existing folder on the disk that results are written to.
    """
    return Machine(
        cpu=_find_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        load=os.getloadavg()[0],
        file_system=_find_file_system(folder),
        fdatasync_us=_time_fdatasync(folder),
    )


def _find_cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _find_file_system(folder: Path) -> str | None:
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return None
    at = {line.split()[1]: line.split()[2] for line in mounts.read_text().splitlines()}
    above = (str(place) for place in (folder.resolve(), *folder.resolve().parents))
    return next((at[place] for place in above if place in at), None)


def _time_fdatasync(folder: Path) -> float:
    """Median microseconds to make one appended line durable; near zero where nothing is durable."""
    sync = os.fdatasync if sys.platform == "linux" else os.fsync
    probe = folder / "fdatasync"
    taken = []
    with probe.open("ab", buffering=0) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(b"x" * 180 + b"\n")
            sync(file.fileno())
            taken.append(time.perf_counter() - started)
    probe.unlink()
    return statistics.median(taken) * 1e6
