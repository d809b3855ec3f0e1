"""Python's garbage collector, kept out where it finds nothing."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """While very many objects are made that all stay: each walk over them takes time and frees nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def set_what_is_there_aside() -> None:
    """Leave out of every later walk what there is now: before a loop through which all of it stays.

    Of 10,000 units, pytest's items alone take 0.1 to 0.2 s a walk, and a loop over them has several; a unit that
    asks for a collection before it measures pays for each of them. What is made from here on is collected as ever.
    """
    gc.collect()  # what is garbage already would stay too
    gc.freeze()


def take_back_what_was_set_aside() -> None:
    """The end of it, when nobody walks any more."""
    gc.unfreeze()
