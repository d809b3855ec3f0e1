"""Whether a results directory can be used at all: asked before any work is spent."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import ExitStack, suppress
from pathlib import Path

import orjson

from pytest_benchrun.core.errors import DirectoryProblem, NewerSchema
from pytest_benchrun.core.events import SCHEMA_VERSION
from pytest_benchrun.core.settings import Settings
from pytest_benchrun.store.rundir import RunDir

NEEDED_BYTES = 1024 * 1024
_OURS = re.compile(
    r"(journal|turn_metrics|stacks|benchmark|output)\b.*"
    r"|(status|run_state|runstats|environment|run_error)\.json$|results\.sqlite$|\.benchrun\b.*"
    r"|(artifacts|incidents|timeseries|sandboxes|boilerplates|checkpoints|history)$"
)


def check_path(rundir: RunDir, settings: Settings) -> None:
    """Refuse what cannot be a results directory, or holds nothing to resume.

    Raises:
        DirectoryProblem: says which.
    """
    path = rundir.path
    try:
        exists, is_dir, is_link = path.exists(), path.is_dir(), path.is_symlink()
    except OSError as error:  # a name that is too long, a folder above that may not be looked into
        raise unusable(path, error, "look at") from error
    if is_link and not exists:
        message = f"--bench-results={str(path)!r} is a link to nothing"
        raise DirectoryProblem(message, hint=f"make the directory that it leads to, or rm {shlex.quote(str(path))}")
    if exists and not is_dir:
        message = f"--bench-results={str(path)!r} is not a directory"
        raise DirectoryProblem(message, hint="name another directory, or move that file away")
    if settings.resume and not exists:
        message = f"there is no run to resume: {str(path)!r} does not exist"
        raise DirectoryProblem(message, hint="start one: leave --bench-resume away")


def refuse_links(rundir: RunDir) -> None:
    """Refuse a directory where something of ours is a link: what a run writes must not land elsewhere.

    A STOP that is a link only asks for a stop, and is never written.

    Raises:
        DirectoryProblem: names the link.
    """
    try:
        with os.scandir(rundir.path) as entries:
            linked = sorted(entry.name for entry in entries if entry.is_symlink() and _OURS.match(entry.name))
    except OSError as error:
        raise unusable(rundir.path, error, "read") from error
    if linked:
        problem = f"{linked[0]!r} in {str(rundir.path)!r} is a link: what a run writes would land elsewhere"
        hint = f"rm {shlex.quote(str(rundir.path / linked[0]))}   (for another disk, let the whole directory be a link)"
        raise DirectoryProblem(problem, hint=hint)


def prepare(rundir: RunDir, settings: Settings, stack: ExitStack) -> None:
    """Make the directory if it is missing; `stack` removes it again when no run began in it.

    Raises:
        DirectoryProblem: it cannot be a results directory, or there is none to resume.
    """
    check_path(rundir, settings)
    path = rundir.path
    if not path.exists():
        try:
            rundir.disk.make_dir(path)
        except OSError as error:
            raise unusable(path, error) from error
        stack.callback(_remove_if_unused, rundir)
    refuse_links(rundir)


def _remove_if_unused(rundir: RunDir) -> None:
    """Take a directory of our own making away again when no run began in it."""
    with suppress(OSError):
        if {entry.name for entry in os.scandir(rundir.path)} <= {rundir.lock.name}:
            rundir.lock.unlink(missing_ok=True)
            rundir.path.rmdir()


def try_writing(rundir: RunDir) -> None:
    """A run that cannot write must not start.

    Raises:
        DirectoryProblem: it could not be written, or has no room.
    """
    try:
        free = rundir.disk.free_bytes(rundir.path)
        probe = rundir.path / f".benchrun-tmp-probe-{os.getpid()}"
        rundir.disk.write_atomically(probe, b" " * 65536)
        rundir.disk.unlink(probe)
    except OSError as error:
        raise unusable(rundir.path, error) from error
    if free < NEEDED_BYTES:
        message = f"only {free // 1024} kB are free on the disk of {str(rundir.path)!r}"
        raise DirectoryProblem(message, hint="make room, or name a directory on another disk with --bench-results")


def unusable(path: Path, error: OSError, verb: str = "write into") -> DirectoryProblem:
    """What the system said of the directory as an error for people."""
    message = f"cannot {verb} --bench-results={str(path)!r}: {error.strerror or error}"
    return DirectoryProblem(message, hint="make it writable, make room, or name another directory")


def refuse_newer_views(rundir: RunDir) -> None:
    """Never replace what a newer version of ours has written.

    Raises:
        NewerSchema: names the file and both versions.
    """
    for path in (rundir.status, rundir.run_state, rundir.runstats):
        with suppress(OSError, ValueError, TypeError, KeyError):
            version = orjson.loads(path.read_bytes())["schema_version"]
            if version > SCHEMA_VERSION:
                raise NewerSchema(str(path), version, SCHEMA_VERSION)
