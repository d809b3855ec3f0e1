"""Brings a boilerplate into a sandbox: copies a folder, fetches a commit once for the whole run.

Owns `boilerplates/<name>/` in the results directory: `tree/` with the files of the commit, and `boilerplate.json`. The
first unit that needs it fetches it; a run that is resumed has the same commit however the branch has moved since.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import uuid
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_benchrun.core.argv import masked
from pytest_benchrun.core.boilerplate import GitSource
from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.core.slug import slug
from pytest_benchrun.world.command import CommandResult, Order, run

FETCH_S = 900.0
"""Longest time that git may take for a fetch or a checkout."""
MAKING = ".making-"

_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "init.defaultBranch": "main",
    "core.askPass": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
}


def copy_folder(source: Path, target: Path) -> None:
    """Copy what is in a folder into another one: files with their rights, and links that stay inside.

    Raises:
        SandboxProblem: there is a link that points outside, or what is no file, folder or link.
        OSError: the disk fails.
    """
    root = Path(os.path.realpath(source))
    waiting = [(root, target)]
    while waiting:
        folder, copy = waiting.pop()
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            path, goal = folder / entry.name, copy / entry.name
            if entry.is_symlink():
                _check_link(path, root)
                goal.symlink_to(path.readlink())
            elif entry.is_dir(follow_symlinks=False):
                goal.mkdir()
                waiting.append((path, goal))
            elif entry.is_file(follow_symlinks=False):
                shutil.copyfile(path, goal, follow_symlinks=False)
                goal.chmod(0o600 | (entry.stat(follow_symlinks=False).st_mode & 0o755))
            else:
                kind = stat.filemode(entry.stat(follow_symlinks=False).st_mode)
                problem = f"the boilerplate has {str(path.relative_to(root))!r} in it, a special file ({kind})"
                raise SandboxProblem(problem, hint=f"take it out: rm {path}")


def _check_link(path: Path, root: Path) -> None:
    goal = path.readlink()
    if goal.is_absolute() or not Path(os.path.realpath(path)).is_relative_to(root):
        problem = (
            f"the boilerplate has the link {str(path.relative_to(root))!r} in it, which leads outside: {str(goal)!r}"
        )
        raise SandboxProblem(problem, hint="replace it by what it points to")


def fetch_once(source: GitSource, place: Path) -> tuple[Path, str]:
    """The files of a commit, fetched when nobody of this run has done so yet; waits for who is doing it.

    Args:
        source: which commit.
        place: the folder of all boilerplates of the run.

    Returns:
        The folder with its files, and the commit's id.

    Raises:
        SandboxProblem: git could not; says what it said.
        OSError: the disk fails.
    """
    place.mkdir(parents=True, exist_ok=True)
    home = place / slug(f"{source.url}@{source.ref}")
    try:
        with FileLock(place / f".{home.name}.lock", timeout=2 * FETCH_S):
            if not (home / "boilerplate.json").exists():
                _fetch(source, place, home)
    except Timeout:
        problem = f"another process has been fetching {source.url} for {2 * FETCH_S:g} s"
        raise SandboxProblem(problem, hint=f"see what it does: lsof {place}") from None
    said = json.loads((home / "boilerplate.json").read_bytes())
    return home / "tree", str(said["commit"])


def _fetch(source: GitSource, place: Path, home: Path) -> None:
    making = place / f"{MAKING}{uuid.uuid4().hex}"
    tree = making / "tree"
    tree.mkdir(parents=True)
    try:
        _git(source, making, "init", "--quiet", "--bare", "--template=", "repository")
        arguments = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        _git(source, making, "--git-dir=repository", "fetch", *arguments, "boilerplate", f"+{source.ref}:refs/it")
        said = _git(source, making, "--git-dir=repository", "rev-parse", "--verify", "refs/it^{commit}")
        commit = said.tail.strip()
        _git(source, making, "--git-dir=repository", "--work-tree=tree", "checkout", "--quiet", "--force", commit)
        document = {"schema_version": 1, "url": source.url, "ref": source.ref, "commit": commit}
        shutil.rmtree(making / "repository")
        (making / "log").unlink()
        (making / "boilerplate.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        making.rename(home)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(making)
        raise


def _git(source: GitSource, making: Path, *words: str) -> CommandResult:
    log = making / "log"
    log.unlink(missing_ok=True)
    order = Order(argv=("git", *words), log=log, cwd=making, env=_environment(source), timeout_s=FETCH_S)
    result = run(order)
    if result.exit_code != 0:
        why = "it took too long" if result.is_timeout else masked(result.tail) or f"exit code {result.exit_code}"
        problem = f"git could not fetch {source.ref!r} of {source.url}:\n{why}"
        raise SandboxProblem(problem, hint=f"see whether it can by hand: git ls-remote {source.url}")
    return result


def _environment(source: GitSource) -> dict[str, str]:
    """Nothing of git's own variables, no hooks, no prompts, no other transports.

    The URL goes by a variable too: on a command line it could be taken for an option.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    config = {**_CONFIG, "remote.boilerplate.url": source.url}
    told = {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(config)}
    told |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(config.values())}
    scheme = source.url.partition(":")[0]
    return {
        **kept,
        **told,
        "GIT_CONFIG_COUNT": str(len(config)),
        "GIT_ALLOW_PROTOCOL": scheme if scheme == "file" else "https:ssh",
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }
