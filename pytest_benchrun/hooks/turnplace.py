"""Where a turn is open: in which thread or task; shared by the turns of Python and the compiled ones."""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from typing import Any, NoReturn

_MODULES = sys.modules
_thread = threading.get_ident

OPEN: ContextVar[Any] = ContextVar("benchrun_turn", default=None)
"""The turn that is open here; None where none is."""


def place() -> object:
    """What runs here: the task of a running event loop, else the thread."""
    task = task_here() if "asyncio" in _MODULES else None
    return _thread() if task is None else task


def task_here() -> object | None:
    """The task of a running event loop; None outside of one. Asked only where `asyncio` is imported."""
    try:
        asyncio = _MODULES["asyncio"]  # importing it would cost every campaign that has no tasks
        return None if asyncio._get_running_loop() is None else asyncio.current_task()  # noqa: SLF001  # the other raises
    except (AttributeError, KeyError):  # another thread is importing it: here no loop runs
        return None


def refuse_unopened(unit_id: str) -> NoReturn:
    """Refuse to end a turn that was not entered.

    Raises:
        RuntimeError: always.
    """
    message = f"a turn of unit {unit_id!r} is ended that was not entered"
    raise RuntimeError(f"{message}\n  -> with benchrun.turn() as turn:")


def refuse_again(unit_id: str, turn_index: int) -> NoReturn:
    """Refuse to enter a turn that was entered before.

    Raises:
        RuntimeError: always.
    """
    message = f"turn {turn_index} of unit {unit_id!r} is entered a second time"
    raise RuntimeError(f"{message}\n  -> with benchrun.turn() as turn: once for each turn")


def refuse_inner(unit_id: str, turn_index: int) -> NoReturn:
    """Refuse a turn inside this one.

    Raises:
        RuntimeError: always.
    """
    message = f"unit {unit_id!r} opens a turn inside its turn {turn_index}"
    raise RuntimeError(f"{message}\n  -> end that one first, or take benchrun.event() for a step inside a turn")
