"""Units that strike more than their own process, each in a campaign of its own: the table."""

from __future__ import annotations

from dataclasses import dataclass
from signal import SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """What the unit does, and what must become of its attempt and its session on one engine.

    Attributes:
        ended: how its process ended, once a resume has found it where the session was killed.
        code: what the session exits with.
        state: of the run then, as `benchrun status` says it by its exit code: 0, 10, 11 or 13.
    """

    does: str
    engine: str
    status: str = "completed"
    ended: str = "exited"
    code: int = 2
    state: int = 11


_TERM = "os.kill(os.getpid(), signal.SIGTERM)"
_GROUP_TERM = "os.killpg(0, signal.SIGTERM)"
_SUSPEND = "os.kill(os.getpid(), signal.SIGSTOP)"


def _kills(engine: str) -> Lone:
    return Lone(
        does="os.killpg(0, signal.SIGKILL)",
        engine=engine,
        status="interrupted",
        ended="killed",
        code=-SIGKILL,
        state=13,
    )


LONE = {
    "terminates_itself-bare": Lone(does=_TERM, engine="bare"),
    "terminates_its_group-bare": Lone(does=_GROUP_TERM, engine="bare"),
    "terminates_its_group-n2": Lone(does=_GROUP_TERM, engine="n2"),
    "kills_its_group-bare": _kills("bare"),
    "kills_its_group-n2": _kills("n2"),
    "suspends_itself-n2": Lone(does=_SUSPEND, engine="n2", status="timeout", ended="stuck", code=1, state=10),
}
"""A first SIGTERM asks for a stop, whoever sends it: the unit ends, and the rest is for the resume."""

DELETES = "shutil.rmtree(HERE / 'results')"

FILLS = """
with open(os.path.join(os.environ['TMPDIR'], 'ballast'), 'wb', buffering=0) as file:
    for size in (65536, 1):
        try:
            while file.write(b'x' * size) == size: pass
        except OSError: pass
"""
