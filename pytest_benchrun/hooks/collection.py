"""Keeps the garbage collector away from what was collected: registered in every process of a run that collects.

Of 100,000 items all stay. Walking them again and again takes 45 % of the time in which pytest collects them, more than
planning a run takes; and a walk in the middle of a unit, a third of a second, would be measured with it.
"""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from pytest_benchrun.world.garbage import without_garbage_collection


class CollectionHooks:
    """Collects without the collector, and puts what is there by then out of its sight until the session is over.

    Args:
        config: pytest's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._is_frozen = False
        # The first one to be registered is the last one to be called: behind pytest's own walks at the end.
        config.add_cleanup(self._give_back)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Collect, select and plan; no unit has begun by then."""
        with without_garbage_collection():
            result = yield
        if not gc.get_freeze_count():  # otherwise it is the business of whoever runs pytest
            gc.freeze()
            self._is_frozen = True
        return result

    def _give_back(self) -> None:
        if self._is_frozen:
            self._is_frozen = False
            gc.unfreeze()
