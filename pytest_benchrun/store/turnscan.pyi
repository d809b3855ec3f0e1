from collections.abc import Callable

from pytest_benchrun.core.turn_stats import TurnNumbers

class TurnScanner:
    def __init__(self, counts: Callable[[str, int], bool]) -> None: ...
    def take_numbers(self, block: bytes | memoryview) -> tuple[TurnNumbers, bytes]: ...
