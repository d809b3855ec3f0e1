"""What people type of other hosts and of GPUs, as its value."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from typing import cast

from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.core.hostname import ssh_destination
from pytest_benchrun.core.settings import GpuUse
from pytest_benchrun.hooks import options
from pytest_benchrun.hooks.parsers import wrong


def parse_hosts(text: str) -> tuple[str, ...]:
    """Names of hosts between commas, each once.

    Raises:
        UsageProblem: one could be an option of ssh, or more than a host.
    """
    names = [part.strip() for part in text.split(",")]
    for name in names:
        if ssh_destination(name) is None:
            problem = f"{options.HOSTS.flag}: {name!r} is no host: a name, user@name, an address or user@[address]"
            raise UsageProblem(problem, hint=wrong(options.HOSTS, text, "").hint)
    return tuple(dict.fromkeys(names))


def parse_ssh(text: str) -> tuple[str, ...]:
    """A program and its options, as a shell takes them apart.

    Raises:
        UsageProblem: it names no program, or a quote is left open.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise wrong(options.SSH, text, f"a command ({error})") from error
    if not words:
        raise wrong(options.SSH, text, "a command")
    return tuple(words)


def parse_gpu(text: str) -> GpuUse:
    """`auto`, `on` or `off`.

    Raises:
        UsageProblem: anything else; or it is `on`, and the extra is missing.
    """
    if text not in {"auto", "on", "off"}:
        raise wrong(options.GPU, text, "auto, on or off")
    if text == "on" and find_spec("pynvml") is None:
        problem = f"{options.GPU.flag}=on needs nvidia-ml-py"
        raise UsageProblem(problem, hint="pip install 'pytest-benchrun[gpu]'")
    return cast("GpuUse", text)
