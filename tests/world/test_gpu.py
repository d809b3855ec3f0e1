"""What GPUs do: without one, with a library that is broken, and with one that only says that there are some.

No machine that runs these tests need have a GPU: where one must be, a small module stands for the library, in a process
of its own. What it cannot show is whether a driver answers as it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NVML = """
class NVMLError(Exception): pass
class NVMLError_NotSupported(NVMLError): pass
class NVMLError_LibraryNotFound(NVMLError): pass
class NVMLError_DriverNotLoaded(NVMLError): pass
class NVMLError_GpuIsLost(NVMLError): pass
NVML_TEMPERATURE_GPU = 0
class Rate:
    def __init__(self, gpu): self.gpu = gpu
class Memory:
    total, used = 8 * 2**30, 3 * 2**30
def nvmlInit(): pass
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(place): return place
def nvmlSystemGetDriverVersion(): return b"550.1"
def nvmlDeviceGetName(device): return f"Model {device}"
def nvmlDeviceGetMemoryInfo(device): return Memory
def nvmlDeviceGetUtilizationRates(device): return Rate(25 + 50 * device)
def nvmlDeviceGetPowerUsage(device):
    if device: raise NVMLError_NotSupported
    return 70_500
def nvmlDeviceGetPowerManagementLimit(device): return 250_000
def nvmlDeviceGetTemperature(device, sensor): return 40 + device
"""
LOOK = """
import json, sys
from pytest_benchrun.world.sighting import look_at_host
from pytest_benchrun.world.timeseries import gpus_of
said = []
read = gpus_of(sys.argv[1], said.append)
samples = [read(), read()]
(seen,) = look_at_host("full", "start", "/", "2026-11-21T10:00:00.000Z")
print(json.dumps([samples, said, seen.facts["gpus"]]))
"""


def _look(folder: Path, library: str | None, use: str = "auto") -> tuple[list[dict[str, Any]], list[str], Any]:
    """What a process says that has this library: two samples, complaints, facts."""
    if library is not None:
        (folder / "pynvml.py").write_text(library, "utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
    environment["PATH"] = str(folder)  # without an nvidia-smi
    argv = [sys.executable, "-c", LOOK, use]
    said = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    samples, complaints, facts = json.loads(said.stdout)
    return samples, complaints, facts


def test_what_they_do_is_summed_up(tmp_path: Path) -> None:
    samples, said, facts = _look(tmp_path, NVML)
    assert said == []
    assert samples[1] == {
        "gpu_percent": 50.0,
        "busiest_gpu_percent": 75.0,
        "gpu_memory_used_bytes": 6 * 2**30,
        "gpu_power_w": 70.5,
        "gpu_temperature_c": 41.0,
    }
    one = {"driver_version": "550.1", "memory.total": "8192 MiB", "power.limit": "250.00 W"}
    assert facts == [{"name": "Model 0", **one}, {"name": "Model 1", **one}]


def test_off_is_off(tmp_path: Path) -> None:
    assert _look(tmp_path, NVML, "off")[:2] == ([{}, {}], [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("def nvmlInit(): raise NVMLError_LibraryNotFound('not found')", "NVML does not answer: not found"),
        ("def nvmlInit(): raise NVMLError_DriverNotLoaded('not loaded')", "NVML does not answer: not loaded"),
        ("def nvmlDeviceGetCount(): return 0", "NVML knows no GPU"),
    ],
)
def test_a_host_without_gpus_is_silent_unless_asked(tmp_path: Path, change: str, reason: str) -> None:
    assert _look(tmp_path, NVML + change) == ([{}, {}], [], [])
    assert _look(tmp_path, NVML + change, "on")[1] == [f"no GPU is sampled: {reason}"]


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("raise RuntimeError('bad wheel')", "nvidia-ml-py cannot be imported: RuntimeError('bad wheel')"),
        ("import no_such_module", "nvidia-ml-py cannot be imported: No module named 'no_such_module'"),
        (NVML + "def nvmlInit(): raise NVMLError('unknown')", "NVML does not answer: unknown"),
        ("", "NVML does not answer: module 'pynvml' has no attribute 'nvmlInit'"),
    ],
)
def test_a_library_that_is_broken_is_noted_once(tmp_path: Path, library: str, reason: str) -> None:
    samples, said, _ = _look(tmp_path, library)
    assert (samples, said) == ([{}, {}], [f"no GPU is sampled: {reason}"])


def test_one_that_breaks_down_is_noted_once_and_costs_its_fields_only(tmp_path: Path) -> None:
    change = "def nvmlDeviceGetUtilizationRates(device): raise NVMLError_GpuIsLost('lost')"
    samples, said, facts = _look(tmp_path, NVML + change)
    assert (samples, said) == ([{}, {}], ["no GPU is sampled any more: lost"])
    assert len(facts) == 2


def test_the_real_library_is_silent_where_there_is_no_driver(tmp_path: Path) -> None:
    pynvml = pytest.importorskip("pynvml")
    if not _lacks_driver(pynvml):
        pytest.skip("this host has a driver")
    assert _look(tmp_path, None) == ([{}, {}], [], [])
    (said,) = _look(tmp_path, None, "on")[1]
    assert said.startswith("no GPU is sampled: NVML does not answer: ")


def _lacks_driver(pynvml: Any) -> bool:  # noqa: ANN401  # a module without annotations
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        return True
    return False
