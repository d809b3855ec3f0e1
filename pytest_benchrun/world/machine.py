"""The facts of a host that a measurement depends on. Standard library only, and nothing of ours.

This file is also sent to hosts that have no more than Python 3.8, see `outpost.py`; as a program it prints its facts
as JSON.
Reads `/proc` and `/sys`, asks `git` and `nvidia-smi` where they are; what a host does not tell is None.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

PROGRAM_S = 2.0
"""Seconds that a program which is asked may take."""

SHOWN_VARIABLES = re.compile(
    r"(OMP|MKL|OPENBLAS|BLIS|NUMEXPR|VECLIB|GOMP|KMP|MALLOC|CUDA|ROCR|HIP|NCCL|SLURM|PBS|LSB|XLA|TF|TORCH)_\w+"
    r"|CUDA_VISIBLE_DEVICES|PYTHONHASHSEED|PYTHONOPTIMIZE|PYTHONMALLOC|LD_PRELOAD|LANG|LC_ALL|TZ|CI|CONDA_DEFAULT_ENV"
)
"""Names of environment variables that are recorded, whole; all others stay where they are."""

_SECRET = re.compile(r"(?i)token|key|secret|passw|credential|auth|cookie|private|jwt|cert")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_CPU = Path("/sys/devices/system/cpu")
_VALUE_LENGTH = 300


def facts(folder: str | None = None, *, is_basic: bool = False) -> dict[str, Any]:
    """What this host is, and how it is now.

    Args:
        folder: a folder of the project, whose git commit is recorded; None for none.
        is_basic: leave out what asks a program or reads every package.

    Returns:
        What JSON can hold: `system`, `cpu`, `memory`, `load`, `power`, `disks`, `python`, `variables`, and unless
        basic `gpus` and `git`.
    """
    found: dict[str, Any] = {
        "host": platform.node(),
        "system": _system(),
        "cpu": {**_fixed_cpu(), "governors": _governors(), "is_turbo_on": _is_turbo_on()},
        "memory": memory(),
        "load_1min": load_1min(),
        "is_on_battery": _is_on_battery(),
        "disks": _disks(),
        "python": {**_python(), "packages": {} if is_basic else _packages()},
        "variables": shown_variables(os.environ),
    }
    if not is_basic:
        found["gpus"] = _gpus()
        found["git"] = None if folder is None else _git(folder)
    return found


def shown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The recorded variables of an environment, with what could be a secret masked."""
    return {
        name: "(masked)" if _SECRET.search(name) else _USERINFO.sub("(masked)@", _text(value))[:_VALUE_LENGTH]
        for name, value in sorted(environment.items())
        if SHOWN_VARIABLES.fullmatch(name)
    }


def _text(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()  # an environment may hold bytes that are no text


@lru_cache(maxsize=None)  # noqa: UP033  # `cache` came with Python 3.9
def _system() -> dict[str, Any]:
    return {
        "os": _release() or platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "container": _container(),
    }


def _release() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except (OSError, AttributeError):  # it came with Python 3.10
        return None


def _container() -> str | None:
    for name, marker in (("docker", "/.dockerenv"), ("podman", "/run/.containerenv")):
        if Path(marker).exists():
            return name
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    return "lxc" if "lxc" in (_read("/proc/1/cgroup") or "") else None


@lru_cache(maxsize=None)  # noqa: UP033  # `cache` came with Python 3.9
def _fixed_cpu() -> dict[str, Any]:
    text = _read("/proc/cpuinfo") or ""
    model = re.search(r"^(?:model name|Model|Hardware)\s*: (.+)$", text, re.MULTILINE)
    cores = set(re.findall(r"^physical id\s*: (\d+)$.*?^core id\s*: (\d+)$", text, re.MULTILINE | re.DOTALL))
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "model": model[1].strip() if model else platform.processor() or None,
        "cores": len(cores) or None,
        "threads": os.cpu_count(),
        "usable_threads": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "quota_cpus": _quota_cpus(),
        "numa_nodes": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or None,
        "is_virtual": bool(re.search(r"^flags\s*:.*\bhypervisor\b", text, re.MULTILINE)) if text else None,
    }


