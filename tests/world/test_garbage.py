"""What is set aside is walked over by nobody, until it is taken back."""

from __future__ import annotations

import gc

from pytest_benchrun.world.garbage import set_what_is_there_aside, take_back_what_was_set_aside


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.self = self


def test_only_what_is_there_is_set_aside() -> None:
    before, frozen = Knot(), gc.get_freeze_count()
    set_what_is_there_aside()
    try:
        after = Knot()
        assert gc.get_freeze_count() > frozen
        walked = {id(one) for one in gc.get_objects()}
        assert id(after) in walked
        assert id(before) not in walked
    finally:
        take_back_what_was_set_aside()
    assert gc.get_freeze_count() == 0
    assert id(before) in {id(one) for one in gc.get_objects()}


def test_what_is_garbage_already_is_collected_first() -> None:
    Knot()
    set_what_is_there_aside()
    take_back_what_was_set_aside()
    assert not [one for one in gc.get_objects() if type(one) is Knot]
