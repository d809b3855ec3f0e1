"""Command lines of programs: what can be one, and how people are shown it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from pytest_benchrun.core.errors import CommandProblem, nearest
from pytest_benchrun.core.jsonsafe import safe_repr, safe_text
from pytest_benchrun.core.secrets import masked_words

_SHOWN_LENGTH = 500
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")

DEBIAN = {
    "cp2k": "cp2k",
    "ffmpeg": "ffmpeg",
    "g++": "g++",
    "gcc": "gcc",
    "gfortran": "gfortran",
    "git": "git",
    "gmx": "gromacs",
    "gnuplot": "gnuplot",
    "hyperfine": "hyperfine",
    "lmp": "lammps",
    "make": "make",
    "mpirun": "openmpi-bin",
    "nwchem": "nwchem",
    "obabel": "openbabel",
    "perf": "linux-perf",
    "psi4": "psi4",
    "pw.x": "quantum-espresso",
    "rsync": "rsync",
    "sqlite3": "sqlite3",
    "ssh": "openssh-client",
    "strace": "strace",
    "xtb": "xtb",
}
"""Programs of campaigns, and the Debian package that has each."""
PIP = {"cmake": "cmake", "ninja": "ninja", "ruff": "ruff", "snakemake": "snakemake"}
"""Programs that come from the package index of Python."""


def check_argv(argv: object) -> None:
    """Refuse what is no command line.

    Raises:
        CommandProblem: says which word, and what to write.
    """
    if isinstance(argv, str | bytes):
        text = argv if isinstance(argv, str) else argv.decode("utf-8", "replace")
        raise CommandProblem(
            f"the command {safe_repr(text)} is one text, and no shell takes it apart", hint=_split(text)
        )
    if not isinstance(argv, list | tuple):
        problem = f"the command {safe_repr(argv)} is no list of words"
        raise CommandProblem(problem, hint='for example: ["nwchem", "input.nw"]')
    if not argv or not argv[0]:
        problem = "the command has no program" if argv else "the command [] has no words"
        raise CommandProblem(problem, hint='for example: ["nwchem", "input.nw"]')
    for place, word in enumerate(argv):
        if not isinstance(word, str) and not hasattr(word, "__fspath__"):
            problem = f"word {place} of the command is {safe_repr(word)}, which is no text"
            raise CommandProblem(problem, hint=f"str({safe_repr(word)})")
        if "\0" in str(word):
            problem = f"word {place} of the command, {safe_repr(str(word))}, has a NUL byte in it"
            raise CommandProblem(problem, hint="no program can be given one: write it into a file")


def check_variables(variables: Mapping[Any, Any] | None) -> None:
    """Refuse what an environment cannot hold.

    Raises:
        CommandProblem: names the variable.
    """
    for name, value in (variables or {}).items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise CommandProblem(f"env has the name {safe_repr(name)}", hint="a name is text without = and NUL")
        if value is not None and (not isinstance(value, str) or "\0" in value):
            problem = f"env[{name!r}] is {safe_repr(value)}, which is no text for a variable"
            raise CommandProblem(problem, hint=f"env={{{name!r}: str(...)}}, or None to take the variable away")


def shown_command(argv: tuple[str, ...]) -> str:
    """A command line as it could be typed, cut when it is long; what could be a secret is masked."""
    return safe_text(shlex.join(masked_words(argv)), _SHOWN_LENGTH)


def masked(text: str) -> str:
    """`text` without the user names and passwords of its URLs."""
    return _USERINFO.sub("(masked)@", text)


def how_to_install(name: str) -> str:
    """What to type to get a program."""
    program = name.rpartition("/")[2]
    if program in DEBIAN:
        return f"apt-get install {DEBIAN[program]}"
    if program in PIP:
        return f"pip install {PIP[program]}"
    close = nearest(program, [*DEBIAN, *PIP])
    meant = f'; or was "{close}" meant?' if program[:2] == close[:2] else ""
    return f'install it, or let the unit be skipped: missing="skip"{meant}'


def _split(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return f"a list of its words: {safe_repr(words)}"
