"""What an option is, and how pytest gets one."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        flag: as typed on the command line.
        metavar: the value's name in the help; None for a switch.
        ini: name in the configuration file; None when it makes sense on the command line only.
        env: environment variable that is looked at after the command line; None when there is none.
        default: as the help shows it.
        help: one or two sentences.
        choices: the values it takes; None for free ones.
        bare_value: the value when the flag stands alone; None when it needs one.
        is_repeated: whether it may be given several times.
        is_path: whether it names a place: `~` is the home folder, which no shell sees to after `--flag=`.
    """

    flag: str
    metavar: str | None
    help: str
    ini: str | None = None
    env: str | None = None
    default: str = ""
    choices: tuple[str, ...] | None = None
    bare_value: str | None = None
    is_repeated: bool = False
    is_path: bool = False

    @property
    def dest(self) -> str:
        """The attribute under which pytest keeps it."""
        return self.flag.removeprefix("--").replace("-", "_")


def add_option(parser: pytest.Parser, group: pytest.OptionGroup, option: Option) -> None:
    """Give pytest one option, and its name in the configuration file."""
    text = f"{option.help} Default: {option.default}." if option.default else option.help
    text = text.replace("%", "%%")
    flag, dest, metavar = option.flag, option.dest, option.metavar
    kind = _at_home if option.is_path else str
    if metavar is None:
        group.addoption(flag, action="store_true", default=False, dest=dest, help=text)
    elif option.bare_value is not None and option.choices is None:
        group.addoption(flag, nargs="?", const=option.bare_value, type=kind, metavar=metavar, dest=dest, help=text)
    elif option.bare_value is not None:
        flags = [flag, *(f"{flag}={value}" for value in option.choices or ())]
        group.addoption(*flags, action=_FlagWithValue, nargs=0, const=option.bare_value, dest=dest, help=text)
    elif option.is_repeated:
        group.addoption(flag, action="append", default=[], metavar=metavar, dest=dest, help=text)
    else:
        group.addoption(flag, default=None, choices=option.choices, type=kind, metavar=metavar, dest=dest, help=text)
    if option.ini is not None:
        parser.addini(option.ini, help=f"{flag}: {text}".replace("%%", "%"), default=None)


def _at_home(text: str) -> str:
    return os.path.expanduser(text)  # noqa: PTH111  # it may be empty, or a URL


class _FlagWithValue(argparse.Action):
    """`--flag`, and `--flag=value` for each value, as flags of their own.

    An option that may take a value would take the path after it: `pytest --bench-resume benchmarks/`.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  # argparse's signature
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002  # as above
        option_string: str | None = None,
    ) -> None:
        said = (option_string or "").partition("=")[2]
        setattr(namespace, self.dest, said or self.const)
