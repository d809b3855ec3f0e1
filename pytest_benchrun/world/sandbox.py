"""Working directories of units, and the sweep of those that killed processes have left.

Owns `sandboxes/` in the results directory: `<unit>-<8 hex>/work` is where a unit works, `owner.json` beside it says
which process made it, and which device and inode the folder has. Only what that file proves to be ours is ever removed.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.core.model import Owner
from pytest_benchrun.core.slug import slug
from pytest_benchrun.world.boilerplate import MAKING
from pytest_benchrun.world.process import is_alive, this_process
from pytest_benchrun.world.removal import GOING, remove_folder

OWNER = "owner.json"
WORK = "work"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One sandbox, from its making to its end.

    Attributes:
        root: descriptor of the folder of all sandboxes, which stays right when somebody moves it.
        name: in that folder.
        path: where the unit works.
        inode: device and inode of the room.
    """

    root: int
    name: str
    path: Path
    inode: tuple[int, int]


def make_room(root: Path, unit_id: str, attempt: int, now_at: str) -> Room:
    """Make an empty sandbox.

    Raises:
        SandboxProblem: the folder of all sandboxes is not ours.
        OSError: the disk fails.
    """
    folder, name = _make_empty(root, slug(unit_id))
    try:
        inode = _inode(folder, name) or (0, 0)
        owner = asdict(this_process(now_at))
        said = {"schema_version": 1, "unit_id": unit_id, "attempt": attempt, "owner": owner, "inode": inode}
        (root / name / OWNER).write_text(json.dumps(said) + "\n", "utf-8")
        (root / name / WORK).mkdir()
    except BaseException:
        remove_folder(folder, name)
        os.close(folder)
        raise
    return Room(root=folder, name=name, path=root / name / WORK, inode=inode)


def _make_empty(root: Path, stem: str) -> tuple[int, str]:
    """A new folder: the descriptor of the one that it is in, and its name there."""
    name = f"{stem}-{uuid.uuid4().hex[:8]}"
    while True:
        root.mkdir(parents=True, exist_ok=True)
        try:
            folder = os.open(root, _DIRECTORY)
        except FileNotFoundError:  # the end of another unit has removed it as empty
            continue
        except OSError as error:
            problem = f"{str(root)!r} cannot be the folder of sandboxes: {error.strerror}"
            raise SandboxProblem(problem, hint=f"it must be a folder, not a link: ls -ld {root}") from error
        try:
            os.mkdir(name, 0o777, dir_fd=folder)
        except FileNotFoundError:  # as above
            os.close(folder)
        else:
            return folder, name


def remove_room(room: Room) -> list[str]:
    """Remove a sandbox; returns what could not be removed, and why."""
    if _inode(room.root, room.name) != room.inode:
        return [f"{room.name}: it is not there any more, or another one has its name"]
    return remove_folder(room.root, room.name)


def leave_root(root: Path, room: Room) -> None:
    """Give back what holding a sandbox took, and the folder of all sandboxes when it is empty."""
    with suppress(OSError):
        if _same(room.root, root):
            root.rmdir()
    os.close(room.root)


def keep_room(room: Room, target: Path) -> None:
    """Move the working directory of a sandbox away, to where it stays.

    Raises:
        OSError: it could not be moved.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(f"{room.name}/{WORK}", target, src_dir_fd=room.root)


def collect_files(source: Path, patterns: Sequence[str], target: Path) -> list[str]:
    """Copy the files that match one of the patterns; links are left out.

    Args:
        source: a folder.
        patterns: of paths in it, as of `fnmatch`: a `*` matches `/` too.
        target: where they go, under the same paths.

    Returns:
        What could not be copied, and why.
    """
    problems = []
    for folder, _, names in os.walk(source):
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(source)
            if path.is_symlink() or not path.is_file():
                continue
            if any(fnmatchcase(relative.as_posix(), pattern) for pattern in patterns):
                try:
                    (target / relative).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target / relative, follow_symlinks=False)
                except OSError as error:
                    problems.append(f"{relative}: {error.strerror or error}")
    return problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a process that is gone has left.

    Attributes:
        path: where.
        what: in words, with the unit where it is known.
    """

    path: Path
    what: str


def find_leftovers(results: Path) -> list[Leftover]:
    """What dead processes have left of sandboxes and fetches; call it while holding the lock of the run."""
    found = []
    with _opened(results / "sandboxes") as root:
        for name in _names(root):
            what = _leftover_of(root or 0, name)
            if what is not None:
                found.append(Leftover(path=results / "sandboxes" / name, what=what))
    with _opened(results / "boilerplates") as place:
        cut_off = [name for name in _names(place) if name.startswith(MAKING)]
        found += [Leftover(path=results / "boilerplates" / name, what="a fetch that was cut off") for name in cut_off]
    return found


def remove_leftovers(results: Path, leftovers: Sequence[Leftover]) -> list[str]:
    """Remove them.

    Returns:
        What could not be removed, and why.
    """
    problems: list[str] = []
    for place in ("sandboxes", "boilerplates"):
        with _opened(results / place) as root:
            if root is not None:
                names = [one.path.name for one in leftovers if one.path.parent == results / place]
                problems += [problem for name in names for problem in remove_folder(root, name)]
    with suppress(OSError):
        (results / "sandboxes").rmdir()
    return problems


def sweep(results: Path) -> list[str]:
    """Remove what dead processes have left; what to tell people of it."""
    leftovers = find_leftovers(results)
    problems = remove_leftovers(results, leftovers)
    count = len(leftovers) - len(problems)
    notes = [f"removed {count} sandbox{'es' if count != 1 else ''} of killed processes"] if count > 0 else []
    return [*notes, *(f"a sandbox of a killed process could not be removed: {problem}" for problem in problems)]


def _leftover_of(root: int, name: str) -> str | None:
    if name.startswith(GOING):
        return "a sandbox whose removal was cut off"
    try:
        room = os.open(name, _DIRECTORY, dir_fd=root)
    except OSError:
        return None
    try:
        names = _names(room)
        if WORK not in names and set(names) <= {OWNER}:
            return "a sandbox that was being made"
        with open(os.open(OWNER, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=room), "rb") as file:  # noqa: PTH123  # a descriptor
            said = json.loads(file.read(100_000))
        owner, inode = Owner(**said["owner"]), tuple(said["inode"])
        found = os.fstat(room)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    finally:
        os.close(room)
    if inode != (found.st_dev, found.st_ino) or is_alive(owner) is not False:
        return None
    return f"the sandbox of {said['unit_id']}, left by pid {owner.pid}"


def _names(folder: int | None) -> list[str]:
    return [] if folder is None else sorted(os.listdir(folder))  # noqa: PTH208  # a descriptor, no path


def _inode(parent: int, name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _same(descriptor: int, path: Path) -> bool:
    here, there = os.fstat(descriptor), path.lstat()
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A folder of ours, open; None where there is none, or something else has its name."""
    try:
        descriptor = os.open(path, _DIRECTORY)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
