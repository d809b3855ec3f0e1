"""What the GPUs of this host do, through nvidia-ml-py: an extra.

Also sent to other hosts, see `outpost.py`: standard library only beside the extra, and nothing of ours.
"""

from __future__ import annotations

from typing import Any

_MB = 1024 * 1024
_MW_PER_W = 1000.0


class NoGpus(Exception):
    """There is nothing to read.

    Attributes:
        is_broken: whether something is there that should have worked.
    """

    def __init__(self, reason: str, *, is_broken: bool) -> None:
        super().__init__(reason)
        self.is_broken = is_broken


class Gpus:
    """The GPUs of this host; asked in one thread at a time.

    Raises:
        NoGpus: there are none, or the library is missing or broken.
    """

    def __init__(self) -> None:
        try:
            import pynvml  # late: an extra, and only for those who sample
        except ModuleNotFoundError as error:
            is_absent = error.name == "pynvml"
            reason = "nvidia-ml-py is not installed" if is_absent else f"nvidia-ml-py cannot be imported: {error}"
            raise NoGpus(reason, is_broken=not is_absent) from error
        except Exception as error:  # a library that breaks at its import must not cost the run
            raise NoGpus(f"nvidia-ml-py cannot be imported: {error!r}", is_broken=True) from error
        self._nvml: Any = pynvml
        try:
            self._devices = self._open()
        except Exception as error:
            raise NoGpus(f"NVML does not answer: {error}", is_broken=self._is_broken(error)) from error
        if not self._devices:
            raise NoGpus("NVML knows no GPU", is_broken=False)

    def _open(self) -> list[Any]:
        self._nvml.nvmlInit()
        return [self._nvml.nvmlDeviceGetHandleByIndex(place) for place in range(self._nvml.nvmlDeviceGetCount())]

    def _is_broken(self, error: Exception) -> bool:
        """Whether this is more than a host without a driver."""
        absent = [getattr(self._nvml, f"NVMLError_{name}", None) for name in ("LibraryNotFound", "DriverNotLoaded")]
        return not isinstance(error, tuple(kind for kind in absent if kind is not None))

    def facts(self) -> list[dict[str, str]]:
        """One table a GPU, as `machine.facts` has it from `nvidia-smi`; what a GPU does not tell is missing."""
        version = self._text(self._ask("nvmlSystemGetDriverVersion"))
        found = []
        for device in self._devices:
            memory = self._ask("nvmlDeviceGetMemoryInfo", device)
            limit_mw = self._ask("nvmlDeviceGetPowerManagementLimit", device)
            one = {
                "name": self._text(self._ask("nvmlDeviceGetName", device)),
                "driver_version": version,
                "memory.total": None if memory is None else f"{memory.total // _MB} MiB",
                "power.limit": None if limit_mw is None else f"{limit_mw / _MW_PER_W:.2f} W",
            }
            found.append({name: value for name, value in one.items() if value is not None})
        return found

    def read(self) -> dict[str, Any]:
        """Percent of time in use, of all GPUs and of the busiest; their memory, power and highest temperature.

        None for what no GPU tells.

        Raises:
            Exception: of the library, when it breaks down.
        """
        rates = [self._ask("nvmlDeviceGetUtilizationRates", device) for device in self._devices]
        shares = [float(rate.gpu) for rate in rates if rate is not None]
        memories = [self._ask("nvmlDeviceGetMemoryInfo", device) for device in self._devices]
        used = [int(memory.used) for memory in memories if memory is not None]
        powers = [self._ask("nvmlDeviceGetPowerUsage", device) for device in self._devices]
        watts = [power / _MW_PER_W for power in powers if power is not None]
        core = getattr(self._nvml, "NVML_TEMPERATURE_GPU", 0)
        found = [self._ask("nvmlDeviceGetTemperature", device, core) for device in self._devices]
        degrees = [float(value) for value in found if value is not None]
        return {
            "gpu_percent": round(sum(shares) / len(shares), 1) if shares else None,
            "busiest_gpu_percent": max(shares) if shares else None,
            "gpu_memory_used_bytes": sum(used) if used else None,
            "gpu_power_w": round(sum(watts), 1) if watts else None,
            "gpu_temperature_c": max(degrees) if degrees else None,
        }

    def _ask(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401  # of a library without annotations
        """What the library says; None for what this GPU does not have."""
        try:
            return getattr(self._nvml, name)(*arguments)
        except self._nvml.NVMLError_NotSupported:
            return None

    @staticmethod
    def _text(value: Any) -> str | None:  # noqa: ANN401  # text, or bytes before version 11 of the library
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def gpu_facts() -> list[dict[str, str]]:
    """`Gpus.facts` of this host; nothing where none can be read."""
    try:
        return Gpus().facts()
    except Exception:  # noqa: BLE001  # who samples says what is wrong
        return []


def read_none() -> dict[str, Any]:
    """In place of `Gpus.read` where there are none."""
    return {}
