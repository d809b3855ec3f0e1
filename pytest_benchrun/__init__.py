"""Long benchmark campaigns in pytest: live status, soft stops, and a resume that loses nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers take for true; `typing` itself takes a third of what `benchrun status` does
if TYPE_CHECKING:  # for annotations; importing it here would cost every pytest session on the machine
    from pytest_benchrun.hooks.bench import BenchRun
    from pytest_benchrun.hooks.sandbox import Sandbox
    from pytest_benchrun.results import BenchmarkResult, BenchmarkStatus, RunResults, load_run
    from pytest_benchrun.runner import BenchmarkRunner

__all__ = [
    "BenchRun",
    "BenchmarkResult",
    "BenchmarkRunner",
    "BenchmarkStatus",
    "RunResults",
    "Sandbox",
    "__version__",
    "load_run",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The public names on first use: this module is imported by every pytest session on the machine."""
    if name == "BenchRun":
        from pytest_benchrun.hooks import bench  # late: see above

        return bench.BenchRun
    if name == "BenchmarkRunner":
        from pytest_benchrun import runner  # late: as above

        return runner.BenchmarkRunner
    if name == "Sandbox":
        from pytest_benchrun.hooks import sandbox  # late: as above

        return sandbox.Sandbox
    if name in __all__:
        from pytest_benchrun import results  # late: as above

        found: object = getattr(results, name)
        return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
