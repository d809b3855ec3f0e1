"""Long benchmark campaigns in pytest: live status, soft stops, and a resume that loses nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers take for true; `typing` itself takes a third of what `benchrun status` does
if TYPE_CHECKING:  # for annotations; importing it here would cost every pytest session on the machine
    from pytest_benchrun.hooks.bench import BenchRun
    from pytest_benchrun.hooks.sandbox import Sandbox

__all__ = ["BenchRun", "Sandbox", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`BenchRun` and `Sandbox` on first use: this module is imported by every pytest session on the machine."""
    if name == "BenchRun":
        from pytest_benchrun.hooks.bench import BenchRun  # late: see above

        return BenchRun
    if name == "Sandbox":
        from pytest_benchrun.hooks.sandbox import Sandbox  # late: as above

        return Sandbox
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