def _quota_cpus() -> float | None:
    """CPUs that the control group may use; None for all of them."""
    quota = (_read("/sys/fs/cgroup/cpu.max") or "max").split()
    return int(quota[0]) / int(quota[1]) if len(quota) == 2 and quota[0] != "max" else None  # noqa: PLR2004


def _governors() -> list[str]:
    """The frequency governors in use, without repeats; none where the host shows none."""
    return sorted({_read(path) or "" for path in _CPU.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""})


def _is_turbo_on() -> bool | None:
    no_turbo = _read(_CPU / "intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == "0"
    boost = _read(_CPU / "cpufreq/boost")
    return None if boost is None else boost == "1"


def memory() -> dict[str, Any]:
    """Bytes of it, as the kernel counts them; None for what it does not tell."""
    lines = re.findall(r"^(\w+):\s+(\d+) kB$", _read("/proc/meminfo") or "", re.MULTILINE)
    sizes = {name: int(size) * 1024 for name, size in lines}
    limit = _read("/sys/fs/cgroup/memory.max")
    swap, free = sizes.get("SwapTotal"), sizes.get("SwapFree")
    return {
        "total_bytes": sizes.get("MemTotal"),
        "available_bytes": sizes.get("MemAvailable"),
        "limit_bytes": int(limit) if limit is not None and limit.isdigit() else None,
        "swap_used_bytes": swap - free if swap is not None and free is not None else None,
    }


def load_1min() -> float | None:
    """How many wanted to run, on average of the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _is_on_battery() -> bool | None:
    """Whether no mains supply is online; None where there is no battery."""
    supplies = [(_read(path / "type"), path) for path in Path("/sys/class/power_supply").glob("*")]
    if not any(kind == "Battery" for kind, _ in supplies):
        return None
    return not any(_read(path / "online") == "1" for kind, path in supplies if kind != "Battery")


def _disks() -> list[dict[str, Any]]:
    """Mounted disks, once each."""
    seen: dict[str, dict[str, Any]] = {}
    for line in (_read("/proc/mounts") or "").splitlines():
        device, mount, kind, *_ = line.split()
        if not device.startswith("/dev/") or device in seen:
            continue
        try:
            usage = shutil.disk_usage(mount)
        except OSError:
            continue
        seen[device] = {
            "device": device,
            "mount": mount,
            "filesystem": kind,
            "total_bytes": usage.total,
            "free_bytes": usage.free,
        }
    return list(seen.values())


def _python() -> dict[str, Any]:
    return {"version": platform.python_version(), "implementation": platform.python_implementation()}


_NAME_AND_VERSION = re.compile(r"^(Name|Version):(.*)$", re.MULTILINE)


@lru_cache(maxsize=None)  # noqa: UP033  # `cache` came with Python 3.9
def _packages() -> dict[str, str]:
    """Every installed distribution and its version, sorted by name."""
    return dict(sorted(_distributions()))


def _distributions() -> Iterator[tuple[str, str]]:
    for one in metadata.distributions():
        # `one.metadata` would parse all of the text, the description among it: 50 ms for 70 distributions
        head = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "").partition("\n\n")[0]
        said = {name: value.strip() for name, value in _NAME_AND_VERSION.findall(head)}
        name = said.get("Name") or one.metadata["Name"]
        if name:
            yield name, said.get("Version") or one.version


def _gpus() -> list[dict[str, str]]:
    names = ("name", "driver_version", "memory.total", "clocks.max.sm", "power.limit")
    said = _ask("nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader")
    return [dict(zip(names, re.split(r",\s*", line))) for line in (said or "").splitlines() if line]  # noqa: B905  # `strict` came with Python 3.10


def _git(folder: str) -> dict[str, Any] | None:
    """Commit and whether files differ from it; None where the folder is in no repository."""
    commit = _ask("git", "-C", folder, "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _ask("git", "-C", folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "is_dirty": None if changes is None else bool(changes)}


def _ask(*argv: str) -> str | None:
    """What a program prints; None when it is not there, fails or takes too long."""
    if shutil.which(argv[0]) is None:
        return None
    try:
        asked = subprocess.run(  # a fixed program, no shell
            argv, capture_output=True, timeout=PROGRAM_S, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.decode("utf-8", "replace").strip()


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return None


if __name__ == "__main__":
    json.dump(facts(), sys.stdout)
